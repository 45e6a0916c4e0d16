import type { OrderPool } from './order-pool.ts'
import { BUY } from './order-terms.ts'

/** Takes the fills that queues find. */
export interface FillTaker {
  /** A resting order is filled at its own price. @param reason BY_QUEUE, BY_THROUGH or BY_CROSS */
  fillResting(slot: number, lots: number, reason: number): void
}

/** `partial`: as much as was reached; `whole`: completely, whatever was reached. */
export type FillMode = 'partial' | 'whole'

/** The orders of one participant that rest at the exchange, in order of arrival, and the price ranges that they lie in. */
export class RestingOrders {
  slots = new Int32Array(16)
  count = 0
  /** Prices of the buys, ticks; an empty range is +∞ … −∞. */
  minBuy = Number.POSITIVE_INFINITY
  maxBuy = Number.NEGATIVE_INFINITY
  minSell = Number.POSITIVE_INFINITY
  maxSell = Number.NEGATIVE_INFINITY
  /** Counts changes, for those who keep something of it. */
  version = 0
  readonly #pool: OrderPool

  constructor(pool: OrderPool) {
    this.#pool = pool
  }

  /** At the back. */
  add(slot: number): void {
    if (this.count === this.slots.length) {
      const grown = new Int32Array(2 * this.count)
      grown.set(this.slots)
      this.slots = grown
    }
    this.slots[this.count++] = slot
    this.#pool.isResting[slot] = 1
    this.#widen(slot)
    this.version++
  }

  remove(slot: number): void {
    const at = this.slots.indexOf(slot)
    this.slots.copyWithin(at, at + 1, this.count)
    this.count--
    this.#pool.isResting[slot] = 0
    this.#measure()
  }

  clear(): void {
    this.count = 0
    this.#measure()
  }

  #measure(): void {
    this.minBuy = Number.POSITIVE_INFINITY
    this.maxBuy = Number.NEGATIVE_INFINITY
    this.minSell = Number.POSITIVE_INFINITY
    this.maxSell = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.count; i++) this.#widen(this.slots[i]!)
    this.version++
  }

  #widen(slot: number): void {
    const tick = this.#pool.xTicks[slot]!
    if (this.#pool.sides[slot] === BUY) {
      if (tick < this.minBuy) this.minBuy = tick
      if (tick > this.maxBuy) this.maxBuy = tick
    } else {
      if (tick < this.minSell) this.minSell = tick
      if (tick > this.maxSell) this.maxSell = tick
    }
  }
}
