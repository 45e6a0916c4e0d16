import { ReplayError } from '../errors.ts'
import { requireU64, requireUint } from '../field-range.ts'
import { MessageBatch } from './batch.ts'
import { crc32 } from './crc32.ts'
import type { BatchOrigin, MessageCursor } from './message.ts'
import {
  CRC32_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_VERSION,
  recordBytes,
  SEQ_OFFSET,
  TIMESTAMP_OFFSET,
  TYPE_OFFSET,
  VERSION_OFFSET,
} from './record.ts'

const INITIAL_BYTES = 256 * 1024
const INITIAL_ROWS = 1024
/** Most bytes a transform may hold before it flushes. */
export const MAX_BUILDER_BYTES = 1 << 30

/** A message to emit. */
export interface NewMessage {
  readonly typeId: number
  /** Nanoseconds since the epoch (u64). */
  readonly timestampNs: bigint
  readonly payload: Uint8Array
  /** @default 0 */
  readonly seq?: bigint
}

/**
 * Where a transform puts its output: copies of forwarded messages and messages it makes, laid out as on disk.
 * It owns its memory, so its contents may stay beyond `apply`.
 */
export class BatchBuilder {
  readonly #batch: MessageBatch
  readonly #downstream: (batch: MessageBatch) => Promise<void>
  #bytes = new Uint8Array(INITIAL_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #used = 0
  #rows = 0
  #capacity = INITIAL_ROWS
  #lastOrigin: BatchOrigin | null = null
  #lastOriginIndex = 0
  #forwarded = 0
  /** Batches handed on so far. */
  #flushes = 0
  #mark = { rows: 0, used: 0, forwarded: 0, flushes: 0 }
  /** The batch at work on, and which of its rows went on already: a message that goes on twice is one read and one made. */
  #input: MessageBatch | null = null
  #passedOn = new Uint8Array(0)

  constructor(downstream: (batch: MessageBatch) => Promise<void>, checked = false) {
    this.#downstream = downstream
    this.#batch = new MessageBatch(checked)
    this.#batch.allocateColumns(INITIAL_ROWS)
    this.#batch.bufferIndex = new Uint16Array(INITIAL_ROWS)
    this.#batch.emitted = new Uint8Array(INITIAL_ROWS)
  }

  /** Messages held now. */
  get count(): number {
    return this.#rows
  }

  /** Messages of the source (not made by an earlier transform) forwarded since the pipeline began. */
  get forwarded(): number {
    return this.#forwarded
  }

  /** Declares the batch whose messages are passed on next. */
  begin(input: MessageBatch): void {
    this.#input = input
    if (this.#passedOn.length < input.count) this.#passedOn = new Uint8Array(input.offsets.length)
    else this.#passedOn.fill(0, 0, input.count)
  }

  /** Passes a message on unchanged. */
  forward(message: MessageCursor): void {
    const { batch, index } = message
    const start = batch.offsets[index]!
    const size = recordBytes(batch.lengths[index]!)
    const at = this.#reserve(size)
    // Not all sources pad the last record of their buffer.
    const source = batch.bufferAt(index)
    this.#bytes.set(source.subarray(start, Math.min(start + size, source.length)), at)
    const made = this.#madeFlag(message)
    this.#addRow(message, at, batch.lengths[index]!, batch.types[index]!, batch.seqs[index]!, batch.times[index]!, made)
    this.#forwarded += 1 - made
  }

  /** Passes a message on with another payload, type or time; it stays one of the messages read. */
  replace(message: MessageCursor, change: Partial<NewMessage>): void {
    const payload = change.payload ?? message.payload
    const made = this.#madeFlag(message)
    this.#write(
      message,
      change.typeId ?? message.typeId,
      change.timestampNs ?? message.timestampNs,
      change.seq ?? message.seq,
      payload,
      made,
    )
    this.#forwarded += 1 - made
  }

  /** Adds a message of one's own. It takes its symbol from `like`. */
  emit(made: NewMessage, like: MessageCursor | null = null): void {
    this.#write(like, made.typeId, made.timestampNs, made.seq ?? 0n, made.payload, 1)
  }

  /** Hands what is held to the next stage now. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return
    this.#flushes++
    const batch = this.#batch
    for (const buffer of batch.buffers) {
      buffer.bytes = this.#bytes
      buffer.view = this.#view
    }
    batch.reset(this.#rows, this.#rows)
    try {
      await this.#downstream(batch)
    } finally {
      batch.release()
      this.#used = 0
      this.#rows = 0
      batch.buffers = []
      this.#lastOrigin = null
    }
  }

  /** Remembers this point, to come back to when a message fails half-way. */
  mark(): void {
    const mark = this.#mark
    mark.rows = this.#rows
    mark.used = this.#used
    mark.forwarded = this.#forwarded
    mark.flushes = this.#flushes
  }

