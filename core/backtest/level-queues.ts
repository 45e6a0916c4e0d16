import type { MarketBook } from './market-book.ts'
import type { OrderPool } from './order-pool.ts'
import { BUY, BY_QUEUE, BY_THROUGH, type Side } from './order-terms.ts'
import type { QueueModel } from './queue-model.ts'
import type { FillMode, FillTaker, RestingOrders } from './resting-orders.ts'

export interface LevelQueuesOptions {
  readonly model: QueueModel
  readonly fills: FillMode
  /** Two own orders at one price are judged each alone, so that one trade may fill both. */
  readonly isOwnIndependent: boolean
}

/** What market events of an L2 log do to resting orders (BACKTEST §5, §6). */
export class LevelQueues {
  readonly #pool: OrderPool
  readonly #resting: RestingOrders
  readonly #taker: FillTaker
  readonly #options: LevelQueuesOptions

  constructor(pool: OrderPool, resting: RestingOrders, taker: FillTaker, options: LevelQueuesOptions) {
    this.#pool = pool
    this.#resting = resting
    this.#taker = taker
    this.#options = options
  }

  /** An order rests from now on. @param isBookKnown false: behind a gap nobody knows what is ahead */
  accepted(slot: number, book: MarketBook, isBookKnown: boolean): void {
    const { ahead, traded, sides, xTicks } = this.#pool
    ahead[slot] = isBookKnown ? book.lotsAt(sides[slot] as Side, xTicks[slot]!) : Number.POSITIVE_INFINITY
    traded[slot] = 0
  }

  /** A level went from `previous` to `next` lots. */
  levelChanged(side: Side, tick: number, previous: number, next: number): void {
    const { slots, count } = this.#resting
    const { sides, xTicks, ahead, traded } = this.#pool
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      if (xTicks[slot] !== tick || sides[slot] !== side) continue
      const before = ahead[slot]!
      ahead[slot] = before === Number.POSITIVE_INFINITY ? next : this.#options.model.ahead(before, previous, next, traded[slot]!)
      traded[slot] = 0
    }
  }

  /** A snapshot has replaced the book: the place in a queue is as it was, but no further back than the level is long. */
  replaced(book: MarketBook): void {
    const { slots, count } = this.#resting
    const { sides, xTicks, ahead, traded } = this.#pool
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      ahead[slot] = Math.min(ahead[slot]!, book.lotsAt(sides[slot] as Side, xTicks[slot]!))
      traded[slot] = 0
    }
  }

  /** A trade of `lots` at a price; `taker` is its taker's side. */
  traded(taker: Side, tick: number, lots: number): void {
    const side = -taker as Side
    const { slots } = this.#resting
    const { sides, xTicks, xLeaves, ahead, traded } = this.#pool
    const { fills, isOwnIndependent } = this.#options
    // What earlier orders of ours get is not there for later ones, and as long as one of them is left at this price it stands in front.
    let budget = lots
    let isSpent = false
    let isBehindOwn = false
    for (let i = 0; i < this.#resting.count; ) {
      const slot = slots[i]!
      const own = xTicks[slot]!
      if (sides[slot] !== side || (own !== tick && own > tick !== (side === BUY))) {
        i++
        continue
      }
      if (own !== tick) this.#taker.fillResting(slot, xLeaves[slot]!, BY_THROUGH)
      else {
        // What goes beyond the market's orders meets the order of ours in front.
        if (!isSpent) ahead[slot] = Math.max(ahead[slot]! - budget, isBehindOwn ? Math.min(ahead[slot]!, 0) : Number.NEGATIVE_INFINITY)
        traded[slot]! += lots
        const reached = isSpent || isBehindOwn ? 0 : Math.round(-ahead[slot]!)
        if (reached > 0) {
          ahead[slot] = 0
          const filled = fills === 'partial' ? Math.min(reached, xLeaves[slot]!) : xLeaves[slot]!
          this.#taker.fillResting(slot, filled, BY_QUEUE)
          if (!isOwnIndependent) {
            budget -= filled
            isSpent = budget <= 0
          }
        }
        isBehindOwn = !isOwnIndependent && slots[i] === slot && i < this.#resting.count
      }
      // An order that is done has left the list.
      if (slots[i] === slot && i < this.#resting.count) i++
    }
  }
}
