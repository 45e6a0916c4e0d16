import { APPLIED } from '../book/apply-result.ts'
import { L2Book } from '../book/l2-book.ts'
import type { BookTrust } from './book-trust.ts'
import type { HeldMessages } from './clocks/held-messages.ts'
import type { EngineMessage } from './engine-message.ts'
import type { FeatureBook } from './feature-book.ts'
import type { HeldFeed } from './held-feed.ts'
import type { MessageTally } from './message-tally.ts'
import type { RowMaker } from './rows/row-maker.ts'

export interface HeldRunParts {
  readonly feed: HeldFeed
  readonly held: HeldMessages
  readonly book: FeatureBook
  readonly trust: BookTrust
  readonly rows: RowMaker
  readonly tally: MessageTally
  /** What comes from here on is of no interest; microseconds since the epoch. */
  readonly toMicros: number
}

/** What hears of the messages of a run. */
export interface HeldRunListener {
  /** Time comes to that of a message, which is not taken yet. */
  comesTo(message: EngineMessage): void
  /** So many were taken, of which this is the last. */
  passed(bookEvents: number, trades: number, message: EngineMessage): void
}

/** Has messages that were put aside for the exchange's clock taken by a feed, while no bar ends and the book can be trusted. */
export class HeldRun {
  readonly #parts: HeldRunParts
  readonly #listener: HeldRunListener

  constructor(parts: HeldRunParts, listener: HeldRunListener) {
    this.#parts = parts
    this.#listener = listener
  }

  /** Takes entries of a bar from one address to another; gives where the first lies that is for the engine. */
  take(from: number, to: number): number {
    const { feed, held, book, trust, rows, toMicros } = this.#parts
    const { source } = book
    if (!(source instanceof L2Book)) return from
    for (let at = from; ; ) {
      if (at === to || !rows.hasStarted || trust.isGap) return at
      const micros = source.memory.doubles[at >>> 3]!
      if (micros >= this.#untilMicros) {
        if (micros >= toMicros) return at
        this.#listener.comesTo(held.read(at))
        if (micros >= this.#untilMicros || trust.isGap) return at
      }
      if (!feed.ready()) return at
      const next = feed.feed(source, at, to, this.#untilMicros)
      if (next === at) return at
      at = next
      this.#settle(source)
    }
  }

  /** When the engine has something to do. */
  get #untilMicros(): number {
    const { rows, trust, tally, toMicros } = this.#parts
    return Math.min(toMicros, rows.nextEnd, trust.losses.next, tally.endAt(rows.micros))
  }

  #settle(source: L2Book): void {
    const { feed, held, rows } = this.#parts
    const { bookEvents, trades, last, clockMicros, clockLow, clockHigh } = feed.fed
    source.noteApplied(APPLIED, bookEvents)
    rows.comeTo(clockMicros, clockLow, clockHigh)
    this.#listener.passed(bookEvents, trades, held.read(last))
  }
}
