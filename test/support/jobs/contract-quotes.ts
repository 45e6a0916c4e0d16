/** Quotes and takes, held over bars, with contracts of either kind that are ten of the coin, or a tenth of it. */
import { defineBacktest } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'contract-quotes',
  params: { contract: 'linear', size: 10 },
  market: {
    tick: 0.0001,
    lot: 0.001,
    contract: ({ contract }) => contract as 'linear' | 'inverse',
    contractSize: ({ size }) => size,
    fees: { maker: -0.0001, taker: 0.0005 },
    latency: '1s',
    localShift: '5s',
  },
  every: '5m',
  create(_, { book, orders, account }) {
    let steps = 0
    return {
      step() {
        steps++
        orders.cancelAll()
        orders.buy(book.bidPrice, 0.004)
        orders.sell(book.askPrice, 0.003)
        if (steps % 7 === 0 && account.position < 0.05) orders.buyMarket(0.05)
      },
    }
  },
})
