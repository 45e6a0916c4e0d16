/**
 * As the built-in job `trades`, with its ids as decimal text: for venues whose ids are 2^63 or more, which no `i64` holds.
 *
 *   chronicle-replay run examples/trades-text-ids-job.ts --archive archive --table trades
 */
import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'trades-text-ids',
  streams: ['trades'],
  columns: {
    trade_ts_ns: 'i64',
    price: 'f64',
    quantity: 'f64',
    trade_id: 'string',
    buyer_order_id: 'string',
    seller_order_id: 'string',
    is_buyer_maker: 'bool',
  },
  beyondRange: 'null',
  create: () => ({
    trade(trade, out) {
      out.trade_ts_ns = trade.timestampNs
      out.price = trade.price
      out.quantity = trade.quantity
      out.trade_id = String(trade.tradeId)
      out.buyer_order_id = String(trade.buyerOrderId)
      out.seller_order_id = String(trade.sellerOrderId)
      out.is_buyer_maker = trade.isBuyerMaker
      out.emit()
    },
  }),
})
