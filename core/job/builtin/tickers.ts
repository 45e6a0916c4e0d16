import { defineJob } from '../define-job.ts'

/** Every best bid and ask as the exchange sent it. */
export const tickers = defineJob({
  name: 'tickers',
  streams: ['ticker'],
  columns: { ticker_ts_ns: 'i64', bid_price: 'f64', bid_quantity: 'f64', ask_price: 'f64', ask_quantity: 'f64' },
  beyondRange: 'null',
  create: () => ({
    ticker(ticker, out) {
      out.ticker_ts_ns = ticker.timestampNs
      out.bid_price = ticker.bidPrice
      out.bid_quantity = ticker.bidQuantity
      out.ask_price = ticker.askPrice
      out.ask_quantity = ticker.askQuantity
      out.emit()
    },
  }),
})
