import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { DATA_OFFSET } from '../../log/format/segment.ts'
import { LogWriter } from '../../log/writing/log-writer.ts'
import { crc32 } from '../../message/crc32.ts'
import { recordBytes } from '../../message/record.ts'
import type { InstrumentIdentity, StreamName } from '../messages/instrument-identity.ts'
import { venueIdOf } from '../messages/naming.ts'
import { RecordSpool } from './record-spool.ts'
import { rescaleLog } from './rescale.ts'

/** A log that was staged: a folder with sealed segments, still without `meta.json`. Whoever puts it in its place waits for the disk. */
export interface StagedFolder {
  /** `<venue>/<symbol>/<date>/<stream>`, as below `v1`. */
  readonly key: string
  readonly directory: string
  readonly identity: InstrumentIdentity
  readonly venueId: number
  readonly streamId: number
  readonly records: number
  /** Of records, nanoseconds since the epoch, as texts. */
  readonly minNs: string
  readonly maxNs: string
  /** Null: no book. */
  readonly scales: readonly [price: number, size: number] | null
  readonly depthLimit: number | null
}

/** Logs that are larger are written as they come; smaller ones at the end, in segments of their size. */
const SMALL_LOG_BYTES = 4 << 20
const SEGMENT_BYTES = 16 << 20
/** Logs that are being written at one time; records of others wait in files. */
const MAX_WRITERS = 24
/** Records of all logs that wait in memory. */
const MAX_WAITING_BYTES = 48 << 20

/**
 * Writes many logs at one time, below a folder of their own, in bounded memory. What they are like follows from what is put into each
 * of them alone.
 */
export class LogStager {
  readonly directory: string
  readonly #logs = new Map<string, StagedLog>()
  #writers = 0
  #waitingBytes = 0

  /** @param directory is made; nothing else is in it */
  constructor(directory: string) {
    this.directory = directory
    needingRoom(directory, 'folder', () => fs.mkdirSync(directory, { recursive: true }))
  }

