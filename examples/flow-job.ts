/**
 * A small signal: signed trade flow and book imbalance per bar, over a grid of depths.
 *
 *   chronicle-replay run examples/flow-job.ts --archive archive --table flow --param depth=1,5,20
 */
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'flow',
  streams: ['book', 'trades'],
  params: { every: '1s', depth: 5 },
  trigger: (p) => ({ every: p.every }),
  columns: { imbalance: 'f64', flow: 'f64' },
  create({ depth }, { book }) {
    let flow = 0
    return {
      reset() {
        flow = 0
      },
      trade(t) {
        flow += t.isBuyerMaker ? -t.quantity : t.quantity
      },
      row(out) {
        out.imbalance = book.imbalance(depth)
        out.flow = flow
        flow = 0
      },
    }
  },
})
