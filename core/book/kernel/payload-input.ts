import type { MessageBatch } from '../../message/batch.ts'
import type { BookMemory } from './book-memory.ts'
import { InputWindow, NARROW_WINDOW_BYTES } from './input-window.ts'

/** Brings payloads of batches into the memory of books, for those who take one after the other. */
export class PayloadInput {
  readonly #memory: BookMemory
  readonly #windows: InputWindow[] = []
  #batch: MessageBatch | null = null

  constructor(memory: BookMemory) {
    this.#memory = memory
  }

  /** Takes on a batch; nothing is known of its buffers, which may have been filled anew. */
  begin(batch: MessageBatch): void {
    this.#batch = batch
    while (this.#windows.length < batch.buffers.length) this.#windows.push(new InputWindow(this.#memory))
    for (const window of this.#windows) window.forget()
  }

  /** Address of the payload of `length` bytes at `offset` of one of the batch's buffers, until the next one of that buffer. */
  addressOf(buffer: number, offset: number, length: number): number {
    const window = this.#windows[buffer]!
    if (!window.has(offset, length)) {
      const { buffers } = this.#batch!
      window.load(buffers[buffer]!.bytes, offset, length, buffers.length > 1 ? NARROW_WINDOW_BYTES : undefined)
    }
    return window.shift + offset
  }
}
