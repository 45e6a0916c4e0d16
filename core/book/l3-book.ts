import { SIDE_BUY, SIDE_SELL } from '../protocol/l3-event.ts'
import { BookMemory } from './kernel/book-memory.ts'
import { MessageBook, TOO_MANY_ORDERS } from './message-book.ts'
import { ORDER_LEVEL, ORDER_PREVIOUS, ORDER_QUANTITY, OrderStore } from './order-store.ts'
import { PriceLevels } from './price-levels.ts'

export interface L3BookOptions {
  /** Shared with other books. @default one of its own */
  readonly memory?: BookMemory | undefined
}

/** Words of the kernel's `L3Book`. */
const ORDERS = 0
const BIDS = 1
const ASKS = 2
const PRICE_SCALE = 3
const SIZE_SCALE = 4
/** i64 */
const CHANNEL = 6

/**
 * An L3 book of one market (docs/format.md, L3 books): orders by id, and per price a queue in priority order.
 *
 * As the peer's, but for its quirks: adding an id that is live removes the old order first, partial fills keep
 * the order in its queue, and a scale that changes rescales the orders exactly (see L2Book). A trade is applied
 * to those of its orders that are known. Orders without a price on the book (market orders, unknown side) are
 * live but on no level. Otherwise a message is judged before anything changes: one that is refused changes no value.
 * What it does is in kernel/l3-book.as.
 */
export class L3Book extends MessageBook {
  readonly orders: OrderStore
  readonly bids: PriceLevels
  readonly asks: PriceLevels
  readonly #at: number

  /** @throws ReplayError input `book-memory` */
  constructor({ memory = new BookMemory() }: L3BookOptions = {}) {
    super(memory)
    try {
      this.#at = memory.kernel.newL3Book() >>> 0
    } catch (cause) {
      throw memory.trapped(cause)
    }
    const part = (word: number): number => memory.words[(this.#at >>> 2) + word]!
    this.orders = new OrderStore(memory, part(ORDERS))
    this.bids = new PriceLevels(1, memory, part(BIDS))
    this.asks = new PriceLevels(-1, memory, part(ASKS))
  }

  /** Of the kernel's `L3Book` in the memory. */
  get address(): number {
    return this.#at
  }

  /** Decimals of prices; −1 before the first event. */
  get priceScale(): number {
    return this.memory.ints[(this.#at >>> 2) + PRICE_SCALE]!
  }

  set priceScale(scale: number) {
    this.memory.ints[(this.#at >>> 2) + PRICE_SCALE] = scale
  }

  /** Decimals of quantities; −1 before the first event. */
  get sizeScale(): number {
    return this.memory.ints[(this.#at >>> 2) + SIZE_SCALE]!
  }

  set sizeScale(scale: number) {
    this.memory.ints[(this.#at >>> 2) + SIZE_SCALE] = scale
  }

  /** stream_id of the first event; −1 before. Events of another are refused. */
  get channel(): number {
    const at = (this.#at >>> 2) + CHANNEL
    return this.memory.ints[at + 1]! < 0 ? -1 : this.memory.words[at]!
  }

  set channel(channel: number) {
    const at = (this.#at >>> 2) + CHANNEL
    this.memory.ints[at] = channel
    this.memory.ints[at + 1] = channel < 0 ? -1 : 0
  }

  /** Removes all orders. Channel and counters stay. */
  clear(): void {
    this.memory.kernel.clearL3(this.#at)
  }

  /** Orders ahead of this one in its queue (0 = next to be filled); −1 when it is not live or on no level. Walks the queue. */
  queuePosition(orderId: bigint): number {
    const { words } = this.orders
    const order = this.orders.find(Number(orderId & 0xffffffffn), Number(orderId >> 32n))
    if (order < 0 || words[order * 16 + ORDER_LEVEL]! < 0) return -1
    let ahead = 0
    for (let at = words[order * 16 + ORDER_PREVIOUS]!; at >= 0; at = words[at * 16 + ORDER_PREVIOUS]!) ahead++
    return ahead
  }

  /** Quantity ahead of this order in its queue; −1 when it is not live or on no level. Walks the queue. */
  quantityAhead(orderId: bigint): number {
    const { words, doubles } = this.orders
    const order = this.orders.find(Number(orderId & 0xffffffffn), Number(orderId >> 32n))
    if (order < 0 || words[order * 16 + ORDER_LEVEL]! < 0) return -1
    let ahead = 0
    for (let at = words[order * 16 + ORDER_PREVIOUS]!; at >= 0; at = words[at * 16 + ORDER_PREVIOUS]!) {
      ahead += doubles[at * 8 + ORDER_QUANTITY]!
    }
    return ahead
  }

  /** The side's levels for an order side; null when the side is unknown. */
  levelsOf(side: number): PriceLevels | null {
    return side === SIDE_BUY ? this.bids : side === SIDE_SELL ? this.asks : null
  }

  protected override applyAt(payload: number, length: number): number {
    return this.memory.kernel.applyL3(this.#at, payload, length)
  }

  protected override applyRows(input: number): void {
    this.memory.kernel.applyL3Rows(this.#at, input, 1 << TOO_MANY_ORDERS)
  }
}
