import { ReplayError } from '../errors.ts'
import { giveBack } from '../large-piece.ts'
import { type BatchOrigin, type MessageColumns, MessageCursor } from './message.ts'
import { recordBytes } from './record.ts'

/** The time of a record cannot be believed: it has that of the record before it. */
export const TIME_WILD = 1
/** Likewise, and so many in a row that nobody knows where a book event among them belongs. */
export const TIME_UNUSABLE = 2
/** Record time steps back here by more than a minute, and stays there. */
export const TIME_STEPPED_BACK = 3
/** The seek index has another time for this record: one of them is damaged, and nobody can tell which. */
export const TIME_DIFFERS = 4

/** One buffer of raw records, laid out as on disk (64-byte header, payload, rounded up to 64). */
export interface BatchBuffer {
  bytes: Uint8Array
  view: DataView
  origin: BatchOrigin
}

/**
 * Messages of a source, as columns over buffers of raw records.
 *
 * Rows are `0 … count-1`; the selected ones, in order, are `selection[0 … length-1]`, or all rows when
 * `selection` is null. Iterating gives one cursor that moves: `for (const message of batch)`.
 *
 * Ownership: a batch and its cursors are valid until the sinks' `write` promises settle (for a transform:
 * until `apply` returns). Keeping anything needs `message.toOwned()` or `batch.retain()`.
 */
export class MessageBatch implements MessageColumns {
  /** One per source that the batch holds messages of. */
  buffers: BatchBuffer[] = []
  /** Rows in the columns. */
  count = 0
  /** Byte offset of the record header in its buffer. */
  offsets: Uint32Array = EMPTY_U32
  /** Payload bytes. */
  lengths: Uint32Array = EMPTY_U32
  types: Uint16Array = new Uint16Array(0)
  /** Record sequences; bits of a u64. */
  seqs: BigInt64Array = EMPTY_I64
  /** The same memory as `seqs`: low word at 2i, high word at 2i+1. */
  seqWords: Uint32Array = EMPTY_U32
  /** Record times, nanoseconds since the epoch; bits of a u64. */
  times: BigInt64Array = EMPTY_I64
  /** The same memory as `times`: low word at 2i, high word at 2i+1. */
  timeWords: Uint32Array = EMPTY_U32
  /** Which of `buffers` a row lies in; null when there is one buffer. */
  bufferIndex: Uint16Array | null = null
  /** 1 where a transform made the message; null when none is. */
  emitted: Uint8Array | null = null
  /** What is odd about the time of a row, `TIME_WILD` and so on; 0: nothing. Null: nothing about any (sound-times.ts). */
  timeFlags: Uint8Array | null = null
  /** Selected rows in ascending order; null = all. */
  selection: Uint32Array | null = null
  /** Number of selected rows. */
  length = 0
  /** Records the source examined to make this batch: those in it, and those its filter or skipping left out. */
  scanned = 0
  /** Bytes of the records in `scanned`, headers and padding included. */
  scannedBytes = 0
  /** Of `scanned`: damaged records left out under `skip`. */
  skipped = 0

  #cursor: MessageCursor
  readonly #checked: boolean
  #selectionSpace = EMPTY_U32
  #released = false
  /** Counts the fillings; in test mode a cursor belongs to one. */
  #filling = 0

  /** @param checked test mode: release() overwrites the buffers, and a cursor used afterwards throws. @default false */
  constructor(checked = false) {
    this.#checked = checked
    this.#cursor = checked ? checkedCursor(this, 0) : new MessageCursor(this)
  }

  get checked(): boolean {
    return this.#checked
  }

  get released(): boolean {
    return this.#released
  }

  /** Which filling of the batch this is, counted from 0. */
  get filling(): number {
    return this.#filling
  }

  /** Allocates columns for `capacity` rows (a source that keeps its columns elsewhere sets them itself). */
  allocateColumns(capacity: number): void {
    this.offsets = new Uint32Array(capacity)
    this.lengths = new Uint32Array(capacity)
    this.types = new Uint16Array(capacity)
    this.seqs = new BigInt64Array(capacity)
    this.seqWords = new Uint32Array(this.seqs.buffer)
    this.times = new BigInt64Array(capacity)
    this.timeWords = new Uint32Array(this.times.buffer)
  }

