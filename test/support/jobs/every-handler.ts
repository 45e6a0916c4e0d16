/** A job that hears everything and emits rows of every type; its state reaches back no further than a minute. */
import { defineJob } from 'chronicle-replay'

// biome-ignore lint/style/noDefaultExport: a job module
export default defineJob({
  name: 'every-handler',
  streams: ['book', 'trades', 'ticker'],
  params: { every: '1m', scale: 2, isLoud: true },
  trigger: ({ every }) => ({ every }),
  warmUp: '1m',
  columns: { kind: 'string', value: 'f64', id: 'i64', count: 'i32', is_open: 'bool', mid: 'f64' },
  features: () => ({ mid: 'mid' }),
  create({ scale }, { book }) {
    let count = 0
    return {
      reset() {
        count = 0
      },
      gap() {
        count = 0
      },
      book() {
        count++
      },
      ticker(ticker, out) {
        count++
        if (ticker.timestampNs % 7n === 0n) {
          out.kind = 'ticker'
          out.value = ticker.bidPrice * scale
          out.emit()
        }
      },
      trade(trade, out) {
        count++
        out.kind = 'trade'
        out.id = trade.tradeId
        out.is_open = trade.isBuyerMaker
        out.emit()
        if (trade.isBuyerMaker) out.emit()
      },
      row(out) {
        out.kind = 'bar'
        out.count = count
        out.value = book.imbalance(3)
        count = 0
      },
      end(out) {
        out.kind = 'day'
        out.emit()
      },
    }
  },
})
