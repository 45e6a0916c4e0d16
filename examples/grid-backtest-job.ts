/**
 * Makes a market on a grid: three quotes a side, looked at each half second, within a limit of the position.
 *
 *   chronicle-replay run examples/grid-backtest-job.ts --archive archive --table grid --param halfSpread=0.5,2,5
 *   chronicle-replay statistics grid
 */
import { defineBacktest } from 'chronicle-replay'

export default defineBacktest({
  name: 'grid',
  params: { halfSpread: 0.5, step: 1, levels: 3, size: 0.01, limit: 0.1 },
  market: {
    tick: 0.1,
    lot: 0.001,
    fees: { maker: -0.00005, taker: 0.0007 },
    latency: '1ms',
    queue: 'power:3',
    // The recorder's clock ran behind the exchange's.
    localShift: '1.277s',
  },
  every: '500ms',
  columns: { imbalance: 'f64' },
  create({ halfSpread, step, levels, size, limit }, { book, account, orders }) {
    return {
      step() {
        const wanted = new Map<number, 1 | -1>()
        const bid = Math.floor((book.mid - halfSpread) / step) * step
        const ask = Math.ceil((book.mid + halfSpread) / step) * step
        for (let i = 0; i < levels; i++) {
          if (account.position + size <= limit) wanted.set(bid - i * step, 1)
          if (account.position - size >= -limit) wanted.set(ask + i * step, -1)
        }
        for (const order of orders) {
          if (!order.isOpen) continue
          if (wanted.get(order.price) === order.side) wanted.delete(order.price)
          else if (order.isCancellable) orders.cancel(order.id)
        }
        for (const [price, side] of wanted) {
          if (side === 1) orders.buy(price, size, { timeInForce: 'gtx' })
          else orders.sell(price, size, { timeInForce: 'gtx' })
        }
      },
      row(out) {
        out.imbalance = book.imbalance(5)
      },
    }
  },
})
