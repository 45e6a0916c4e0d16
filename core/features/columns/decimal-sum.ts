import { BookMemory } from '../../book/kernel/book-memory.ts'

/**
 * An exact sum of decimal numbers that come as doubles (prices, quantities), and of products of two of them: a view of what trade
 * bars sum up with (core/book/kernel/rows/decimal-sum.as says how).
 */
export class DecimalSum {
  readonly #memory: BookMemory
  readonly #at: number

  constructor(memory = new BookMemory()) {
    this.#memory = memory
    this.#at = memory.kernel.newDecimalSum() >>> 0
  }

  clear(): void {
    this.#memory.kernel.clearSum(this.#at)
  }

  add(value: number): void {
    this.#memory.kernel.addDecimal(this.#at, value)
  }

  /** Adds a · b. */
  addProduct(a: number, b: number): void {
    this.#memory.kernel.addProduct(this.#at, a, b)
  }

  /** The double nearest to the decimal sum, as long as that has at most 15 digits. */
  get value(): number {
    return this.#memory.kernel.sumValue(this.#at)
  }
}
