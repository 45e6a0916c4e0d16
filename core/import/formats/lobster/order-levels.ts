/** An order of the book that is fed. */
export interface RestingOrder {
  readonly id: number
  readonly level: OrderLevel
  size: number
}

/** Orders at a price, in the order of their priority. */
export interface OrderLevel {
  readonly price: number
  readonly isBuy: boolean
  readonly orders: Map<number, RestingOrder>
  total: number
  /** Last row that showed it. */
  shownAt: number
}

/** A side of the book that is fed: its levels by price. */
export class OrderSide {
  /** Best last. */
  readonly levels: OrderLevel[] = []
  readonly #isBuy: boolean
  readonly #sign: number

  constructor(isBuy: boolean) {
    this.#isBuy = isBuy
    this.#sign = isBuy ? 1 : -1
  }

  /** Whether a price is a better one than another. */
  isBetter(price: number, other: number): boolean {
    return (price - other) * this.#sign > 0
  }

  /** The level of a price; one that is not there is made. */
  at(price: number): OrderLevel {
    const at = this.#find(price)
    const found = this.levels[at]
    return found?.price === price ? found : this.insert(at, price)
  }

  /** Makes a level, so that it lies at a place in `levels`. */
  insert(at: number, price: number): OrderLevel {
    const level: OrderLevel = { price, isBuy: this.#isBuy, orders: new Map(), total: 0, shownAt: -1 }
    this.levels.splice(at, 0, level)
    return level
  }

  /** Takes out a level that has no orders. */
  remove(level: OrderLevel): void {
    const at = this.#find(level.price)
    if (this.levels[at] === level) this.levels.splice(at, 1)
  }

  /** The first place of which the price is not worse. */
  #find(price: number): number {
    let [low, high] = [0, this.levels.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.isBetter(price, this.levels[middle]!.price)) low = middle + 1
      else high = middle
    }
    return low
  }
}
