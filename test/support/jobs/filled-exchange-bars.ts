/** A row for every bar of a day by the exchange's clock, and one at the end of the day. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'filled-exchange-bars',
  streams: ['trades'],
  params: { every: '30m' },
  clock: 'exchange',
  trigger: ({ every }) => ({ every }),
  fill: true,
  columns: { count: 'i64', is_end: 'bool' },
  features: () => ({ count: 'count' }),
  create: () => ({
    end(out) {
      out.is_end = true
      out.emit()
    },
  }),
})
