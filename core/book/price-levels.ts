/**
 * One side of an L3 book: price → queue of orders in priority order, and the totals per price as an L2 side.
 *
 * Levels are 32-byte slots with a free list, found by an open-addressing hash of the price. The queue is a
 * doubly linked list through the orders' slots (ORDER_NEXT, ORDER_PREVIOUS). A level of total 0 (orders without
 * quantity) exists here but not in `totals`.
 *
 * | double | field | | word | field                                     |
 * |      0 | price | |    4 | head: slot of the first order             |
 * |      1 | total | |    5 | tail: slot of the last order              |
 * |        |       | |    6 | orders in the queue                       |
 * |        |       | |    7 | next free slot                            |
 */
import { MAX_EXACT } from './exact.ts'
import { L2Side } from './l2-side.ts'
import { MAX_ORDERS, ORDER_LEVEL, ORDER_NEXT, ORDER_PREVIOUS, ORDER_PRICE, ORDER_QUANTITY, type OrderStore } from './order-store.ts'

const SMALL_QUANTITY = MAX_EXACT / 2 / MAX_ORDERS
const LEVEL_HEAD = 4
const LEVEL_TAIL = 5
const LEVEL_ORDERS = 6
const LEVEL_FREE = 7

export class PriceLevels {
  /** The L2 view: best, top N, sums. */
  readonly totals: L2Side

  readonly #orders: OrderStore
  #doubles = new Float64Array(0)
  #words = new Int32Array(0)
  #table = new Int32Array(0)
  #mask = 0
  #shift = 0
  #count = 0
  #free = -1
  #fresh = 0

  constructor(sign: 1 | -1, orders: OrderStore) {
    this.totals = new L2Side(sign)
    this.#orders = orders
    this.#allocate(256)
  }

  clear(): void {
    this.totals.clear()
    this.#table.fill(0)
    this.#count = 0
    this.#free = -1
    this.#fresh = 0
  }

  /** Whether the total of a level stays exact with so much more. */
  hasRoom(price: number, quantity: number): boolean {
    // Small quantities always fit: MAX_ORDERS of them are less than the half that large ones leave free.
    return quantity < SMALL_QUANTITY || this.totals.sizeAt(price) + quantity < MAX_EXACT / 2
  }

  /** Puts an order, whose price and quantity are set, at the end of its level's queue. */
  append(order: number): void {
    const { words, doubles } = this.#orders
    const price = doubles[order * 8 + ORDER_PRICE]!
    const level = this.#findOrAdd(price)
    const tail = this.#words[level * 8 + LEVEL_TAIL]!
    words[order * 16 + ORDER_LEVEL] = level
    words[order * 16 + ORDER_NEXT] = -1
    words[order * 16 + ORDER_PREVIOUS] = tail
    if (tail < 0) this.#words[level * 8 + LEVEL_HEAD] = order
    else words[tail * 16 + ORDER_NEXT] = order
    this.#words[level * 8 + LEVEL_TAIL] = order
    this.#words[level * 8 + LEVEL_ORDERS]!++
    this.#addTotal(level, doubles[order * 8 + ORDER_QUANTITY]!)
  }

  /** Changes the quantity of an order that is on a level; it keeps its place. */
  resize(order: number, quantity: number): void {
    const { words, doubles } = this.#orders
    const change = quantity - doubles[order * 8 + ORDER_QUANTITY]!
    doubles[order * 8 + ORDER_QUANTITY] = quantity
    this.#addTotal(words[order * 16 + ORDER_LEVEL]!, change)
  }

