import { ReplayError } from '../errors.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_RECORD_LENGTH_OFFSET,
  BOOK_EVENT_SCHEMA_VERSION,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_DIFF,
  EVENT_HEARTBEAT,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  MODE_L2,
} from '../protocol/book-event.ts'
import { L2_DIFF_BID_COUNT_OFFSET, L2_DIFF_BYTES, L2_DIFF_PRICE_SCALE_OFFSET } from '../protocol/l2-diff.ts'
import {
  L2_SNAPSHOT_ASK_COUNT_OFFSET,
  L2_SNAPSHOT_BID_COUNT_OFFSET,
  L2_SNAPSHOT_BYTES,
  L2_SNAPSHOT_PRICE_SCALE_OFFSET,
} from '../protocol/l2-snapshot.ts'
import { LEVEL_BYTES } from '../protocol/level.ts'
import {
  APPLIED,
  type ApplyResult,
  CORRUPT_EVENT,
  CORRUPT_LENGTH,
  CORRUPT_SCHEMA,
  HEARTBEAT,
  OUT_OF_RANGE,
  SKIPPED_MODE,
  UNREPRESENTABLE_PRICE,
  UNREPRESENTABLE_SIZE,
} from './apply-result.ts'
import { isExactProduct, isExactU64, isNegative, MAX_EXACT } from './exact.ts'
import { L2Side } from './l2-side.ts'
import { MessageBook } from './message-book.ts'

export interface L2BookOptions {
  /** After every applied message each side is cut to its best this many levels (`depth_limit` of a stream). @default no limit */
  readonly depthLimit?: number | undefined
}

/** Prices and sizes with more decimals than this are out of range. */
export const MAX_SCALE = 18
/** Where the body of an event starts in its payload. */
const BODY = BOOK_EVENT_BYTES

/**
 * An L2 book of one market (FORMAT.md §14): snapshot, absolute diff, reset (clears, unlike the peer) and heartbeat.
 *
 * Prices and sizes are exact integers with a scale: real value = n / 10^scale. A message with a finer scale
 * rescales the levels that stay; one with a coarser scale is brought to the book's. So the book's scale is the
 * finest since the last snapshot or reset, and a snapshot brings its own. What a double would not hold exactly
 * (see exact.ts) is refused as OUT_OF_RANGE, what is above 2^63 as UNREPRESENTABLE_PRICE or _SIZE. A message is judged before anything changes: one that is refused changes nothing.
 * Market, venue and stream of the header are not looked at: see BookSet for logs that mix markets.
 */
export class L2Book extends MessageBook {
  readonly bids = new L2Side(1)
  readonly asks = new L2Side(-1)
  /** Decimals of prices; −1 before the first snapshot or diff, and after a reset. */
  priceScale = -1
  /** Decimals of sizes; −1 as above. */
  sizeScale = -1
  /** Levels dropped by the depth limit. */
  levelsCut = 0
  readonly depthLimit: number

  /** @throws ReplayError input `depth-limit` */
  constructor(options: L2BookOptions = {}) {
    super()
    const { depthLimit = Number.POSITIVE_INFINITY } = options
    if (!(depthLimit >= 1) || (depthLimit !== Number.POSITIVE_INFINITY && !Number.isSafeInteger(depthLimit))) {
      throw new ReplayError('depth-limit', `depth limit: expected a whole number of levels ≥ 1, found ${depthLimit}`, { category: 'input' })
    }
    this.depthLimit = depthLimit
  }

  /** Empties the book; its scale is that of the next message. Counters stay. */
  clear(): void {
    this.bids.clear()
    this.asks.clear()
    this.priceScale = -1
    this.sizeScale = -1
  }

  protected override applyWords(words: Uint32Array, at: number, length: number): ApplyResult {
    if (length < BOOK_EVENT_BYTES) return CORRUPT_LENGTH
    // Bytes 56–59: event type, book mode, flags.
    const kind = words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! & 0xffff
    if (kind >>> 8 !== MODE_L2) return kind >>> 8 === 1 ? SKIPPED_MODE : CORRUPT_EVENT
    if ((words[at]! & 0xffff) !== BOOK_EVENT_SCHEMA_VERSION || (words[at + 2]! & 0xff) !== 0) return CORRUPT_SCHEMA
    if (words[at + (BOOK_EVENT_RECORD_LENGTH_OFFSET >>> 2)]! > length) return CORRUPT_LENGTH
    if (kind === EVENT_DIFF) return this.#applyDiff(words, at, length)
    if (kind === EVENT_SNAPSHOT) return this.loadBody(words, at + (BODY >>> 2), length - BODY)
    if (kind === EVENT_HEARTBEAT) return HEARTBEAT
    if (kind !== EVENT_RESET) return CORRUPT_EVENT
    this.clear()
    return APPLIED
  }

