import type { MarketBook } from './market-book.ts'
import type { OrderPool } from './order-pool.ts'
import { BUY, BY_QUEUE, BY_THROUGH, type Side } from './order-terms.ts'
import type { FillMode, FillTaker, RestingOrders } from './resting-orders.ts'

/**
 * What market events of an L3 log do to resting orders (BACKTEST §7): first in, first out. Who stands before whom is told by numbers
 * that count whoever joins a queue: a market order with a number at most that of ours was there first.
 */
export class OrderQueues {
  readonly #pool: OrderPool
  readonly #resting: RestingOrders
  readonly #taker: FillTaker
  readonly #fills: FillMode

  constructor(pool: OrderPool, resting: RestingOrders, taker: FillTaker, fills: FillMode) {
    this.#pool = pool
    this.#resting = resting
    this.#taker = taker
    this.#fills = fills
  }

  /** An order joins its queue at the back. @param joined number of the last market order that joined one */
  accepted(slot: number, book: MarketBook, joined: number): void {
    const { ahead, sides, xTicks } = this.#pool
    ahead[slot] = book.lotsAt(sides[slot] as Side, xTicks[slot]!)
    this.#pool.joined[slot] = joined
    this.#pool.traded[slot] = 0
  }

  /** A market order that joined as number `joined` leaves its queue, or this much of it. */
  left(side: Side, tick: number, joined: number, lots: number): void {
    const { slots, count } = this.#resting
    const { sides, xTicks, ahead, traded, joined: own } = this.#pool
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      if (xTicks[slot] !== tick || sides[slot] !== side || joined > own[slot]!) continue
      ahead[slot]! -= lots
      traded[slot] = Math.max(0, traded[slot]! - lots)
    }
  }

  /**
   * A trade of `lots` in a log that has no executions: what it took of market orders is told by cancels and modifications behind it, and
   * until then stands in `traded`. `taker` is its taker's side.
   */
  tradedAt(taker: Side, tick: number, lots: number): void {
    const side = -taker as Side
    const { slots } = this.#resting
    const { sides, xTicks, xLeaves, ahead, traded } = this.#pool
    // What earlier orders of ours get is not there for later ones.
    let budget = lots
    for (let i = 0; i < this.#resting.count; ) {
      const slot = slots[i]!
      const price = xTicks[slot]!
      if (sides[slot] === side && (side === BUY ? price > tick : price < tick)) this.#taker.fillResting(slot, xLeaves[slot]!, BY_THROUGH)
      else if (sides[slot] === side && price === tick) {
        const reached = Math.round(budget - Math.max(0, ahead[slot]! - traded[slot]!))
        traded[slot] = Math.min(ahead[slot]!, traded[slot]! + budget)
        if (reached > 0) {
          const filled = this.#fills === 'partial' ? Math.min(reached, xLeaves[slot]!) : xLeaves[slot]!
          if (this.#fills === 'partial') budget = Math.max(0, budget - filled)
          this.#taker.fillResting(slot, filled, BY_QUEUE)
        }
      }
      // An order that is done has left the list.
      if (slots[i] === slot && i < this.#resting.count) i++
    }
  }

  /**
   * `lots` of a resting market order are executed: own orders at better prices would have been met first, and so would those before it
   * in its queue, which share what was executed in their order.
   */
  executed(side: Side, tick: number, joined: number, lots: number): void {
    const { slots } = this.#resting
    const { sides, xTicks, xLeaves, joined: own } = this.#pool
    let budget = lots
    for (let i = 0; i < this.#resting.count; ) {
      const slot = slots[i]!
      const price = xTicks[slot]!
      const isBetter = sides[slot] === side && (side === BUY ? price > tick : price < tick)
      const isBefore = sides[slot] === side && price === tick && own[slot]! < joined
      if (isBetter) this.#taker.fillResting(slot, xLeaves[slot]!, BY_THROUGH)
      else if (isBefore && this.#fills === 'whole') this.#taker.fillResting(slot, xLeaves[slot]!, BY_QUEUE)
      else if (isBefore && budget > 0) {
        const filled = Math.min(budget, xLeaves[slot]!)
        budget -= filled
        this.#taker.fillResting(slot, filled, BY_QUEUE)
      }
      // An order that is done has left the list.
      if (slots[i] === slot && i < this.#resting.count) i++
    }
  }

  /** The book was emptied, and a snapshot may follow: own orders keep their level. */
  replaced(): void {
    const { slots, count } = this.#resting
    for (let i = 0; i < count; i++) {
      this.#pool.ahead[slots[i]!] = 0
      this.#pool.traded[slots[i]!] = 0
    }
  }

  /** A market order of the snapshot, number `joined`: whoever is in it was there before all of ours. */
  shown(side: Side, tick: number, joined: number, lots: number): void {
    const { slots, count } = this.#resting
    const { sides, xTicks, ahead, joined: own } = this.#pool
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      own[slot] = joined
      if (xTicks[slot] === tick && sides[slot] === side) ahead[slot]! += lots
    }
  }
}
