import { type BookEventFields, EVENT_DIFF, encodeBookEvent, MODE_L2, requireEvent } from './book-event.ts'
import { encodeBothSides, type L2LevelsFields, L2LevelsView } from './l2-levels.ts'
import { LEVEL_BYTES } from './level.ts'
import { requirePayload, setU8, setU16, setU64 } from './payload.ts'

/**
 * L2 diff: a book event header (bytes 0–63, book-event.ts; eventType 2, bookMode 0), then (docs/format.md, Messages), little-endian:
 *
 * | offset | type   | field         | unit, sentinel                                          |
 * |     64 | u64    | updateIdFirst | exchange update id; 0 where the feed has none           |
 * |     72 | u64    | updateIdLast  | exchange update id; 0 where the feed has none           |
 * |     80 | u64    | updateIdPrev  | last update id of the diff before; 0 = not sent         |
 * |     88 | u8     | priceScale    | decimals of prices                                      |
 * |     89 | u8     | sizeScale     | decimals of sizes                                       |
 * |     90 | u16    | flags         | as in the header                                        |
 * |     92 | u16    | bidCount      | levels                                                  |
 * |     94 | u16    | askCount      | levels                                                  |
 * |     96 | levels | bids, asks    | 16 bytes each, level.ts; size 0 = delete                |
 */
export const L2_DIFF_BYTES = 96
export const L2_DIFF_UPDATE_ID_FIRST_OFFSET = 64
export const L2_DIFF_UPDATE_ID_LAST_OFFSET = 72
export const L2_DIFF_UPDATE_ID_PREV_OFFSET = 80
export const L2_DIFF_PRICE_SCALE_OFFSET = 88
export const L2_DIFF_SIZE_SCALE_OFFSET = 89
export const L2_DIFF_FLAGS_OFFSET = 90
export const L2_DIFF_BID_COUNT_OFFSET = 92
export const L2_DIFF_ASK_COUNT_OFFSET = 94
export const L2_DIFF_LEVELS_OFFSET = 96

const LAYOUT = {
  name: 'L2 diff',
  priceScale: L2_DIFF_PRICE_SCALE_OFFSET,
  sizeScale: L2_DIFF_SIZE_SCALE_OFFSET,
  levels: L2_DIFF_LEVELS_OFFSET,
}

/** A flyweight on an L2 diff. Levels keep the order of the message. */
export class L2DiffView extends L2LevelsView {
  constructor() {
    super(LAYOUT)
  }

  override wrap(view: DataView, offset: number, length: number): this {
    this.header.wrap(view, offset, length)
    requireEvent('L2 diff', this.header, EVENT_DIFF, MODE_L2)
    requirePayload('L2 diff', L2_DIFF_BYTES, length)
    const bidCount = view.getUint16(offset + L2_DIFF_BID_COUNT_OFFSET, true)
    return this.moveTo(view, offset, length, bidCount, view.getUint16(offset + L2_DIFF_ASK_COUNT_OFFSET, true))
  }

  /** Creates a BigInt. */
  get updateIdFirst(): bigint {
    return this.view.getBigUint64(this.offset + L2_DIFF_UPDATE_ID_FIRST_OFFSET, true)
  }

  get updateIdFirstLow(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_FIRST_OFFSET, true)
  }

  get updateIdFirstHigh(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_FIRST_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get updateIdLast(): bigint {
    return this.view.getBigUint64(this.offset + L2_DIFF_UPDATE_ID_LAST_OFFSET, true)
  }

  get updateIdLastLow(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_LAST_OFFSET, true)
  }

  get updateIdLastHigh(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_LAST_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get updateIdPrev(): bigint {
    return this.view.getBigUint64(this.offset + L2_DIFF_UPDATE_ID_PREV_OFFSET, true)
  }

  get updateIdPrevLow(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_PREV_OFFSET, true)
  }

  get updateIdPrevHigh(): number {
    return this.view.getUint32(this.offset + L2_DIFF_UPDATE_ID_PREV_OFFSET + 4, true)
  }

  get flags(): number {
    return this.view.getUint16(this.offset + L2_DIFF_FLAGS_OFFSET, true)
  }
}

/** The fields of an L2 diff, of at most 65,535 levels a side; u64 as bigint, or as a number below 2^53. */
export interface L2DiffFields extends BookEventFields, L2LevelsFields {
  readonly updateIdFirst: bigint | number
  readonly updateIdLast: bigint | number
  readonly updateIdPrev: bigint | number
  /** The diff's own flags. @default those of the header */
  readonly diffFlags?: number
}

/** Writes a whole L2 diff payload at `offset`; returns its bytes, 96 + 16 per level. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeL2Diff(view: DataView, offset: number, fields: L2DiffFields): number {
  const bytes = L2_DIFF_BYTES + (fields.bids.length + fields.asks.length) * LEVEL_BYTES
  encodeBookEvent(view, offset, fields, EVENT_DIFF, MODE_L2, bytes)
  setU64(view, offset + L2_DIFF_UPDATE_ID_FIRST_OFFSET, fields.updateIdFirst, 'L2 diff: updateIdFirst')
  setU64(view, offset + L2_DIFF_UPDATE_ID_LAST_OFFSET, fields.updateIdLast, 'L2 diff: updateIdLast')
  setU64(view, offset + L2_DIFF_UPDATE_ID_PREV_OFFSET, fields.updateIdPrev, 'L2 diff: updateIdPrev')
  setU8(view, offset + L2_DIFF_PRICE_SCALE_OFFSET, fields.priceScale, 'L2 diff: priceScale')
  setU8(view, offset + L2_DIFF_SIZE_SCALE_OFFSET, fields.sizeScale, 'L2 diff: sizeScale')
  setU16(view, offset + L2_DIFF_FLAGS_OFFSET, fields.diffFlags ?? fields.flags, 'L2 diff: diffFlags')
  setU16(view, offset + L2_DIFF_BID_COUNT_OFFSET, fields.bids.length, 'L2 diff: number of bids')
  setU16(view, offset + L2_DIFF_ASK_COUNT_OFFSET, fields.asks.length, 'L2 diff: number of asks')
  encodeBothSides(view, offset + L2_DIFF_LEVELS_OFFSET, fields, 'L2 diff')
  return bytes
}
