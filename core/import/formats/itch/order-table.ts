import { ReplayError } from '../../../errors.ts'

/**
 * Slot, 5 words:
 *
 * | word | field                                       |
 * | 0, 1 | order number, low word first                |
 * |    2 | price, 1/10,000 dollars                     |
 * |    3 | shares that are left                        |
 * |    4 | 1 + 2 × stock locate + (1: sell); 0 = free  |
 */
const SLOT = 5
const PRICE = 2
const SHARES = 3
const STOCK = 4
/** A whole market's orders are most of an import's memory. */
const MOST_FULL = 0.75

/** Live orders at one time. A whole market has two or three million. */
export const MAX_ORDERS = 2 ** 25

/** The live orders of a day by number: open addressing, so that no order is an object and no number is one. */
export class OrderTable {
  count = 0
  #words = new Uint32Array(0)
  #mask = 0
  #shift = 0

  constructor() {
    this.#allocate(2 ** 12)
  }

  clear(): void {
    this.#words.fill(0)
    this.count = 0
  }

  /** Where an order is, until the table changes; −1: it is not there. */
  find(low: number, high: number): number {
    const words = this.#words
    const mask = this.#mask
    for (let slot = hashOf(low, high) >>> this.#shift; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT
      if (words[at + STOCK] === 0) return -1
      if (words[at] === low && words[at + 1] === high) return at
    }
  }

  price(at: number): number {
    return this.#words[at + PRICE]!
  }

  shares(at: number): number {
    return this.#words[at + SHARES]!
  }

  locate(at: number): number {
    return (this.#words[at + STOCK]! - 1) >>> 1
  }

  isSell(at: number): boolean {
    return ((this.#words[at + STOCK]! - 1) & 1) === 1
  }

  /** @returns false: there was one of this number, which is replaced. @throws ReplayError input `itch-orders` */
  add(low: number, high: number, locate: number, isSell: boolean, price: number, shares: number): boolean {
    const found = this.find(low, high)
    let at = found
    if (found < 0) {
      if (++this.count > MOST_FULL * this.#mask) this.#allocate(2 * (this.#mask + 1))
      at = this.#freeSlot(low, high)
    }
    const words = this.#words
    words[at] = low
    words[at + 1] = high
    words[at + PRICE] = price
    words[at + SHARES] = shares
    words[at + STOCK] = 1 + 2 * locate + (isSell ? 1 : 0)
    return found < 0
  }

  /** Takes shares off an order, and the order out where none are left. @returns false: it had fewer */
  reduce(at: number, shares: number): boolean {
    const left = this.#words[at + SHARES]! - shares
    if (left > 0) this.#words[at + SHARES] = left
    else this.remove(at)
    return left >= 0
  }

  remove(at: number): void {
    const words = this.#words
    const mask = this.#mask
    let hole = at / SLOT
    // Orders behind it move up, where they would not be found any more.
    for (let slot = (hole + 1) & mask; words[slot * SLOT + STOCK] !== 0; slot = (slot + 1) & mask) {
      const from = slot * SLOT
      const home = hashOf(words[from]!, words[from + 1]!) >>> this.#shift
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      const to = hole * SLOT
      words[to] = words[from]!
      words[to + 1] = words[from + 1]!
      words[to + PRICE] = words[from + PRICE]!
      words[to + SHARES] = words[from + SHARES]!
      words[to + STOCK] = words[from + STOCK]!
      hole = slot
    }
    words[hole * SLOT + STOCK] = 0
    this.count--
  }

  #freeSlot(low: number, high: number): number {
    const words = this.#words
    let slot = hashOf(low, high) >>> this.#shift
    while (words[slot * SLOT + STOCK] !== 0) slot = (slot + 1) & this.#mask
    return slot * SLOT
  }

  #allocate(slots: number): void {
    if (slots > 2 * MAX_ORDERS) {
      const message = `more than ${MAX_ORDERS} live orders in one file: is it of one day, and are its deletes there?`
      throw new ReplayError('itch-orders', message, { category: 'input' })
    }
    const old = this.#words
    this.#words = new Uint32Array(slots * SLOT)
    this.#mask = slots - 1
    this.#shift = Math.clz32(this.#mask)
    for (let from = 0; from < old.length; from += SLOT) {
      if (old[from + STOCK] === 0) continue
      this.#words.set(old.subarray(from, from + SLOT), this.#freeSlot(old[from]!, old[from + 1]!))
    }
  }
}

/** 32 bits, signed. */
function hashOf(low: number, high: number): number {
  return Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
}
