import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_EXCHANGE_TS_OFFSET,
  BOOK_EVENT_RECORD_LENGTH_OFFSET,
  BOOK_EVENT_SCHEMA_VERSION,
  BOOK_EVENT_STREAM_ID_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_DIFF,
  MODE_L2,
  MODE_L3,
} from '../protocol/book-event.ts'
import {
  L3_ADD,
  L3_CANCEL,
  L3_EVENT_ASK_ORDER_ID_OFFSET,
  L3_EVENT_BID_ORDER_ID_OFFSET,
  L3_EVENT_BYTES,
  L3_EVENT_FLAGS_OFFSET,
  L3_EVENT_ORDER_ID_OFFSET,
  L3_EVENT_PRICE_OFFSET,
  L3_EVENT_PRICE_SCALE_OFFSET,
  L3_EVENT_QUANTITY_OFFSET,
  L3_EVENT_TYPE_OFFSET,
  L3_FLAG_PRICE_IS_MARKET,
  L3_HEARTBEAT,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
  SIDE_BUY,
  SIDE_SELL,
} from '../protocol/l3-event.ts'
import {
  APPLIED,
  type ApplyResult,
  CORRUPT_EVENT,
  CORRUPT_LENGTH,
  CORRUPT_SCHEMA,
  HEARTBEAT,
  INVALID_ORDER,
  OTHER_CHANNEL,
  OUT_OF_RANGE,
  SKIPPED_MODE,
  UNKNOWN_ORDER,
  UNREPRESENTABLE_PRICE,
  UNREPRESENTABLE_SIZE,
} from './apply-result.ts'
import { isExactProduct, isExactU64, MAX_EXACT } from './exact.ts'
import { MAX_SCALE } from './l2-book.ts'
import { MessageBook } from './message-book.ts'
import {
  ORDER_FLAGS,
  ORDER_LEVEL,
  ORDER_PREVIOUS,
  ORDER_PRICE,
  ORDER_QUANTITY,
  ORDER_SIDE_AND_TYPE,
  ORDER_TS_HIGH,
  ORDER_TS_LOW,
  OrderStore,
} from './order-store.ts'
import { PriceLevels } from './price-levels.ts'

const TWO_32 = 2 ** 32
/** Above it lies what a writer of signed numbers makes of negative ones. */
const TWO_63 = 2 ** 63

/**
 * An L3 book of one market (FORMAT.md §15): orders by id, and per price a queue in priority order.
 *
 * As the peer's, but for its quirks: adding an id that is live removes the old order first, partial fills keep
 * the order in its queue, and a scale that changes rescales the orders exactly (see L2Book). A trade is applied
 * to those of its orders that are known. Orders without a price on the book (market orders, unknown side) are
 * live but on no level. Otherwise a message is judged before anything changes: one that is refused changes no value.
 */
export class L3Book extends MessageBook {
  readonly orders = new OrderStore()
  readonly bids = new PriceLevels(1, this.orders)
  readonly asks = new PriceLevels(-1, this.orders)
  /** Decimals of prices; −1 before the first event. */
  priceScale = -1
  /** Decimals of quantities; −1 before the first event. */
  sizeScale = -1
  /** stream_id of the first event; −1 before. Events of another are refused. */
  channel = -1

