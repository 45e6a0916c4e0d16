import type { L2Side } from '../../book/l2-side.ts'
import { defineJob } from '../define-job.ts'

/** The state of the book in regular samples: `--param every=1s --param depth=5`. Prices and sizes are real values. */
export const bookFeatures = defineJob({
  name: 'book-features',
  streams: ['book'],
  params: { every: '1s', depth: 5 },
  trigger: ({ every }) => ({ every }),
  columns: {
    bid_price: 'f64',
    bid_size: 'f64',
    ask_price: 'f64',
    ask_size: 'f64',
    mid: 'f64',
    spread_bps: 'f64',
    micro_price: 'f64',
    imbalance: 'f64',
  },
  features: ({ depth }) => ({ mid: 'mid', spread_bps: 'spread_bps', micro_price: 'micro_price', imbalance: `imbalance:${depth}` }),
  create: (_params, { book }) => ({
    row(out) {
      out.bid_price = book.bidPrice
      out.bid_size = sizeOf(book.bids) / book.sizeUnit
      out.ask_price = book.askPrice
      out.ask_size = sizeOf(book.asks) / book.sizeUnit
    },
  }),
})

/** Of the best level; NaN, which is NULL, where there is none. */
function sizeOf({ bestPrice, bestSize }: L2Side): number {
  return Number.isNaN(bestPrice) ? bestPrice : bestSize
}
