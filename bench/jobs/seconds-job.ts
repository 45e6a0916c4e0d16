import { defineJob } from 'chronicle-replay'

/** A row each second with the features of the case `features-seconds`; with `handler`, one of them by a handler of the job's own. */
export default defineJob({
  name: 'bench-seconds',
  streams: ['book'],
  params: { handler: 0 },
  trigger: { every: '1s' },
  columns: { mid: 'f64', spread_bps: 'f64', imbalance: 'f64', micro_price: 'f64' },
  features: ({ handler }) => ({
    ...(handler === 0 && { mid: 'mid' }),
    ...{ spread_bps: 'spread_bps', imbalance: 'imbalance:5', micro_price: 'micro_price' },
  }),
  create: ({ handler }, { book }) =>
    handler === 0
      ? {}
      : {
          row(out) {
            out.mid = book.mid
          },
        },
})
