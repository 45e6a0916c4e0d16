/**
 * The live orders of an L3 book, by id: a view of what the kernel holds (kernel/order-store.as says how), in slots of 64 bytes.
 *
 * Slot, 16 words:
 *
 * | word  | field                | unit, sentinel                                          |
 * |  0, 1 | order id             | u64, low word first                                     |
 * |  2, 3 | next, previous       | slots of the neighbours in the level's queue; −1 = none |
 * |     4 | level                | the kernel's; −1 = not on a level                       |
 * |     5 | flags                | of the event that added it                              |
 * |  6, 7 | lastExchangeTsNs     | u64, low word first                                     |
 * |  8, 9 | price                | f64, an exact integer                                   |
 * | 10,11 | quantity             | f64, an exact integer                                   |
 * |    12 | side, order type     | u8, u8                                                  |
 */
import { ReplayError } from '../errors.ts'
import { BookMemory } from './kernel/book-memory.ts'

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

/** Live orders in one book at the same time: 1 GiB of slots, and half of it to find them. */
export const MAX_ORDERS = 2 ** 24

/** Words of the kernel's `Orders`. */
const SLOTS = 0
const CAPACITY = 1
const COUNT = 8

export class OrderStore {
  readonly #memory: BookMemory
  readonly #at: number
  #words = new Int32Array(0)
  #doubles = new Float64Array(0)

  /** @param at address of orders that are there already @default new ones, in a memory of their own */
  constructor(memory: BookMemory = new BookMemory(), at: number = memory.kernel.newOrders() >>> 0) {
    this.#memory = memory
    this.#at = at
  }

  get count(): number {
    return this.#memory.words[(this.#at >>> 2) + COUNT]!
  }

  /** Slot s starts at word 16 s. To be asked for again after an order was added, or the slots were sorted. */
  get words(): Int32Array {
    this.#look()
    return this.#words
  }

  /** The same memory; slot s starts at double 8 s. */
  get doubles(): Float64Array {
    this.#look()
    return this.#doubles
  }

  clear(): void {
    this.#memory.kernel.clearOrders(this.#at)
  }

  /** The slot of an order, or −1. Words may be given signed or unsigned. */
  find(idLow: number, idHigh: number): number {
    return this.#memory.kernel.findOrderWords(this.#at, idLow, idHigh)
  }

  /** A slot for an order that is not in the store; its other fields are for the caller to set. @throws ReplayError input `too-many-orders` */
  insert(idLow: number, idHigh: number): number {
    const slot = this.#memory.kernel.insertOrderWords(this.#at, idLow, idHigh)
    if (slot < 0) throw tooManyOrders()
    return slot
  }

  /** Frees the slot of a live order. */
  remove(slot: number): void {
    this.#memory.kernel.removeOrder(this.#at, slot)
  }

  /** The slots of all live orders by ascending id. Allocates. */
  sortedSlots(): Int32Array {
    const { count } = this
    const block = this.#memory.alloc(count * 8)
    this.#memory.kernel.listOrderIds(this.#at, block)
    const ids = new BigUint64Array(this.#memory.bytes.slice(block, block + count * 8).buffer).sort()
    this.#memory.release(block, count * 8)
    const words = new Int32Array(ids.buffer)
    return Int32Array.from({ length: count }, (_, i) => this.find(words[2 * i]!, words[2 * i + 1]!))
  }

  #look(): void {
    const { words, doubles } = this.#memory
    const at = this.#at >>> 2
    const start = words[at + SLOTS]!
    if (this.#words.byteOffset === start && this.#words.length > 0 && this.#words.length === words[at + CAPACITY]! * 16) return
    this.#words = new Int32Array(doubles.buffer, start, words[at + CAPACITY]! * 16)
    this.#doubles = new Float64Array(doubles.buffer, start, words[at + CAPACITY]! * 8)
  }
}

export function tooManyOrders(): ReplayError {
  const message = `L3 book: more than ${MAX_ORDERS} live orders; are cancels and trades missing from the log?`
  return new ReplayError('too-many-orders', message, { category: 'input' })
}