  /** Declares the batch filled anew: `count` rows, all selected. */
  reset(count: number, scanned: number, skipped = 0, scannedBytes = 0): void {
    this.count = count
    this.scannedBytes = scannedBytes
    this.length = count
    this.scanned = scanned
    this.skipped = skipped
    this.selection = null
    this.timeFlags = null
    this.#released = false
    if (this.#checked) this.#cursor = checkedCursor(this, ++this.#filling)
  }

  /** The row of the k-th selected message. */
  rowAt(k: number): number {
    return this.selection === null ? k : this.selection[k]!
  }

  /** The cursor, moved to a row. The same object each time. */
  at(row: number): MessageCursor {
    this.#cursor.index = row
    return this.#cursor
  }

  /** Iterates the selected messages with one moving cursor. */
  *[Symbol.iterator](): Generator<MessageCursor, void, undefined> {
    for (let k = 0; k < this.length; k++) yield this.at(this.rowAt(k))
  }

  /**
   * Space to write a narrower selection into, one slot per row. It may be the current selection:
   * write slot k only after reading slots ≤ k. Finish with `select`.
   */
  selectionSpace(): Uint32Array {
    if (this.#selectionSpace.length < this.count) this.#selectionSpace = new Uint32Array(this.offsets.length)
    return this.#selectionSpace
  }

  /** Frees the space of selections: nobody looks at the batch any more. */
  dropSelectionSpace(): void {
    giveBack(this.#selectionSpace)
    this.#selectionSpace = EMPTY_U32
  }

  /** Makes the first `length` slots of `selectionSpace()` the selection. */
  select(length: number): void {
    this.selection = this.#selectionSpace
    this.length = length
  }

  /** Keeps the selected rows for which `keep(row)` holds. */
  narrow(keep: (row: number) => boolean): void {
    const space = this.selectionSpace()
    let length = 0
    for (let k = 0; k < this.length; k++) {
      const row = this.rowAt(k)
      if (keep(row)) space[length++] = row
    }
    this.select(length)
  }

  /** Drops the first `k` selected messages. */
  dropFirst(k: number): void {
    const space = this.selectionSpace()
    let length = 0
    for (let at = k; at < this.length; at++) space[length++] = this.rowAt(at)
    this.select(length)
  }

  /** Keeps the first `count` selected messages. */
  keepFirst(count: number): void {
    const space = this.selectionSpace()
    for (let k = 0; k < count; k++) space[k] = this.rowAt(k)
    this.select(count)
  }

  /** The selected rows from the k-th on, to be given later by `giveAgain`. */
  rowsFrom(k: number): Uint32Array {
    return Uint32Array.from({ length: this.length - k }, (_, i) => this.rowAt(k + i))
  }

  /** Selects these rows of a filling that was counted before. */
  giveAgain(rows: Uint32Array): void {
    const { timeFlags } = this
    this.reset(this.count, 0)
    this.timeFlags = timeFlags
    this.selectionSpace().set(rows)
    this.select(rows.length)
  }

  /** Says what is odd about the time of a row. */
  flagTime(row: number, flag: number): void {
    this.timeFlags ??= new Uint8Array(this.count)
    this.timeFlags[row] = flag
  }

  /**
   * A copy of the selected messages from the k-th on, and of those of another batch behind them, with their places in the
   * log: for the few that have to wait for what follows.
   */
  copyOf(k: number, more?: MessageBatch): MessageBatch {
    const sources = more === undefined ? [this] : [this, more]
    const rows = sources.flatMap((batch): [MessageBatch, number][] =>
      [...batch.rowsFrom(batch === this ? k : 0)].map((row) => [batch, row]),
    )
    const copy = new MessageBatch(this.#checked)
    copy.allocateColumns(rows.length)
    copy.bufferIndex = new Uint16Array(rows.length)
    copy.buffers = rows.map(([batch, row], at) => {
      const from = batch.offsets[row]!
      const bytes = batch.bufferAt(row).slice(from, from + recordBytes(batch.lengths[row]!))
      copy.lengths[at] = batch.lengths[row]!
      copy.types[at] = batch.types[row]!
      copy.seqs[at] = batch.seqs[row]!
      copy.times[at] = batch.times[row]!
      copy.bufferIndex![at] = at
      const origin = batch.originAt(row)
      return { bytes, view: new DataView(bytes.buffer), origin: { ...origin, bufferStart: origin.bufferStart + from } }
    })
    const counts =
      more === undefined ? [0, 0, 0] : [this.scanned + more.scanned, this.skipped + more.skipped, this.scannedBytes + more.scannedBytes]
    copy.reset(rows.length, ...(counts as [number, number, number]))
    for (const [at, [batch, row]] of rows.entries())
      if (batch.timeFlags !== null && batch.timeFlags[row] !== 0) copy.flagTime(at, batch.timeFlags[row]!)
    return copy
  }

  bufferAt(row: number): Uint8Array {
    return this.#bufferOf(row).bytes
  }

  viewAt(row: number): DataView {
    return this.#bufferOf(row).view
  }

  originAt(row: number): BatchOrigin {
    return this.#bufferOf(row).origin
  }

  symbolAt(row: number): string | null {
    const origin = this.#bufferOf(row).origin
    if (origin.symbol !== null || origin.resolveSymbol === null) return origin.symbol
    return origin.resolveSymbol(this.at(row))
  }

  /** A copy of the selected messages that outlives this batch. */
  retain(): MessageBatch {
    const copy = new MessageBatch(this.#checked)
    copy.allocateColumns(this.length)
    copy.emitted = this.emitted === null ? null : new Uint8Array(this.length)
    copy.bufferIndex = this.buffers.length > 1 ? new Uint16Array(this.length) : null
    const sizes = this.buffers.map(() => 0)
    for (let k = 0; k < this.length; k++) {
      const row = this.rowAt(k)
      sizes[this.bufferIndex?.[row] ?? 0]! += recordBytes(this.lengths[row]!)
    }
    copy.buffers = this.buffers.map((buffer, i) => {
      const bytes = new Uint8Array(sizes[i]!)
      // Offsets change, so the position in the segment is lost: origin.segment -1 says so.
      return { bytes, view: new DataView(bytes.buffer), origin: { ...buffer.origin, segment: -1, bufferStart: 0 } }
    })
    const ends = sizes.map(() => 0)
    for (let k = 0; k < this.length; k++) {
      const row = this.rowAt(k)
      const b = this.bufferIndex?.[row] ?? 0
      const size = recordBytes(this.lengths[row]!)
      const from = this.offsets[row]!
      copy.buffers[b]!.bytes.set(this.buffers[b]!.bytes.subarray(from, from + size), ends[b]!)
      copy.offsets[k] = ends[b]!
      ends[b]! += size
      copy.lengths[k] = this.lengths[row]!
      copy.types[k] = this.types[row]!
      copy.seqs[k] = this.seqs[row]!
      copy.times[k] = this.times[row]!
      if (copy.bufferIndex !== null) copy.bufferIndex[k] = b
      if (copy.emitted !== null) copy.emitted[k] = this.emitted![row]!
    }
    copy.reset(this.length, this.length)
    const { timeFlags } = this
    if (timeFlags !== null) copy.timeFlags = Uint8Array.from({ length: this.length }, (_, k) => timeFlags[this.rowAt(k)]!)
    return copy
  }

  /** Ends the batch's validity. In test mode the rows are overwritten, so that late readers are caught. */
  release(): void {
    if (!this.#checked || this.#released) return
    this.#released = true
    for (let row = 0; row < this.count; row++) {
      const from = this.offsets[row]!
      this.bufferAt(row).fill(0xdb, from, from + recordBytes(this.lengths[row]!))
    }
    this.count = 0
    this.length = 0
  }

  #bufferOf(row: number): BatchBuffer {
    return this.buffers[this.bufferIndex === null ? 0 : this.bufferIndex[row]!]!
  }
}

/** A cursor whose every access first checks that its batch has not been released, or filled anew. */
function checkedCursor(batch: MessageBatch, filling: number): MessageCursor {
  return new Proxy(new MessageCursor(batch), {
    get(target, property) {
      if (batch.released || batch.filling !== filling) {
        throw new ReplayError(
          'stale-cursor',
          `read of "${String(property)}" through a cursor of a released batch; keep messages with toOwned() or batches with retain()`,
          { category: 'bug' },
        )
      }
      const value = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  })
}

const EMPTY_U32 = new Uint32Array(0)
const EMPTY_I64 = new BigInt64Array(0)
