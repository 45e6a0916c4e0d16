import { ReplayError } from '../errors.ts'
import type { MessageCursor } from '../message/message.ts'
import { type BookEventFields, BookEventView, EVENT_DIFF, encodeBookEvent, MODE_L3, requireEvent } from './book-event.ts'
import { SIGNED_PRICE_HINT } from './level.ts'
import { TYPE_BOOK_EVENT } from './message-type.ts'
import { locateError, requirePayload, requireType, setU8, setU32, setU64, u64ToNumber } from './payload.ts'

/**
 * L3 event: a book event header (bytes 0–63, book-event.ts; eventType 2, bookMode 1, recordLength 128),
 * then (docs/format.md, Messages), little-endian:
 *
 * | offset | type | field      | unit, sentinel                                                     |
 * |     64 | u8   | eventType  | 1 add, 2 cancel, 3 modify, 4 trade, 5 reset, 6 heartbeat           |
 * |     65 | u8   | side       | 0 unknown, 1 buy, 2 sell                                           |
 * |     66 | u8   | orderType  | the exchange's code; 0 = none                                      |
 * |     67 | u8   | execType   | the exchange's code; 0 = none                                      |
 * |     68 | u8   | priceScale | decimals of price                                                  |
 * |     69 | u8   | sizeScale  | decimals of quantity                                               |
 * |     70 | u16  | zero       |                                                                    |
 * |     72 | u32  | flags      | 1 PRICE_IS_MARKET, 2 AUCTION_OPEN, 4 AUCTION_CLOSE,                |
 * |        |      |            | 8 CANCEL_RESTRICTED_WINDOW, 16 RAW_HAS_BID_ID, 32 RAW_HAS_ASK_ID   |
 * |     76 | u32  | zero       |                                                                    |
 * |     80 | u64  | orderId    | 0 = none                                                           |
 * |     88 | u64  | bidOrderId | trades: resting or incoming buy; 0 = none                          |
 * |     96 | u64  | askOrderId | trades: resting or incoming sell; 0 = none                         |
 * |    104 | u64  | price      | integer × 10^-priceScale; 0 = none, in a modify = unchanged        |
 * |    112 | u64  | quantity   | integer × 10^-sizeScale; 0 = all, in a modify = unchanged          |
 * |    120 | u64  | amount     | turnover as the exchange sends it; 0 = none                        |
 */
export const L3_EVENT_BYTES = 128
export const L3_EVENT_TYPE_OFFSET = 64
export const L3_EVENT_SIDE_OFFSET = 65
export const L3_EVENT_ORDER_TYPE_OFFSET = 66
export const L3_EVENT_EXEC_TYPE_OFFSET = 67
export const L3_EVENT_PRICE_SCALE_OFFSET = 68
export const L3_EVENT_SIZE_SCALE_OFFSET = 69
export const L3_EVENT_FLAGS_OFFSET = 72
export const L3_EVENT_ORDER_ID_OFFSET = 80
export const L3_EVENT_BID_ORDER_ID_OFFSET = 88
export const L3_EVENT_ASK_ORDER_ID_OFFSET = 96
export const L3_EVENT_PRICE_OFFSET = 104
export const L3_EVENT_QUANTITY_OFFSET = 112
export const L3_EVENT_AMOUNT_OFFSET = 120

/** `eventType` */
export const L3_ADD = 1
export const L3_CANCEL = 2
export const L3_MODIFY = 3
export const L3_TRADE = 4
export const L3_RESET = 5
export const L3_HEARTBEAT = 6
/** `side` */
export const SIDE_UNKNOWN = 0
export const SIDE_BUY = 1
export const SIDE_SELL = 2
/** `flags` */
export const L3_FLAG_PRICE_IS_MARKET = 1
export const L3_FLAG_AUCTION_OPEN = 2
export const L3_FLAG_AUCTION_CLOSE = 4
export const L3_FLAG_CANCEL_RESTRICTED_WINDOW = 8
export const L3_FLAG_RAW_HAS_BID_ID = 16
export const L3_FLAG_RAW_HAS_ASK_ID = 32

/** A flyweight on an L3 order event. */
export class L3EventView {
  /** The header of the same payload. */
  readonly header = new BookEventView()
  view: DataView = this.header.view
  /** Where the payload starts in `view`. */
  offset = 0

