import { type BookEventFields, EVENT_SNAPSHOT, encodeBookEvent, MODE_L2, requireEvent } from './book-event.ts'
import { encodeBothSides, type L2LevelsFields, L2LevelsView } from './l2-levels.ts'
import { LEVEL_BYTES } from './level.ts'
import { requirePayload, setU8, setU32 } from './payload.ts'

/**
 * L2 snapshot: a book event header (bytes 0–63, book-event.ts; eventType 1, bookMode 0), then (docs/format.md, Messages), little-endian:
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

const LAYOUT = {
  name: 'L2 snapshot',
  priceScale: L2_SNAPSHOT_PRICE_SCALE_OFFSET,
  sizeScale: L2_SNAPSHOT_SIZE_SCALE_OFFSET,
  levels: L2_SNAPSHOT_LEVELS_OFFSET,
}

/** A flyweight on an L2 snapshot. Levels keep the order of the message. */
export class L2SnapshotView extends L2LevelsView {
  constructor() {
    super(LAYOUT)
  }

  override wrap(view: DataView, offset: number, length: number): this {
    this.header.wrap(view, offset, length)
    requireEvent('L2 snapshot', this.header, EVENT_SNAPSHOT, MODE_L2)
    requirePayload('L2 snapshot', L2_SNAPSHOT_BYTES, length)
    const bidCount = view.getUint32(offset + L2_SNAPSHOT_BID_COUNT_OFFSET, true)
    return this.moveTo(view, offset, length, bidCount, view.getUint32(offset + L2_SNAPSHOT_ASK_COUNT_OFFSET, true))
  }
}

/** The fields of an L2 snapshot; u64 as bigint, or as a number below 2^53. */
export interface L2SnapshotFields extends BookEventFields, L2LevelsFields {}

/** Writes a whole L2 snapshot payload at `offset`; returns its bytes, 76 + 16 per level. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeL2Snapshot(view: DataView, offset: number, fields: L2SnapshotFields): number {
  const bytes = L2_SNAPSHOT_BYTES + (fields.bids.length + fields.asks.length) * LEVEL_BYTES
  encodeBookEvent(view, offset, fields, EVENT_SNAPSHOT, MODE_L2, bytes)
  setU8(view, offset + L2_SNAPSHOT_PRICE_SCALE_OFFSET, fields.priceScale, 'L2 snapshot: priceScale')
  setU8(view, offset + L2_SNAPSHOT_SIZE_SCALE_OFFSET, fields.sizeScale, 'L2 snapshot: sizeScale')
  view.setUint16(offset + 66, 0, true)
  setU32(view, offset + L2_SNAPSHOT_BID_COUNT_OFFSET, fields.bids.length, 'L2 snapshot: number of bids')
  setU32(view, offset + L2_SNAPSHOT_ASK_COUNT_OFFSET, fields.asks.length, 'L2 snapshot: number of asks')
  encodeBothSides(view, offset + L2_SNAPSHOT_LEVELS_OFFSET, fields, 'L2 snapshot')
  return bytes
}
