import { BookMemory, SCRATCH_BYTES } from './kernel/book-memory.ts'

/** Levels that are read at once without a block of their own. */
const FEW_LEVELS = SCRATCH_BYTES / 16

/**
 * One side of an L2 book: price → size. A view of what the kernel holds (kernel/side-window.as says how).
 * Prices and sizes are exact whole numbers (see exact.ts).
 */
export class L2Side {
  /** 1 for bids, −1 for asks. */
  readonly sign: 1 | -1
  readonly #memory: BookMemory
  readonly #at: number

  /** @param at address of a side that is there already @default a new one, in a memory of its own */
  constructor(sign: 1 | -1, memory: BookMemory = new BookMemory(), at: number = memory.kernel.newSide(sign) >>> 0) {
    this.sign = sign
    this.#memory = memory
    this.#at = at
  }

  /** Number of levels. */
  get count(): number {
    return this.#memory.kernel.levelCount(this.#at)
  }

  /** Best price; NaN when the side is empty. */
  get bestPrice(): number {
    return this.#memory.doubles[this.#at >>> 3]!
  }

  /** Size at the best price; 0 when the side is empty. */
  get bestSize(): number {
    return this.#memory.doubles[(this.#at >>> 3) + 1]!
  }

  clear(): void {
    this.#memory.kernel.clearSide(this.#at)
  }

  /** Sets one level. Size 0 removes it. @throws ReplayError `book-memory` */
  set(price: number, size: number): void {
    try {
      this.#memory.kernel.setLevel(this.#at, price, size)
    } catch (cause) {
      throw this.#memory.trapped(cause)
    }
  }

  /** Size at a price; 0 when there is no such level. */
  sizeAt(price: number): number {
    return this.#memory.kernel.sizeAt(this.#at, price)
  }

  /** The next level's price that is worse than `price`; NaN when there is none. */
  worseThan(price: number): number {
    return this.#memory.kernel.worseThan(this.#at, price)
  }

  /**
   * Writes the best levels, best first, and returns how many: min(limit, count, array lengths).
   * No allocation for a few hundred.
   */
  topInto(prices: Float64Array, sizes: Float64Array, limit = prices.length): number {
    const wanted = Math.max(0, Math.min(limit, prices.length, sizes.length, this.count))
    if (wanted > FEW_LEVELS) return this.#manyInto(prices, sizes, wanted)
    const { scratch } = this.#memory
    const written = this.#memory.kernel.topLevels(this.#at, scratch, scratch + FEW_LEVELS * 8, wanted)
    const { doubles } = this.#memory
    const from = scratch >>> 3
    for (let i = 0; i < written; i++) {
      prices[i] = doubles[from + i]!
      sizes[i] = doubles[from + FEW_LEVELS + i]!
    }
    return written
  }

  /** Sum of the sizes of the best `depth` levels. Exact up to 2^53. */
  depthSum(depth: number): number {
    return this.#memory.kernel.depthSum(this.#at, depth)
  }

  /** Sum of the sizes at prices at least as good as `price` (which need not be an integer). */
  sumToPrice(price: number): number {
    return this.#memory.kernel.sumToPrice(this.#at, price)
  }

  /** Removes the worst levels until `limit` are left; returns how many were removed. */
  cutTo(limit: number): number {
    return this.#memory.kernel.cutTo(this.#at, limit)
  }

  /** Whether all prices and sizes times these factors still are exact. */
  canScale(priceFactor: number, sizeFactor: number): boolean {
    return this.#memory.kernel.canScale(this.#at, priceFactor, sizeFactor) !== 0
  }

  /** Multiplies all prices and sizes; `canScale` must hold. */
  scale(priceFactor: number, sizeFactor: number): void {
    this.#memory.kernel.scaleSide(this.#at, priceFactor, sizeFactor)
  }

  #manyInto(prices: Float64Array, sizes: Float64Array, wanted: number): number {
    const memory = this.#memory
    const block = memory.alloc(wanted * 16)
    const written = memory.kernel.topLevels(this.#at, block, block + wanted * 8, wanted)
    const from = block / 8
    prices.set(memory.doubles.subarray(from, from + written))
    sizes.set(memory.doubles.subarray(from + wanted, from + wanted + written))
    memory.release(block, wanted * 16)
    return written
  }
}