  /** The log of a stream and day. @throws ReplayError input `symbol-collision` */
  open(identity: InstrumentIdentity, date: string, stream: StreamName): StagedLog {
    const key = `${identity.venue}/${identity.symbol}/${date}/${stream.name}`
    const found = this.#logs.get(key)
    if (found === undefined) {
      const log = new StagedLog(this, key, path.join(this.directory, String(this.#logs.size)), identity, stream.id)
      this.#logs.set(key, log)
      return log
    }
    const { exchangeSymbol } = found.identity
    if (exchangeSymbol === identity.exchangeSymbol) return found
    const both = `${JSON.stringify(exchangeSymbol)} and ${JSON.stringify(identity.exchangeSymbol)}`
    const message = `two symbols have the code ${identity.symbol}: ${both}; import them apart, with --symbols and --venue`
    throw new ReplayError('symbol-collision', message, { category: 'input' })
  }

  /** Completes all logs. */
  async finish(): Promise<StagedFolder[]> {
    const folders: StagedFolder[] = []
    for (const log of this.#logs.values()) {
      const folder = await log.finish()
      if (folder !== null) folders.push(folder)
    }
    return folders
  }

  /** Whether a log may have a writer of its own now. */
  takeWriter(): boolean {
    if (this.#writers === MAX_WRITERS) return false
    this.#writers++
    return true
  }

  /** More bytes wait in memory, or fewer; where it is too much, the largest go into files. */
  wait(bytes: number): void {
    this.#waitingBytes += bytes
    if (this.#waitingBytes <= MAX_WAITING_BYTES) return
    const largest = [...this.#logs.values()].sort((a, b) => b.waitingBytes - a.waitingBytes)
    for (const log of largest) {
      if (this.#waitingBytes <= MAX_WAITING_BYTES / 2) break
      this.#waitingBytes -= log.spill()
    }
  }
}

/** A log that is being put together. */
export class StagedLog {
  readonly identity: InstrumentIdentity
  records = 0
  depthLimit: number | null = null
  readonly #stager: LogStager
  readonly #key: string
  readonly #directory: string
  readonly #streamId: number
  #spool: RecordSpool | null
  #writer: LogWriter | null = null
  #logBytes = 0
  #minLow = 0
  #minHigh = 0
  #maxLow = 0
  #maxHigh = 0
  readonly #least: [price: number, size: number] = [255, 255]
  readonly #most: [price: number, size: number] = [-1, -1]

  constructor(stager: LogStager, key: string, directory: string, identity: InstrumentIdentity, streamId: number) {
    this.#stager = stager
    this.#key = key
    this.#directory = directory
    this.identity = identity
    this.#streamId = streamId
    this.#spool = new RecordSpool(`${directory}.spool`)
  }

  get waitingBytes(): number {
    return this.#spool?.waitingBytes ?? 0
  }

  /** Decimals of the message that is appended next. */
  observeScales(price: number, size: number): void {
    const [least, most] = [this.#least, this.#most]
    if (price < least[0]) least[0] = price
    if (size < least[1]) least[1] = size
    if (price > most[0]) most[0] = price
    if (size > most[1]) most[1] = size
  }

  /** Times never step back. The payload begins with the buffer. */
  append(typeId: number, timestampLow: number, timestampHigh: number, payload: Uint8Array, length: number): void {
    if (this.records === 0) {
      this.#minLow = timestampLow
      this.#minHigh = timestampHigh
    }
    this.#maxLow = timestampLow
    this.#maxHigh = timestampHigh
    this.records++
    this.#logBytes += recordBytes(length)
    if (this.#writer !== null) {
      this.#writer.appendRecord(typeId, timestampLow, timestampHigh, payload, 0, length, crc32(payload, 0, length))
      return
    }
    const before = this.#spool!.waitingBytes
    this.#spool!.put(typeId, timestampLow, timestampHigh, payload, length)
    this.#stager.wait(this.#spool!.waitingBytes - before)
    if (this.#logBytes > SMALL_LOG_BYTES && this.#spool !== null && !this.#spool.isSpilt && this.#stager.takeWriter()) this.#write()
  }

  /** Puts what waits into a file; how many bytes that were. */
  spill(): number {
    return this.#spool?.spill() ?? 0
  }

  /** Seals the log; null: nothing was put into it. */
  async finish(): Promise<StagedFolder | null> {
    if (this.records === 0) return null
    if (this.#writer === null) this.#write()
    this.#writer!.finish()
    const scales = this.#most[0] < 0 ? null : ([this.#most[0], this.#most[1]] as const)
    if (scales !== null && (this.#least[0] < scales[0] || this.#least[1] < scales[1])) await this.#rescale(scales)
    return {
      key: this.#key,
      directory: this.#directory,
      identity: this.identity,
      venueId: venueIdOf(this.identity.venue),
      streamId: this.#streamId,
      records: this.records,
      minNs: String((BigInt(this.#minHigh) << 32n) | BigInt(this.#minLow)),
      maxNs: String((BigInt(this.#maxHigh) << 32n) | BigInt(this.#maxLow)),
      scales,
      depthLimit: this.depthLimit,
    }
  }

  /** What waited goes into the log, and what follows directly. */
  #write(): void {
    const spool = this.#spool!
    this.#stager.wait(-spool.waitingBytes)
    this.#spool = null
    const writer = this.#newWriter(this.#directory)
    this.#writer = writer
    spool.drain((typeId, low, high, bytes, start, length) => {
      writer.appendRecord(typeId, low, high, bytes, start, length, crc32(bytes, start, start + length))
    })
  }

  #newWriter(directory: string): LogWriter {
    return LogWriter.open(directory, { segmentBytes: segmentBytesFor(this.#logBytes), isDurable: false })
  }

  /** Writes the log once more, with the scales of the message that needs the finest, where all fit into these. */
  async #rescale([priceScale, sizeScale]: readonly [number, number]): Promise<void> {
    const aside = `${this.#directory}.coarse`
    fs.renameSync(this.#directory, aside)
    const writer = this.#newWriter(this.#directory)
    await rescaleLog(aside, priceScale, sizeScale, writer)
    writer.finish()
    fs.rmSync(aside, { recursive: true })
  }
}

/** Segments of a log with so many bytes of records: small ones have one of their size. */
export function segmentBytesFor(logBytes: number): number {
  if (logBytes > SMALL_LOG_BYTES) return SEGMENT_BYTES
  let size = 4096
  while (size < logBytes + DATA_OFFSET) size *= 2
  return size
}
