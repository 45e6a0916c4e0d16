import { defineJob } from 'chronicle-replay'

/** A row per event with the features of the case `features-parquet`. */
export default defineJob({
  name: 'bench-events',
  streams: ['book'],
  trigger: { event: 'any' },
  columns: { mid: 'f64', spread_bps: 'f64', imbalance: 'f64', micro_price: 'f64' },
  features: () => ({ mid: 'mid', spread_bps: 'spread_bps', imbalance: 'imbalance:5', micro_price: 'micro_price' }),
})
