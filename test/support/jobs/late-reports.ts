/** Quotes and takes each step, whatever comes of it: when answers arrive changes nothing of what is sent. */
import { defineBacktest } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'late-reports',
  params: { response: '1ms' },
  market: {
    tick: 0.0001,
    lot: 0.001,
    fees: { maker: -0.0001, taker: 0.0005 },
    latency: ({ response }) => ({ entry: '1s', response }),
    localShift: '5s',
  },
  every: '5m',
  create(_, { book, orders }) {
    let steps = 0
    return {
      step() {
        steps++
        orders.buy(book.bidPrice, 0.004)
        orders.sell(book.askPrice, 0.003)
        if (steps % 3 === 0) orders.sellMarket(0.002)
      },
    }
  },
})
