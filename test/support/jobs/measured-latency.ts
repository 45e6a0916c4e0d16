/** Quotes with a latency that was measured up to some time, and not after it. */
import { defineBacktest, type LatencyRow } from 'chronicle-replay'

/** Milliseconds from the begin of 2024, and latencies both ways. */
const MEASURED: Readonly<Record<string, readonly (readonly [atMs: number, entryMs: number, responseMs: number])[]>> = {
  'a year before': [
    [-31_536_000_000, 900, 900],
    [-31_535_000_000, 700, 400],
  ],
  'to six': [
    [0, 100, 50],
    [21_600_000, 300, 200],
  ],
}

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'measured-latency',
  params: { measured: 'to six' },
  orderRows: true,
  market: {
    tick: 0.0001,
    lot: 0.001,
    fees: { maker: 0, taker: 0 },
    latency: ({ measured }) => ({ table: MEASURED[measured]!.map(rowOf) }),
    localShift: '5s',
  },
  every: '5m',
  create: (_, { book, orders }) => ({
    step() {
      orders.cancelAll()
      orders.buy(book.bidPrice, 0.01)
    },
  }),
})

function rowOf([atMs, entryMs, responseMs]: readonly [number, number, number]): LatencyRow {
  const at = BigInt(Date.UTC(2024, 0, 1) + atMs)
  return [at * 1_000_000n, (at + BigInt(entryMs)) * 1_000_000n, (at + BigInt(entryMs + responseMs)) * 1_000_000n]
}