  /** Forgets what was added since `mark()`. False when some of it has been flushed and cannot be taken back. */
  rollback(): boolean {
    const mark = this.#mark
    if (mark.flushes !== this.#flushes) return false
    this.#rows = mark.rows
    this.#used = mark.used
    this.#forwarded = mark.forwarded
    return true
  }

  #write(like: MessageCursor | null, typeId: number, timestampNs: bigint, seq: bigint, payload: Uint8Array, emitted: 0 | 1): void {
    requireUint('type of a message', typeId, 16)
    requireU64('record time of a message', timestampNs)
    requireU64('sequence of a message', seq)
    const at = this.#reserve(recordBytes(payload.length))
    const view = this.#view
    this.#bytes.fill(0, at, at + RECORD_HEADER_BYTES)
    view.setUint32(at, payload.length + 1, true)
    view.setUint8(at + VERSION_OFFSET, RECORD_VERSION)
    view.setBigUint64(at + SEQ_OFFSET, seq, true)
    view.setBigUint64(at + TIMESTAMP_OFFSET, timestampNs, true)
    view.setUint16(at + TYPE_OFFSET, typeId, true)
    view.setUint32(at + CRC32_OFFSET, crc32(payload), true)
    this.#bytes.set(payload, at + RECORD_HEADER_BYTES)
    this.#bytes.fill(0, at + RECORD_HEADER_BYTES + payload.length, this.#used)
    this.#addRow(like, at, payload.length, typeId, BigInt.asIntN(64, seq), BigInt.asIntN(64, timestampNs), emitted)
  }

  #addRow(like: MessageCursor | null, at: number, length: number, type: number, seq: bigint, time: bigint, emitted: 0 | 1): void {
    if (this.#rows === this.#capacity) this.#growColumns()
    const batch = this.#batch
    const row = this.#rows++
    batch.offsets[row] = at
    batch.lengths[row] = length
    batch.types[row] = type
    batch.seqs[row] = seq
    batch.times[row] = time
    batch.emitted![row] = emitted
    batch.bufferIndex![row] = this.#originIndex(like)
  }

  /** Whether a message that goes on is one that a transform made. */
  #madeFlag({ batch, index }: MessageCursor): 0 | 1 {
    if (batch.emitted !== null && batch.emitted[index] === 1) return 1
    if (batch !== this.#input) return 0
    if (this.#passedOn[index] === 1) return 1
    this.#passedOn[index] = 1
    return 0
  }

  /** All buffers of the batch share the same bytes; they differ in what they say of symbol and path. */
  #originIndex(like: MessageCursor | null): number {
    const origin = like === null ? NO_ORIGIN : like.batch.originAt(like.index)
    if (origin === this.#lastOrigin) return this.#lastOriginIndex
    const { buffers } = this.#batch
    let index = buffers.findIndex(
      ({ origin: known }) => known.path === origin.path && known.symbol === origin.symbol && known.resolveSymbol === origin.resolveSymbol,
    )
    if (index < 0) index = buffers.push({ bytes: this.#bytes, view: this.#view, origin: { ...origin, segment: -1, bufferStart: 0 } }) - 1
    this.#lastOrigin = origin
    this.#lastOriginIndex = index
    return index
  }

  #reserve(size: number): number {
    const at = this.#used
    this.#used += size
    if (this.#used > this.#bytes.length) {
      if (this.#used > MAX_BUILDER_BYTES) {
        throw new ReplayError('batch-too-large', `a transform holds more than ${MAX_BUILDER_BYTES} bytes; flush its output more often`, {
          category: 'input',
        })
      }
      const bytes = new Uint8Array(Math.min(MAX_BUILDER_BYTES, Math.max(this.#bytes.length * 2, this.#used)))
      bytes.set(this.#bytes)
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer)
    }
    return at
  }

  #growColumns(): void {
    const { offsets, lengths, types, seqs, times, bufferIndex, emitted } = this.#batch
    this.#capacity *= 2
    this.#batch.allocateColumns(this.#capacity)
    this.#batch.offsets.set(offsets)
    this.#batch.lengths.set(lengths)
    this.#batch.types.set(types)
    this.#batch.seqs.set(seqs)
    this.#batch.times.set(times)
    this.#batch.bufferIndex = new Uint16Array(this.#capacity)
    this.#batch.bufferIndex.set(bufferIndex!)
    this.#batch.emitted = new Uint8Array(this.#capacity)
    this.#batch.emitted.set(emitted!)
  }
}

const NO_ORIGIN: BatchOrigin = { path: '', symbol: null, resolveSymbol: null, segment: -1, bufferStart: 0 }
