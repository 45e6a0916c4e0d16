import type { L2Output } from '../../messages/book-outputs.ts'
import { Decimal } from '../../messages/decimal.ts'
import type { Instant } from '../../messages/instant.ts'
import { type LevelRow, SideLevels } from './level-row.ts'

const PRICE_SCALE = 4

/** Makes of the rows of an orderbook file a snapshot, and then what changed. Levels that leave the rows are deleted. */
export class LevelChanges {
  readonly #book: L2Output
  readonly #depth: number
  readonly #bids: SideLevels
  readonly #asks: SideLevels
  readonly #price = new Decimal()
  readonly #size = new Decimal()
  /** What the log has is the row before. */
  #isKnown = false

  constructor(book: L2Output, levels: number) {
    this.#book = book
    this.#depth = levels
    this.#bids = new SideLevels(levels, true)
    this.#asks = new SideLevels(levels, false)
  }

  /** @param row its number, from 1 on */
  put(levels: LevelRow, time: Instant, row: number): 'written' | 'unwanted' | 'out-of-range' | 'unchanged' {
    const book = this.#book
    const isDiff = this.#isKnown && levels.isSorted && this.#bids.isSorted && this.#asks.isSorted
    book.beginMessage(isDiff ? 'diff' : 'snapshot', time, time, row)
    if (isDiff) {
      this.#changes(true, this.#bids, levels.bids)
      this.#changes(false, this.#asks, levels.asks)
      if (book.levels === 0) return 'unchanged'
    } else {
      this.#all(true, levels.bids)
      this.#all(false, levels.asks)
    }
    const end = book.end()
    this.#isKnown = end === 'written'
    if (!this.#isKnown) return end
    book.setDepthLimit(this.#depth)
    this.#bids.copy(levels.bids)
    this.#asks.copy(levels.asks)
    return end
  }

  #all(isBid: boolean, { count, prices, sizes }: SideLevels): void {
    for (let at = 0; at < count; at++) this.#level(isBid, prices[at]!, sizes[at]!)
  }

  /** Both are sorted, best first. */
  #changes(isBid: boolean, before: SideLevels, after: SideLevels): void {
    const sign = isBid ? 1 : -1
    let old = 0
    for (let at = 0; at < after.count; at++) {
      const price = after.prices[at]!
      for (; old < before.count && (before.prices[old]! - price) * sign > 0; old++) this.#level(isBid, before.prices[old]!, 0)
      const isThere = old < before.count && before.prices[old] === price
      if (!isThere || before.sizes[old] !== after.sizes[at]) this.#level(isBid, price, after.sizes[at]!)
      if (isThere) old++
    }
    for (; old < before.count; old++) this.#level(isBid, before.prices[old]!, 0)
  }

  #level(isBid: boolean, price: number, size: number): void {
    this.#book.level(isBid, this.#price.set(price, PRICE_SCALE), this.#size.set(size, 0))
  }
}
