/** A row every three events of a day, of what was since the row before, and one at the end of the day. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'every-third',
  streams: ['book', 'trades'],
  params: { depth: 2 },
  trigger: { everyEvents: 3 },
  columns: { mid: 'f64', imbalance: 'f64', volume: 'f64', is_end: 'bool' },
  features: ({ depth }) => ({ mid: 'mid', imbalance: `imbalance:${depth}` }),
  create() {
    let volume = 0
    return {
      reset() {
        volume = 0
      },
      trade({ quantity }) {
        volume += quantity
      },
      row(out) {
        out.volume = volume
        volume = 0
      },
      end(out) {
        out.volume = volume
        out.is_end = true
        out.emit()
        volume = 0
      },
    }
  },
})
