/**
 * The live orders of an L3 book: 64-byte slots in one buffer (one cache line each) with a free list, and an
 * open-addressing hash of the order id (u64 as two 32-bit words).
 *
 * Slot, 16 words:
 *
 * | word  | field                | unit, sentinel                                          |
 * |  0, 1 | order id             | u64, low word first                                     |
 * |  2, 3 | next, previous       | slots of the neighbours in the level's queue; −1 = none |
 * |     4 | level                | slot in PriceLevels; −1 = not on a level                |
 * |     5 | flags                | of the event that added it                              |
 * |  6, 7 | lastExchangeTsNs     | u64, low word first                                     |
 * |  8, 9 | price                | f64, an exact integer                                   |
 * | 10,11 | quantity             | f64, an exact integer                                   |
 * |    12 | side, order type     | u8, u8                                                  |
 */
import { ReplayError } from '../errors.ts'

export const ORDER_ID_LOW = 0
export const ORDER_ID_HIGH = 1
export const ORDER_NEXT = 2
export const ORDER_PREVIOUS = 3
export const ORDER_LEVEL = 4
export const ORDER_FLAGS = 5
export const ORDER_TS_LOW = 6
export const ORDER_TS_HIGH = 7
export const ORDER_SIDE_AND_TYPE = 12
/** In `doubles`, slot × 8 plus: */
export const ORDER_PRICE = 4
export const ORDER_QUANTITY = 5

/** Live orders in one book at the same time (4 GiB of slots). */
export const MAX_ORDERS = 2 ** 26

export class OrderStore {
  /** Slot s starts at word 16 s. */
  words = new Int32Array(0)
  /** The same memory; slot s starts at double 8 s. */
  doubles = new Float64Array(0)
  count = 0

  /** Per position: slot + 1 (0 = empty), then the hash, so that probing rarely touches a slot that is not the one. */
  #table = new Int32Array(0)
  #shift = 0
  #mask = 0
  /** Position in the table of the last order found. */
  #found = 0
  #free = -1
  /** Slots at and above this were never used. */
  #fresh = 0

  constructor() {
    this.#allocate(1024)
  }

  clear(): void {
    this.#table.fill(0)
    this.count = 0
    this.#free = -1
    this.#fresh = 0
  }

  /** The slot of an order, or −1. Words may be given signed or unsigned. */
  find(idLow: number, idHigh: number): number {
    const table = this.#table
    const mask = this.#mask
    const low = idLow | 0
    const high = idHigh | 0
    const hash = hashOf(low, high)
    for (let at = hash >>> this.#shift; ; at = (at + 1) & mask) {
      const slot = table[at * 2]! - 1
      if (slot < 0) return -1
      if (table[at * 2 + 1] !== hash) continue
      if (this.words[slot * 16 + ORDER_ID_LOW] === low && this.words[slot * 16 + ORDER_ID_HIGH] === high) {
        this.#found = at
        return slot
      }
    }
  }

  /** A slot for an order that is not in the store; its other fields are for the caller to set. */
  insert(idLow: number, idHigh: number): number {
    if ((this.count + 1) * 4 > this.#mask) this.#allocate((this.#mask + 1) / 2)
    const slot = this.#free >= 0 ? this.#free : this.#fresh++
    if (this.#free >= 0) this.#free = this.words[slot * 16 + ORDER_NEXT]!
    this.words[slot * 16 + ORDER_ID_LOW] = idLow
    this.words[slot * 16 + ORDER_ID_HIGH] = idHigh
    this.#enter(slot, hashOf(idLow, idHigh))
    this.count++
    return slot
  }

  /** Frees the slot of a live order. */
  remove(slot: number): void {
    const table = this.#table
    const mask = this.#mask
    // Mostly the order that was just found.
    let hole = this.#found
    if (table[hole * 2] !== slot + 1)
      hole = hashOf(this.words[slot * 16 + ORDER_ID_LOW]!, this.words[slot * 16 + ORDER_ID_HIGH]!) >>> this.#shift
    while (table[hole * 2] !== slot + 1) hole = (hole + 1) & mask
    // Close the hole: move back every entry that would no longer be found.
    for (let at = (hole + 1) & mask; table[at * 2] !== 0; at = (at + 1) & mask) {
      const home = table[at * 2 + 1]! >>> this.#shift
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      table[hole * 2] = table[at * 2]!
      table[hole * 2 + 1] = table[at * 2 + 1]!
      hole = at
    }
    table[hole * 2] = 0
    this.words[slot * 16 + ORDER_NEXT] = this.#free
    this.#free = slot
    this.count--
  }

  /** The slots of all live orders by ascending id. Allocates. */
  sortedSlots(): Int32Array {
    const ids = new BigUint64Array(this.count)
    const idWords = new Int32Array(ids.buffer)
    let written = 0
    for (let at = 0; at <= this.#mask; at++) {
      const slot = this.#table[at * 2]! - 1
      if (slot < 0) continue
      idWords[written++] = this.words[slot * 16 + ORDER_ID_LOW]!
      idWords[written++] = this.words[slot * 16 + ORDER_ID_HIGH]!
    }
    ids.sort()
    const slots = new Int32Array(this.count)
    for (let i = 0; i < slots.length; i++) slots[i] = this.find(idWords[i * 2]!, idWords[i * 2 + 1]!)
    return slots
  }

  #enter(slot: number, hash: number): void {
    const table = this.#table
    let at = hash >>> this.#shift
    while (table[at * 2] !== 0) at = (at + 1) & this.#mask
    table[at * 2] = slot + 1
    table[at * 2 + 1] = hash
  }

  /** Makes room for `orders` orders, a power of two; the table has four times as many positions. */
  #allocate(orders: number): void {
    if (orders > MAX_ORDERS) {
      throw new ReplayError(
        'too-many-orders',
        `L3 book: more than ${MAX_ORDERS} live orders; are cancels and trades missing from the log?`,
        {
          category: 'input',
        },
      )
    }
    const doubles = new Float64Array(orders * 8)
    doubles.set(this.doubles)
    this.doubles = doubles
    this.words = new Int32Array(doubles.buffer)
    const old = this.#table
    this.#table = new Int32Array(orders * 8)
    this.#mask = orders * 4 - 1
    this.#shift = Math.clz32(this.#mask)
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.#enter(old[at]! - 1, old[at + 1]!)
  }
}

/** A 32-bit hash of an order id, signed. */
function hashOf(low: number, high: number): number {
  return Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
}
