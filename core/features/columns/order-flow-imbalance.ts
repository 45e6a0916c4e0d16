import type { FeatureBook } from '../feature-book.ts'
import { defineColumn } from './column.ts'

/**
 * Order-flow imbalance at the best level, in base currency, summed over the book events of a bar (or since the row before):
 *
 *     e(n) = [Pb(n) ≥ Pb(n−1)] · qb(n) − [Pb(n) ≤ Pb(n−1)] · qb(n−1) − [Pa(n) ≤ Pa(n−1)] · qa(n) + [Pa(n) ≥ Pa(n−1)] · qa(n−1)
 *
 * with the best bid and ask prices P and their sizes q after event n. Positive: demand grows.
 * Source: R. Cont, A. Kukanov, S. Stoikov, "The Price Impact of Order Book Events", Journal of Financial Econometrics 12
 * (2014), eq. 2 and 3.
 * A side counts only where it was and is not empty; at a snapshot, a reset and a gap the comparison starts anew.
 * Summed as integers at the finest size scale of the bar. 0 without events, also while the book is empty.
 */
export const OFI = defineColumn({
  name: 'ofi',
  type: 'f64',
  create(_params, { book }) {
    const flow = new OrderFlow(book)
    return {
      reset: () => flow.reset(),
      book: (_event, restarted) => flow.add(restarted),
      nextRow: () => flow.clear(),
      value: () => flow.value,
    }
  },
})

class OrderFlow {
  readonly #book: FeatureBook
  /** Prices at the book's price scale; NaN for an empty side. */
  #bidPrice = Number.NaN
  #askPrice = Number.NaN
  #bidSize = 0
  #askSize = 0
  #priceScale = -1
  /** Scale of the sizes and of the sum. */
  #scale = 0
  #sum = 0
  /** What brings a size of the book to the scale of the sum. */
  #factor = 1

  constructor(book: FeatureBook) {
    this.#book = book
  }

  get value(): number {
    return this.#sum / 10 ** this.#scale
  }

  /** Compares with what is there now. */
  reset(): void {
    this.#look()
  }

  clear(): void {
    this.#sum = 0
  }

  add(restarted: boolean): void {
    const { bids, asks, priceScale, sizeScale } = this.#book
    if (restarted) {
      this.#look()
      return
    }
    if (priceScale !== this.#priceScale || sizeScale !== this.#scale) this.#rescale(priceScale, sizeScale)
    const bid = bids.bestPrice
    const ask = asks.bestPrice
    const bidSize = bids.bestSize * this.#factor
    const askSize = asks.bestSize * this.#factor
    // Comparing with NaN is false: an empty side adds nothing.
    if (bid >= this.#bidPrice) this.#sum += bidSize
    if (bid <= this.#bidPrice) this.#sum -= this.#bidSize
    if (ask <= this.#askPrice) this.#sum -= askSize
    if (ask >= this.#askPrice) this.#sum += this.#askSize
    this.#bidPrice = bid
    this.#askPrice = ask
    this.#bidSize = bidSize
    this.#askSize = askSize
  }

  #look(): void {
    const { bids, asks, priceScale, sizeScale } = this.#book
    this.#priceScale = priceScale
    this.#toScale(sizeScale)
    this.#bidPrice = bids.bestPrice
    this.#askPrice = asks.bestPrice
    this.#bidSize = bids.bestSize * this.#factor
    this.#askSize = asks.bestSize * this.#factor
  }

  /** The book's scales have changed without a restart: they became finer, and the book is the same. */
  #rescale(priceScale: number, sizeScale: number): void {
    if (this.#priceScale >= 0 && priceScale !== this.#priceScale) {
      const factor = 10 ** (priceScale - this.#priceScale)
      this.#bidPrice *= factor
      this.#askPrice *= factor
    }
    this.#priceScale = priceScale
    this.#toScale(sizeScale)
  }

  #toScale(sizeScale: number): void {
    if (sizeScale > this.#scale) {
      const factor = 10 ** (sizeScale - this.#scale)
      this.#sum *= factor
      this.#bidSize *= factor
      this.#askSize *= factor
      this.#scale = sizeScale
    }
    this.#factor = sizeScale < 0 ? 1 : 10 ** (this.#scale - sizeScale)
  }
}
