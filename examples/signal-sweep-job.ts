/**
 * A signal in several variants at once: the imbalance of the book over 1, 5, 10 and 20 levels, once per minute. The archive is
 * read and the book is built once for all of them; each variant has its own rows, which are those that it would have alone.
 *
 *   chronicle-replay run examples/signal-sweep-job.ts --archive archive --table signal
 *
 * Which depth tells most about where the price goes next:
 *
 *   chronicle-replay query signal "
 *     select depth, count(*) as samples, corr(imbalance, change) as correlation
 *     from (
 *       select depth, imbalance, lead(mid) over (partition by venue, symbol, date, variant order by ts_ns) - mid as change
 *       from t where not gap)
 *     where change is not null group by depth order by depth"
 */
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'signal',
  streams: ['book'],
  params: { every: '1m', depth: 1 },
  sweep: { depth: [1, 5, 10, 20] },
  trigger: ({ every }) => ({ every }),
  columns: { imbalance: 'f64', mid: 'f64' },
  features: ({ depth }) => ({ imbalance: `imbalance:${depth}`, mid: 'mid' }),
})
