import { defineJob } from '../define-job.ts'

/**
 * Every trade. Prices are in quote currency, sizes in base currency or contracts; an order id of 0 was not sent. An id of
 * 2^63 or more, which no `i64` holds, is NULL and counted; examples/trades-text-ids-job.ts has all digits.
 */
export const trades = defineJob({
  name: 'trades',
  streams: ['trades'],
  columns: {
    trade_ts_ns: 'i64',
    price: 'f64',
    quantity: 'f64',
    trade_id: 'i64',
    buyer_order_id: 'i64',
    seller_order_id: 'i64',
    is_buyer_maker: 'bool',
  },
  beyondRange: 'null',
  create: () => ({
    trade(trade, out) {
      out.trade_ts_ns = trade.timestampNs
      out.price = trade.price
      out.quantity = trade.quantity
      out.trade_id = trade.tradeId
      out.buyer_order_id = trade.buyerOrderId
      out.seller_order_id = trade.sellerOrderId
      out.is_buyer_maker = trade.isBuyerMaker
      out.emit()
    },
  }),
})