  /** Takes an order off its level; its price and quantity stay. */
  detach(order: number): void {
    const { words, doubles } = this.#orders
    const level = words[order * 16 + ORDER_LEVEL]!
    const next = words[order * 16 + ORDER_NEXT]!
    const previous = words[order * 16 + ORDER_PREVIOUS]!
    if (previous < 0) this.#words[level * 8 + LEVEL_HEAD] = next
    else words[previous * 16 + ORDER_NEXT] = next
    if (next < 0) this.#words[level * 8 + LEVEL_TAIL] = previous
    else words[next * 16 + ORDER_PREVIOUS] = previous
    words[order * 16 + ORDER_LEVEL] = -1
    this.#addTotal(level, -doubles[order * 8 + ORDER_QUANTITY]!)
    if (--this.#words[level * 8 + LEVEL_ORDERS]! === 0) this.#removeLevel(level)
  }

  /** Slot of the first order of the queue at a price, or −1. */
  headAt(price: number): number {
    const level = this.#find(price)
    return level < 0 ? -1 : this.#words[level * 8 + LEVEL_HEAD]!
  }

  /** Orders in the queue at a price. */
  ordersAt(price: number): number {
    const level = this.#find(price)
    return level < 0 ? 0 : this.#words[level * 8 + LEVEL_ORDERS]!
  }

  /** The prices of all levels, those of total 0 too, best first. Allocates. */
  prices(): Float64Array {
    const prices = new Float64Array(this.#count)
    let written = 0
    for (const entry of this.#table) if (entry !== 0) prices[written++] = this.totals.sign * this.#doubles[(entry - 1) * 4]!
    return prices
      .sort()
      .reverse()
      .map((key) => this.totals.sign * key)
  }

  /** Multiplies all prices and totals; the orders' own values are the caller's. `totals.canScale` must hold. */
  scale(priceFactor: number, sizeFactor: number): void {
    this.totals.scale(priceFactor, sizeFactor)
    const levels = [...this.#table].filter((entry) => entry !== 0).map((entry) => entry - 1)
    this.#table.fill(0)
    for (const level of levels) {
      this.#doubles[level * 4]! *= priceFactor
      this.#doubles[level * 4 + 1]! *= sizeFactor
      this.#enter(level)
    }
  }

  #addTotal(level: number, change: number): void {
    const total = this.#doubles[level * 4 + 1]! + change
    this.#doubles[level * 4 + 1] = total
    this.totals.set(this.#doubles[level * 4]!, total)
  }

  #find(price: number): number {
    for (let at = this.#home(price); ; at = (at + 1) & this.#mask) {
      const level = this.#table[at]! - 1
      if (level < 0 || this.#doubles[level * 4] === price) return level
    }
  }

  #findOrAdd(price: number): number {
    const found = this.#find(price)
    if (found >= 0) return found
    if (this.#count * 2 > this.#mask) this.#allocate(this.#table.length)
    const level = this.#free >= 0 ? this.#free : this.#fresh++
    if (this.#free >= 0) this.#free = this.#words[level * 8 + LEVEL_FREE]!
    this.#doubles[level * 4] = price
    this.#doubles[level * 4 + 1] = 0
    this.#words[level * 8 + LEVEL_HEAD] = -1
    this.#words[level * 8 + LEVEL_TAIL] = -1
    this.#words[level * 8 + LEVEL_ORDERS] = 0
    this.#enter(level)
    this.#count++
    return level
  }

  #removeLevel(level: number): void {
    const table = this.#table
    let hole = this.#home(this.#doubles[level * 4]!)
    while (table[hole] !== level + 1) hole = (hole + 1) & this.#mask
    // Close the hole as in OrderStore.remove.
    for (let at = (hole + 1) & this.#mask; table[at] !== 0; at = (at + 1) & this.#mask) {
      const home = this.#home(this.#doubles[(table[at]! - 1) * 4]!)
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue
      table[hole] = table[at]!
      hole = at
    }
    table[hole] = 0
    this.#words[level * 8 + LEVEL_FREE] = this.#free
    this.#free = level
    this.#count--
  }

  #home(price: number): number {
    // Prices below 2^32 hash by their low word; the high word only matters above.
    const high = price < 2 ** 32 ? 0 : Math.floor(price / 2 ** 32)
    return Math.imul((price >>> 0) ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> this.#shift
  }

  #enter(level: number): void {
    let at = this.#home(this.#doubles[level * 4]!)
    while (this.#table[at] !== 0) at = (at + 1) & this.#mask
    this.#table[at] = level + 1
  }

  #allocate(levels: number): void {
    const doubles = new Float64Array(levels * 4)
    doubles.set(this.#doubles)
    this.#doubles = doubles
    this.#words = new Int32Array(doubles.buffer)
    const old = this.#table
    this.#table = new Int32Array(levels * 2)
    this.#mask = levels * 2 - 1
    this.#shift = Math.clz32(this.#mask)
    for (const entry of old) if (entry !== 0) this.#enter(entry - 1)
  }
}
