import type { L2Book } from '../book/l2-book.ts'
import type { L2Side } from '../book/l2-side.ts'
import { L3Book } from '../book/l3-book.ts'
import { ReplayError } from '../errors.ts'

/**
 * The book that columns read: an L2 book, or the L2 view of an L3 book.
 *
 * Prices and sizes of `bids` and `asks` are integers; the real value is n / 10^scale, which is what the getters here give.
 * What does not exist is NaN.
 */
export class FeatureBook {
  bids: L2Side
  asks: L2Side
  /** Of the kernel's `BookView` in the book's memory. */
  readonly view: number
  /** When a restored book changed last, nanoseconds since the epoch; null: nobody knows. */
  readonly restoredNs: bigint | null
  #source: L2Book | L3Book

  constructor(source: L2Book | L3Book, restoredNs: bigint | null = null) {
    this.#source = source
    this.restoredNs = restoredNs
    this.view = source.memory.kernel.newBookView() >>> 0
    this.#look()
    this.bids = bidsOf(source)
    this.asks = asksOf(source)
  }

  /** Makes this the view of another book in the same memory. @throws ReplayError bug `book-memory` when it lies in another one */
  bind(source: L2Book | L3Book): void {
    if (source.memory !== this.#source.memory) {
      throw new ReplayError('book-memory', 'a feature book can be bound to books in its own memory only', { category: 'bug' })
    }
    this.#source = source
    this.#look()
    this.bids = bidsOf(source)
    this.asks = asksOf(source)
  }

  /** The book itself: orders of an L3 book, counters. */
  get source(): L2Book | L3Book {
    return this.#source
  }

  /** Decimals of prices; −1 before the first message. */
  get priceScale(): number {
    return this.#source.priceScale
  }

  /** Decimals of sizes; −1 before the first message. */
  get sizeScale(): number {
    return this.#source.sizeScale
  }

  /** 10^priceScale: what divides the prices of `bids` and `asks`. */
  get priceUnit(): number {
    return POWERS[this.#source.priceScale] ?? 1
  }

  /** 10^sizeScale: what divides the sizes of `bids` and `asks`. */
  get sizeUnit(): number {
    return POWERS[this.#source.sizeScale] ?? 1
  }

  get bidPrice(): number {
    return this.bids.bestPrice / this.priceUnit
  }

  get askPrice(): number {
    return this.asks.bestPrice / this.priceUnit
  }

  /** (bid + ask) · 0.5 of the best prices (docs/format.md, Features). */
  get mid(): number {
    const unit = this.priceUnit
    return (this.bids.bestPrice / unit + this.asks.bestPrice / unit) * 0.5
  }

  /** (Σbid − Σask) / (Σbid + Σask) over the sizes of the best `depth` levels (docs/format.md, Features); NaN when the book is empty. */
  imbalance(depth: number): number {
    const bids = this.bids.depthSum(depth)
    const asks = this.asks.depthSum(depth)
    return (bids - asks) / (bids + asks)
  }

  #look(): void {
    const { kernel } = this.#source.memory
    if (this.#source instanceof L3Book) kernel.viewL3(this.view, this.#source.address)
    else kernel.viewL2(this.view, this.#source.address)
  }
}

function bidsOf(source: L2Book | L3Book): L2Side {
  return source instanceof L3Book ? source.bids.totals : source.bids
}

function asksOf(source: L2Book | L3Book): L2Side {
  return source instanceof L3Book ? source.asks.totals : source.asks
}

const POWERS = Array.from({ length: 19 }, (_, scale) => 10 ** scale)
