import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import { type ApplyResult, newResultCounts, SKIPPED_TYPE } from './apply-result.ts'
import { PayloadWords } from './payload-words.ts'

/** A book as a taker of messages, of which it counts what became of them. */
export abstract class MessageBook {
  /** Messages by ApplyResult. */
  readonly counts = newResultCounts()
  readonly #payload = new PayloadWords()

  /** Applies a message of any type. Returns what happened; never throws on bad data. */
  apply(message: MessageCursor): ApplyResult {
    if (message.typeId !== TYPE_BOOK_EVENT) return this.#count(SKIPPED_TYPE)
    const { length } = message
    const at = this.#payload.locate(message.buffer, message.payloadOffset, length)
    return this.applyPayload(this.#payload.words, at, length)
  }

  /** Applies the book event payload of `length` bytes that starts at `words[at]`. */
  applyPayload(words: Uint32Array, at: number, length: number): ApplyResult {
    return this.#count(this.applyWords(words, at, length))
  }

  /** As `applyPayload`, without counting. */
  protected abstract applyWords(words: Uint32Array, at: number, length: number): ApplyResult

  #count(result: ApplyResult): ApplyResult {
    this.counts[result]!++
    return result
  }
}
