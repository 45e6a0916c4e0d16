import type { BookTickerView } from '../../protocol/book-ticker.ts'
import type { TradeView } from '../../protocol/trade.ts'
import { parseDuration } from '../clocks/duration.ts'
import { microsOf } from '../clocks/microseconds.ts'
import {
  type ColumnContext,
  type ColumnDefinition,
  defineColumn,
  type EngineMoment,
  type FeatureState,
  type FeatureType,
} from './column.ts'

/**
 * Forward fill that any slicing gives the same: what was seen last, at or before the row, as long as it is not older than a
 * declared age, `last_price:15m`. The age is the column's warm-up, so that every pass has seen what a row may show.
 *
 * | column               | type | unit                                                                    |
 * | last_price:AGE       | f64  | price of the last trade, quote currency                                  |
 * | last_size:AGE        | f64  | its quantity, base currency or contracts                                 |
 * | last_age_ns:AGE      | i64  | nanoseconds from it to the row: of a bar its end, else the message's time |
 * | last_bid:AGE         | f64  | best bid of the last ticker, and so `last_ask`, `last_bid_size`, `last_ask_size` |
 * | last_quote_age_ns:AGE | i64 | nanoseconds from that ticker to the row                                  |
 *
 * AGE is 1h where it is not given. NULL: nothing seen, older than AGE, or messages are missing since (a gap). A trade without a
 * price (NaN, infinite) is none. Times are the engine's clock's; where a record's time steps back, ages are of the latest so far.
 */
export const LAST_SEEN: readonly ColumnDefinition[] = [
  ...definitionsOf('last-trade', () => new LastTrade(), [
    ['last_price', 'f64', (last) => last.price],
    ['last_size', 'f64', (last) => last.size],
    ['last_age_ns', 'i64', (last) => last.ageNs],
  ]),
  ...definitionsOf('last-ticker', () => new LastTicker(), [
    ['last_bid', 'f64', (last) => last.bid],
    ['last_bid_size', 'f64', (last) => last.bidSize],
    ['last_ask', 'f64', (last) => last.ask],
    ['last_ask_size', 'f64', (last) => last.askSize],
    ['last_quote_age_ns', 'i64', (last) => last.ageNs],
  ]),
]

type Field<T> = readonly [name: string, type: FeatureType, read: (last: T) => number]

/** Columns over one state, which they share whatever their ages. */
function definitionsOf<T extends LastSeen>(key: string, make: () => T, fields: readonly Field<T>[]): ColumnDefinition[] {
  return fields.map(([name, type, read]) =>
    defineColumn({
      name,
      type,
      params: { age: '1h' },
      warmUpNs: ({ age }) => parseDuration(age),
      create({ age }, context): FeatureState {
        const ageNs = parseDuration(age)
        const last = context.share(key, () => make().of(context))
        return { value: () => (last.ageNs <= ageNs ? read(last) : Number.NaN) }
      },
    }),
  )
}

/** When something was seen last, and how old it is at the row that is being made. */
class LastSeen {
  /** Nanoseconds at the row being made; NaN: nothing was seen. */
  ageNs = Number.NaN
  #moment: EngineMoment | null = null
  /** Microseconds, and nanoseconds beyond them; NaN: nothing was seen. */
  #micros = Number.NaN
  #nanos = 0

  of({ moment }: ColumnContext): this {
    this.#moment = moment
    return this
  }

  reset(): void {
    this.#micros = Number.NaN
  }

  row(micros: number, nanos: number): void {
    this.ageNs = Math.max(0, (micros - this.#micros) * 1000 + (nanos - this.#nanos))
  }

  protected see(): void {
    const { clockLow, clockHigh } = this.#moment!
    this.#micros = microsOf(clockLow, clockHigh)
    this.#nanos = (296 * clockHigh + clockLow) % 1000
  }
}

class LastTrade extends LastSeen {
  price = Number.NaN
  size = Number.NaN

  trade({ price, quantity }: TradeView): void {
    if (price - price !== 0) return
    this.price = price
    this.size = quantity
    this.see()
  }
}

class LastTicker extends LastSeen {
  bid = Number.NaN
  bidSize = Number.NaN
  ask = Number.NaN
  askSize = Number.NaN

  ticker({ bidPrice, bidQuantity, askPrice, askQuantity }: BookTickerView): void {
    this.bid = bidPrice
    this.bidSize = bidQuantity
    this.ask = askPrice
    this.askSize = askQuantity
    this.see()
  }
}
