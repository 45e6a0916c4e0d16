import type { MessageCursor } from '../message/message.ts'
import { type BookEventFields, BookEventView, EVENT_SNAPSHOT, encodeBookEvent, MODE_L2, requireEvent } from './book-event.ts'
import { encodeLevels, LEVEL_BYTES, LEVEL_SIZE_OFFSET, type Level, requireLevels } from './level.ts'
import { TYPE_BOOK_EVENT } from './message-type.ts'
import { locateError, requirePayload, requireType, setU8, setU32, u64ToNumber } from './payload.ts'

/**
 * L2 snapshot: a book event header (bytes 0–63, book-event.ts; eventType 1, bookMode 0), then (FORMAT.md §13), little-endian:
 *
 * | offset | type   | field      | unit, sentinel                              |
 * |     64 | u8     | priceScale | decimals of prices                          |
 * |     65 | u8     | sizeScale  | decimals of sizes                           |
 * |     66 | u16    | zero       |                                             |
 * |     68 | u32    | bidCount   | levels                                      |
 * |     72 | u32    | askCount   | levels                                      |
 * |     76 | levels | bids, asks | 16 bytes each, level.ts; not 8-byte aligned |
 */
export const L2_SNAPSHOT_BYTES = 76
export const L2_SNAPSHOT_PRICE_SCALE_OFFSET = 64
export const L2_SNAPSHOT_SIZE_SCALE_OFFSET = 65
export const L2_SNAPSHOT_BID_COUNT_OFFSET = 68
export const L2_SNAPSHOT_ASK_COUNT_OFFSET = 72
export const L2_SNAPSHOT_LEVELS_OFFSET = 76

/** A flyweight on an L2 snapshot. Levels keep the order of the message. */
export class L2SnapshotView {
  /** The header of the same payload. */
  readonly header = new BookEventView()
  view: DataView = this.header.view
  /** Where the payload starts in `view`. */
  offset = 0
  bidCount = 0
  askCount = 0
  #asks = 0

  /**
   * Moves to the payload of `length` bytes at `offset`.
   * @throws ReplayError corrupt: `payload-truncated`, `schema-version`, `endianness`, `event-type`, `level-count`
   */
  wrap(view: DataView, offset: number, length: number): this {
    this.header.wrap(view, offset, length)
    requireEvent('L2 snapshot', this.header, EVENT_SNAPSHOT, MODE_L2)
    requirePayload('L2 snapshot', L2_SNAPSHOT_BYTES, length)
    this.view = view
    this.offset = offset
    this.bidCount = view.getUint32(offset + L2_SNAPSHOT_BID_COUNT_OFFSET, true)
    this.askCount = view.getUint32(offset + L2_SNAPSHOT_ASK_COUNT_OFFSET, true)
    this.#asks = offset + L2_SNAPSHOT_LEVELS_OFFSET + this.bidCount * LEVEL_BYTES
    requireLevels('L2 snapshot', L2_SNAPSHOT_LEVELS_OFFSET, this.bidCount, this.askCount, length)
    return this
  }

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no book event. */
  wrapMessage(message: MessageCursor): this {
    requireType('L2 snapshot', TYPE_BOOK_EVENT, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  get priceScale(): number {
    return this.view.getUint8(this.offset + L2_SNAPSHOT_PRICE_SCALE_OFFSET)
  }

  get sizeScale(): number {
    return this.view.getUint8(this.offset + L2_SNAPSHOT_SIZE_SCALE_OFFSET)
  }

  /** Price integer of bid `i` (0 ≤ i < bidCount, not checked). @throws ReplayError input `number-range` from 2^53 on. */
  bidPrice(i: number): number {
    return u64ToNumber(this.view, this.offset + L2_SNAPSHOT_LEVELS_OFFSET + i * LEVEL_BYTES, 'bid price')
  }

  bidSize(i: number): number {
    return u64ToNumber(this.view, this.offset + L2_SNAPSHOT_LEVELS_OFFSET + i * LEVEL_BYTES + LEVEL_SIZE_OFFSET, 'bid size')
  }

  /** Price integer of ask `i` (0 ≤ i < askCount, not checked). @throws ReplayError input `number-range` from 2^53 on. */
  askPrice(i: number): number {
    return u64ToNumber(this.view, this.#asks + i * LEVEL_BYTES, 'ask price')
  }

  askSize(i: number): number {
    return u64ToNumber(this.view, this.#asks + i * LEVEL_BYTES + LEVEL_SIZE_OFFSET, 'ask size')
  }
}

/** The fields of an L2 snapshot; u64 as bigint, or as a number below 2^53. */
export interface L2SnapshotFields extends BookEventFields {
  readonly priceScale: number
  readonly sizeScale: number
  readonly bids: readonly Level[]
  readonly asks: readonly Level[]
}

/** Writes a whole L2 snapshot payload at `offset`; returns its bytes, 76 + 16 per level. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeL2Snapshot(view: DataView, offset: number, fields: L2SnapshotFields): number {
  const bytes = L2_SNAPSHOT_BYTES + (fields.bids.length + fields.asks.length) * LEVEL_BYTES
  encodeBookEvent(view, offset, fields, EVENT_SNAPSHOT, MODE_L2, bytes)
  setU8(view, offset + L2_SNAPSHOT_PRICE_SCALE_OFFSET, fields.priceScale, 'L2 snapshot: priceScale')
  setU8(view, offset + L2_SNAPSHOT_SIZE_SCALE_OFFSET, fields.sizeScale, 'L2 snapshot: sizeScale')
  view.setUint16(offset + 66, 0, true)
  setU32(view, offset + L2_SNAPSHOT_BID_COUNT_OFFSET, fields.bids.length, 'L2 snapshot: number of bids')
  setU32(view, offset + L2_SNAPSHOT_ASK_COUNT_OFFSET, fields.asks.length, 'L2 snapshot: number of asks')
  const asks = offset + L2_SNAPSHOT_LEVELS_OFFSET + encodeLevels(view, offset + L2_SNAPSHOT_LEVELS_OFFSET, fields.bids, 'L2 snapshot: bids')
  encodeLevels(view, asks, fields.asks, 'L2 snapshot: asks')
  return bytes
}
