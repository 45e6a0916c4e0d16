import { defineColumn } from './column.ts'

/** Mid price in quote currency: (bid / 10^ps + ask / 10^ps) · 0.5 (docs/format.md, Features). NULL while a side is empty. */
export const MID = defineColumn({
  name: 'mid',
  type: 'f64',
  create: (_params, { book }) => ({ value: () => book.mid }),
})

/** Spread in basis points of the mid: (ask − bid) / mid · 10⁴ (docs/format.md, Features); negative in a crossed book. NULL while a side is empty, or the mid is 0. */
export const SPREAD_BPS = defineColumn({
  name: 'spread_bps',
  type: 'f64',
  create: (_params, { book }) => ({
    value() {
      const unit = book.priceUnit
      const bid = book.bids.bestPrice / unit
      const ask = book.asks.bestPrice / unit
      return ((ask - bid) / ((bid + ask) * 0.5)) * 1e4
    },
  }),
})

/**
 * Micro-price in quote currency: the mid weighted by the opposite sizes, (bid · askSize + ask · bidSize) / (bidSize + askSize).
 * Source: J. Gatheral, R. Oomen, "Zero-intelligence realized variance estimation", Finance and Stochastics 14 (2010), §2.
 * NULL while a side is empty.
 */
export const MICRO_PRICE = defineColumn({
  name: 'micro_price',
  type: 'f64',
  create: (_params, { book }) => ({
    value() {
      const { bids, asks, priceUnit } = book
      const bidSize = bids.bestSize
      const askSize = asks.bestSize
      return ((bids.bestPrice / priceUnit) * askSize + (asks.bestPrice / priceUnit) * bidSize) / (bidSize + askSize)
    },
  }),
})
