import { BookMemory } from '../book/kernel/book-memory.ts'
import { L2Side } from '../book/l2-side.ts'
import type { MarketBook } from './market-book.ts'
import { BUY, type Side } from './order-terms.ts'

/** Words of the kernel's `TrackedBook`, whose first two doubles are the best prices. */
const BIDS = 6
const ASKS = 7

/**
 * An L2 book in ticks and lots whose best prices are *tracked*: an update beyond the other side's best moves that best to the
 * next level behind it. What lies between stays stored and is not best, so that a feed with missing deletes heals itself.
 * A view of what kernel/tracked-book.as holds.
 */
export class TrackedBook implements MarketBook {
  readonly bids: L2Side
  readonly asks: L2Side
  /** Address of the kernel's. */
  readonly at: number
  readonly #memory: BookMemory

  /** @param depthLimit levels a side that are left after a message */
  constructor(depthLimit = Number.POSITIVE_INFINITY, memory = new BookMemory()) {
    this.#memory = memory
    this.at = memory.kernel.newTrackedBook(depthLimit) >>> 0
    this.bids = new L2Side(1, memory, memory.words[(this.at >>> 2) + BIDS]!)
    this.asks = new L2Side(-1, memory, memory.words[(this.at >>> 2) + ASKS]!)
  }

  get bestBid(): number {
    return this.#memory.doubles[this.at >>> 3]!
  }

  get bestAsk(): number {
    return this.#memory.doubles[(this.at >>> 3) + 1]!
  }

  get isEmpty(): boolean {
    return this.bids.count === 0 && this.asks.count === 0
  }

  clear(): void {
    this.#memory.kernel.clearTracked(this.at)
  }

  /** Sets one level; fewer lots than half of one remove it. */
  set(side: Side, tick: number, lots: number): void {
    try {
      this.#memory.kernel.setTracked(this.at, side === BUY ? 1 : 0, tick, lots)
    } catch (cause) {
      throw this.#memory.trapped(cause)
    }
  }

  /** Sets the levels of a message: pairs of tick and lots from double `at` of the memory on, bids first; then drops what is beyond the depth. */
  setLevels(at: number, bids: number, asks: number): void {
    try {
      this.#memory.kernel.setTrackedLevels(this.at, 8 * at, bids, asks)
    } catch (cause) {
      throw this.#memory.trapped(cause)
    }
  }

  lotsAt(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).sizeAt(tick)
  }

  nextBehind(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).worseThan(tick)
  }
}
