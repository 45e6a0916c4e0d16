/**
 * An exact sum of decimal numbers that come as doubles (prices, quantities), and of products of two of them.
 *
 * Each double is taken for the decimal it was written from: n / 10^d with the least d ≤ 11 for which that gives the double
 * back, n having at most 15 digits. Integers at fixed scale are added, in two doubles (exact below 2¹⁰⁶), so the sum does not depend on
 * the order, and `value` is the double nearest to the decimal sum as long as that has at most 15 digits.
 * What is no such decimal (results of calculations) is added as a float, in order of arrival.
 */
export class DecimalSum {
  /** Decimals of the integers. */
  #scale = 0
  #high = 0
  #low = 0
  #rest = 0

  clear(): void {
    this.#scale = 0
    this.#high = 0
    this.#low = 0
    this.#rest = 0
  }

  add(value: number): void {
    const scale = scaleOf(value)
    if (scale < 0) {
      this.#rest += value
      return
    }
    if (scale > this.#scale) this.#rescale(scale)
    this.#addPair(Math.round(value * POWERS[scale]!), 0, POWERS[this.#scale - scale]!)
  }

  /** Adds a · b. */
  addProduct(a: number, b: number): void {
    const scaleA = scaleOf(a)
    const scaleB = scaleOf(b)
    if (scaleA < 0 || scaleB < 0) {
      this.#rest += a * b
      return
    }
    if (scaleA + scaleB > this.#scale) this.#rescale(scaleA + scaleB)
    const x = Math.round(a * POWERS[scaleA]!)
    const y = Math.round(b * POWERS[scaleB]!)
    const product = x * y
    this.#addPair(product, productError(x, y, product), POWERS[this.#scale - scaleA - scaleB]!)
  }

  get value(): number {
    return (this.#high + this.#low) / POWERS[this.#scale]! + this.#rest
  }

  #rescale(scale: number): void {
    const high = this.#high
    const low = this.#low
    const factor = POWERS[scale - this.#scale]!
    this.#high = 0
    this.#low = 0
    this.#scale = scale
    this.#addPair(high, low, factor)
  }

  #addPair(high: number, low: number, factor: number): void {
    if (factor === 1) {
      this.#addExact(high)
      this.#addExact(low)
      return
    }
    const product = high * factor
    this.#addExact(product)
    this.#addExact(productError(high, factor, product))
    this.#addExact(low * factor)
  }

  /** Adds an integer without losing a bit: Knuth's two-sum, the error goes into `#low`. */
  #addExact(value: number): void {
    const sum = this.#high + value
    const part = sum - this.#high
    const low = this.#low + (this.#high - (sum - part) + (value - part))
    this.#high = sum + low
    this.#low = low - (this.#high - sum)
  }
}

/** The least number of decimals with which `value` is a decimal of at most 15 digits; −1 when there is none. */
function scaleOf(value: number): number {
  for (let scale = 0; scale <= MAX_SCALE; scale++) {
    const power = POWERS[scale]!
    const scaled = Math.round(value * power)
    // Two different decimals of up to 15 digits are never the same double.
    if (scaled > 1e15 || scaled < -1e15) return -1
    if (scaled / power === value) return scale
  }
  return -1
}

/** What the rounding of a · b lost (Dekker's product): the true product is `product` + this. */
function productError(a: number, b: number, product: number): number {
  const splitA = SPLIT * a
  const highA = splitA - (splitA - a)
  const lowA = a - highA
  const splitB = SPLIT * b
  const highB = splitB - (splitB - b)
  const lowB = b - highB
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB)
}

const SPLIT = 2 ** 27 + 1
/** A product of two then has at most 22 decimals, and 10^22 is the largest exact power. */
const MAX_SCALE = 11
const POWERS = Array.from({ length: 23 }, (_, scale) => Number(`1e${scale}`))
