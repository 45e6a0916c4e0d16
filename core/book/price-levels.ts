import type { BookMemory } from './kernel/book-memory.ts'
import { L2Side } from './l2-side.ts'

/** Words of the kernel's `Levels`. */
const TOTALS = 0
const COUNT = 7

/**
 * One side of an L3 book: price → queue of orders in priority order, and the totals per price as an L2 side. A view of what the
 * kernel holds (kernel/price-levels.as says how). A level of total 0 (orders without quantity) exists here but not in `totals`.
 */
export class PriceLevels {
  /** The L2 view: best, top N, sums. */
  readonly totals: L2Side
  readonly #memory: BookMemory
  readonly #at: number

  /** @param at address of the levels */
  constructor(sign: 1 | -1, memory: BookMemory, at: number) {
    this.totals = new L2Side(sign, memory, memory.words[(at >>> 2) + TOTALS]!)
    this.#memory = memory
    this.#at = at
  }

  /** Puts an order, whose price and quantity are set, at the end of its level's queue. */
  append(order: number): void {
    this.#memory.kernel.appendOrder(this.#at, order)
  }

  /** Slot of the first order of the queue at a price, or −1. */
  headAt(price: number): number {
    return this.#memory.kernel.headAt(this.#at, price)
  }

  /** Orders in the queue at a price. */
  ordersAt(price: number): number {
    return this.#memory.kernel.ordersAt(this.#at, price)
  }

  /** The prices of all levels, those of total 0 too, best first. Allocates. */
  prices(): Float64Array {
    const count = this.#memory.words[(this.#at >>> 2) + COUNT]!
    const block = this.#memory.alloc(count * 8)
    this.#memory.kernel.listPrices(this.#at, block)
    const prices = this.#memory.doubles.slice(block / 8, block / 8 + count).sort()
    this.#memory.release(block, count * 8)
    return this.totals.sign > 0 ? prices.reverse() : prices
  }
}
