/** A row for every bar of a day, with trades or without. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'filled-bars',
  streams: ['trades'],
  params: { every: '30m' },
  trigger: ({ every }) => ({ every }),
  fill: true,
  columns: { count: 'i64', close: 'f64' },
  features: () => ({ count: 'count', close: 'close' }),
})
