import { defineColumnGroup, type FeatureType } from './column.ts'
import { kernelColumn } from './kernel-column.ts'
import { KERNEL_VALUES } from './kernel-columns.ts'

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
const FIELDS: readonly (readonly [name: string, type: FeatureType, what: number])[] = [
  ['open', 'f64', KERNEL_VALUES.open],
  ['high', 'f64', KERNEL_VALUES.high],
  ['low', 'f64', KERNEL_VALUES.low],
  ['close', 'f64', KERNEL_VALUES.close],
  ['volume', 'f64', KERNEL_VALUES.volume],
  ['vwap', 'f64', KERNEL_VALUES.vwap],
  ['count', 'i64', KERNEL_VALUES.count],
  ['buy_volume', 'f64', KERNEL_VALUES.buyVolume],
]

const COLUMNS = FIELDS.map(([name, type, what]) => kernelColumn(name, type, () => ({ what })))

/** `open`, `high`, `low`, `close`, `volume`, `vwap`, `count`, `buy_volume`, and all of them as `bar`. */
export const TRADE_BARS = [
  defineColumnGroup({ name: 'bar', columns: () => COLUMNS }),
  ...COLUMNS.map((column) => defineColumnGroup({ name: column.name, columns: () => [column] })),
]
