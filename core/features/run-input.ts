import type { BookMemory } from '../book/kernel/book-memory.ts'
import { InputWindow, NARROW_WINDOW_BYTES } from '../book/kernel/input-window.ts'
import { MessageBatch } from '../message/batch.ts'
import { RECORD_HEADER_BYTES } from '../message/record.ts'

/** Rows that the kernel has the columns of at a time. */
export const RUN_ROWS = 2048
/** Buffers that a batch may have. */
export const RUN_SOURCES = 63

/** Words of the kernel's `MessageRun`. */
const ROW = 4
const END = 5
const OFFSETS = 6
const LENGTHS = 7
const TYPES = 8
const BUFFERS = 9
const SEQS = 10
const TIMES = 11
const SOURCES = 12
/** Words of a `Source`. */
const WINDOW_START = 0
const WINDOW_END = 1
const SHIFT = 2
const SESSION = 3
const START = 4
const SEGMENT = 5
const PATH = 6
const SOURCE_WORDS = 7

/** Brings the selected messages of batches into the memory of the book for runs: columns of some rows, and windows of their buffers. */
export class RunInput {
  readonly #memory: BookMemory
  /** Word of the kernel's `MessageRun`. */
  readonly #at: number
  readonly #windows: InputWindow[] = []
  #batch = NOTHING
  /** The selected messages in the columns: from `#from` to before `#to`. */
  #from = 0
  #to = 0

  /** @param run address of a `MessageRun` */
  constructor(memory: BookMemory, run: number) {
    this.#memory = memory
    this.#at = run >>> 2
  }

  /** Takes on a batch of at most RUN_SOURCES buffers; nothing is known of these, which may have been filled anew. */
  begin(batch: MessageBatch): void {
    this.#batch = batch
    this.#from = 0
    this.#to = 0
    while (this.#windows.length < batch.buffers.length) this.#windows.push(new InputWindow(this.#memory))
    const { words, ints } = this.#memory
    for (const [index, { origin }] of batch.buffers.entries()) {
      this.#windows[index]!.forget()
      const at = this.#sourceAt(index)
      words[at + WINDOW_START] = 0
      words[at + WINDOW_END] = 0
      words[at + START] = origin.bufferStart
      ints[at + SEGMENT] = origin.segment
    }
  }

  /** Has the kernel begin with the k-th selected message. */
  goTo(k: number): void {
    if (k < this.#from || k >= this.#to) this.#copyColumns(k)
    this.#memory.words[this.#at + ROW] = k - this.#from
  }

  /** The selected message that the kernel is at. */
  get at(): number {
    return this.#from + this.#memory.words[this.#at + ROW]!
  }

  /** The selected message in a row of the columns. */
  messageOf(row: number): number {
    return this.#from + row
  }

  /** Has the kernel go on behind the message that it is at. */
  skip(): void {
    this.#memory.words[this.#at + ROW]!++
  }

  /** Says which `Session` a buffer's records are of. */
  setSession(index: number, session: number): void {
    this.#memory.words[this.#sourceAt(index) + SESSION] = session
  }

  /** Says which path a buffer's records have where they are put aside. */
  setPath(index: number, path: number): void {
    this.#memory.words[this.#sourceAt(index) + PATH] = path
  }

  /** Puts the window where the message lies that the kernel is at. */
  moveWindow(): void {
    const { buffers, bufferIndex, offsets, lengths } = this.#batch
    const row = this.#batch.rowAt(this.at)
    const index = bufferIndex === null ? 0 : bufferIndex[row]!
    const window = this.#windows[index]!
    window.load(
      buffers[index]!.bytes,
      offsets[row]! + RECORD_HEADER_BYTES,
      lengths[row]!,
      buffers.length > 1 ? NARROW_WINDOW_BYTES : undefined,
    )
    const { words } = this.#memory
    const at = this.#sourceAt(index)
    words[at + WINDOW_START] = window.start
    words[at + WINDOW_END] = window.end
    words[at + SHIFT] = window.shift
  }

  #sourceAt(index: number): number {
    return (this.#memory.words[this.#at + SOURCES]! >>> 2) + index * SOURCE_WORDS
  }

  #copyColumns(from: number): void {
    const batch = this.#batch
    const to = Math.min(batch.length, from + RUN_ROWS)
    this.#from = from
    this.#to = to
    this.#memory.words[this.#at + END] = to - from
    if (batch.selection === null) this.#copyAll(batch, from, to)
    else this.#copySelected(batch, from, to)
  }

  #copyAll({ offsets, lengths, types, seqWords, timeWords, bufferIndex }: MessageBatch, from: number, to: number): void {
    const { words, bytes } = this.#memory
    const shorts = new Uint16Array(bytes.buffer)
    const wordAt = (column: number): number => words[this.#at + column]! >>> 2
    words.set(offsets.subarray(from, to), wordAt(OFFSETS))
    words.set(lengths.subarray(from, to), wordAt(LENGTHS))
    words.set(seqWords.subarray(2 * from, 2 * to), wordAt(SEQS))
    words.set(timeWords.subarray(2 * from, 2 * to), wordAt(TIMES))
    shorts.set(types.subarray(from, to), wordAt(TYPES) * 2)
    const buffersAt = wordAt(BUFFERS) * 2
    if (bufferIndex === null) shorts.fill(0, buffersAt, buffersAt + to - from)
    else shorts.set(bufferIndex.subarray(from, to), buffersAt)
  }

  #copySelected(batch: MessageBatch, from: number, to: number): void {
    const { offsets, lengths, types, seqWords, timeWords, bufferIndex, selection } = batch
    const { words, bytes } = this.#memory
    const shorts = new Uint16Array(bytes.buffer)
    const wordAt = (column: number): number => words[this.#at + column]! >>> 2
    const [offsetsAt, lengthsAt, seqsAt, timesAt] = [wordAt(OFFSETS), wordAt(LENGTHS), wordAt(SEQS), wordAt(TIMES)]
    const [typesAt, buffersAt] = [wordAt(TYPES) * 2, wordAt(BUFFERS) * 2]
    for (let i = 0; i < to - from; i++) {
      const row = selection![from + i]!
      words[offsetsAt + i] = offsets[row]!
      words[lengthsAt + i] = lengths[row]!
      words[seqsAt + 2 * i] = seqWords[2 * row]!
      words[seqsAt + 2 * i + 1] = seqWords[2 * row + 1]!
      words[timesAt + 2 * i] = timeWords[2 * row]!
      words[timesAt + 2 * i + 1] = timeWords[2 * row + 1]!
      shorts[typesAt + i] = types[row]!
      shorts[buffersAt + i] = bufferIndex === null ? 0 : bufferIndex[row]!
    }
  }
}

const NOTHING = new MessageBatch()
