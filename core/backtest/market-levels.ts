import type { MarketEvents } from './market-events.ts'
import type { Side } from './order-terms.ts'
import type { TrackedBook } from './tracked-book.ts'

/** Why the exchange stopped, as in kernel/market.as. */
export const MET_ALL = 0
/** The best bid came to own sells; the message goes on behind it. */
export const MET_CROSSED_SELLS = 1
export const MET_CROSSED_BUYS = 2
/** The event is the caller's to meet: a trade that reaches own orders, or what is neither levels nor a trade. */
export const MET_EVENT = 3

/** Doubles of the kernel's `Market`. */
const NOW = 4
const BOOK_TIME = 5
const LOCAL_BID = 6
const LOCAL_ASK = 7
/** Words of it. */
const EVENT = 16
const CHANGES = 18
const CHANGE_COUNT = 19
/** Doubles of a change: side, tick, lots before and now. */
const CHANGE = 4

/** Hears of a level that own orders may stand at: it went from `previous` to `next` lots. */
export type LevelListener = (side: Side, tick: number, previous: number, next: number) => void

/** Lets both sides of a market meet their events: a view of what kernel/market.as and kernel/market-local.as hold and do. */
export class MarketLevels {
  /** What stopped the exchange. */
  event = 0
  readonly #events: MarketEvents
  readonly #at: number
  readonly #book: TrackedBook | null
  readonly #local: TrackedBook | null
  /** The book of the exchange may be as the local side knows it. */
  #isBack = false

  /** @param book null, as `local`: of a log of orders, whose events are the caller's to meet */
  constructor(events: MarketEvents, book: TrackedBook | null, local: TrackedBook | null) {
    this.#events = events
    this.#book = book
    this.#local = local
    this.#at = events.memory.kernel.newMarket(events.at, book?.at ?? 0, local?.at ?? 0) >>> 0
  }

  /** When the book of the exchange changed last. */
  get bookNs(): number {
    return this.#events.memory.doubles[(this.#at >>> 3) + BOOK_TIME]!
  }

  set bookNs(timeNs: number) {
    this.#events.memory.doubles[(this.#at >>> 3) + BOOK_TIME] = timeNs
  }

  /** Time of the event that the exchange met last. */
  get nowNs(): number {
    return this.#events.memory.doubles[(this.#at >>> 3) + NOW]!
  }

  /** Best prices as they are known locally. */
  get localBid(): number {
    return this.#events.memory.doubles[(this.#at >>> 3) + LOCAL_BID]!
  }

  get localAsk(): number {
    return this.#events.memory.doubles[(this.#at >>> 3) + LOCAL_ASK]!
  }

  /** The book of the exchange. */
  lookAtExchange(): TrackedBook {
    if (this.#isBack) this.#call(() => this.#events.memory.kernel.lookAtExchange(this.#at))
    this.#isBack = false
    return this.#book!
  }

  /** The book as it is known locally, until the exchange's is looked at or meets events. */
  lookAtLocal(): TrackedBook {
    this.#isBack = true
    const { kernel } = this.#events.memory
    return this.#call(() => kernel.lookAtLocal(this.#at) >>> 0) === this.#book!.at ? this.#book! : this.#local!
  }

  /** A session begins: what a best price was before must not matter to it. */
  settle(): void {
    if (this.#book !== null) this.#call(() => this.#events.memory.kernel.settleMarket(this.#at))
  }

  /** Both sides begin with the book that the exchange was given. */
  seed(): void {
    this.#call(() => this.#events.memory.kernel.seedMarket(this.#at))
  }

  /** Where own orders lie, ticks; an empty range is +∞ … −∞. */
  setRanges(minBuy: number, maxBuy: number, minSell: number, maxSell: number): void {
    const { doubles } = this.#events.memory
    const at = this.#at >>> 3
    doubles[at] = minBuy
    doubles[at + 1] = maxBuy
    doubles[at + 2] = minSell
    doubles[at + 3] = maxSell
  }

  /**
   * The exchange meets the events before `beforeNs` and not after `untilNs`, up to one that something comes of.
   * @param changed hears of levels in the ranges, before this returns
   * @returns MET_ALL: there is none left; else why it stopped, or for nothing: it is to be called again
   */
  meetAtExchange(beforeNs: number, untilNs: number, changed: LevelListener): number {
    const { memory } = this.#events
    const why = this.#call(() => memory.kernel.meetAtExchange(this.#at, beforeNs, untilNs))
    const { words, doubles } = memory
    const at = this.#at >>> 2
    this.event = words[at + EVENT]!
    const count = words[at + CHANGE_COUNT]!
    for (let i = 0, from = words[at + CHANGES]! >>> 3; i < count; i++, from += CHANGE) {
      changed(doubles[from] as Side, doubles[from + 1]!, doubles[from + 2]!, doubles[from + 3]!)
    }
    return why
  }

  /** The local side meets events up to a time; ends behind the first of a set of kinds (a bit each), gives its number; else −1. */
  meetLocally(untilNs: number, kinds: number): number {
    return this.#call(() => this.#events.memory.kernel.meetLocally(this.#at, untilNs, kinds))
  }

  #call<T>(call: () => T): T {
    try {
      return call()
    } catch (cause) {
      throw this.#events.memory.trapped(cause)
    }
  }
}
