/**
 * The state of the book ten times a minute, with a volatility that looks five minutes back: `warmUp` comes from the feature.
 *
 *   chronicle-replay run examples/book-features-job.ts --archive archive --table book --slice 1h --param depth=1,10
 */
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'my-book-features',
  streams: ['book'],
  params: { every: '6s', depth: 10 },
  trigger: ({ every }) => ({ every }),
  columns: { mid: 'f64', spread_bps: 'f64', imbalance: 'f64', realised_vol: 'f64', bid_price: 'f64' },
  features: ({ depth }) => ({ mid: 'mid', spread_bps: 'spread_bps', imbalance: `imbalance:${depth}`, realised_vol: 'realised_vol:5m:1s' }),
  create: (_params, { book }) => ({
    row(out) {
      out.bid_price = book.bidPrice
    },
  }),
})
