/** Does what no strategy should, as its parameter says. */
import { defineBacktest } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'unruly-trader',
  params: { fault: 'none', queue: 'risk', tick: 0.01, localShift: '5s' },
  market: {
    tick: ({ tick }) => tick,
    lot: 0.001,
    fees: { maker: 0, taker: 0 },
    queue: ({ queue }) => queue,
    localShift: ({ localShift }) => localShift,
    maxOrders: 1000,
  },
  every: '10m',
  create({ fault }, { book, orders }) {
    let id = 0
    return {
      step() {
        const price = orders.priceDown(book.bidPrice)
        if (fault === 'throws') throw new Error('out of ideas')
        if (fault === 'off-tick') orders.buy(price + 0.003, 1)
        if (fault === 'nan-price') orders.buy(Number.NaN, 1)
        if (fault === 'negative-size') orders.sell(price + 1, -1)
        if (fault === 'off-lot') orders.buy(price, 0.0005)
        if (fault === 'unknown-id') orders.cancel(17)
        if (fault === 'twice') {
          if (id === 0) id = orders.buy(price - 5, 1)
          orders.cancel(id)
          orders.cancel(id)
        }
        if (fault === 'time-in-force') orders.buy(price, 1, { timeInForce: 'day' as never })
        if (fault === 'million') for (let i = 0; i < 1_000_000; i++) orders.buy(price - 1, 1)
      },
    }
  },
})