  #applyDiff(words: Uint32Array, at: number, length: number): ApplyResult {
    if (length < L2_DIFF_BYTES) return CORRUPT_LENGTH
    const counts = words[at + (L2_DIFF_BID_COUNT_OFFSET >>> 2)]!
    const bidCount = counts & 0xffff
    const askCount = counts >>> 16
    if (length < L2_DIFF_BYTES + (bidCount + askCount) * LEVEL_BYTES) return CORRUPT_LENGTH
    const scales = words[at + (L2_DIFF_PRICE_SCALE_OFFSET >>> 2)]!
    const levels = at + (L2_DIFF_BYTES >>> 2)
    const asksAt = levels + bidCount * 4
    let priceFactor = 1
    let sizeFactor = 1
    if ((scales & 0xff) === this.priceScale && ((scales >>> 8) & 0xff) === this.sizeScale) {
      if (!areExact(words, levels, bidCount + askCount)) return whyNot(words, levels, bidCount + askCount)
    } else {
      const priceScale = scales & 0xff
      const sizeScale = (scales >>> 8) & 0xff
      if (!this.#agreeOnScale(words, levels, bidCount + askCount, priceScale, sizeScale)) return whyNot(words, levels, bidCount + askCount)
      priceFactor = 10 ** (this.priceScale - priceScale)
      sizeFactor = 10 ** (this.sizeScale - sizeScale)
    }
    if (bidCount > 0) this.bids.setFromWords(words, levels, bidCount, priceFactor, sizeFactor)
    if (askCount > 0) this.asks.setFromWords(words, asksAt, askCount, priceFactor, sizeFactor)
    if (this.depthLimit < MAX_EXACT) this.#cut()
    return APPLIED
  }

  /** Replaces the book by the body of an L2 snapshot (its bytes from 64 on) at `words[at]`. APPLIED, or nothing changed. */
  loadBody(words: Uint32Array, at: number, length: number): ApplyResult {
    if (length < L2_SNAPSHOT_BYTES - BODY) return CORRUPT_LENGTH
    const bidCount = words[at + ((L2_SNAPSHOT_BID_COUNT_OFFSET - BODY) >>> 2)]!
    const askCount = words[at + ((L2_SNAPSHOT_ASK_COUNT_OFFSET - BODY) >>> 2)]!
    if (length < L2_SNAPSHOT_BYTES - BODY + (bidCount + askCount) * LEVEL_BYTES) return CORRUPT_LENGTH
    const scales = words[at + ((L2_SNAPSHOT_PRICE_SCALE_OFFSET - BODY) >>> 2)]!
    const levels = at + ((L2_SNAPSHOT_BYTES - BODY) >>> 2)
    const priceScale = scales & 0xff
    const sizeScale = (scales >>> 8) & 0xff
    if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE || !areExact(words, levels, bidCount + askCount))
      return whyNot(words, levels, bidCount + askCount)
    this.priceScale = priceScale
    this.sizeScale = sizeScale
    this.bids.replaceFromWords(words, levels, bidCount)
    this.asks.replaceFromWords(words, levels + bidCount * 4, askCount)
    if (this.depthLimit < MAX_EXACT) this.#cut()
    return APPLIED
  }

  /** Makes the book's scales the finer of both; false, and nothing changed, when a value would leave the exact range. */
  #agreeOnScale(words: Uint32Array, at: number, count: number, priceScale: number, sizeScale: number): boolean {
    if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE) return false
    const isNew = this.priceScale < 0
    const finerPrice = Math.max(priceScale, this.priceScale)
    const finerSize = Math.max(sizeScale, this.sizeScale)
    if (!areExactScaled(words, at, count, 10 ** (finerPrice - priceScale), 10 ** (finerSize - sizeScale))) return false
    const priceFactor = isNew ? 1 : 10 ** (finerPrice - this.priceScale)
    const sizeFactor = isNew ? 1 : 10 ** (finerSize - this.sizeScale)
    if (priceFactor !== 1 || sizeFactor !== 1) {
      if (!this.bids.canScale(priceFactor, sizeFactor) || !this.asks.canScale(priceFactor, sizeFactor)) return false
      this.bids.scale(priceFactor, sizeFactor)
      this.asks.scale(priceFactor, sizeFactor)
    }
    this.priceScale = finerPrice
    this.sizeScale = finerSize
    return true
  }

  #cut(): void {
    this.levelsCut += this.bids.cutTo(this.depthLimit) + this.asks.cutTo(this.depthLimit)
  }
}

/** Whether doubles hold all prices and sizes exactly: always so with no bit above the low 21 in any high word. */
function areExact(words: Uint32Array, at: number, count: number): boolean {
  let high = 0
  for (let i = at + 1; i < at + count * 4; i += 2) high |= words[i]!
  return high >>> 21 === 0 || areExactScaled(words, at, count, 1, 1)
}

/** Which of the results says best why levels were refused. */
function whyNot(words: Uint32Array, at: number, count: number): ApplyResult {
  for (let i = at; i < at + count * 4; i += 2) {
    if (isNegative(words[i]!, words[i + 1]!)) return ((i - at) & 2) === 0 ? UNREPRESENTABLE_PRICE : UNREPRESENTABLE_SIZE
  }
  return OUT_OF_RANGE
}

function areExactScaled(words: Uint32Array, at: number, count: number, priceFactor: number, sizeFactor: number): boolean {
  for (let i = at; i < at + count * 4; i += 2) {
    const factor = ((i - at) & 2) === 0 ? priceFactor : sizeFactor
    if (!isExactU64(words[i]!, words[i + 1]!) || !isExactProduct(words[i]! + words[i + 1]! * 2 ** 32, factor)) return false
  }
  return true
}
