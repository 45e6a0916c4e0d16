/** Quotes, with the markets of a file; in sessions from evening to evening. */
import { defineBacktest } from 'chronicle-replay'
import instruments from './instruments.json' with { type: 'json' }

// biome-ignore lint/style/noDefaultExport: a job module
export default defineBacktest({
  name: 'priced-quotes',
  session: { every: 'day', start: '17:00' },
  params: { away: 0.00003 },
  instruments,
  orderRows: true,
  market: { localShift: '2s' },
  every: '30m',
  columns: { place: 'string' },
  create({ away }, { book, orders, venue, symbol }) {
    return {
      step() {
        orders.cancelAll()
        orders.buy(orders.priceDown(book.bidPrice - away), 0.01)
      },
      row(out) {
        out.place = `${venue}/${symbol}`
      },
    }
  },
})
