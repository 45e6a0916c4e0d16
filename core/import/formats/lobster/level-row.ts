import type { Rows } from './rows.ts'

/** Levels of a side, best first; those that are empty are left out. */
export class SideLevels {
  count = 0
  /** 1/10,000 dollars. */
  readonly prices: Float64Array
  /** Shares. */
  readonly sizes: Float64Array
  /** Each is worse than the one before it. */
  isSorted = true
  /** 1 where greater prices are better. */
  readonly #sign: number

  constructor(levels: number, isBid: boolean) {
    this.prices = new Float64Array(levels)
    this.sizes = new Float64Array(levels)
    this.#sign = isBid ? 1 : -1
  }

  clear(): void {
    this.count = 0
    this.isSorted = true
  }

  push(price: number, size: number): void {
    const at = this.count++
    if (at > 0 && (this.prices[at - 1]! - price) * this.#sign <= 0) this.isSorted = false
    this.prices[at] = price
    this.sizes[at] = size
  }

  copy({ count, prices, sizes, isSorted }: SideLevels): void {
    this.count = count
    this.isSorted = isSorted
    this.prices.set(prices.subarray(0, count))
    this.sizes.set(sizes.subarray(0, count))
  }
}

/** A row of an orderbook file: ask price × 10^4, ask size, bid price × 10^4, bid size, for each level. Used again for each. */
export class LevelRow {
  /** As the file has them. */
  readonly levels: number
  readonly bids: SideLevels
  readonly asks: SideLevels

  constructor(levels: number) {
    this.levels = levels
    this.bids = new SideLevels(levels, true)
    this.asks = new SideLevels(levels, false)
  }

  get isSorted(): boolean {
    return this.bids.isSorted && this.asks.isSorted
  }

  /** @returns what is wrong with the row; null: nothing */
  read(rows: Rows): 'columns' | 'number' | 'negative-price' | null {
    const { bids, asks } = this
    bids.clear()
    asks.clear()
    if (rows.fields.count !== 4 * this.levels) return 'columns'
    for (let field = 0; field < 4 * this.levels; field += 2) {
      const price = rows.number15(field)
      const size = rows.number15(field + 1)
      if (Number.isNaN(price) || !(size >= 0)) return 'number'
      if (size === 0 || price === NO_ASK || price === NO_BID) continue
      if (price <= 0) return 'negative-price'
      if (field % 4 === 0) asks.push(price, size)
      else bids.push(price, size)
    }
    return null
  }
}

const NO_ASK = 9_999_999_999
const NO_BID = -9_999_999_999
