/**
 * One-minute bars of trades by exchange time, from built-in features alone.
 *
 *   chronicle-replay run examples/bars-job.ts --archive archive --table my-bars --param every=5m
 */
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'my-bars',
  streams: ['trades'],
  params: { every: '1m' },
  clock: 'exchange',
  trigger: ({ every }) => ({ every }),
  columns: { open: 'f64', high: 'f64', low: 'f64', close: 'f64', volume: 'f64', trades: 'i64' },
  features: () => ({ open: 'open', high: 'high', low: 'low', close: 'close', volume: 'volume', trades: 'count' }),
})
