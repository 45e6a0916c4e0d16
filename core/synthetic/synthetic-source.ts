import { type BatchBuffer, MessageBatch } from '../message/batch.ts'
import { crc32 } from '../message/crc32.ts'
import {
  COMMIT_LEN_OFFSET,
  CRC32_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_VERSION,
  recordBytes,
  SEQ_OFFSET,
  TIMESTAMP_OFFSET,
  TYPE_OFFSET,
  VERSION_OFFSET,
} from '../message/record.ts'
import { BatchSource } from '../message/source.ts'
import { setU64 } from '../protocol/payload.ts'
import type { SyntheticOutput } from './synthetic-feed.ts'
import { createSyntheticSymbol, type SyntheticSymbol, type SyntheticSymbolOptions } from './synthetic-symbol.ts'

/** Messages of a batch, and those of the event that fills it. */
const BATCH_MESSAGES = 2048
/** Above what the start of a day can be: an L3 book's orders one by one. */
const BATCH_ROWS = 16_384
const INITIAL_BYTES = 1024 * 1024

/**
 * The messages of one synthetic symbol, its days and streams in the order they happen, without any files.
 * Sequences count from 0 over the whole source. Seeks run through the messages before.
 */
export class SyntheticSource extends BatchSource {
  readonly #options: SyntheticSymbolOptions
  readonly #batch: MessageBatch
  readonly #buffer: BatchBuffer
  #symbol: SyntheticSymbol
  readonly #rows: RowWriter
  #dayRuns = false
  /** Found by a seek, not yet handed out. */
  #pending: MessageBatch | null = null

  /**
   * @param checked test mode, see MessageBatch
   * @throws ReplayError input `generate-option`
   */
  constructor(options: SyntheticSymbolOptions, checked = false) {
    super()
    this.#options = options
    this.#symbol = createSyntheticSymbol(options)
    const bytes = new Uint8Array(INITIAL_BYTES)
    const origin = { path: '', symbol: this.#symbol.identity.symbol, resolveSymbol: null, segment: -1, bufferStart: 0 }
    this.#buffer = { bytes, view: new DataView(bytes.buffer), origin }
    this.#batch = new MessageBatch(checked)
    this.#batch.buffers = [this.#buffer]
    this.#batch.allocateColumns(BATCH_ROWS)
    this.#rows = new RowWriter(this.#batch, this.#buffer)
  }

  async close(): Promise<void> {
    while (this.#symbol.startDay(this.#rows)) {
      // days that nobody will read
    }
    this.#dayRuns = false
    this.#pending = null
  }

  protected readBatch(): MessageBatch | null {
    const pending = this.#pending
    this.#pending = null
    if (pending !== null) return pending
    this.#batch.release()
    this.#rows.start()
    while (this.#rows.count === 0) {
      if (!this.#dayRuns && !this.#symbol.startDay(this.#rows)) return null
      this.#dayRuns = this.#symbol.run(BATCH_MESSAGES)
    }
    this.#batch.reset(this.#rows.count, this.#rows.count)
    return this.#batch
  }

  protected seekSeq(seq: bigint): boolean {
    return this.#seek((row) => this.#batch.seqs[row]! >= seq)
  }

  protected seekTimestamp(timestampNs: bigint): boolean {
    return this.#seek((row) => this.#batch.times[row]! >= timestampNs)
  }

  #seek(isFound: (row: number) => boolean): boolean {
    this.#symbol = createSyntheticSymbol(this.#options)
    this.#rows.restart()
    this.#dayRuns = false
    this.#pending = null
    for (let batch = this.readBatch(); batch !== null; batch = this.readBatch()) {
      let row = 0
      while (row < batch.count && !isFound(row)) row++
      if (row === batch.count) continue
      batch.dropFirst(row)
      batch.scanned = batch.length
      this.#pending = batch
      return true
    }
    return false
  }
}

/** Lays messages out as records, one behind the other, and notes them in the batch's columns. */
class RowWriter implements SyntheticOutput {
  count = 0
  readonly #batch: MessageBatch
  readonly #buffer: BatchBuffer
  #used = 0
  #seq = 0

  constructor(batch: MessageBatch, buffer: BatchBuffer) {
    this.#batch = batch
    this.#buffer = buffer
  }

  start(): void {
    this.count = 0
    this.#used = 0
  }

  restart(): void {
    this.start()
    this.#seq = 0
  }

  write(
    _stream: number,
    typeId: number,
    timestampLow: number,
    timestampHigh: number,
    payload: Uint8Array,
    start: number,
    length: number,
  ): void {
    const at = this.#used
    this.#used += recordBytes(length)
    if (this.#used > this.#buffer.bytes.length) this.#grow()
    const { bytes, view } = this.#buffer
    bytes.fill(0, at, at + RECORD_HEADER_BYTES)
    view.setUint32(at + COMMIT_LEN_OFFSET, length + 1, true)
    view.setUint8(at + VERSION_OFFSET, RECORD_VERSION)
    setU64(view, at + SEQ_OFFSET, this.#seq)
    view.setUint32(at + TIMESTAMP_OFFSET, timestampLow, true)
    view.setUint32(at + TIMESTAMP_OFFSET + 4, timestampHigh, true)
    view.setUint16(at + TYPE_OFFSET, typeId, true)
    view.setUint32(at + CRC32_OFFSET, crc32(payload, start, start + length), true)
    bytes.set(payload.subarray(start, start + length), at + RECORD_HEADER_BYTES)
    bytes.fill(0, at + RECORD_HEADER_BYTES + length, this.#used)
    this.#note(at, typeId, length, timestampLow, timestampHigh)
  }

  #note(at: number, typeId: number, length: number, timestampLow: number, timestampHigh: number): void {
    const batch = this.#batch
    const row = this.count++
    batch.offsets[row] = at
    batch.lengths[row] = length
    batch.types[row] = typeId
    batch.seqWords[2 * row] = this.#seq
    batch.seqWords[2 * row + 1] = Math.floor(this.#seq / 2 ** 32)
    batch.timeWords[2 * row] = timestampLow
    batch.timeWords[2 * row + 1] = timestampHigh
    this.#seq++
  }

  #grow(): void {
    const bytes = new Uint8Array(Math.max(this.#buffer.bytes.length * 2, this.#used))
    bytes.set(this.#buffer.bytes)
    this.#buffer.bytes = bytes
    this.#buffer.view = new DataView(bytes.buffer)
  }
}
