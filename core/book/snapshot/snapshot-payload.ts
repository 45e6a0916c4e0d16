/**
 * The payloads of CHRSNAP1 files, little-endian.
 *
 * L2 (the peer's): the body of an L2 snapshot event, so what l2-snapshot.ts says from its byte 64 on: scales, counts,
 * then bids best first and asks best first, u64 price and u64 size each. A book without a scale yet has 0, 0.
 *
 * L3 (ours; the peer has none and refuses book mode 1):
 *
 * | offset | type   | field       | unit, sentinel                                                          |
 * |      0 | u8     | priceScale  | decimals of prices                                                      |
 * |      1 | u8     | sizeScale   | decimals of quantities                                                  |
 * |      2 | u16    | version     | 1                                                                       |
 * |      4 | u32    | channel     | stream_id                                                               |
 * |      8 | u32    | bidOrders   | on bid levels                                                           |
 * |     12 | u32    | askOrders   | on ask levels                                                           |
 * |     16 | u32    | otherOrders | live, but on no level (market orders, unknown side)                     |
 * |     20 | u32    | zero        |                                                                         |
 * |     24 | orders | orders      | 38 bytes each (book-hash.ts): bids best level first, each in the order  |
 * |        |        |             | of its queue; asks likewise; the others by ascending id                 |
 */
import { ReplayError } from '../../errors.ts'
import { LEVEL_BYTES } from '../../protocol/level.ts'
import { APPLIED } from '../apply-result.ts'
import { levelBytes } from '../book-digest.ts'
import { bookHash, ORDER_RECORD_BYTES, readOrder, writeOrder } from '../book-hash.ts'
import type { L2Book } from '../l2-book.ts'
import type { L3Book } from '../l3-book.ts'
import { ORDER_LEVEL, ORDER_NEXT } from '../order-store.ts'
import { PayloadWords } from '../payload-words.ts'
import type { PriceLevels } from '../price-levels.ts'

const L2_BODY_BYTES = 12
const L3_BODY_BYTES = 24
const L3_PAYLOAD_VERSION = 1

export function encodeL2Payload(book: L2Book): Uint8Array {
  const bids = levelBytes(book.bids)
  const asks = levelBytes(book.asks)
  const bytes = new Uint8Array(L2_BODY_BYTES + bids.length + asks.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, Math.max(book.priceScale, 0))
  view.setUint8(1, Math.max(book.sizeScale, 0))
  view.setUint32(4, bids.length / LEVEL_BYTES, true)
  view.setUint32(8, asks.length / LEVEL_BYTES, true)
  bytes.set(bids, L2_BODY_BYTES)
  bytes.set(asks, L2_BODY_BYTES + bids.length)
  return bytes
}

/**
 * Replaces the book by the one in the payload.
 * @throws ReplayError corrupt `snapshot-payload` when the payload is damaged; the book is then as it was
 */
export function loadL2Payload(book: L2Book, payload: Uint8Array): void {
  const words = new PayloadWords()
  const at = words.locate(payload, 0, payload.length)
  if (book.loadBody(words.words, at, payload.length) !== APPLIED) {
    throw payloadError(`L2: ${payload.length} bytes do not hold the levels they announce, or a price, size or scale is out of range`)
  }
}

export function encodeL3Payload(book: L3Book): Uint8Array {
  const slots = [...queuedSlots(book.bids, book)]
  const bidOrders = slots.length
  slots.push(...queuedSlots(book.asks, book))
  const askOrders = slots.length - bidOrders
  for (const order of book.orders.sortedSlots()) if (book.orders.words[order * 16 + ORDER_LEVEL]! < 0) slots.push(order)
  const bytes = new Uint8Array(L3_BODY_BYTES + slots.length * ORDER_RECORD_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, Math.max(book.priceScale, 0))
  view.setUint8(1, Math.max(book.sizeScale, 0))
  view.setUint16(2, L3_PAYLOAD_VERSION, true)
  view.setUint32(4, Math.max(book.channel, 0), true)
  view.setUint32(8, bidOrders, true)
  view.setUint32(12, askOrders, true)
  view.setUint32(16, slots.length - bidOrders - askOrders, true)
  for (const [i, order] of slots.entries()) writeOrder(book, order, view, L3_BODY_BYTES + i * ORDER_RECORD_BYTES)
  return bytes
}

/**
 * Replaces the book by the one in the payload.
 * @param expectedHash the header's book hash
 * @throws ReplayError corrupt `snapshot-payload` when the payload is damaged or the hash differs; the book is then empty
 */
export function loadL3Payload(book: L3Book, payload: Uint8Array, expectedHash: Uint8Array): void {
  book.clear()
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  if (payload.length < L3_BODY_BYTES || view.getUint16(2, true) !== L3_PAYLOAD_VERSION)
    throw payloadError(`L3: expected payload version ${L3_PAYLOAD_VERSION}`)
  const bidOrders = view.getUint32(8, true)
  const askOrders = view.getUint32(12, true)
  const count = bidOrders + askOrders + view.getUint32(16, true)
  if (payload.length !== L3_BODY_BYTES + count * ORDER_RECORD_BYTES)
    throw payloadError(`L3: ${payload.length} bytes do not hold ${count} orders`)
  book.priceScale = view.getUint8(0)
  book.sizeScale = view.getUint8(1)
  book.channel = view.getUint32(4, true)
  for (let i = 0; i < count; i++) {
    const order = readOrder(book, view, L3_BODY_BYTES + i * ORDER_RECORD_BYTES)
    if (order < 0) {
      book.clear()
      throw payloadError(`L3: order ${i} has an id that is live already, or a price or quantity out of range`)
    }
    if (i < bidOrders) book.bids.append(order)
    else if (i < bidOrders + askOrders) book.asks.append(order)
  }
  if (bookHash(book).every((byte, i) => byte === expectedHash[i])) return
  book.clear()
  throw payloadError('L3: the book hash differs from the one in the header')
}

/** Orders of a side, best level first, each level in the order of its queue. */
function* queuedSlots(levels: PriceLevels, book: L3Book): Generator<number> {
  for (const price of levels.prices()) {
    for (let order = levels.headAt(price); order >= 0; order = book.orders.words[order * 16 + ORDER_NEXT]!) yield order
  }
}

function payloadError(what: string): ReplayError {
  return new ReplayError('snapshot-payload', `snapshot payload, ${what}; delete the snapshot and make it anew`, { category: 'corrupt' })
}
