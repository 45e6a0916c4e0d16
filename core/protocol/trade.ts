import type { MessageCursor } from '../message/message.ts'
import { TYPE_TRADE } from './message-type.ts'
import { locateError, requirePayload, requireType, setF64, setU64, u64ToNumber } from './payload.ts'

/**
 * Trade: type 0x1002, 64 bytes (docs/format.md, Messages), little-endian.
 *
 * | offset | type | field         | unit, sentinel                                                  |
 * |      0 | u64  | timestampNs   | nanoseconds since the epoch, trade time of the exchange         |
 * |      8 | f64  | price         | quote currency                                                  |
 * |     16 | f64  | quantity      | base currency or contracts                                      |
 * |     24 | u64  | tradeId       | the exchange's id                                               |
 * |     32 | u64  | buyerOrderId  | 0 = not sent                                                    |
 * |     40 | u64  | sellerOrderId | 0 = not sent                                                    |
 * |     48 | u8   | isBuyerMaker  | 1: the buyer rested, the seller took (a sell at the bid)        |
 * |     49 | 7    | zero          |                                                                 |
 * |     56 | u64  | symbolHash    | see symbol-hash.ts                                              |
 */
export const TRADE_BYTES = 64
export const TRADE_TIMESTAMP_OFFSET = 0
export const TRADE_PRICE_OFFSET = 8
export const TRADE_QUANTITY_OFFSET = 16
export const TRADE_ID_OFFSET = 24
export const TRADE_BUYER_ORDER_ID_OFFSET = 32
export const TRADE_SELLER_ORDER_ID_OFFSET = 40
export const TRADE_IS_BUYER_MAKER_OFFSET = 48
export const TRADE_SYMBOL_HASH_OFFSET = 56

/** A flyweight on a trade. */
export class TradeView {
  view: DataView = EMPTY
  /** Where the payload starts in `view`. */
  offset = 0

  /**
   * Moves to the payload of `length` bytes at `offset`.
   * @throws ReplayError corrupt `payload-truncated`
   */
  wrap(view: DataView, offset: number, length: number): this {
    requirePayload('trade', TRADE_BYTES, length)
    this.view = view
    this.offset = offset
    return this
  }

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no trade. */
  wrapMessage(message: MessageCursor): this {
    requireType('trade', TYPE_TRADE, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  /** Nanoseconds since the epoch. Creates a BigInt. */
  get timestampNs(): bigint {
    return this.view.getBigUint64(this.offset + TRADE_TIMESTAMP_OFFSET, true)
  }

  get timestampNsLow(): number {
    return this.view.getUint32(this.offset + TRADE_TIMESTAMP_OFFSET, true)
  }

  get timestampNsHigh(): number {
    return this.view.getUint32(this.offset + TRADE_TIMESTAMP_OFFSET + 4, true)
  }

  get price(): number {
    return this.view.getFloat64(this.offset + TRADE_PRICE_OFFSET, true)
  }

  get quantity(): number {
    return this.view.getFloat64(this.offset + TRADE_QUANTITY_OFFSET, true)
  }

  /** Creates a BigInt. */
  get tradeId(): bigint {
    return this.view.getBigUint64(this.offset + TRADE_ID_OFFSET, true)
  }

  get tradeIdLow(): number {
    return this.view.getUint32(this.offset + TRADE_ID_OFFSET, true)
  }

  get tradeIdHigh(): number {
    return this.view.getUint32(this.offset + TRADE_ID_OFFSET + 4, true)
  }

  /** The trade id as a number. @throws ReplayError input `number-range` from 2^53 on. */
  get tradeIdNumber(): number {
    return u64ToNumber(this.view, this.offset + TRADE_ID_OFFSET, 'trade id')
  }

  /** Creates a BigInt. */
  get buyerOrderId(): bigint {
    return this.view.getBigUint64(this.offset + TRADE_BUYER_ORDER_ID_OFFSET, true)
  }

  get buyerOrderIdLow(): number {
    return this.view.getUint32(this.offset + TRADE_BUYER_ORDER_ID_OFFSET, true)
  }

  get buyerOrderIdHigh(): number {
    return this.view.getUint32(this.offset + TRADE_BUYER_ORDER_ID_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get sellerOrderId(): bigint {
    return this.view.getBigUint64(this.offset + TRADE_SELLER_ORDER_ID_OFFSET, true)
  }

  get sellerOrderIdLow(): number {
    return this.view.getUint32(this.offset + TRADE_SELLER_ORDER_ID_OFFSET, true)
  }

  get sellerOrderIdHigh(): number {
    return this.view.getUint32(this.offset + TRADE_SELLER_ORDER_ID_OFFSET + 4, true)
  }

  get isBuyerMaker(): boolean {
    return this.view.getUint8(this.offset + TRADE_IS_BUYER_MAKER_OFFSET) !== 0
  }

  /** Creates a BigInt. */
  get symbolHash(): bigint {
    return this.view.getBigUint64(this.offset + TRADE_SYMBOL_HASH_OFFSET, true)
  }

  get symbolHashLow(): number {
    return this.view.getUint32(this.offset + TRADE_SYMBOL_HASH_OFFSET, true)
  }

  get symbolHashHigh(): number {
    return this.view.getUint32(this.offset + TRADE_SYMBOL_HASH_OFFSET + 4, true)
  }

  /** The symbol hash folded to a market id, as in book events. */
  get marketId(): number {
    return (this.symbolHashLow ^ this.symbolHashHigh) >>> 0
  }
}

/** The fields of a trade; u64 as bigint, or as a number below 2^53. */
export interface TradeFields {
  /** Nanoseconds since the epoch. */
  readonly timestampNs: bigint | number
  readonly price: number
  readonly quantity: number
  readonly tradeId: bigint | number
  readonly buyerOrderId: bigint | number
  readonly sellerOrderId: bigint | number
  readonly isBuyerMaker: boolean
  readonly symbolHash: bigint | number
}

/** Writes a whole trade payload at `offset`; returns 64. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeTrade(view: DataView, offset: number, fields: TradeFields): number {
  setU64(view, offset + TRADE_TIMESTAMP_OFFSET, fields.timestampNs, 'trade: timestampNs')
  setF64(view, offset + TRADE_PRICE_OFFSET, fields.price, 'trade: price')
  setF64(view, offset + TRADE_QUANTITY_OFFSET, fields.quantity, 'trade: quantity')
  setU64(view, offset + TRADE_ID_OFFSET, fields.tradeId, 'trade: tradeId')
  setU64(view, offset + TRADE_BUYER_ORDER_ID_OFFSET, fields.buyerOrderId, 'trade: buyerOrderId')
  setU64(view, offset + TRADE_SELLER_ORDER_ID_OFFSET, fields.sellerOrderId, 'trade: sellerOrderId')
  setU64(view, offset + TRADE_IS_BUYER_MAKER_OFFSET, fields.isBuyerMaker ? 1 : 0)
  setU64(view, offset + TRADE_SYMBOL_HASH_OFFSET, fields.symbolHash, 'trade: symbolHash')
  return TRADE_BYTES
}

const EMPTY = new DataView(new ArrayBuffer(0))
