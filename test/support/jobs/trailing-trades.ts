/** Looks back beyond its bar: how many trades, and which was the greatest, in the last ten minutes before the end of the bar. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'trailing-trades',
  streams: ['trades'],
  params: { every: '5m' },
  trigger: ({ every }) => ({ every }),
  warmUp: '10m',
  columns: { trades: 'i64', greatest: 'f64' },
  create({ every }) {
    const bars = 600_000_000_000n / (BigInt(Number.parseInt(every, 10)) * 60_000_000_000n)
    /** Of the bars, by their end: trades, greatest quantity. */
    let closed: { readonly index: number; readonly count: number; readonly greatest: number }[] = []
    let [index, count, greatest] = [-1, 0, 0]
    const lengthNs = BigInt(Number.parseInt(every, 10)) * 60_000_000_000n
    let latestNs = 0n
    return {
      reset() {
        closed = []
        index = -1
        count = 0
        greatest = 0
        latestNs = 0n
      },
      message(message) {
        if (message.timestampNs > latestNs) latestNs = message.timestampNs
        index = Number(latestNs / lengthNs)
      },
      trade({ quantity }) {
        count++
        if (quantity > greatest) greatest = quantity
      },
      row(out) {
        closed = [...closed.filter((bar) => bar.index > index - Number(bars)), { index, count, greatest }]
        out.trades = closed.reduce((sum, bar) => sum + bar.count, 0)
        out.greatest = Math.max(...closed.map((bar) => bar.greatest))
        count = 0
        greatest = 0
      },
    }
  },
})
