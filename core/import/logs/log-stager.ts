import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { DATA_OFFSET } from '../../log/format/segment.ts'
import { LogWriter } from '../../log/writing/log-writer.ts'
import { recordBytes } from '../../message/record.ts'
import { venueIdOf } from '../../protocol/venues.ts'
import type { InstrumentIdentity, StreamName } from '../messages/instrument-identity.ts'
import { BackgroundSync } from './background-sync.ts'
import { RecordSealer } from './record-sealer.ts'
import { rescaleLog } from './rescale.ts'
import { RecordChunks, WaitingRecords } from './waiting-records.ts'

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

/** How much a log has. */
export interface StagedSize {
  readonly records: number
  readonly logBytes: number
}

/** Logs that are larger are written as they come; smaller ones at the end, in segments of their size. */
const SMALL_LOG_BYTES = 4 << 20
const SEGMENT_BYTES = 16 << 20
/** Logs that are being written at one time; records of others wait in files. */
const MAX_WRITERS = 64
/** Memory of the records of all logs that have no writer. */
const MAX_WAITING_BYTES = 16 << 20
/** Records of a log that has one, written at a time. */
const BATCH_BYTES = 128 << 10

/**
 * Writes many logs at one time, below a folder of their own, in bounded memory. What they are like follows from what is put into each
 * of them alone.
 */
export class LogStager {
  readonly directory: string
  readonly sealer = new RecordSealer()
  readonly chunks = new RecordChunks()
  readonly disk = new BackgroundSync()
  /** Messages that keep coarser scales than those of their log, as no double holds their numbers in these. */
  coarse = 0
  readonly #logs = new Map<string, StagedLog>()
  #writers = 0
  #waitingBytes = 0

  /** @param directory is made; nothing else is in it */
  constructor(directory: string) {
    this.directory = directory
    needingRoom(directory, 'folder', () => fs.mkdirSync(directory, { recursive: true }))
  }

  /** The log of a stream and day. Its identity is another one where another symbol with the same code was first. */
  open(identity: InstrumentIdentity, date: string, stream: StreamName): StagedLog {
    const key = `${identity.venue}/${identity.symbol}/${date}/${stream.name}`
    let log = this.#logs.get(key)
    if (log === undefined) {
      log = new StagedLog(this, key, path.join(this.directory, String(this.#logs.size)), identity, stream.id)
      this.#logs.set(key, log)
    }
    return log
  }

  /** Completes all logs. */
  async finish(): Promise<StagedFolder[]> {
    const folders: StagedFolder[] = []
    for (const log of this.#logs.values()) {
      const folder = await log.finish()
      if (folder !== null) folders.push(folder)
    }
    this.sealer.close()
    await this.disk.finish()
    return folders
  }

  /** What was put so far, by `<venue>/<symbol>/<date>/<stream>`. */
  get staged(): ReadonlyMap<string, StagedSize> {
    return this.#logs
  }

  /** Leaves it unfinished. */
  async abandon(): Promise<void> {
    for (const log of this.#logs.values()) log.abandon()
    this.sealer.close()
    await this.disk.finish()
    fs.rmSync(this.directory, { recursive: true, force: true })
  }

  /** Whether a log may have a writer of its own now. */
  takeWriter(): boolean {
    if (this.#writers === MAX_WRITERS) return false
    this.#writers++
    return true
  }

  /** What waits has more memory, or less. */
  wait(bytes: number): void {
    this.#waitingBytes += bytes
  }

  /** Where too much waits, the largest go into files. */
  makeRoom(): void {
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
  /** Of all records. */
  logBytes = 0
  depthLimit: number | null = null
  readonly #stager: LogStager
  readonly #key: string
  readonly #directory: string
  readonly #streamId: number
  readonly #waiting: WaitingRecords
  #writer: LogWriter | null = null
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
    this.#waiting = new WaitingRecords(`${directory}.waiting`, stager.chunks)
  }

  /** Memory of what waits for a writer. */
  get waitingBytes(): number {
    return this.#writer === null ? this.#waiting.memoryBytes : 0
  }

  /** Decimals of the message that is appended next. */
  observeScales(price: number, size: number): void {
    const [least, most] = [this.#least, this.#most]
    if (price < least[0]) least[0] = price
    if (size < least[1]) least[1] = size
    if (price > most[0]) most[0] = price
    if (size > most[1]) most[1] = size
  }

  /** Times never step back. @param length of the payload in bytes, a multiple of 4 */
  append(typeId: number, timestampLow: number, timestampHigh: number, payload: Uint32Array, length: number): void {
    const size = recordBytes(length)
    const waiting = this.#waiting
    if (waiting.isFull(size)) this.#makeRoom(size)
    waiting.put(typeId, this.records, timestampLow, timestampHigh, payload, length)
    if (this.records === 0) {
      this.#minLow = timestampLow
      this.#minHigh = timestampHigh
    }
    this.#maxLow = timestampLow
    this.#maxHigh = timestampHigh
    this.records++
    this.logBytes += size
  }

  /** Puts what waits for a writer into a file; how much memory that gives back. */
  spill(): number {
    const { waitingBytes } = this
    if (waitingBytes > 0) this.#waiting.spill()
    return waitingBytes
  }

  /** Nothing of it is used. */
  abandon(): void {
    this.#writer?.finish()
  }

  /** Seals the log; null: nothing was put into it. */
  async finish(): Promise<StagedFolder | null> {
    if (this.records === 0) return null
    this.#write()
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

  /** A large log has a writer, where there are not too many. */
  #makeRoom(size: number): void {
    const waiting = this.#waiting
    const isLarge = this.logBytes > SMALL_LOG_BYTES
    if (this.#writer !== null ? waiting.memoryBytes >= BATCH_BYTES : isLarge && !waiting.isSpilt && this.#stager.takeWriter()) this.#write()
    this.#stager.makeRoom()
    const before = this.waitingBytes
    waiting.extend(size)
    this.#stager.wait(this.waitingBytes - before)
  }

  /** Moves what waits into the log. */
  #write(): void {
    if (this.#writer === null) {
      this.#stager.wait(-this.#waiting.memoryBytes)
      this.#writer = this.#newWriter(this.#directory)
    }
    this.#waiting.drain(this.#writer, this.#stager.sealer)
  }

  #newWriter(directory: string): LogWriter {
    const { disk } = this.#stager
    const segmentBytes = segmentBytesFor(this.logBytes)
    const onSegment = segmentBytes === SEGMENT_BYTES ? (file: string) => disk.begin(file) : undefined
    return LogWriter.open(directory, { segmentBytes, isDurable: false, onSegment })
  }

  /** Writes the log once more, with the scales of the message that needs the finest, where all fit into these. */
  async #rescale([priceScale, sizeScale]: readonly [number, number]): Promise<void> {
    const aside = `${this.#directory}.coarse`
    fs.renameSync(this.#directory, aside)
    const writer = this.#newWriter(this.#directory)
    this.#stager.coarse += await rescaleLog(aside, priceScale, sizeScale, writer)
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