  /** Removes all orders. Channel and counters stay. */
  clear(): void {
    this.orders.clear()
    this.bids.clear()
    this.asks.clear()
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

  protected override applyWords(words: Uint32Array, at: number, length: number): ApplyResult {
    if (length < BOOK_EVENT_BYTES) return CORRUPT_LENGTH
    // Bytes 56–59: event type, book mode, flags.
    const kind = words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! & 0xffff
    if (kind >>> 8 !== MODE_L3) return kind >>> 8 === MODE_L2 ? SKIPPED_MODE : CORRUPT_EVENT
    if ((words[at]! & 0xffff) !== BOOK_EVENT_SCHEMA_VERSION || (words[at + 2]! & 0xff) !== 0) return CORRUPT_SCHEMA
    if ((kind & 0xff) !== EVENT_DIFF) return CORRUPT_EVENT
    if (length < L3_EVENT_BYTES || words[at + (BOOK_EVENT_RECORD_LENGTH_OFFSET >>> 2)]! !== L3_EVENT_BYTES) return CORRUPT_LENGTH
    const channel = words[at + (BOOK_EVENT_STREAM_ID_OFFSET >>> 2)]!
    if (channel !== this.channel && this.channel >= 0) return OTHER_CHANNEL

    // Bytes 64–67: event type, side, order type, exec type.
    const event = words[at + (L3_EVENT_TYPE_OFFSET >>> 2)]! & 0xff
    if (event < L3_ADD || event > L3_HEARTBEAT) return CORRUPT_EVENT
    if (event === L3_ADD) {
      if (((words[at + (L3_EVENT_TYPE_OFFSET >>> 2)]! >>> 8) & 0xff) > SIDE_SELL) return CORRUPT_EVENT
      if ((words[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)]! | words[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2) + 1]!) === 0) return INVALID_ORDER
    }
    const scales = words[at + (L3_EVENT_PRICE_SCALE_OFFSET >>> 2)]!
    const priceScale = scales & 0xff
    const sizeScale = (scales >>> 8) & 0xff
    let price = words[at + (L3_EVENT_PRICE_OFFSET >>> 2)]! + words[at + (L3_EVENT_PRICE_OFFSET >>> 2) + 1]! * TWO_32
    let quantity = words[at + (L3_EVENT_QUANTITY_OFFSET >>> 2)]! + words[at + (L3_EVENT_QUANTITY_OFFSET >>> 2) + 1]! * TWO_32
    // The price of a cancel or trade, and everything of a reset or heartbeat, is not used.
    if (event !== L3_ADD && event !== L3_MODIFY) price = 0
    if (event >= L3_RESET) quantity = 0
    if (event === L3_RESET && priceScale <= MAX_SCALE && sizeScale <= MAX_SCALE) this.clear()
    if (price > TWO_63) return UNREPRESENTABLE_PRICE
    if (quantity > TWO_63) return UNREPRESENTABLE_SIZE
    if (price >= MAX_EXACT && !isExactU64(words[at + (L3_EVENT_PRICE_OFFSET >>> 2)]!, words[at + (L3_EVENT_PRICE_OFFSET >>> 2) + 1]!))
      return OUT_OF_RANGE
    if (priceScale !== this.priceScale || sizeScale !== this.sizeScale) {
      if (!this.#agreeOnScale(priceScale, sizeScale, price, quantity)) return OUT_OF_RANGE
      price *= 10 ** (this.priceScale - priceScale)
      quantity *= 10 ** (this.sizeScale - sizeScale)
    } else if (quantity >= MAX_EXACT) return OUT_OF_RANGE

    this.channel = channel
    switch (event) {
      case L3_ADD:
        return this.#add(words, at, price, quantity)
      case L3_CANCEL:
        return this.#cancel(words, at, quantity)
      case L3_MODIFY:
        return this.#modify(words, at, price, quantity)
      case L3_TRADE:
        return this.#trade(words, at, quantity)
      case L3_RESET:
        return APPLIED
      default:
        return HEARTBEAT
    }
  }

