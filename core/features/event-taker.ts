import {
  APPLIED,
  explanationOf,
  FIRST_BAD_RESULT,
  newResultCounts,
  RESULT_NAMES,
  SKIPPED_MODE,
  UNKNOWN_ORDER,
} from '../book/apply-result.ts'
import { L3Book } from '../book/l3-book.ts'
import { VERDICT_APPLY, VERDICT_DUPLICATE, VERDICT_QUARANTINED } from '../book/sequence/sequence-policy.ts'
import type { BookTrust } from './book-trust.ts'
import { damaged } from './engine-errors.ts'
import { type EngineMessage, isL3, isRestart } from './engine-message.ts'
import type { FeatureEngineOptions } from './engine-options.ts'
import type { FeatureBook } from './feature-book.ts'
import type { RowMaker } from './rows/row-maker.ts'

export interface EventTakerParts {
  readonly book: FeatureBook
  readonly rows: RowMaker
  readonly trust: BookTrust
  readonly options: Pick<FeatureEngineOptions, 'onCorrupt' | 'onGap'>
}

/** Applies book events to an engine's book, and tells rows and trust what became of them. */
export class EventTaker {
  /** Book events by ApplyResult. */
  readonly results = newResultCounts()
  /** Book events so far, also those that the sequences leave out. */
  bookEvents = 0

  readonly #book: FeatureBook
  readonly #rows: RowMaker
  readonly #trust: BookTrust
  readonly #isSkipping: boolean
  readonly #isSkippingUnknown: boolean

  constructor({ book, rows, trust, options }: EventTakerParts) {
    this.#book = book
    this.#rows = rows
    this.#trust = trust
    this.#isSkipping = options.onCorrupt === 'skip'
    this.#isSkippingUnknown = this.#isSkipping || options.onGap === 'ignore'
  }

  /** Events that a run of messages applied. */
  passed(bookEvents: number): void {
    this.bookEvents += bookEvents
    this.results[APPLIED]! += bookEvents
  }

  /**
   * Gives why the book did without an event; null when it did not.
   * @throws ReplayError corrupt `book-<result>`
   */
  take(message: EngineMessage): string | null {
    this.bookEvents++
    const { verdict } = message
    if (verdict !== VERDICT_APPLY)
      return verdict === VERDICT_QUARANTINED ? 'quarantined' : verdict === VERDICT_DUPLICATE ? 'duplicate' : 'stale'
    return this.#settle(message, this.#apply(message))
  }

  /** The same of an event that a run of messages came to. @param result what became of it in the book */
  takeOfRun(message: EngineMessage, result: number): string | null {
    this.bookEvents++
    this.#book.source.noteApplied(result, 1)
    if (result !== APPLIED) return this.#settle(message, result)
    this.results[APPLIED]!++
    return null
  }

  #settle(message: EngineMessage, result: number): string | null {
    this.results[result]!++
    if (result !== APPLIED && (result !== UNKNOWN_ORDER || !this.#isSkippingUnknown)) {
      if (result !== UNKNOWN_ORDER && result < FIRST_BAD_RESULT) return result === SKIPPED_MODE ? `book-${RESULT_NAMES[result]!}` : null
      this.#refuse(result, message)
      return `book-${RESULT_NAMES[result]!}`
    }
    this.#rows.book(message, isRestart(message))
    return result === APPLIED ? null : `book-${RESULT_NAMES[result]!}`
  }

  #apply(message: EngineMessage): number {
    const { words, at, length, stored } = message
    let { source } = this.#book
    // What the log's first book event is, the book is.
    if (isL3(message) && !(source instanceof L3Book) && this.results[APPLIED] === 0) {
      source = new L3Book({ memory: source.memory })
      this.#book.bind(source)
    }
    return stored === 0 ? source.applyPayload(words, at, length) : source.applyStored(stored, length)
  }

  #refuse(result: number, message: EngineMessage): void {
    const name = RESULT_NAMES[result]!
    if (!this.#isSkipping) {
      throw damaged(
        `book-${name}`,
        `a book event that cannot be applied: ${explanationOf(result)}; leave such events out with --on-error skip (onCorrupt "skip")`,
        message,
      )
    }
    this.#trust.doWithout(message.micros)
  }
}
