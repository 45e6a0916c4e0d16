import type { TradeView } from '../../protocol/trade.ts'
import { type ColumnContext, defineColumnGroup, type FeatureColumn, type FeatureType } from './column.ts'
import { DecimalSum } from './decimal-sum.ts'

/**
 * The trades of a bar (or since the row before), in order of arrival. A gap does not empty it: the row says that there was one.
 * A trade whose price or quantity is NaN or infinite is left out of all of it, and counted (`not-a-number`).
 *
 * | column     | type | unit                                                                  |
 * | open       | f64  | price of the first trade; NULL without trades                          |
 * | high       | f64  | greatest price; NULL without trades                                    |
 * | low        | f64  | least price; NULL without trades                                       |
 * | close      | f64  | price of the last trade; NULL without trades                           |
 * | volume     | f64  | Σ quantity, summed exactly as decimals; 0 without trades               |
 * | vwap       | f64  | Σ price · quantity ÷ Σ quantity, both sums exact; NULL without volume  |
 * | count      | i64  | trades                                                                |
 * | buy_volume | f64  | volume of the trades whose taker bought (not `isBuyerMaker`)           |
 */
export class TradeBar {
  open = Number.NaN
  high = Number.NaN
  low = Number.NaN
  close = Number.NaN
  count = 0
  readonly volume = new DecimalSum()
  readonly notional = new DecimalSum()
  readonly buyVolume = new DecimalSum()
  readonly #leaveOut: ColumnContext['leaveOut']

  constructor(leaveOut: ColumnContext['leaveOut']) {
    this.#leaveOut = leaveOut
  }

  trade(trade: TradeView): void {
    const { price, quantity } = trade
    if (price - price !== 0 || quantity - quantity !== 0) {
      this.#leaveOut('not-a-number')
      return
    }
    if (this.count++ === 0) {
      this.open = price
      this.high = price
      this.low = price
    } else if (price > this.high) this.high = price
    else if (price < this.low) this.low = price
    this.close = price
    this.volume.add(quantity)
    this.notional.addProduct(price, quantity)
    if (!trade.isBuyerMaker) this.buyVolume.add(quantity)
  }

  nextRow(): void {
    if (this.count === 0) return
    this.open = Number.NaN
    this.high = Number.NaN
    this.low = Number.NaN
    this.close = Number.NaN
    this.count = 0
    this.volume.clear()
    this.notional.clear()
    this.buyVolume.clear()
  }
}

const FIELDS: readonly (readonly [name: string, type: FeatureType, read: (bar: TradeBar) => number])[] = [
  ['open', 'f64', (bar) => bar.open],
  ['high', 'f64', (bar) => bar.high],
  ['low', 'f64', (bar) => bar.low],
  ['close', 'f64', (bar) => bar.close],
  ['volume', 'f64', (bar) => bar.volume.value],
  ['vwap', 'f64', (bar) => bar.notional.value / bar.volume.value],
  ['count', 'i64', (bar) => bar.count],
  ['buy_volume', 'f64', (bar) => bar.buyVolume.value],
]

const COLUMNS: readonly FeatureColumn[] = FIELDS.map(([name, type, read]) => ({
  name,
  type,
  warmUpNs: 0,
  create({ share, leaveOut }) {
    const bar = share('trade-bar', () => new TradeBar(leaveOut))
    return { value: () => read(bar) }
  },
}))

/** `open`, `high`, `low`, `close`, `volume`, `vwap`, `count`, `buy_volume`, and all of them as `bar`. */
export const TRADE_BARS = [
  defineColumnGroup({ name: 'bar', columns: () => COLUMNS }),
  ...COLUMNS.map((column) => defineColumnGroup({ name: column.name, columns: () => [column] })),
]
