import { ReplayError } from '../errors.ts'
import { isU64, requireU64 } from '../field-range.ts'
import { setU64 } from './payload.ts'

/**
 * A book level of an L2 diff or snapshot, 16 bytes, little-endian, unaligned.
 *
 * | offset | type | field | unit, sentinel                                  |
 * |      0 | u64  | price | integer × 10^-priceScale                        |
 * |      8 | u64  | size  | integer × 10^-sizeScale; 0 in a diff = delete   |
 */
export const LEVEL_BYTES = 16
export const LEVEL_PRICE_OFFSET = 0
export const LEVEL_SIZE_OFFSET = 8

/** Price and size as integers: bigint, or number below 2^53. */
export type Level = readonly [price: bigint | number, size: bigint | number]

/** What to do where a price is negative. */
export const SIGNED_PRICE_HINT = 'prices of books are unsigned: see docs/negative-prices.md'

/**
 * Writes levels one behind the other; returns their bytes.
 * @param what names them in errors, e.g. `L2 diff: bids` @throws ReplayError input `number-range`
 */
export function encodeLevels(view: DataView, offset: number, levels: readonly Level[], what: string): number {
  for (let i = 0; i < levels.length; i++) {
    const [price, size] = levels[i]!
    requireLevel(what, i, price, size)
    setU64(view, offset + i * LEVEL_BYTES + LEVEL_PRICE_OFFSET, price)
    setU64(view, offset + i * LEVEL_BYTES + LEVEL_SIZE_OFFSET, size)
  }
  return levels.length * LEVEL_BYTES
}

/** The name of a field is made only where it is needed. */
function requireLevel(what: string, i: number, price: bigint | number, size: bigint | number): void {
  if (!isU64(price)) requireU64(`${what}[${i}] price`, price, SIGNED_PRICE_HINT)
  if (!isU64(size)) requireU64(`${what}[${i}] size`, size)
}

/** @throws ReplayError corrupt `level-count` when the counted levels do not fit the payload. */
export function requireLevels(record: string, start: number, bidCount: number, askCount: number, length: number): void {
  const needed = start + (bidCount + askCount) * LEVEL_BYTES
  if (length < needed) {
    const message = `${record}: ${bidCount} bids and ${askCount} asks need ${needed} payload bytes, found ${length}`
    throw new ReplayError('level-count', message, { category: 'corrupt' })
  }
}
