/**
 * How much do fills depend on what one assumes of queues? An order a side at the best price, sent anew each second.
 *
 *   chronicle-replay run examples/queue-study-job.ts --archive archive --table queues
 *   chronicle-replay query queues "
 *     select queue, reason, count(*)::int as fills, sum(quantity) as quantity
 *     from t where kind = 'fill' group by all order by all"
 */
import { defineBacktest } from 'chronicle-replay'
// Ticks, lots and fees of each symbol. In it are those of `generate archive --symbols 4`.
import instruments from './instruments.json' with { type: 'json' }

export default defineBacktest({
  name: 'queue-study',
  params: { queue: 'risk', size: 0.01 },
  sweep: { queue: ['risk', 'power1:2', 'power2:2', 'power:3', 'log', 'log2'] },
  instruments,
  market: { queue: ({ queue }) => queue },
  every: '1s',
  create({ size }, { book, orders }) {
    return {
      step() {
        orders.cancelAll()
        orders.buy(book.bidPrice, size, { timeInForce: 'gtx' })
        orders.sell(book.askPrice, size, { timeInForce: 'gtx' })
      },
    }
  },
})
