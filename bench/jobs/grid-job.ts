import { defineBacktest } from 'chronicle-replay'

/** Three quotes a side, sent anew each half second: six orders at a time. */
export default defineBacktest({
  name: 'bench-grid',
  params: { halfSpread: 1, tick: 0.0001 },
  market: {
    tick: ({ tick }) => tick,
    lot: 0.001,
    fees: { maker: -0.00005, taker: 0.0007 },
    latency: '1ms',
    queue: 'power:3',
    localShift: '2s',
  },
  every: '500ms',
  create({ halfSpread, tick }, { book, orders }) {
    return {
      step() {
        orders.cancelAll()
        for (let i = 0; i < 3; i++) {
          orders.buy(orders.priceDown(book.bidPrice - (halfSpread + i) * tick), 0.01, { timeInForce: 'gtx' })
          orders.sell(orders.priceUp(book.askPrice + (halfSpread + i) * tick), 0.01, { timeInForce: 'gtx' })
        }
      },
    }
  },
})
