import { defineJob } from '../define-job.ts'

/** Bars of trades by exchange time: `--param every=1m`. Columns as in features/trade-bar.ts. */
export const bars = defineJob({
  name: 'bars',
  streams: ['trades'],
  params: { every: '1m' },
  clock: 'exchange',
  trigger: ({ every }) => ({ every }),
  columns: { open: 'f64', high: 'f64', low: 'f64', close: 'f64', volume: 'f64', vwap: 'f64', count: 'i64', buy_volume: 'f64' },
  features: () => ({
    open: 'open',
    high: 'high',
    low: 'low',
    close: 'close',
    volume: 'volume',
    vwap: 'vwap',
    count: 'count',
    buy_volume: 'buy_volume',
  }),
})