  #add(payload: Uint32Array, at: number, price: number, quantity: number): ApplyResult {
    const idLow = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)]!
    const idHigh = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2) + 1]!
    // Bytes 64–67: event type, side, order type, exec type.
    const kind = payload[at + (L3_EVENT_TYPE_OFFSET >>> 2)]!
    const flags = payload[at + (L3_EVENT_FLAGS_OFFSET >>> 2)]!
    const side = (kind >>> 8) & 0xff
    const levels = this.levelsOf(side)
    const isResting = levels !== null && price > 0 && (flags & L3_FLAG_PRICE_IS_MARKET) === 0
    if (isResting && !levels.hasRoom(price, quantity)) return OUT_OF_RANGE
    const old = this.orders.find(idLow, idHigh)
    if (old >= 0) this.#remove(old)
    const order = this.orders.insert(idLow, idHigh)
    const { words, doubles } = this.orders
    words[order * 16 + ORDER_LEVEL] = -1
    words[order * 16 + ORDER_FLAGS] = flags
    words[order * 16 + ORDER_SIDE_AND_TYPE] = side | (((kind >>> 16) & 0xff) << 8)
    doubles[order * 8 + ORDER_PRICE] = price
    doubles[order * 8 + ORDER_QUANTITY] = quantity
    this.#touch(order, payload, at)
    if (isResting) levels.append(order)
    return APPLIED
  }

  #cancel(payload: Uint32Array, at: number, quantity: number): ApplyResult {
    const idLow = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)]!
    const idHigh = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2) + 1]!
    if ((idLow | idHigh) === 0) return APPLIED
    return this.#reduce(idLow, idHigh, quantity, payload, at) ? APPLIED : UNKNOWN_ORDER
  }

  #trade(payload: Uint32Array, at: number, quantity: number): ApplyResult {
    const bidLow = payload[at + (L3_EVENT_BID_ORDER_ID_OFFSET >>> 2)]!
    const bidHigh = payload[at + (L3_EVENT_BID_ORDER_ID_OFFSET >>> 2) + 1]!
    const askLow = payload[at + (L3_EVENT_ASK_ORDER_ID_OFFSET >>> 2)]!
    const askHigh = payload[at + (L3_EVENT_ASK_ORDER_ID_OFFSET >>> 2) + 1]!
    if ((bidLow | bidHigh | askLow | askHigh) === 0) return this.#cancel(payload, at, quantity)
    let isKnown = true
    if ((bidLow | bidHigh) !== 0) isKnown = this.#reduce(bidLow, bidHigh, quantity, payload, at)
    if ((askLow | askHigh) !== 0) isKnown = this.#reduce(askLow, askHigh, quantity, payload, at) && isKnown
    return isKnown ? APPLIED : UNKNOWN_ORDER
  }

  #modify(payload: Uint32Array, at: number, newPrice: number, newQuantity: number): ApplyResult {
    const idLow = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)]!
    const idHigh = payload[at + (L3_EVENT_ORDER_ID_OFFSET >>> 2) + 1]!
    if ((idLow | idHigh) === 0) return APPLIED
    const order = this.orders.find(idLow, idHigh)
    if (order < 0) return UNKNOWN_ORDER
    const { words, doubles } = this.orders
    const levels = this.levelsOf(words[order * 16 + ORDER_SIDE_AND_TYPE]! & 0xff)
    const oldPrice = doubles[order * 8 + ORDER_PRICE]!
    const price = newPrice === 0 ? oldPrice : newPrice
    const quantity = newQuantity === 0 ? doubles[order * 8 + ORDER_QUANTITY]! : newQuantity
    const wasResting = words[order * 16 + ORDER_LEVEL]! >= 0
    const isMarket = (payload[at + (L3_EVENT_FLAGS_OFFSET >>> 2)]! & L3_FLAG_PRICE_IS_MARKET) !== 0
    const isResting = levels !== null && price > 0 && !isMarket
    if (isResting && !levels.hasRoom(price, quantity)) return OUT_OF_RANGE
    this.#touch(order, payload, at)
    if (isResting && wasResting && price === oldPrice) {
      levels.resize(order, quantity)
      return APPLIED
    }
    if (wasResting) levels!.detach(order)
    doubles[order * 8 + ORDER_PRICE] = price
    doubles[order * 8 + ORDER_QUANTITY] = quantity
    if (isResting) levels.append(order)
    return APPLIED
  }

  /** Takes `quantity` (0 = all) off an order, and the order out when nothing is left. False when it is unknown. */
  #reduce(idLow: number, idHigh: number, quantity: number, payload: Uint32Array, at: number): boolean {
    const order = this.orders.find(idLow, idHigh)
    if (order < 0) return false
    const { words, doubles } = this.orders
    const left = doubles[order * 8 + ORDER_QUANTITY]! - quantity
    if (quantity === 0 || left <= 0) {
      this.#remove(order)
      return true
    }
    this.#touch(order, payload, at)
    if (words[order * 16 + ORDER_LEVEL]! < 0) doubles[order * 8 + ORDER_QUANTITY] = left
    else this.levelsOf(words[order * 16 + ORDER_SIDE_AND_TYPE]! & 0xff)!.resize(order, left)
    return true
  }

  #remove(order: number): void {
    const { words } = this.orders
    if (words[order * 16 + ORDER_LEVEL]! >= 0) this.levelsOf(words[order * 16 + ORDER_SIDE_AND_TYPE]! & 0xff)!.detach(order)
    this.orders.remove(order)
  }

  #touch(order: number, payload: Uint32Array, at: number): void {
    this.orders.words[order * 16 + ORDER_TS_LOW] = payload[at + (BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2)]!
    this.orders.words[order * 16 + ORDER_TS_HIGH] = payload[at + (BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2) + 1]!
  }

  /** As in L2Book; an empty book takes the event's scales. False, and nothing changed, when a value would not be exact. */
  #agreeOnScale(priceScale: number, sizeScale: number, price: number, quantity: number): boolean {
    if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE) return false
    const isEmpty = this.orders.count === 0
    const finerPrice = isEmpty ? priceScale : Math.max(priceScale, this.priceScale)
    const finerSize = isEmpty ? sizeScale : Math.max(sizeScale, this.sizeScale)
    if (!isExactProduct(price, 10 ** (finerPrice - priceScale)) || quantity * 10 ** (finerSize - sizeScale) >= MAX_EXACT) return false
    if (!isEmpty && !this.#rescale(10 ** (finerPrice - this.priceScale), 10 ** (finerSize - this.sizeScale))) return false
    this.priceScale = finerPrice
    this.sizeScale = finerSize
    return true
  }

  #rescale(priceFactor: number, sizeFactor: number): boolean {
    if (priceFactor === 1 && sizeFactor === 1) return true
    const { doubles } = this.orders
    const live = this.orders.sortedSlots()
    for (const order of live) {
      if (!isExactProduct(doubles[order * 8 + ORDER_PRICE]!, priceFactor) || doubles[order * 8 + ORDER_QUANTITY]! * sizeFactor >= MAX_EXACT)
        return false
    }
    if (!this.bids.totals.canScale(priceFactor, sizeFactor) || !this.asks.totals.canScale(priceFactor, sizeFactor)) return false
    for (const order of live) {
      doubles[order * 8 + ORDER_PRICE]! *= priceFactor
      doubles[order * 8 + ORDER_QUANTITY]! *= sizeFactor
    }
    this.bids.scale(priceFactor, sizeFactor)
    this.asks.scale(priceFactor, sizeFactor)
    return true
  }
}
