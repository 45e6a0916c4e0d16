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

  readonly #depthLimit: number

  /** @param depthLimit levels a side that `cut` leaves */
  constructor(depthLimit = Number.POSITIVE_INFINITY) {
    this.#depthLimit = depthLimit
  }

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

  /** Sets the levels of a message: pairs of tick and lots from `at` on, bids first. */
  setLevels(pairs: Float64Array, at: number, bids: number, asks: number): void {
    const asksAt = at + 2 * bids
    for (let i = at; i < asksAt; i += 2) this.#setBid(pairs[i]!, pairs[i + 1]!)
    for (let i = asksAt; i < asksAt + 2 * asks; i += 2) this.#setAsk(pairs[i]!, pairs[i + 1]!)
    this.cut()
  }

  /** Drops what is beyond the depth of the stream, which is told of no more. */
  cut(): void {
    if (this.bids.count <= this.#depthLimit && this.asks.count <= this.#depthLimit) return
    this.bids.cutTo(this.#depthLimit)
    this.asks.cutTo(this.#depthLimit)
  }

  /** Best prices by what is stored alone: a bid that is at or beyond the best ask hides the asks up to it. */
  settle(): void {
    this.bestBid = orNone(this.bids.bestPrice, Number.NEGATIVE_INFINITY)
    const ask = orNone(this.asks.bestPrice, Number.POSITIVE_INFINITY)
    this.bestAsk = ask > this.bestBid ? ask : orNone(this.asks.worseThan(this.bestBid), Number.POSITIVE_INFINITY)
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
