/**
 * One side of an L2 book: price → size, built for updates near the touch.
 *
 * Levels close to the best price lie in a *window*: a dense array of sizes indexed by price tick, with a
 * bitmap of occupied ticks, so an update is one store and the next best price is a `clz32` away. Levels
 * worse than the window's lower edge lie in *deep*: two sorted arrays, worst first. Nothing is ever better
 * than the window: when the best price leaves it, the window moves (`#regrid`).
 *
 * Prices are kept as *keys*: price for bids, −price for asks, so that greater is always better. A level lies on a
 * tick of the window if its distance from the window's base, which is exact there, is that many ticks.
 * The tick is the greatest common divisor of the price differences seen; a price off that grid refines it.
 * None of this is visible outside: state is a function of the updates alone.
 */
import { DeepLevels, lowerBound } from './deep-levels.ts'
import { MAX_EXACT } from './exact.ts'
import { gcd } from './gcd.ts'
import { canScale, commonTick, type LevelList, readLevels, withLevel } from './level-list.ts'

const TWO_32 = 2 ** 32
const MIN_WINDOW = 2048
const MAX_WINDOW = 65536
/** Deep updates after which the share of deep ones decides whether the window doubles. */
const DEEP_SAMPLE = 1024
/** The window doubles when more than one update in this many was deep. */
const DEEP_SHARE = 16

export class L2Side {
  /** 1 for bids, −1 for asks. */
  readonly sign: 1 | -1

  #sizes = new Float64Array(MIN_WINDOW)
  #bits = new Int32Array(MIN_WINDOW >>> 5)
  /** Key of window index 0. */
  #base = 0
  #tick = 1
  #inverseTick = 1
  /** Once a price has refined the tick, it is not coarsened again before `clear`. */
  #refined = false
  /** Window index of the best level; −1 = the side is empty. */
  #top = -1
  /** No occupied bit lies in a lower word of the bitmap. */
  #lowWord = 0
  #windowCount = 0

  readonly #deep = new DeepLevels()
  #deepUpdates = 0
  #updates = 0

  constructor(sign: 1 | -1) {
    this.sign = sign
  }

  /** Number of levels. */
  get count(): number {
    return this.#windowCount + this.#deep.count
  }

  /** Best price; NaN when the side is empty. (Adding 0 turns the −0 of an ask at price 0 into 0.) */
  get bestPrice(): number {
    return this.#top < 0 ? Number.NaN : this.sign * (this.#base + this.#top * this.#tick) + 0
  }

  /** Size at the best price; 0 when the side is empty. */
  get bestSize(): number {
    return this.#top < 0 ? 0 : this.#sizes[this.#top]!
  }

  clear(): void {
    this.#emptyWindow()
    this.#deep.count = 0
    this.#deepUpdates = 0
    this.#updates = 0
    this.#refined = false
  }

