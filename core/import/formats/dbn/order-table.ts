const SLOT_WORDS = 6
const ID_LOW = 0
const ID_HIGH = 1
const PRICE_LOW = 2
const PRICE_HIGH = 3
const SIZE = 4
/** Its letter; 0: the slot is empty. */
const SIDE = 5
const FIRST_SLOTS = 16

/**
 * The open orders of an instrument by id, as far as what changes them needs to be judged: price, rest and side. Open addressing in one
 * array of words; a slot is good until the next change.
 *
 * | word | field                               |
 * | 0, 1 | order id, low and high              |
 * | 2, 3 | price, i64 × 10^-9, low and high    |
 * |    4 | size that is left, u32              |
 * |    5 | letter of the side; 0: empty slot   |
 */
export class OrderTable {
  count = 0
  #words = new Int32Array(FIRST_SLOTS * SLOT_WORDS)
  #mask = FIRST_SLOTS - 1

  /** The slot of an order, or −1. Words may be given signed or unsigned. */
  find(idLow: number, idHigh: number): number {
    const words = this.#words
    const low = idLow | 0
    const high = idHigh | 0
    for (let slot = hashOf(low, high) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * SLOT_WORDS
      if (words[at + SIDE] === 0) return -1
      if (words[at + ID_LOW] === low && words[at + ID_HIGH] === high) return slot
    }
  }

  sizeAt(slot: number): number {
    return this.#words[slot * SLOT_WORDS + SIZE]! >>> 0
  }

  sideAt(slot: number): number {
    return this.#words[slot * SLOT_WORDS + SIDE]!
  }

  isAt(slot: number, side: number, priceLow: number, priceHigh: number): boolean {
    const at = slot * SLOT_WORDS
    const words = this.#words
    return words[at + PRICE_LOW] === (priceLow | 0) && words[at + PRICE_HIGH] === (priceHigh | 0) && words[at + SIDE] === side
  }

  resize(slot: number, size: number): void {
    this.#words[slot * SLOT_WORDS + SIZE] = size
  }

  /** An order as it is now, in the slot that it has. */
  replace(slot: number, side: number, priceLow: number, priceHigh: number, size: number): void {
    const at = slot * SLOT_WORDS
    const words = this.#words
    words[at + PRICE_LOW] = priceLow
    words[at + PRICE_HIGH] = priceHigh
    words[at + SIZE] = size
    words[at + SIDE] = side
  }

  /** Adds an order that is not there. */
  add(idLow: number, idHigh: number, side: number, priceLow: number, priceHigh: number, size: number): void {
    if (this.count * 2 > this.#mask) this.#grow()
    const words = this.#words
    let slot = hashOf(idLow | 0, idHigh | 0) & this.#mask
    while (words[slot * SLOT_WORDS + SIDE] !== 0) slot = (slot + 1) & this.#mask
    words[slot * SLOT_WORDS + ID_LOW] = idLow
    words[slot * SLOT_WORDS + ID_HIGH] = idHigh
    this.replace(slot, side, priceLow, priceHigh, size)
    this.count++
  }

  remove(slot: number): void {
    const words = this.#words
    const mask = this.#mask
    // Moves back every order behind it that would no longer be found.
    let hole = slot
    for (let next = (hole + 1) & mask; words[next * SLOT_WORDS + SIDE] !== 0; next = (next + 1) & mask) {
      const at = next * SLOT_WORDS
      const home = hashOf(words[at + ID_LOW]!, words[at + ID_HIGH]!) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      words.copyWithin(hole * SLOT_WORDS, at, at + SLOT_WORDS)
      hole = next
    }
    words[hole * SLOT_WORDS + SIDE] = 0
    this.count--
  }

  clear(): void {
    if (this.count > 0) this.#words.fill(0)
    this.count = 0
  }

  #grow(): void {
    const old = this.#words
    const slots = 2 * (this.#mask + 1)
    this.#words = new Int32Array(slots * SLOT_WORDS)
    this.#mask = slots - 1
    this.count = 0
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at + SIDE] === 0) continue
      this.add(old[at + ID_LOW]!, old[at + ID_HIGH]!, old[at + SIDE]!, old[at + PRICE_LOW]!, old[at + PRICE_HIGH]!, old[at + SIZE]!)
    }
  }
}

/** Ids ascend mostly: what is high in the product depends on all bits. */
function hashOf(low: number, high: number): number {
  const product = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
  return product ^ (product >>> 15)
}
