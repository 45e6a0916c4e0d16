/** Book and trades by the clock of the exchange, which neither begins nor ends a day with the folders. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'exchange-flow',
  streams: ['book', 'trades'],
  params: { every: '5m', depth: 2 },
  clock: 'exchange',
  trigger: ({ every }) => ({ every }),
  columns: { imbalance: 'f64', flow: 'f64', trades: 'i64', last_id: 'i64' },
  create({ depth }, { book }) {
    let [flow, trades, lastId] = [0, 0, 0n]
    const clear = (): void => {
      flow = 0
      trades = 0
      lastId = 0n
    }
    return {
      reset: clear,
      trade(t, out) {
        flow += t.isBuyerMaker ? -t.quantity : t.quantity
        lastId = t.tradeId
        if (++trades % 2 === 0) {
          out.last_id = lastId
          out.emit()
        }
      },
      row(out) {
        out.imbalance = book.imbalance(depth)
        out.flow = flow
        out.trades = trades
        out.last_id = lastId
        clear()
      },
    }
  },
})
