import { isExactProduct } from '../../book/exact.ts'
import { POWERS } from './decimal.ts'

/**
 * The whole numbers that a log has at its scale, as far as they say how much finer that may become: the largest of each power of two.
 * Whether a multiple of ten is exact depends on no more than a number's size and how often two divides it.
 */
export class LargestNumbers {
  /** At v the largest that two divides v times. */
  #largest = new Float64Array(MAX_TWOS)

  /** A number that is not larger says nothing new. */
  get bound(): number {
    return this.#largest[0]!
  }

  /** @param number whole, exact, at most 2^63 */
  add(number: number): void {
    if (number <= this.bound) return
    let twos = 0
    for (let odd = number; odd % 2 === 0; odd /= 2) twos++
    if (number > this.#largest[twos]!) this.#largest[twos] = number
  }

  /** Whether all are exact with so many decimals more. */
  canGain(decimals: number): boolean {
    return decimals === 0 || this.#largest.every((number) => isExactProduct(number, POWERS[decimals]!))
  }

  /** All get so many decimals more, as they can. */
  gain(decimals: number): void {
    if (decimals === 0) return
    const gained = new Float64Array(MAX_TWOS)
    for (const [twos, number] of this.#largest.entries()) if (number > 0) gained[twos + decimals] = number * POWERS[decimals]!
    this.#largest = gained
  }

  copy(): LargestNumbers {
    const copy = new LargestNumbers()
    copy.#largest.set(this.#largest)
    return copy
  }

  clear(): void {
    this.#largest.fill(0)
  }
}

/** Of 2^63. */
const MAX_TWOS = 64
