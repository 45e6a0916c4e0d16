import type { FeatureBook } from '../feature-book.ts'
import { type ColumnContext, defineColumn, defineColumnGroup, type FeatureColumn, requireCount } from './column.ts'

/** Levels that a depth may ask for. */
const MAX_LEVELS = 10_000
/** Levels of `top`: four columns each. */
const MAX_TOP_LEVELS = 200

/**
 * `imbalance:DEPTH` (default 1): (Σbid − Σask) / (Σbid + Σask) over the sizes of the best DEPTH levels (docs/format.md, Features).
 * From −1 (asks only) to 1 (bids only); NULL while the book is empty.
 */
export const IMBALANCE = defineColumn({
  name: 'imbalance',
  type: 'f64',
  params: { depth: 1 },
  create({ depth }, { book }) {
    requireCount('imbalance', depth, MAX_LEVELS)
    return { value: () => book.imbalance(depth) }
  },
})

/** `top:N` (default 1): price and size of the best N levels, `bid_price_1, bid_size_1, ask_price_1, ask_size_1, bid_price_2 …`; NULL where there is no such level. */
export const TOP = defineColumnGroup({
  name: 'top',
  params: { levels: 1 },
  columns({ levels }) {
    requireCount('top', levels, MAX_TOP_LEVELS)
    const column = (name: string, read: (top: TopLevels) => number): FeatureColumn => ({
      name,
      type: 'f64',
      warmUpNs: 0,
      create({ book, share }: ColumnContext) {
        const top = share(`top:${levels}`, () => new TopLevels(book, levels))
        return { value: () => read(top) }
      },
    })
    return Array.from({ length: levels }, (_, i) => [
      column(`bid_price_${i + 1}`, ({ bidPrices, source }) => bidPrices[i]! / source.priceUnit),
      column(`bid_size_${i + 1}`, ({ bidSizes, source }) => bidSizes[i]! / source.sizeUnit),
      column(`ask_price_${i + 1}`, ({ askPrices, source }) => askPrices[i]! / source.priceUnit),
      column(`ask_size_${i + 1}`, ({ askSizes, source }) => askSizes[i]! / source.sizeUnit),
    ]).flat()
  },
})

/**
 * `depth_bps:X` (default 10): the sums of the sizes within X basis points of the mid, `bid_depth_X_bps` (prices ≥
 * mid · (1 − X / 10⁴)) and `ask_depth_X_bps` (prices ≤ mid · (1 + X / 10⁴)), in base currency. The bounds are calculated from
 * the integer prices. NULL while a side is empty.
 */
export const DEPTH_BPS = defineColumnGroup({
  name: 'depth_bps',
  params: { bps: 10 },
  columns({ bps }) {
    const suffix = `${String(bps).replace('.', '_')}_bps`
    const column = (name: string, value: (book: FeatureBook, mid: number) => number): FeatureColumn => ({
      name,
      type: 'f64',
      warmUpNs: 0,
      create: ({ book }) => ({
        value() {
          const mid = (book.bids.bestPrice + book.asks.bestPrice) * 0.5
          return Number.isNaN(mid) ? mid : value(book, mid) / book.sizeUnit
        },
      }),
    })
    return [
      column(`bid_depth_${suffix}`, ({ bids }, mid) => bids.sumToPrice(mid * (1 - bps / 1e4))),
      column(`ask_depth_${suffix}`, ({ asks }, mid) => asks.sumToPrice(mid * (1 + bps / 1e4))),
    ]
  },
})

/** The best levels, read once per row. */
class TopLevels {
  readonly source: FeatureBook
  readonly bidPrices: Float64Array
  readonly bidSizes: Float64Array
  readonly askPrices: Float64Array
  readonly askSizes: Float64Array

  constructor(book: FeatureBook, levels: number) {
    this.source = book
    this.bidPrices = new Float64Array(levels)
    this.bidSizes = new Float64Array(levels)
    this.askPrices = new Float64Array(levels)
    this.askSizes = new Float64Array(levels)
  }

  row(): void {
    const bids = this.source.bids.topInto(this.bidPrices, this.bidSizes)
    this.bidPrices.fill(Number.NaN, bids)
    this.bidSizes.fill(Number.NaN, bids)
    const asks = this.source.asks.topInto(this.askPrices, this.askSizes)
    this.askPrices.fill(Number.NaN, asks)
    this.askSizes.fill(Number.NaN, asks)
  }
}
