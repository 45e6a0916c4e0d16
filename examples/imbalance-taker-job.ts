/**
 * Takes when the best quotes lean to one side; fee and latency are parameters, and so can be swept.
 *
 *   chronicle-replay run examples/imbalance-taker-job.ts --archive archive --table taker --param latency=1ms,5ms,20ms
 *   chronicle-replay statistics taker --by day
 */
import { defineBacktest } from 'chronicle-replay'
// Ticks and lots of each symbol. In it are those of `generate archive --symbols 4`.
import instruments from './instruments.json' with { type: 'json' }

export default defineBacktest({
  name: 'imbalance-taker',
  params: { threshold: 0.9, size: 0.01, limit: 0.05, latency: '5ms', takerFee: 0.0005 },
  instruments,
  // Before what the file says goes what is swept.
  market: {
    fees: ({ takerFee }) => ({ maker: 0, taker: takerFee }),
    latency: ({ latency }) => latency,
  },
  every: '100ms',
  columns: { imbalance: 'f64' },
  create({ threshold, size, limit }, { book, account, orders }) {
    return {
      step() {
        // An order that is on its way counts: what it comes to is not known yet.
        if (orders.openCount > 0) return
        const lean = (book.bidSize - book.askSize) / (book.bidSize + book.askSize)
        if (lean > threshold && account.position + size <= limit) orders.buy(book.askPrice, size, { timeInForce: 'ioc' })
        else if (lean < -threshold && account.position - size >= -limit) orders.sell(book.bidPrice, size, { timeInForce: 'ioc' })
      },
      row(out) {
        out.imbalance = book.imbalance(1)
      },
    }
  },
})
