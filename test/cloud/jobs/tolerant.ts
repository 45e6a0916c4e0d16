/** Trade prices; commits whatever is done, and takes its time when told to. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'tolerant',
  streams: ['trades'],
  /** Milliseconds that a message takes. */
  params: { pauseMs: 0 },
  tolerance: 1,
  columns: { price: 'f64' },
  create({ pauseMs }) {
    const clock = new Int32Array(new SharedArrayBuffer(4))
    return {
      trade(trade, out) {
        if (pauseMs > 0) Atomics.wait(clock, 0, 0, pauseMs)
        out.price = trade.price
        out.emit()
      },
    }
  },
})
