import type { L2Side } from '../book/l2-side.ts'
import type { MarketBook } from './market-book.ts'
import type { MarketLevels } from './market-levels.ts'
import { BUY, type Side } from './order-terms.ts'

/**
 * A book of levels as it is known locally. Best prices are there at once; for anything else what is under way is undone in the book of the
 * exchange, as long as both sides share one (kernel/market-local.as).
 */
export class LocalBook implements MarketBook {
  readonly #levels: MarketLevels

  constructor(levels: MarketLevels) {
    this.#levels = levels
  }

  get bestBid(): number {
    return this.#levels.localBid
  }

  get bestAsk(): number {
    return this.#levels.localAsk
  }

  /** To be asked for again after anything that the exchange met. */
  get bids(): L2Side {
    return this.#levels.lookAtLocal().bids
  }

  get asks(): L2Side {
    return this.#levels.lookAtLocal().asks
  }

  lotsAt(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).sizeAt(tick)
  }

  nextBehind(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).worseThan(tick)
  }
}
