import { type SequencePolicy, VERDICT_APPLY } from '../book/sequence/sequence-policy.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import type { ExchangeClock } from './clocks/exchange-clock.ts'
import { wholeMicros } from './clocks/microseconds.ts'
import { type EngineMessage, EVENT_LOST, isRestart } from './engine-message.ts'
import type { FeatureEngineOptions } from './engine-options.ts'
import type { FeatureBook } from './feature-book.ts'
import { OpenLosses } from './open-losses.ts'
import type { RowMaker } from './rows/row-maker.ts'

export interface BookTrustParts {
  readonly rows: RowMaker
  readonly book: FeatureBook
  readonly policy: SequencePolicy
  readonly exchange: ExchangeClock | null
  readonly hasBook: boolean
  /** The book is empty because of a gap, as of a restart point. */
  readonly isOpen: boolean
  readonly absences: FeatureEngineOptions['absences']
}

/** What a reader left out, of a log. */
export interface LogLoss {
  readonly isBook: boolean
  /** Microseconds since the epoch: the time that the log had come to. */
  readonly fromMicros: number
  /** To the end of its day. */
  readonly untilMicros: number
}

/** Whether an engine's rows can trust the book, in the order of its clock; they are told of gaps, losses and days without a book. */
export class BookTrust {
  readonly losses = new OpenLosses()
  /** What the watch says, in the order of the clock: the book is empty because of a gap. */
  isOpen: boolean
  /** Rows are told that the book cannot be trusted: it is empty, or an event could not be applied. */
  isGap: boolean
  /** When the next day without a book begins, microseconds; +∞: none does. */
  nextAbsence: number

  readonly #rows: RowMaker
  readonly #book: FeatureBook
  readonly #policy: SequencePolicy
  readonly #exchange: ExchangeClock | null
  readonly #hasBook: boolean
  /** Days without a book that time has not come to. */
  readonly #absences: { readonly path: string; readonly micros: number }[]

  constructor({ rows, book, policy, exchange, hasBook, isOpen, absences = [] }: BookTrustParts) {
    this.#rows = rows
    this.#book = book
    this.#policy = policy
    this.#exchange = exchange
    this.#hasBook = hasBook
    this.isOpen = isOpen
    this.isGap = isOpen
    this.#absences = absences.map(({ path, fromNs }) => ({ path, micros: wholeMicros(fromNs, 'fromNs') }))
    this.nextAbsence = this.#absences[0]?.micros ?? Number.POSITIVE_INFINITY
  }

  /** A message says something of gaps that was not known yet. */
  judge(message: EngineMessage): void {
    const isBook = message.type === TYPE_BOOK_EVENT
    const isOpen = message.gapOpen !== 0
    // By the exchange clock a trade may come before book events that arrived earlier: only book events say what the book is.
    if (isOpen && !this.isOpen && (isBook || this.#exchange === null)) {
      this.isOpen = true
      // An empty book says nothing; a stale one would say something wrong.
      this.#book.source.clear()
    }
    const isLost = message.gap === EVENT_LOST && this.#policy.onGap === 'quarantine'
    this.isGap ||= isOpen || this.isOpen || isLost
    if (message.gap !== 0) this.#rows.gap(message.micros, this.#isGapOpen)
    if (isBook && !isOpen && this.isGap && (this.isOpen || (isRestart(message) && message.verdict === VERDICT_APPLY))) {
      this.isOpen = false
      this.isGap = false
      if (!this.losses.isOpen) this.#rows.gapEnds(message.micros, message.gap !== 0)
    }
  }

  /** The book does without an event: what it would have changed is missing until the book is replaced. */
  doWithout(micros: number): void {
    this.isGap ||= this.#policy.onGap === 'quarantine'
    this.#rows.gap(micros, this.#isGapOpen)
  }

  /** A reader left out records of the log at `path`. */
  lose(path: string, { isBook, fromMicros, untilMicros }: LogLoss): void {
    this.#policy.lose(path, this.#hasBook)
    if (!this.#hasBook) return
    // Book events on their way, held for the exchange's clock, were before it.
    const heldMicros = isBook && this.#exchange !== null ? this.#exchange.bookMicros + 1 : Number.NEGATIVE_INFINITY
    const endMicros = isBook ? Number.POSITIVE_INFINITY : untilMicros
    this.losses.add({ path, isBook, fromMicros: Math.max(fromMicros, heldMicros), untilMicros: endMicros })
  }

  /** Losses that began or ended up to a time: rows are told, although no message shows them. */
  tellLosses(micros: number): void {
    const rows = this.#rows
    for (let next = this.losses.take(micros); next !== null; next = this.losses.take(micros)) {
      const { loss, begins } = next
      const atMicros = begins ? loss.fromMicros : Math.max(loss.fromMicros, loss.untilMicros)
      rows.advance(atMicros)
      const isIgnored = this.#policy.onGap === 'ignore'
      if (!begins) {
        if (!isIgnored && !this.#isGapOpen) rows.gapEnds(atMicros, false)
        continue
      }
      if (loss.isBook && !isIgnored) {
        this.isOpen = true
        this.isGap = true
        this.#book.source.clear()
      }
      rows.gap(atMicros, this.#isGapOpen && !isIgnored)
    }
  }

  /** Days without a book begin, up to a time. */
  meetAbsences(micros: number): void {
    while (this.#absences.length > 0 && micros >= this.nextAbsence) {
      const { path, micros: fromMicros } = this.#absences.shift()!
      this.nextAbsence = this.#absences[0]?.micros ?? Number.POSITIVE_INFINITY
      this.lose(path, { isBook: true, fromMicros, untilMicros: Number.POSITIVE_INFINITY })
    }
  }

  get #isGapOpen(): boolean {
    return this.isGap || this.losses.isOpen
  }
}
