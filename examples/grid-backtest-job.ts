/**
 * Makes a market on a grid: three quotes a side, looked at each half second, within a limit of the position.
 *
 *   chronicle-replay run examples/grid-backtest-job.ts --archive archive --table grid --param halfSpread=2,5,20
 *   chronicle-replay statistics grid
 */
import { defineBacktest } from 'chronicle-replay'
// Ticks, lots and fees of each symbol. In it are those of `generate archive --symbols 4`.
import instruments from './instruments.json' with { type: 'json' }

export default defineBacktest({
  name: 'grid',
  // Prices in ticks.
  params: { halfSpread: 2, step: 2, levels: 3, size: 0.01, limit: 0.1 },
  instruments,
  market: { queue: 'power:3' },
  every: '500ms',
  columns: { imbalance: 'f64' },
  create({ halfSpread, step, levels, size, limit }, { book, account, orders }) {
    return {
      step() {
        const wanted = new Map<number, 1 | -1>()
        const mid = book.mid / book.tick
        const bid = Math.floor((mid - halfSpread) / step) * step
        const ask = Math.ceil((mid + halfSpread) / step) * step
        for (let i = 0; i < levels; i++) {
          if (account.position + size <= limit) wanted.set(bid - i * step, 1)
          if (account.position - size >= -limit) wanted.set(ask + i * step, -1)
        }
        for (const order of orders) {
          if (!order.isOpen) continue
          if (wanted.get(order.tick) === order.side) wanted.delete(order.tick)
          else if (order.isCancellable) orders.cancel(order.id)
        }
        for (const [tick, side] of wanted) {
          if (side === 1) orders.buy(tick * book.tick, size, { timeInForce: 'gtx' })
          else orders.sell(tick * book.tick, size, { timeInForce: 'gtx' })
        }
      },
      row(out) {
        out.imbalance = book.imbalance(5)
      },
    }
  },
})
