import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_TICKER } from './message-type.ts'
import { locateError, requirePayload, requireType, setF64, setU64 } from './payload.ts'

/**
 * Book ticker: best bid and ask, type 0x1001, 48 bytes (docs/format.md, Messages), little-endian.
 *
 * | offset | type | field       | unit, sentinel                                             |
 * |      0 | u64  | timestampNs | nanoseconds since the epoch; exchange or recorder by venue |
 * |      8 | f64  | bidPrice    | quote currency                                             |
 * |     16 | f64  | bidQuantity | base currency or contracts                                 |
 * |     24 | f64  | askPrice    | quote currency                                             |
 * |     32 | f64  | askQuantity | base currency or contracts                                 |
 * |     40 | u64  | symbolHash  | see symbol-hash.ts                                         |
 */
export const BOOK_TICKER_BYTES = 48
export const BOOK_TICKER_TIMESTAMP_OFFSET = 0
export const BOOK_TICKER_BID_PRICE_OFFSET = 8
export const BOOK_TICKER_BID_QUANTITY_OFFSET = 16
export const BOOK_TICKER_ASK_PRICE_OFFSET = 24
export const BOOK_TICKER_ASK_QUANTITY_OFFSET = 32
export const BOOK_TICKER_SYMBOL_HASH_OFFSET = 40

/** A flyweight on a book ticker. */
export class BookTickerView {
  view: DataView = EMPTY
  /** Where the payload starts in `view`. */
  offset = 0

  /**
   * Moves to the payload of `length` bytes at `offset`.
   * @throws ReplayError corrupt `payload-truncated`
   */
  wrap(view: DataView, offset: number, length: number): this {
    requirePayload('book ticker', BOOK_TICKER_BYTES, length)
    this.view = view
    this.offset = offset
    return this
  }

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no ticker. */
  wrapMessage(message: MessageCursor): this {
    requireType('book ticker', TYPE_BOOK_TICKER, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  /** Nanoseconds since the epoch. Creates a BigInt. */
  get timestampNs(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_TICKER_TIMESTAMP_OFFSET, true)
  }

  get timestampNsLow(): number {
    return this.view.getUint32(this.offset + BOOK_TICKER_TIMESTAMP_OFFSET, true)
  }

  get timestampNsHigh(): number {
    return this.view.getUint32(this.offset + BOOK_TICKER_TIMESTAMP_OFFSET + 4, true)
  }

  get bidPrice(): number {
    return this.view.getFloat64(this.offset + BOOK_TICKER_BID_PRICE_OFFSET, true)
  }

  get bidQuantity(): number {
    return this.view.getFloat64(this.offset + BOOK_TICKER_BID_QUANTITY_OFFSET, true)
  }

  get askPrice(): number {
    return this.view.getFloat64(this.offset + BOOK_TICKER_ASK_PRICE_OFFSET, true)
  }

  get askQuantity(): number {
    return this.view.getFloat64(this.offset + BOOK_TICKER_ASK_QUANTITY_OFFSET, true)
  }

  /** Creates a BigInt. */
  get symbolHash(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_TICKER_SYMBOL_HASH_OFFSET, true)
  }

  get symbolHashLow(): number {
    return this.view.getUint32(this.offset + BOOK_TICKER_SYMBOL_HASH_OFFSET, true)
  }

  get symbolHashHigh(): number {
    return this.view.getUint32(this.offset + BOOK_TICKER_SYMBOL_HASH_OFFSET + 4, true)
  }

  /** The symbol hash folded to a market id, as in book events. */
  get marketId(): number {
    return (this.symbolHashLow ^ this.symbolHashHigh) >>> 0
  }
}

/** The fields of a book ticker; u64 as bigint, or as a number below 2^53. */
export interface BookTickerFields {
  /** Nanoseconds since the epoch. */
  readonly timestampNs: bigint | number
  readonly bidPrice: number
  readonly bidQuantity: number
  readonly askPrice: number
  readonly askQuantity: number
  readonly symbolHash: bigint | number
}

/** Writes a whole ticker payload at `offset`; returns 48. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeBookTicker(view: DataView, offset: number, fields: BookTickerFields): number {
  setU64(view, offset + BOOK_TICKER_TIMESTAMP_OFFSET, fields.timestampNs, 'book ticker: timestampNs')
  setF64(view, offset + BOOK_TICKER_BID_PRICE_OFFSET, fields.bidPrice, 'book ticker: bidPrice')
  setF64(view, offset + BOOK_TICKER_BID_QUANTITY_OFFSET, fields.bidQuantity, 'book ticker: bidQuantity')
  setF64(view, offset + BOOK_TICKER_ASK_PRICE_OFFSET, fields.askPrice, 'book ticker: askPrice')
  setF64(view, offset + BOOK_TICKER_ASK_QUANTITY_OFFSET, fields.askQuantity, 'book ticker: askQuantity')
  setU64(view, offset + BOOK_TICKER_SYMBOL_HASH_OFFSET, fields.symbolHash, 'book ticker: symbolHash')
  return BOOK_TICKER_BYTES
}

const EMPTY = new DataView(new ArrayBuffer(0))
