import { defineJob } from 'chronicle-replay'

/** Each variant hears each trade. */
export default defineJob({
  name: 'bench-flow',
  streams: ['book', 'trades'],
  params: { every: '1s', depth: 1 },
  trigger: ({ every }) => ({ every }),
  columns: { imbalance: 'f64', flow: 'f64' },
  create({ depth }, { book }) {
    let flow = 0
    return {
      reset() {
        flow = 0
      },
      trade(trade) {
        flow += trade.isBuyerMaker ? -trade.quantity : trade.quantity
      },
      row(out) {
        out.imbalance = book.imbalance(depth)
        out.flow = flow
        flow = 0
      },
    }
  },
})
