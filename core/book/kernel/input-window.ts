import { ReplayError } from '../../errors.ts'
import type { BookMemory } from './book-memory.ts'

/** Bytes copied at once: they are in the cache when the kernel reads them. */
const WINDOW_BYTES = 32 * 1024
/** Of each, where a batch has many buffers. */
export const NARROW_WINDOW_BYTES = 8 * 1024

/** A part of a buffer of records, copied into the memory of books. */
export class InputWindow {
  /** The bytes of the buffer that are there. */
  start = 0
  end = 0
  /** What makes an offset in the buffer an address. */
  shift = 0
  /** The last gathering that has rows of it: see BatchInput. */
  gathering = 0
  readonly #memory: BookMemory
  #address = 0
  #capacity = 0

  constructor(memory: BookMemory) {
    this.#memory = memory
  }

  has(offset: number, length: number): boolean {
    return offset >= this.start && offset + length <= this.end
  }

  forget(): void {
    this.start = 0
    this.end = 0
  }

  /** Has the bytes from `offset` on, of a payload of `length` and what lies behind it. @throws ReplayError bug `batch-row` when the buffer ends before */
  load(bytes: Uint8Array, offset: number, length: number, atLeast = WINDOW_BYTES): void {
    if (offset + length > bytes.length) {
      const message = `batch: a payload of ${length} bytes at ${offset} in a buffer of ${bytes.length}`
      throw new ReplayError('batch-row', message, { category: 'bug' })
    }
    const end = Math.min(bytes.length, offset + Math.max(length, atLeast))
    if (end - offset > this.#capacity) {
      if (this.#capacity > 0) this.#memory.release(this.#address, this.#capacity)
      this.#capacity = 0
      this.#address = this.#memory.alloc(end - offset)
      this.#capacity = end - offset
    }
    this.#memory.bytes.set(bytes.subarray(offset, end), this.#address)
    this.start = offset
    this.end = end
    this.shift = this.#address - offset
  }
}