  /**
   * Moves to the payload of `length` bytes at `offset`.
   * @throws ReplayError corrupt: `payload-truncated`, `schema-version`, `endianness`, `event-type`, `record-length` (not 128)
   */
  wrap(view: DataView, offset: number, length: number): this {
    this.header.wrap(view, offset, length)
    requireEvent('L3 event', this.header, EVENT_DIFF, MODE_L3)
    requirePayload('L3 event', L3_EVENT_BYTES, length)
    if (this.header.recordLength !== L3_EVENT_BYTES) {
      const message = `L3 event record length: expected ${L3_EVENT_BYTES}, found ${this.header.recordLength}`
      throw new ReplayError('record-length', message, { category: 'corrupt' })
    }
    this.view = view
    this.offset = offset
    return this
  }

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no book event. */
  wrapMessage(message: MessageCursor): this {
    requireType('L3 event', TYPE_BOOK_EVENT, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  /** L3_ADD … L3_HEARTBEAT (the header's own event type is always a diff). */
  get eventType(): number {
    return this.view.getUint8(this.offset + L3_EVENT_TYPE_OFFSET)
  }

  get side(): number {
    return this.view.getUint8(this.offset + L3_EVENT_SIDE_OFFSET)
  }

  get orderType(): number {
    return this.view.getUint8(this.offset + L3_EVENT_ORDER_TYPE_OFFSET)
  }

  get execType(): number {
    return this.view.getUint8(this.offset + L3_EVENT_EXEC_TYPE_OFFSET)
  }

  get priceScale(): number {
    return this.view.getUint8(this.offset + L3_EVENT_PRICE_SCALE_OFFSET)
  }

  get sizeScale(): number {
    return this.view.getUint8(this.offset + L3_EVENT_SIZE_SCALE_OFFSET)
  }

  get flags(): number {
    return this.view.getUint32(this.offset + L3_EVENT_FLAGS_OFFSET, true)
  }

  /** Creates a BigInt. */
  get orderId(): bigint {
    return this.view.getBigUint64(this.offset + L3_EVENT_ORDER_ID_OFFSET, true)
  }

  get orderIdLow(): number {
    return this.view.getUint32(this.offset + L3_EVENT_ORDER_ID_OFFSET, true)
  }

  get orderIdHigh(): number {
    return this.view.getUint32(this.offset + L3_EVENT_ORDER_ID_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get bidOrderId(): bigint {
    return this.view.getBigUint64(this.offset + L3_EVENT_BID_ORDER_ID_OFFSET, true)
  }

  get bidOrderIdLow(): number {
    return this.view.getUint32(this.offset + L3_EVENT_BID_ORDER_ID_OFFSET, true)
  }

  get bidOrderIdHigh(): number {
    return this.view.getUint32(this.offset + L3_EVENT_BID_ORDER_ID_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get askOrderId(): bigint {
    return this.view.getBigUint64(this.offset + L3_EVENT_ASK_ORDER_ID_OFFSET, true)
  }

  get askOrderIdLow(): number {
    return this.view.getUint32(this.offset + L3_EVENT_ASK_ORDER_ID_OFFSET, true)
  }

  get askOrderIdHigh(): number {
    return this.view.getUint32(this.offset + L3_EVENT_ASK_ORDER_ID_OFFSET + 4, true)
  }

  /** Price integer. @throws ReplayError input `number-range` from 2^53 on. */
  get price(): number {
    return u64ToNumber(this.view, this.offset + L3_EVENT_PRICE_OFFSET, 'price')
  }

  /** Size integer. @throws ReplayError input `number-range` from 2^53 on. */
  get quantity(): number {
    return u64ToNumber(this.view, this.offset + L3_EVENT_QUANTITY_OFFSET, 'quantity')
  }

  /** Creates a BigInt (price × quantity easily passes 2^53). */
  get amount(): bigint {
    return this.view.getBigUint64(this.offset + L3_EVENT_AMOUNT_OFFSET, true)
  }

  get amountLow(): number {
    return this.view.getUint32(this.offset + L3_EVENT_AMOUNT_OFFSET, true)
  }

  get amountHigh(): number {
    return this.view.getUint32(this.offset + L3_EVENT_AMOUNT_OFFSET + 4, true)
  }
}

/** The fields of an L3 event; u64 as bigint, or as a number below 2^53. `flags` is the header's, `l3Flags` the event's own. */
export interface L3EventFields extends BookEventFields {
  /** L3_ADD … L3_HEARTBEAT */
  readonly eventType: number
  readonly side: number
  readonly orderType: number
  readonly execType: number
  readonly priceScale: number
  readonly sizeScale: number
  readonly l3Flags: number
  readonly orderId: bigint | number
  readonly bidOrderId: bigint | number
  readonly askOrderId: bigint | number
  readonly price: bigint | number
  readonly quantity: bigint | number
  readonly amount: bigint | number
}

/** Writes a whole L3 event payload at `offset`; returns 128. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeL3Event(view: DataView, offset: number, fields: L3EventFields): number {
  encodeBookEvent(view, offset, fields, EVENT_DIFF, MODE_L3, L3_EVENT_BYTES)
  setU8(view, offset + L3_EVENT_TYPE_OFFSET, fields.eventType, 'L3 event: eventType')
  setU8(view, offset + L3_EVENT_SIDE_OFFSET, fields.side, 'L3 event: side')
  setU8(view, offset + L3_EVENT_ORDER_TYPE_OFFSET, fields.orderType, 'L3 event: orderType')
  setU8(view, offset + L3_EVENT_EXEC_TYPE_OFFSET, fields.execType, 'L3 event: execType')
  setU8(view, offset + L3_EVENT_PRICE_SCALE_OFFSET, fields.priceScale, 'L3 event: priceScale')
  setU8(view, offset + L3_EVENT_SIZE_SCALE_OFFSET, fields.sizeScale, 'L3 event: sizeScale')
  view.setUint16(offset + 70, 0, true)
  setU32(view, offset + L3_EVENT_FLAGS_OFFSET, fields.l3Flags, 'L3 event: l3Flags')
  view.setUint32(offset + 76, 0, true)
  setU64(view, offset + L3_EVENT_ORDER_ID_OFFSET, fields.orderId, 'L3 event: orderId')
  setU64(view, offset + L3_EVENT_BID_ORDER_ID_OFFSET, fields.bidOrderId, 'L3 event: bidOrderId')
  setU64(view, offset + L3_EVENT_ASK_ORDER_ID_OFFSET, fields.askOrderId, 'L3 event: askOrderId')
  setU64(view, offset + L3_EVENT_PRICE_OFFSET, fields.price, 'L3 event: price', SIGNED_PRICE_HINT)
  setU64(view, offset + L3_EVENT_QUANTITY_OFFSET, fields.quantity, 'L3 event: quantity')
  setU64(view, offset + L3_EVENT_AMOUNT_OFFSET, fields.amount, 'L3 event: amount')
  return L3_EVENT_BYTES
}
