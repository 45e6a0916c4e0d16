import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import { type ApplyResult, newResultCounts, SKIPPED_TYPE } from './apply-result.ts'
import { BatchInput } from './kernel/batch-input.ts'
import type { BookMemory } from './kernel/book-memory.ts'
import { tooManyOrders } from './order-store.ts'
import { PayloadWords } from './payload-words.ts'

/** No result of a message: see kernel/results.as. */
export const TOO_MANY_ORDERS = 16

/** A book as a taker of messages, of which it counts what became of them. */
export abstract class MessageBook {
  /** Messages by ApplyResult. */
  readonly counts = newResultCounts()
  /** What the book lies in. */
  readonly memory: BookMemory
  readonly #payload = new PayloadWords()
  #input: BatchInput | null = null

  constructor(memory: BookMemory) {
    this.memory = memory
  }

  /** Applies a message of any type. Returns what happened; never throws on bad data. @throws ReplayError input `too-many-orders`, `book-memory` */
  apply(message: MessageCursor): ApplyResult {
    if (message.typeId !== TYPE_BOOK_EVENT) return this.#count(SKIPPED_TYPE)
    const { length } = message
    const at = this.#payload.locate(message.buffer, message.payloadOffset, length)
    return this.applyPayload(this.#payload.words, at, length)
  }

  /** Applies the book event payload of `length` bytes that starts at `words[at]`. */
  applyPayload(words: Uint32Array, at: number, length: number): ApplyResult {
    return this.applyStored(this.memory.put(words, at, length), length)
  }

  /** Applies the book event payload of `length` bytes at an address of the memory. */
  applyStored(payload: number, length: number): ApplyResult {
    let result: ApplyResult
    try {
      result = this.applyAt(payload, length)
    } catch (cause) {
      throw this.memory.trapped(cause)
    }
    if (result === TOO_MANY_ORDERS) throw tooManyOrders()
    return this.#count(result)
  }

  /** Applies the selected messages of a batch in order: as `apply` with each, but several times as fast. */
  applyBatch(batch: MessageBatch): void {
    const { counts } = this
    this.#input ??= new BatchInput(this.memory)
    const input = this.#input
    input.begin(batch)
    while (input.next()) {
      try {
        this.applyRows(input.address)
      } catch (cause) {
        throw this.memory.trapped(cause)
      }
    }
    if (input.end(counts) > 0) throw tooManyOrders()
  }

  /** As `applyPayload`, of a payload in the memory and without counting. */
  protected abstract applyAt(payload: number, length: number): number

  /** Applies rows as far as the kernel's `Input` at this address goes. */
  protected abstract applyRows(input: number): void

  /** Counts messages that the kernel applied to the book elsewhere. @throws ReplayError input `too-many-orders` */
  noteApplied(result: ApplyResult, count: number): void {
    if (result === TOO_MANY_ORDERS) throw tooManyOrders()
    this.counts[result]! += count
  }

  #count(result: ApplyResult): ApplyResult {
    this.counts[result]!++
    return result
  }
}
