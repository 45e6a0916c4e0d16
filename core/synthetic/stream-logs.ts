import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../disk-full.ts'
import { LogWriter } from '../log/writing/log-writer.ts'
import { metaJson } from '../log/writing/meta-json.ts'
import { crc32 } from '../message/crc32.ts'
import { recordBytes } from '../message/record.ts'
import { type MarketIdentity, STREAM_BOOK, type SyntheticGap, type SyntheticOutput } from './synthetic-feed.ts'

/** What `meta.json` says besides the times (docs/format.md, Archives). */
export interface MetaFacts {
  readonly venue: string
  readonly identity: MarketIdentity
  /** Where the data came from. */
  readonly source: Readonly<Record<string, string | number>>
  /** Injected gaps of all days and streams. */
  readonly gaps: readonly SyntheticGap[]
}

/** The logs of one symbol and day, one per stream; a stream without messages leaves no folder. */
export class StreamLogs implements SyntheticOutput {
  /** Bytes of the records written so far. */
  recordBytes = 0
  readonly #dayDirectory: string
  readonly #date: string
  readonly #names: ReadonlyMap<number, string>
  readonly #segmentBytes: number
  readonly #logs: (StreamLog | undefined)[] = []

  /** @param directory the symbol's folder; `names` are the streams' folders by stream id */
  constructor(directory: string, date: string, names: ReadonlyMap<number, string>, segmentBytes: number) {
    this.#dayDirectory = path.join(directory, date)
    this.#date = date
    this.#names = names
    this.#segmentBytes = segmentBytes
  }

  write(
    stream: number,
    typeId: number,
    timestampLow: number,
    timestampHigh: number,
    payload: Uint8Array,
    start: number,
    length: number,
  ): void {
    const log = this.#logs[stream] ?? this.#open(stream)
    log.writer.appendRecord(typeId, timestampLow, timestampHigh, payload, start, length, crc32(payload, start, start + length))
    log.observe(timestampLow, timestampHigh)
    this.recordBytes += recordBytes(length)
  }

  /** Seals the logs and describes each in its `meta.json`. @throws ReplayError input `disk-full`, and those of `LogWriter` */
  finish(facts: MetaFacts): void {
    this.#logs.forEach((log, stream) => {
      if (log === undefined) return
      log.writer.finish()
      const name = this.#names.get(stream)!
      const gaps = facts.gaps.filter((gap) => gap.date === this.#date && gap.stream === name)
      const file = path.join(log.writer.path, 'meta.json')
      needingRoom(file, 'file', () => fs.writeFileSync(file, metaOf(stream, log, { ...facts, gaps })))
    })
  }

  #open(stream: number): StreamLog {
    const directory = path.join(this.#dayDirectory, this.#names.get(stream)!)
    const log = new StreamLog(LogWriter.open(directory, { segmentBytes: this.#segmentBytes }))
    this.#logs[stream] = log
    return log
  }
}

/** A log being written, and the range of its record times. */
class StreamLog {
  readonly writer: LogWriter
  #minLow = 0xffff_ffff
  #minHigh = 0xffff_ffff
  #maxLow = 0
  #maxHigh = 0

  constructor(writer: LogWriter) {
    this.writer = writer
  }

  get minNs(): bigint {
    return (BigInt(this.#minHigh) << 32n) | BigInt(this.#minLow)
  }

  get maxNs(): bigint {
    return (BigInt(this.#maxHigh) << 32n) | BigInt(this.#maxLow)
  }

  observe(low: number, high: number): void {
    if (high < this.#minHigh || (high === this.#minHigh && low < this.#minLow)) {
      this.#minLow = low
      this.#minHigh = high
    }
    if (high > this.#maxHigh || (high === this.#maxHigh && low > this.#maxLow)) {
      this.#maxLow = low
      this.#maxHigh = high
    }
  }
}

function metaOf(stream: number, log: StreamLog, facts: MetaFacts): string {
  const { identity } = facts
  const meta = {
    venue: facts.venue,
    symbol_code: identity.symbol,
    // No clock: the archive is complete as of its last record, and the same options give the same bytes.
    ingest_time_ns: log.maxNs,
    event_time_range: [log.minNs, log.maxNs],
    completeness: 'sealed',
    exchange_symbol: identity.exchangeSymbol,
    venue_id: identity.venueId,
    market_id: identity.marketId,
    stream_id: stream,
    source: facts.source,
    ...(stream === STREAM_BOOK ? { price_scale: identity.priceScale, size_scale: identity.sizeScale, gaps: facts.gaps } : {}),
  }
  return metaJson(meta)
}
