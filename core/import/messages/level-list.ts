import { isExactProduct, MAX_EXACT } from '../../book/exact.ts'
import { POWERS } from './decimal.ts'
import type { LargestNumbers } from './largest-numbers.ts'

/** Levels of one side of a message, each with decimals of its own. */
export class LevelList {
  count = 0
  #numbers = new Float64Array(256)
  #decimals = new Uint8Array(256)
  #largestPrice = 0
  #largestSize = 0

  add(price: number, priceDecimals: number, size: number, sizeDecimals: number): void {
    const at = 2 * this.count++
    if (at === this.#numbers.length) this.#grow()
    this.#numbers[at] = price
    this.#numbers[at + 1] = size
    this.#decimals[at] = priceDecimals
    this.#decimals[at + 1] = sizeDecimals
  }

  /** Writes levels in the scales of the message. False where a number is not exact in them. */
  write(words: Uint32Array, at: number, priceScale: number, sizeScale: number): boolean {
    const numbers = this.#numbers
    const decimals = this.#decimals
    let word = at
    let [largestPrice, largestSize] = [0, 0]
    for (let i = 0, end = 2 * this.count; i < end; i += 2) {
      const priceFactor = POWERS[priceScale - decimals[i]!]!
      const sizeFactor = POWERS[sizeScale - decimals[i + 1]!]!
      const price = numbers[i]! * priceFactor
      const size = numbers[i + 1]! * sizeFactor
      // Real books have asks like 99999997.00000000, which a double holds exactly all the same.
      if (price >= MAX_EXACT && !isExactProduct(numbers[i]!, priceFactor)) return false
      if (size >= MAX_EXACT && !isExactProduct(numbers[i + 1]!, sizeFactor)) return false
      if (price > largestPrice) largestPrice = price
      if (size > largestSize) largestSize = size
      words[word] = price
      words[word + 1] = price / WORD
      words[word + 2] = size
      words[word + 3] = size / WORD
      word += 4
    }
    this.#largestPrice = largestPrice
    this.#largestSize = largestSize
    return true
  }

  /** Tells of the numbers that were written. @param priceScale as they were */
  tell(prices: LargestNumbers, sizes: LargestNumbers, priceScale: number, sizeScale: number): void {
    if (this.#largestPrice <= prices.bound && this.#largestSize <= sizes.bound) return
    for (let i = 0, end = 2 * this.count; i < end; i += 2) {
      prices.add(this.#numbers[i]! * POWERS[priceScale - this.#decimals[i]!]!)
      sizes.add(this.#numbers[i + 1]! * POWERS[sizeScale - this.#decimals[i + 1]!]!)
    }
  }

  /** Keeps what is taken, in its order. */
  keep(takes: (price: number, priceDecimals: number, size: number, sizeDecimals: number) => boolean): void {
    const numbers = this.#numbers
    const decimals = this.#decimals
    const { count } = this
    this.count = 0
    for (let i = 0; i < 2 * count; i += 2) {
      const [price, priceDecimals, size, sizeDecimals] = [numbers[i]!, decimals[i]!, numbers[i + 1]!, decimals[i + 1]!]
      if (takes(price, priceDecimals, size, sizeDecimals)) this.add(price, priceDecimals, size, sizeDecimals)
    }
  }

  #grow(): void {
    const [numbers, decimals] = [new Float64Array(2 * this.#numbers.length), new Uint8Array(2 * this.#numbers.length)]
    numbers.set(this.#numbers)
    decimals.set(this.#decimals)
    this.#numbers = numbers
    this.#decimals = decimals
  }
}

const WORD = 2 ** 32
