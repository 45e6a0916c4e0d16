import { L2Side } from '../book/l2-side.ts'
import type { MarketBook } from './market-book.ts'
import { BUY, type Side } from './order-terms.ts'

/**
 * An L2 book in ticks and lots whose best prices are *tracked*: an update beyond the other side's best moves that best to the
 * next level behind it. What lies between stays stored and is not best, so that a feed with missing deletes heals itself.
 */
export class TrackedBook implements MarketBook {
  readonly bids = new L2Side(1)
  readonly asks = new L2Side(-1)
  bestBid = Number.NEGATIVE_INFINITY
  bestAsk = Number.POSITIVE_INFINITY

  clear(): void {
    this.bids.clear()
    this.asks.clear()
    this.bestBid = Number.NEGATIVE_INFINITY
    this.bestAsk = Number.POSITIVE_INFINITY
  }

  /** Sets one level; fewer lots than half of one remove it. */
  set(side: Side, tick: number, lots: number): void {
    if (side === BUY) this.#setBid(tick, lots)
    else this.#setAsk(tick, lots)
  }

  lotsAt(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).sizeAt(tick)
  }

  nextBehind(side: Side, tick: number): number {
    return (side === BUY ? this.bids : this.asks).worseThan(tick)
  }

  #setBid(tick: number, lots: number): void {
    if (lots < 0.5) {
      this.bids.set(tick, 0)
      if (tick === this.bestBid) this.bestBid = orNone(this.bids.worseThan(tick), Number.NEGATIVE_INFINITY)
      return
    }
    this.bids.set(tick, lots)
    if (tick <= this.bestBid) return
    this.bestBid = tick
    if (tick >= this.bestAsk) this.bestAsk = orNone(this.asks.worseThan(tick), Number.POSITIVE_INFINITY)
  }

  #setAsk(tick: number, lots: number): void {
    if (lots < 0.5) {
      this.asks.set(tick, 0)
      if (tick === this.bestAsk) this.bestAsk = orNone(this.asks.worseThan(tick), Number.POSITIVE_INFINITY)
      return
    }
    this.asks.set(tick, lots)
    if (tick >= this.bestAsk) return
    this.bestAsk = tick
    if (tick <= this.bestBid) this.bestBid = orNone(this.bids.worseThan(tick), Number.NEGATIVE_INFINITY)
  }
}

function orNone(tick: number, none: number): number {
  return Number.isNaN(tick) ? none : tick
}
