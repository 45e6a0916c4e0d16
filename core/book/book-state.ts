import { hex32, levelsCrc32 } from './book-digest.ts'
import { bookHash } from './book-hash.ts'
import type { L2Book } from './l2-book.ts'
import type { L2Side } from './l2-side.ts'
import { L3Book } from './l3-book.ts'

/** Price and size (of an L3 book: the total at that price) as stored: decimal strings of the integers. */
export type LevelText = readonly [price: string, size: string]

/** A book for people and JSON: its best levels, and where asked for a digest over all of it. */
export interface BookState {
  /** Best first. */
  readonly bids: readonly LevelText[]
  readonly asks: readonly LevelText[]
  /** All levels, not only those listed. */
  readonly bidLevels: number
  readonly askLevels: number
  /** Over all levels (book-digest.ts); eight hex digits. Absent when not asked for. */
  readonly levelsCrc32?: string
  /** L3: live orders, those on no level too. */
  readonly orders?: number
  /** L3: see book-hash.ts; 32 hex digits. Absent when not asked for. */
  readonly bookHash?: string
  /** Decimals of prices; null for a book that has met none yet. */
  readonly priceScale: number | null
  readonly sizeScale: number | null
}

/**
 * @param depth levels per side to list
 * @param hasDigest with `levelsCrc32` and `bookHash`, which take in every level and order: milliseconds each of a large book
 */
export function stateOf(book: L2Book | L3Book, depth: number, hasDigest = true): BookState {
  const isL3 = book instanceof L3Book
  const bids = isL3 ? book.bids.totals : book.bids
  const asks = isL3 ? book.asks.totals : book.asks
  return {
    bids: topOf(bids, depth),
    asks: topOf(asks, depth),
    bidLevels: bids.count,
    askLevels: asks.count,
    ...(hasDigest && { levelsCrc32: hex32(levelsCrc32(bids, asks)) }),
    ...(isL3 && { orders: book.orders.count }),
    ...(isL3 && hasDigest && { bookHash: Buffer.from(bookHash(book)).toString('hex') }),
    priceScale: book.priceScale < 0 ? null : book.priceScale,
    sizeScale: book.sizeScale < 0 ? null : book.sizeScale,
  }
}

function topOf(side: L2Side, depth: number): LevelText[] {
  const wanted = Math.min(depth, side.count)
  const prices = new Float64Array(wanted)
  const sizes = new Float64Array(wanted)
  const count = side.topInto(prices, sizes)
  return Array.from({ length: count }, (_, i) => [integerText(prices[i]!), integerText(sizes[i]!)])
}

/** All digits: above 2^53 `String` rounds to the shortest text that reads back as the same double. */
function integerText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : String(BigInt(value))
}
