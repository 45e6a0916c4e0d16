import { MessageBatch } from '../../message/batch.ts'
import { RECORD_HEADER_BYTES } from '../../message/record.ts'
import { TYPE_BOOK_EVENT } from '../../protocol/message-type.ts'
import { SKIPPED_TYPE } from '../apply-result.ts'
import type { BookMemory } from './book-memory.ts'
import { InputWindow, NARROW_WINDOW_BYTES } from './input-window.ts'

const MAX_ROWS = 2048
/** Beyond the results of messages there are others of the kernel. */
const TALLY_WORDS = 32

/** Words of the kernel's `Input`. */
const ROW = 0
const END = 1
const OFFSETS = 2
const LENGTHS = 3
const TYPES = 4
const WINDOW_START = 5
const WINDOW_END = 6
const SHIFT = 7
const SKIPPED = 8
const TALLY = 9
const INPUT_WORDS = 16

/**
 * Brings batches into the memory of books: columns of some rows, and windows of the buffers that they lie in.
 * Call `begin`, then the kernel with `address` after each `next` that is true, then `end`.
 */
export class BatchInput {
  /** Of the kernel's `Input`. */
  readonly address: number
  readonly #memory: BookMemory
  readonly #offsets: number
  readonly #lengths: number
  readonly #types: number
  readonly #tally: number
  readonly #windows: InputWindow[] = []
  #batch = NOTHING
  /** The selected message behind those in the columns. */
  #to = 0
  /** The batch is more than all rows of one buffer: its rows are put into the columns one by one, with addresses for offsets. */
  #isMixed = false
  #gathering = 0
  #skipped = 0

  constructor(memory: BookMemory) {
    this.#memory = memory
    this.address = memory.alloc(INPUT_WORDS * 4)
    this.#offsets = memory.alloc(MAX_ROWS * 4)
    this.#lengths = memory.alloc(MAX_ROWS * 4)
    this.#types = memory.alloc(MAX_ROWS * 2)
    this.#tally = memory.alloc(TALLY_WORDS * 4)
    const { words } = memory
    words.fill(0, this.#tally >>> 2, (this.#tally >>> 2) + TALLY_WORDS)
    const at = this.address >>> 2
    words.fill(0, at, at + INPUT_WORDS)
    words[at + OFFSETS] = this.#offsets
    words[at + LENGTHS] = this.#lengths
    words[at + TYPES] = this.#types
    words[at + TALLY] = this.#tally
  }

  /** Takes on a batch; nothing is known of its buffers, which may have been filled anew. */
  begin(batch: MessageBatch): void {
    this.#batch = batch
    this.#to = 0
    this.#isMixed = batch.selection !== null || batch.bufferIndex !== null
    while (this.#windows.length < batch.buffers.length) this.#windows.push(new InputWindow(this.#memory))
    for (const window of this.#windows) window.forget()
    const { words } = this.#memory
    words[(this.address >>> 2) + ROW] = 0
    words[(this.address >>> 2) + END] = 0
  }

  /** Puts what comes next where the kernel can take it; false: the batch is at its end. */
  next(): boolean {
    const at = this.address >>> 2
    if (this.#memory.words[at + ROW] === this.#memory.words[at + END]) {
      if (this.#to === this.#batch.length) return false
      const rows = this.#isMixed ? this.#gather() : this.#copyColumns()
      this.#memory.words[at + ROW] = 0
      this.#memory.words[at + END] = rows
    }
    if (!this.#isMixed) this.#moveWindow()
    return true
  }

  /** Adds what was counted to `counts`; gives what was counted beyond these. */
  end(counts: Float64Array): number {
    const { words } = this.#memory
    const skippedAt = (this.address >>> 2) + SKIPPED
    counts[SKIPPED_TYPE]! += words[skippedAt]! + this.#skipped
    words[skippedAt] = 0
    this.#skipped = 0
    this.#batch = NOTHING
    const at = this.#tally >>> 2
    let rest = 0
    for (let result = 0; result < TALLY_WORDS; result++) {
      if (result < counts.length) counts[result]! += words[at + result]!
      else rest += words[at + result]!
      words[at + result] = 0
    }
    return rest
  }

  #copyColumns(): number {
    const { offsets, lengths, types, length } = this.#batch
    const from = this.#to
    const to = Math.min(length, from + MAX_ROWS)
    const { words, bytes } = this.#memory
    words.set(offsets.subarray(from, to), this.#offsets >>> 2)
    words.set(lengths.subarray(from, to), this.#lengths >>> 2)
    bytes.set(new Uint8Array(types.buffer, types.byteOffset + 2 * from, 2 * (to - from)), this.#types)
    this.#to = to
    return to - from
  }

  /** Puts the window where the next row lies, if it does not already. */
  #moveWindow(): void {
    const { words } = this.#memory
    const at = this.address >>> 2
    const row = words[at + ROW]!
    const offset = words[(this.#offsets >>> 2) + row]! + RECORD_HEADER_BYTES
    const length = words[(this.#lengths >>> 2) + row]!
    const window = this.#windows[0]!
    if (!window.has(offset, length)) window.load(this.#batch.buffers[0]!.bytes, offset, length)
    this.#tellWindow(window.start, window.end, window.shift)
  }

  #gather(): number {
    const { selection, types, offsets, lengths, buffers, bufferIndex, length: selected } = this.#batch
    const gathering = ++this.#gathering
    let { words } = this.#memory
    let rows = 0
    for (; this.#to < selected && rows < MAX_ROWS; this.#to++) {
      const row = selection === null ? this.#to : selection[this.#to]!
      if (types[row] !== TYPE_BOOK_EVENT) {
        this.#skipped++
        continue
      }
      const offset = offsets[row]! + RECORD_HEADER_BYTES
      const length = lengths[row]!
      const buffer = bufferIndex === null ? 0 : bufferIndex[row]!
      const window = this.#windows[buffer]!
      if (!window.has(offset, length)) {
        // Rows that lie in what it has now have to be applied first.
        if (window.gathering === gathering) break
        window.load(buffers[buffer]!.bytes, offset, length, buffers.length > 1 ? NARROW_WINDOW_BYTES : undefined)
        words = this.#memory.words
      }
      window.gathering = gathering
      words[(this.#offsets >>> 2) + rows] = window.shift + offset - RECORD_HEADER_BYTES
      words[(this.#lengths >>> 2) + rows++] = length
    }
    new Uint16Array(words.buffer, this.#types, rows).fill(TYPE_BOOK_EVENT)
    this.#tellWindow(0, 0xffffffff, 0)
    return rows
  }

  #tellWindow(start: number, end: number, shift: number): void {
    const { words } = this.#memory
    const at = this.address >>> 2
    words[at + WINDOW_START] = start
    words[at + WINDOW_END] = end
    words[at + SHIFT] = shift
  }
}

const NOTHING = new MessageBatch()
