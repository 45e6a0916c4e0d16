import { blake3 } from '@noble/hashes/blake3.js'
import { isExactU64, MAX_EXACT } from './exact.ts'
import type { L3Book } from './l3-book.ts'
import {
  ORDER_FLAGS,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_LEVEL,
  ORDER_PRICE,
  ORDER_QUANTITY,
  ORDER_SIDE_AND_TYPE,
  ORDER_TS_HIGH,
  ORDER_TS_LOW,
} from './order-store.ts'

/** One order in the hashed stream and in L3 snapshots: see `writeOrder`. */
export const ORDER_RECORD_BYTES = 38
const ORDERS_PER_CHUNK = 1024

/**
 * The peer's hash of an L3 book (docs/format.md, L3 books): the first 16 bytes of BLAKE3 over u8 price scale, u8 size scale,
 * then every live order by ascending id. A book without any event yet hashes with scales 0, 0.
 */
export function bookHash(book: L3Book): Uint8Array {
  const hash = blake3.create({ dkLen: 16 })
  hash.update(Uint8Array.of(Math.max(book.priceScale, 0), Math.max(book.sizeScale, 0)))
  const chunk = new Uint8Array(ORDERS_PER_CHUNK * ORDER_RECORD_BYTES)
  const view = new DataView(chunk.buffer)
  let used = 0
  for (const order of book.orders.sortedSlots()) {
    writeOrder(book, order, view, used)
    used += ORDER_RECORD_BYTES
    if (used === chunk.length) {
      hash.update(chunk)
      used = 0
    }
  }
  return hash.update(chunk.subarray(0, used)).digest()
}

/**
 * Writes one order, 38 bytes, little-endian:
 *
 * | offset | type | field            | unit                        |
 * |      0 | u64  | orderId          |                             |
 * |      8 | u8   | side             | 0 unknown, 1 buy, 2 sell    |
 * |      9 | u8   | orderType        |                             |
 * |     10 | u64  | price            | integer × 10^-priceScale    |
 * |     18 | u64  | quantity         | integer × 10^-sizeScale     |
 * |     26 | u32  | flags            |                             |
 * |     30 | u64  | lastExchangeTsNs | nanoseconds since the epoch |
 */
export function writeOrder(book: L3Book, order: number, view: DataView, offset: number): void {
  const { words, doubles } = book.orders
  const price = doubles[order * 8 + ORDER_PRICE]!
  const quantity = doubles[order * 8 + ORDER_QUANTITY]!
  view.setInt32(offset, words[order * 16 + ORDER_ID_LOW]!, true)
  view.setInt32(offset + 4, words[order * 16 + ORDER_ID_HIGH]!, true)
  view.setUint16(offset + 8, words[order * 16 + ORDER_SIDE_AND_TYPE]!, true)
  view.setUint32(offset + 10, price >>> 0, true)
  view.setUint32(offset + 14, Math.floor(price / 2 ** 32), true)
  view.setUint32(offset + 18, quantity >>> 0, true)
  view.setUint32(offset + 22, Math.floor(quantity / 2 ** 32), true)
  view.setInt32(offset + 26, words[order * 16 + ORDER_FLAGS]!, true)
  view.setInt32(offset + 30, words[order * 16 + ORDER_TS_LOW]!, true)
  view.setInt32(offset + 34, words[order * 16 + ORDER_TS_HIGH]!, true)
}

/**
 * Adds the order at `offset` (see `writeOrder`) to the book, on no level, and returns its slot;
 * −1, and nothing changed, when its id is live already or a value is out of range.
 */
export function readOrder(book: L3Book, view: DataView, offset: number): number {
  const low = view.getUint32(offset, true)
  const high = view.getUint32(offset + 4, true)
  const price = view.getUint32(offset + 10, true) + view.getUint32(offset + 14, true) * 2 ** 32
  const quantity = view.getUint32(offset + 18, true) + view.getUint32(offset + 22, true) * 2 ** 32
  if (
    !isExactU64(view.getUint32(offset + 10, true), view.getUint32(offset + 14, true)) ||
    quantity >= MAX_EXACT ||
    (low | high) === 0 ||
    book.orders.find(low, high) >= 0
  )
    return -1
  const order = book.orders.insert(low, high)
  const { words, doubles } = book.orders
  words[order * 16 + ORDER_LEVEL] = -1
  words[order * 16 + ORDER_FLAGS] = view.getUint32(offset + 26, true)
  words[order * 16 + ORDER_TS_LOW] = view.getUint32(offset + 30, true)
  words[order * 16 + ORDER_TS_HIGH] = view.getUint32(offset + 34, true)
  words[order * 16 + ORDER_SIDE_AND_TYPE] = view.getUint16(offset + 8, true)
  doubles[order * 8 + ORDER_PRICE] = price
  doubles[order * 8 + ORDER_QUANTITY] = quantity
  return order
}
