import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { type ApplyResult, DUPLICATE, QUARANTINED, STALE } from './apply-result.ts'
import { BookSet, type BookSetOptions } from './book-set.ts'
import {
  SequencePolicy,
  type SequencePolicyOptions,
  VERDICT_APPLY,
  VERDICT_DUPLICATE,
  VERDICT_QUARANTINED,
} from './sequence/sequence-policy.ts'

export interface BookReplayOptions extends BookSetOptions, SequencePolicyOptions {}

/** The books of a log behind a sequence policy: what the policy leaves out does not reach them. */
export class BookReplay {
  readonly books: BookSet
  readonly policy: SequencePolicy

  constructor(options: BookReplayOptions = {}) {
    this.books = new BookSet(options)
    this.policy = new SequencePolicy(options)
  }

  /** Messages by ApplyResult, those the policy left out included. */
  get counts(): Float64Array {
    return this.books.counts
  }

  /** Applies the selected messages of a batch in order. @throws as `apply` */
  applyBatch(batch: MessageBatch): void {
    for (let k = 0; k < batch.length; k++) this.apply(batch.at(batch.rowAt(k)))
  }

  /**
   * Applies the next message, of any type, in the order of the log.
   * @throws ReplayError `sequence-gap` (SequencePolicy.check), `book-…` (BookSet.apply)
   */
  apply(message: MessageCursor): ApplyResult {
    const verdict = this.policy.check(message)
    if (verdict === VERDICT_APPLY) return this.books.apply(message)
    const result = verdict === VERDICT_QUARANTINED ? QUARANTINED : verdict === VERDICT_DUPLICATE ? DUPLICATE : STALE
    this.books.counts[result]!++
    return result
  }
}
