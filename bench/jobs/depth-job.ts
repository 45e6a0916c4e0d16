import { defineJob } from 'chronicle-replay'

/** Work in samples alone: what a variant costs beside the book that all share. */
export default defineJob({
  name: 'bench-depth',
  streams: ['book', 'trades'],
  params: { every: '1s', depth: 1 },
  trigger: ({ every }) => ({ every }),
  columns: { mid: 'f64', imbalance: 'f64' },
  create: ({ depth }, { book }) => ({
    row(out) {
      out.mid = book.mid
      out.imbalance = book.imbalance(depth)
    },
  }),
})
