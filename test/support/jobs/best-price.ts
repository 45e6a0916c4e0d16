/** Rows at events: each new best price, and every tenth event of a day; features that count between rows. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'best-price',
  streams: ['book', 'trades'],
  params: { depth: 2 },
  trigger: { bestPrice: true, everyEvents: 10 },
  columns: { mid: 'f64', imbalance: 'f64', ofi: 'f64', volume: 'f64' },
  features: ({ depth }) => ({ mid: 'mid', imbalance: `imbalance:${depth}`, ofi: 'ofi', volume: 'volume' }),
})
