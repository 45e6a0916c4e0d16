import { defineBacktest } from 'chronicle-replay'

declare global {
  /** Called as each day of the backtest begins. */
  var atDay: (() => void) | undefined
}

/** A session over all days, with orders all the while, that tells when a day begins. */
// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'memory-runner',
  params: { tick: 0.0001 },
  market: {
    tick: ({ tick }) => tick,
    lot: 0.001,
    fees: { maker: 0, taker: 0 },
    latency: '1ms',
    queue: 'power:3',
    localShift: '5s',
  },
  session: 'run',
  every: '1m',
  create({ tick }, { book, orders }) {
    let day = -1n
    return {
      step(nowNs) {
        if (nowNs / 86_400_000_000_000n !== day) globalThis.atDay?.()
        day = nowNs / 86_400_000_000_000n
        orders.cancelAll()
        for (let i = 1; i <= 3; i++) {
          orders.buy(orders.priceDown(book.bidPrice - i * tick), 0.01)
          orders.sell(orders.priceUp(book.askPrice + i * tick), 0.01)
        }
      },
    }
  },
})
