import type { JobColumns } from './job-definition.ts'

/**
 * The columns of a backtest's rows. Quantities and prices are in the log's units, money in the quote currency (inverse contracts: the
 * base coin); times are nanoseconds since the epoch, by the exchange's clock.
 *
 * | column             | of rows     | holds                                                                                     |
 * | kind               | all         | `sample`: the end of a bar; `fill`; `order`, where asked for; `gap`: messages are missing |
 * | session_ns         | all         | begin of the session's first day; NULL before the market shows its first book event       |
 * | position           | all         | negative: short                                                                           |
 * | cash               | all         | without fees                                                                              |
 * | equity             | all         | cash and position at `mid`, fees off; NULL with a position and no mid yet                 |
 * | fees               | all         | paid so far; negative: rebates                                                            |
 * | turnover           | all         | sum of the amounts of all fills                                                           |
 * | volume             | all         | sum of their quantities                                                                   |
 * | fills              | all         | how many                                                                                  |
 * | open_orders        | all         | that may still be filled as far as is known, those on their way included                  |
 * | mid                | all         | of the local book; where a side is empty, the last one at the end of a bar                |
 * | orders_sent        | samples     | so far in the session, as is what follows                                                 |
 * | quantity_sent      | samples     |                                                                                           |
 * | beyond_depth       | samples     | takes of more than the book showed                                                        |
 * | on_old_book        | samples     | takes on a book that had not changed for `oldBook`                                        |
 * | fills_in_flight    | samples     | at the bar's end at the exchange, but not reported; those of a session's end never are    |
 * | position_in_flight | samples     | what these will add to the position                                                       |
 * | order_id           | fills       | counts from 1 in each session                                                             |
 * | side               | fills       | `buy`, `sell`                                                                             |
 * | price              | fills       |                                                                                           |
 * | quantity           | fills       |                                                                                           |
 * | is_maker           | fills       |                                                                                           |
 * | fee                | fills       |                                                                                           |
 * | reason             | fills, gaps | `queue`, `through`, `cross`, `take`; of a gap what became of orders: `cancel`, `hold`     |
 * | exchange_ns        | fills, gaps | when it happened at the exchange                                                          |
 * | local_ns           | fills       | when its report arrived; the row's own time                                               |
 */
export const BACKTEST_COLUMNS = {
  kind: 'string',
  session_ns: 'i64',
  position: 'f64',
  cash: 'f64',
  equity: 'f64',
  fees: 'f64',
  turnover: 'f64',
  volume: 'f64',
  fills: 'i64',
  open_orders: 'i32',
  mid: 'f64',
  orders_sent: 'i64',
  quantity_sent: 'f64',
  beyond_depth: 'i64',
  on_old_book: 'i64',
  fills_in_flight: 'i64',
  position_in_flight: 'f64',
  order_id: 'i64',
  side: 'string',
  price: 'f64',
  quantity: 'f64',
  is_maker: 'bool',
  fee: 'f64',
  reason: 'string',
  exchange_ns: 'i64',
  local_ns: 'i64',
} as const satisfies JobColumns

/**
 * Columns that `orderRows` adds. Rows of kind `order` also have order_id, side, price (limit of the order, or of the fill; NULL of market
 * orders), quantity (asked for, or filled; else NULL), reason (of `OrderWhy`, or of the fill), exchange_ns (NULL of what did not happen there)
 * and local_ns.
 *
 * | event  | see `OrderNoticeKind`         |
 * | leaves | what is left of the order     |
 */
export const ORDER_COLUMNS = { event: 'string', leaves: 'f64' } as const satisfies JobColumns
