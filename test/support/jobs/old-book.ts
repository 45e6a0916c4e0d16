import { defineBacktest } from 'chronicle-replay'

/** Thirty takes at the begin of a session, one each five minutes. */
// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'old-book',
  every: '5m',
  market: { tick: 0.01, lot: 0.001, fees: { maker: 0, taker: 0 }, latency: '1ms', oldBook: '2h' },
  create: (_, { orders }) => {
    let steps = 0
    return {
      step() {
        if (steps++ < 30) orders.buyMarket(0.001)
      },
    }
  },
})
