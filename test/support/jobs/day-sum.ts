/** What was traded since midnight, told once a day; its bars alone would need nothing from before. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'day-sum',
  streams: ['trades'],
  trigger: { every: '5m' },
  columns: { count: 'i64', total: 'i64' },
  create() {
    let [count, total] = [0, 0]
    return {
      reset() {
        count = 0
        total = 0
      },
      trade() {
        count++
        total++
      },
      row(out) {
        out.count = count
        count = 0
      },
      end(out) {
        out.total = total
        out.emit()
        total = 0
      },
    }
  },
})