  /**
   * Sets `count` levels read as u64 price, u64 size pairs from `words[at…]`. Size 0 removes the level.
   * Values must be exact, also after multiplication by the factors (see exact.ts): the caller has checked.
   */
  setFromWords(words: Uint32Array, at: number, count: number, priceFactor: number, sizeFactor: number): void {
    if (priceFactor !== 1 || sizeFactor !== 1) {
      this.#setScaled(words, at, count, priceFactor, sizeFactor)
      return
    }
    const sign = this.sign
    let sizes = this.#sizes
    let bits = this.#bits
    let base = this.#base
    let tick = this.#tick
    let inverseTick = this.#inverseTick
    let top = this.#top
    const end = at + count * 4
    this.#updates += count
    for (let i = at; i < end; i += 4) {
      const key = sign * (words[i]! + words[i + 1]! * TWO_32)
      const low = words[i + 2]!
      const high = words[i + 3]!
      // Rounds to the nearest tick; whether that tick is the price is checked exactly.
      const distance = key - base
      const index = (distance * inverseTick + 0.5) | 0
      if (index >>> 0 < sizes.length && index * tick === distance) {
        // Set, insert and remove mix unpredictably, so they take one path without branches.
        const occupied = (low | high | -(low | high)) >>> 31
        const at32 = index >>> 5
        const word = bits[at32]!
        sizes[index] = low + high * TWO_32
        bits[at32] = (word & ~(1 << (index & 31))) | (occupied << (index & 31))
        this.#windowCount += occupied - ((word >>> (index & 31)) & 1)
        if (at32 < this.#lowWord) this.#lowWord = at32
        if (index < top) continue
        if (occupied !== 0) {
          top = index
          continue
        }
        if (index > top) continue
        top = occupiedAtOrBelow(bits, index)
        if (top >= sizes.length >>> 2) continue
        this.#top = top
        this.#refillFromDeep()
      } else {
        this.#top = top
        this.#setOutside(key, low + high * TWO_32)
      }
      sizes = this.#sizes
      bits = this.#bits
      base = this.#base
      tick = this.#tick
      inverseTick = this.#inverseTick
      top = this.#top
    }
    this.#top = top
  }

  /**
   * Replaces the whole side by `count` levels read like in `setFromWords`, in any order.
   * Levels of size 0 are left out; of levels with the same price the last counts.
   */
  replaceFromWords(words: Uint32Array, at: number, count: number): void {
    this.clear()
    this.#place(readLevels(words, at, count, this.sign))
  }

  /** Sets one level. Size 0 removes it. Both must be exact whole numbers. */
  set(price: number, size: number): void {
    const key = this.sign * price
    this.#updates++
    const distance = key - this.#base
    const index = (distance * this.#inverseTick + 0.5) | 0
    if (index >>> 0 >= this.#sizes.length || index * this.#tick !== distance) {
      this.#setOutside(key, size)
      return
    }
    const old = this.#sizes[index]!
    this.#sizes[index] = size
    if (old === 0) {
      if (size === 0) return
      this.#bits[index >>> 5]! |= 1 << (index & 31)
      this.#windowCount++
      if (index >>> 5 < this.#lowWord) this.#lowWord = index >>> 5
      if (index > this.#top) this.#top = index
    } else if (size === 0) {
      this.#bits[index >>> 5]! &= ~(1 << (index & 31))
      this.#windowCount--
      if (index !== this.#top) return
      this.#top = occupiedAtOrBelow(this.#bits, index)
      if (this.#top < this.#sizes.length >>> 2) this.#refillFromDeep()
    }
  }

  /** Size at a price; 0 when there is no such level. */
  sizeAt(price: number): number {
    const key = this.sign * price
    const distance = key - this.#base
    const index = (distance * this.#inverseTick + 0.5) | 0
    if (index >>> 0 < this.#sizes.length && index * this.#tick === distance) return this.#sizes[index]!
    return this.#deep.sizeAt(key)
  }

  /** The next level's price that is worse than `price`; NaN when there is none. */
  worseThan(price: number): number {
    const key = this.sign * price
    const from = Math.min(Math.ceil((key - this.#base) / this.#tick) - 1, this.#top)
    const index = this.#top < 0 ? -1 : occupiedAtOrBelow(this.#bits, from)
    if (index >= 0) return this.sign * (this.#base + index * this.#tick) + 0
    const at = lowerBound(this.#deep.keys, this.#deep.count, key) - 1
    return at < 0 ? Number.NaN : this.sign * this.#deep.keys[at]! + 0
  }

  /**
   * Writes the best levels, best first, and returns how many: min(limit, count, array lengths).
   * No allocation.
   */
  topInto(prices: Float64Array, sizes: Float64Array, limit = prices.length): number {
    const wanted = Math.min(limit, prices.length, sizes.length)
    let written = 0
    for (let index = this.#top; index >= 0 && written < wanted; index = occupiedAtOrBelow(this.#bits, index - 1)) {
      prices[written] = this.sign * (this.#base + index * this.#tick) + 0
      sizes[written++] = this.#sizes[index]!
    }
    for (let at = this.#deep.count - 1; at >= 0 && written < wanted; at--) {
      prices[written] = this.sign * this.#deep.keys[at]! + 0
      sizes[written++] = this.#deep.sizes[at]!
    }
    return written
  }

  /** Sum of the sizes of the best `depth` levels. Exact up to 2^53. */
  depthSum(depth: number): number {
    let sum = 0
    let left = depth
    for (let index = this.#top; index >= 0 && left > 0; index = occupiedAtOrBelow(this.#bits, index - 1), left--) sum += this.#sizes[index]!
    for (let at = this.#deep.count - 1; at >= 0 && left > 0; at--, left--) sum += this.#deep.sizes[at]!
    return sum
  }

  /** Sum of the sizes at prices at least as good as `price` (which need not be an integer). */
  sumToPrice(price: number): number {
    const limit = this.sign * price
    let sum = 0
    for (let index = this.#top; index >= 0; index = occupiedAtOrBelow(this.#bits, index - 1)) {
      if (this.#base + index * this.#tick < limit) return sum
      sum += this.#sizes[index]!
    }
    for (let at = this.#deep.count - 1; at >= 0 && this.#deep.keys[at]! >= limit; at--) sum += this.#deep.sizes[at]!
    return sum
  }

  /** Removes the worst levels until `limit` are left; returns how many were removed. */
  cutTo(limit: number): number {
    const surplus = this.count - limit
    if (surplus <= 0) return 0
    const fromDeep = Math.min(surplus, this.#deep.count)
    if (fromDeep > 0) this.#deep.dropWorst(fromDeep)
    const bits = this.#bits
    for (let left = surplus - fromDeep; left > 0; left--) {
      while (bits[this.#lowWord] === 0) this.#lowWord++
      const word = bits[this.#lowWord]!
      const lowest = word & -word
      bits[this.#lowWord] = word ^ lowest
      this.#sizes[(this.#lowWord << 5) + 31 - Math.clz32(lowest)] = 0
      this.#windowCount--
    }
    if (this.#windowCount === 0) this.#top = -1
    return surplus
  }

  /** Whether all prices and sizes times these factors still are exact. */
  canScale(priceFactor: number, sizeFactor: number): boolean {
    return canScale(this.#collect(), priceFactor, sizeFactor)
  }

  /** Multiplies all prices and sizes; `canScale` must hold. */
  scale(priceFactor: number, sizeFactor: number): void {
    const { keys, sizes } = this.#collect()
    for (let i = 0; i < keys.length; i++) {
      keys[i]! *= priceFactor
      sizes[i]! *= sizeFactor
    }
    this.#refined = false
    this.#place({ keys, sizes })
  }

  #setScaled(words: Uint32Array, at: number, count: number, priceFactor: number, sizeFactor: number): void {
    for (let i = at; i < at + count * 4; i += 4) {
      this.set((words[i]! + words[i + 1]! * TWO_32) * priceFactor, (words[i + 2]! + words[i + 3]! * TWO_32) * sizeFactor)
    }
  }

  /** A key that is not a tick of the window: better than it, worse than it, or off the grid. */
  #setOutside(key: number, size: number): void {
    if (this.#top < 0) {
      if (size === 0) return
      this.#base = this.#baseBelow(key)
      this.set(this.sign * key, size)
      return
    }
    if (key < this.#base) {
      this.#setDeep(key, size)
      return
    }
    if (size === 0) return
    const levels = this.#collect()
    const distance = key - this.#base
    if (distance % this.#tick !== 0) {
      this.#refined = true
      this.#setTick(gcd(this.#tick, distance))
    }
    this.#place(withLevel(levels, key, size))
  }

  #setDeep(key: number, size: number): void {
    this.#deep.set(key, size)
    if (++this.#deepUpdates >= DEEP_SAMPLE) this.#growIfDeepIsBusy()
  }

  #growIfDeepIsBusy(): void {
    const busy = this.#updates < this.#deepUpdates * DEEP_SHARE
    this.#deepUpdates = 0
    this.#updates = 0
    if (!busy || this.#sizes.length >= MAX_WINDOW) return
    const levels = this.#collect()
    const window = this.#sizes.length * 2
    this.#sizes = new Float64Array(window)
    this.#bits = new Int32Array(window >>> 5)
    this.#place(levels)
  }

  /** The best price has sunk to the lower quarter of the window: move the window down if levels wait there. */
  #refillFromDeep(): void {
    if (this.#deep.count === 0) return
    this.#place(this.#collect())
  }

  /** Copies of all levels in ascending order of key. */
  #collect(): LevelList {
    const count = this.count
    const keys = new Float64Array(count)
    const sizes = new Float64Array(count)
    keys.set(this.#deep.keys.subarray(0, this.#deep.count))
    sizes.set(this.#deep.sizes.subarray(0, this.#deep.count))
    let at = count
    for (let index = this.#top; index >= 0; index = occupiedAtOrBelow(this.#bits, index - 1)) {
      keys[--at] = this.#base + index * this.#tick
      sizes[at] = this.#sizes[index]!
    }
    return { keys, sizes }
  }

  /** Replaces the content: the window's upper quarter is left free above the best level. */
  #place(levels: LevelList): void {
    const { keys, sizes } = levels
    this.#emptyWindow()
    const count = keys.length
    this.#deep.count = 0
    if (count === 0) return
    const best = keys[count - 1]!
    this.#setTick(commonTick(levels, this.#refined || count === 1 ? this.#tick : 0))
    this.#base = this.#baseBelow(best)
    const split = lowerBound(keys, count, this.#base)
    this.#deep.load(keys, sizes, split)
    for (let i = split; i < count; i++) {
      const index = Math.round((keys[i]! - this.#base) / this.#tick)
      this.#sizes[index] = sizes[i]!
      this.#bits[index >>> 5]! |= 1 << (index & 31)
      if (i === split) this.#lowWord = index >>> 5
      this.#top = index
    }
    this.#windowCount = count - split
  }

  #setTick(tick: number): void {
    // A window of huge ticks would leave the range of exact integers; 1 fits every grid.
    this.#tick = tick * MAX_WINDOW < MAX_EXACT / 2 ? tick : 1
    this.#inverseTick = 1 / this.#tick
  }

  /** Where the window starts so that `best` has a quarter of it above: always at an exact key. */
  #baseBelow(best: number): number {
    if (Math.abs(best) >= MAX_EXACT) return best
    const ticks = Math.min((this.#sizes.length * 3) >>> 2, Math.floor((best + MAX_EXACT) / this.#tick))
    return best - ticks * this.#tick
  }

  #emptyWindow(): void {
    if (this.#windowCount > 0) {
      this.#sizes.fill(0)
      this.#bits.fill(0)
    }
    this.#windowCount = 0
    this.#top = -1
    this.#lowWord = this.#bits.length - 1
  }
}

/** The greatest occupied index ≤ `index`, or −1. */
function occupiedAtOrBelow(bits: Int32Array, index: number): number {
  if (index < 0) return -1
  let at = index >>> 5
  // Shifting by 31 − (index & 31) drops the bits above `index`.
  const word = bits[at]! << (31 - (index & 31))
  if (word !== 0) return index - Math.clz32(word)
  while (--at >= 0) {
    const below = bits[at]!
    if (below !== 0) return (at << 5) + 31 - Math.clz32(below)
  }
  return -1
}
