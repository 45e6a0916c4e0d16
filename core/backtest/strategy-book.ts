import type { MarketReplay } from './market-replay.ts'
import { BUY, SELL, type Side } from './order-terms.ts'
import { QueuedBook } from './queued-book.ts'

/** The market's book as a strategy sees it: what has reached the local side, in the log's units. What does not exist is NaN. */
export class StrategyBook {
  readonly #replay: MarketReplay

  constructor(replay: MarketReplay) {
    this.#replay = replay
  }

  /** The market's smallest step of prices. */
  get tick(): number {
    return this.#replay.grid.tick
  }

  /** The market's smallest step of quantities. */
  get lot(): number {
    return this.#replay.grid.lot
  }

  get bidPrice(): number {
    return this.#price(this.#replay.localBook.bestBid)
  }

  get askPrice(): number {
    return this.#price(this.#replay.localBook.bestAsk)
  }

  /** Size at the best bid; NaN when there is none. */
  get bidSize(): number {
    return this.#size(BUY, this.#replay.localBook.bestBid)
  }

  get askSize(): number {
    return this.#size(SELL, this.#replay.localBook.bestAsk)
  }

  /** (best bid + best ask) / 2. */
  get mid(): number {
    return (this.bidPrice + this.askPrice) / 2
  }

  get spread(): number {
    return this.askPrice - this.bidPrice
  }

  /** Size at a price, 0 when there is none. @param side of the levels, 1 bids, −1 asks */
  sizeAt(side: Side, price: number): number {
    const { grid, localBook } = this.#replay
    return localBook.lotsAt(side, Math.round(grid.ticksOfPrice(price))) * grid.lot
  }

  /** (Σbid − Σask) / (Σbid + Σask) over the sizes of the best `depth` levels; NaN when the book is empty. */
  imbalance(depth: number): number {
    const bids = this.#depthSum(BUY, depth)
    const asks = this.#depthSum(SELL, depth)
    return (bids - asks) / (bids + asks)
  }

  /** Lots of the best levels of a side. */
  #depthSum(side: Side, depth: number): number {
    const { localBook } = this.#replay
    if (localBook instanceof QueuedBook) return (side === BUY ? localBook.source.bids : localBook.source.asks).totals.depthSum(depth)
    const levels = side === BUY ? localBook.bids : localBook.asks
    const best = side === BUY ? localBook.bestBid : localBook.bestAsk
    if (levels.bestPrice === best) return levels.depthSum(depth)
    // Levels that are stored before the best one were crossed, and their removal is missing.
    let lots = 0
    for (let i = 0, tick = best; i < depth && Number.isFinite(tick); i++, tick = localBook.nextBehind(side, tick)) {
      lots += localBook.lotsAt(side, tick)
    }
    return lots
  }

  #price(tick: number): number {
    return Number.isFinite(tick) ? tick * this.#replay.grid.tick : Number.NaN
  }

  #size(side: Side, tick: number): number {
    return Number.isFinite(tick) ? this.#replay.localBook.lotsAt(side, tick) * this.#replay.grid.lot : Number.NaN
  }
}
