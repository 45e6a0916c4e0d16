import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_NATIVE_SEQ_OFFSET,
  BOOK_EVENT_RECORD_LENGTH_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  EVENT_DIFF,
  EVENT_HEARTBEAT,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  encodeBookEvent,
  FLAG_ABSOLUTE,
  MODE_L2,
} from '../protocol/book-event.ts'
import {
  L2_DIFF_ASK_COUNT_OFFSET,
  L2_DIFF_BID_COUNT_OFFSET,
  L2_DIFF_BYTES,
  L2_DIFF_FLAGS_OFFSET,
  L2_DIFF_LEVELS_OFFSET,
  L2_DIFF_PRICE_SCALE_OFFSET,
  L2_DIFF_SIZE_SCALE_OFFSET,
  L2_DIFF_UPDATE_ID_FIRST_OFFSET,
  L2_DIFF_UPDATE_ID_LAST_OFFSET,
  L2_DIFF_UPDATE_ID_PREV_OFFSET,
} from '../protocol/l2-diff.ts'
import {
  L2_SNAPSHOT_ASK_COUNT_OFFSET,
  L2_SNAPSHOT_BID_COUNT_OFFSET,
  L2_SNAPSHOT_BYTES,
  L2_SNAPSHOT_LEVELS_OFFSET,
  L2_SNAPSHOT_PRICE_SCALE_OFFSET,
  L2_SNAPSHOT_SIZE_SCALE_OFFSET,
} from '../protocol/l2-snapshot.ts'
import { LEVEL_BYTES, LEVEL_PRICE_OFFSET, LEVEL_SIZE_OFFSET } from '../protocol/level.ts'
import { setU64 } from '../protocol/payload.ts'
import { L2Ladder, LADDER_DEPTH, LADDER_TICKS, MAX_CHANGES } from './l2-ladder.ts'
import { PriceTrend, PULLING_LEVELS } from './price-trend.ts'
import type { Random } from './random.ts'
import { BOOK_START, STREAM_BOOK, type SyntheticFeed } from './synthetic-feed.ts'
import type { SyntheticMarket } from './synthetic-market.ts'

/** Most bytes of a book payload: a snapshot with every tick taken. */
export const L2_BOOK_BYTES = L2_SNAPSHOT_BYTES + 2 * (LADDER_DEPTH + 1) * LEVEL_BYTES

const START_TICK = LADDER_TICKS / 2
/** Ticks from the start at which the price is certain to turn back. */
const MAX_DRIFT = 6000

/**
 * An L2 market: a best bid and ask that walk by ticks, a ladder of levels behind each, takers who hit the touch. Bids stay
 * below asks: the book never crosses. Imbalance pulls at the price: see PriceTrend.
 *
 * Each step is one diff of 1 to 20 level updates (mean 4.3), before it the trade that caused it, behind it a ticker
 * when the touch changed. Update ids count level updates and chain: first = last before + 1, prev = last before.
 */
export class L2Market implements SyntheticMarket {
  readonly #feed: SyntheticFeed
  readonly #random: Random
  readonly #trend: PriceTrend
  readonly #bids: L2Ladder
  readonly #asks: L2Ladder
  /** Price of tick 0. */
  readonly #basePrice: number
  #lastUpdateId: number
  #diffsSinceSnapshot = 0
  /** A reset comes when fewer messages than this are left today. */
  #resetBelow = 0
  /** What the last ticker said. */
  #toldBid = 0
  #toldBidSize = 0
  #toldAsk = 0
  #toldAskSize = 0

  /** @param startPrice price integer to start from, above LADDER_TICKS */
  constructor(feed: SyntheticFeed, startPrice: number) {
    const random = feed.random
    this.#feed = feed
    this.#random = random
    this.#trend = new PriceTrend(random, START_TICK, MAX_DRIFT)
    this.#bids = new L2Ladder(random, START_TICK, -1)
    this.#asks = new L2Ladder(random, START_TICK + 2, 1)
    this.#basePrice = startPrice - START_TICK
    this.#lastUpdateId = 10_000_000 + random.below(1_000_000_000)
    const { venueId, marketId } = feed.identity
    const fields = { venueId, marketId, streamId: 1, ingestTsNs: 0, exchangeTsNs: 0, seq: 0, nativeSeq: 0, flags: FLAG_ABSOLUTE }
    encodeBookEvent(feed.view, BOOK_START, fields, EVENT_DIFF, MODE_L2)
  }

  startDay(isRestartPoint: boolean): void {
    this.#diffsSinceSnapshot = 0
    // Longer days have one reset, somewhere behind their middle.
    const { remaining } = this.#feed
    this.#resetBelow = remaining > 2000 ? Math.floor(remaining * (0.2 + 0.3 * this.#random.unit())) : 0
    if (isRestartPoint) this.#writeSnapshot()
  }

  step(): void {
    if (this.#feed.remaining < this.#resetBelow) this.#reset()
    else if (this.#random.chance(1 / 1024)) this.#writeHeader(EVENT_HEARTBEAT)
    else this.#diff()
  }

  /** The exchange starts over: a reset, then a snapshot; update ids jump. */
  #reset(): void {
    this.#resetBelow = 0
    this.#writeHeader(EVENT_RESET)
    this.#lastUpdateId += 1000 + this.#random.below(1_000_000)
    this.#diffsSinceSnapshot = 0
    this.#writeSnapshot()
  }

  /** One diff with the trade and ticker that go with it. */
  #diff(): void {
    this.#bids.startDiff()
    this.#asks.startDiff()
    this.#moveTouch()
    const wanted = UPDATE_COUNTS[this.#random.u32() >>> 20]!
    for (let made = this.#bids.changeCount + this.#asks.changeCount; made < wanted; made++) {
      const ladder = (this.#random.u32() & 1) === 0 ? this.#bids : this.#asks
      ladder.changeOne()
    }
    this.#writeDiff()
    this.#tellTouch()
  }

  /** What happens at the best prices: a taker, a quote that leaves, or one that improves. */
  #moveTouch(): void {
    const random = this.#random
    const { heat } = this.#feed.clock
    const isUp = this.#trend.isUp(this.#bids.best, this.#imbalance())
    if (random.unit() < 0.12 + heat / (heat + 30)) this.#take(isUp)
    else if (random.chance(0.05)) this.#ladderAhead(isUp).retreat()
    const spread = this.#asks.best - this.#bids.best
    if (spread > 8 || (spread > 1 && random.chance(0.4))) {
      this.#ladderAhead(!isUp).improve(Math.min(spread - 1, 1 + random.halving(), 4))
    }
  }

  /** A taker hits the best opposite price, for at most what rests there. */
  #take(isBuy: boolean): void {
    const feed = this.#feed
    const ladder = this.#ladderAhead(isBuy)
    const resting = ladder.bestSize
    const size = Math.min(resting, this.#random.pareto(12))
    feed.clock.heat += 0.6
    // The diff must still fit into today.
    if (feed.remaining > 1 || !feed.has(STREAM_BOOK)) feed.trade(this.#basePrice + ladder.best, size, !isBuy, 0, 0)
    feed.clock.advance(10_000 + this.#random.below(200_000))
    if (size < resting) ladder.set(ladder.best, resting - size)
    else ladder.retreat()
  }

  /** What pulls at the price: (Σbid − Σask) / (Σbid + Σask) of the best levels. */
  #imbalance(): number {
    const bids = this.#bids.sizeOf(PULLING_LEVELS)
    const asks = this.#asks.sizeOf(PULLING_LEVELS)
    return (bids - asks) / (bids + asks)
  }

  /** The side that a rising (or falling) price runs into. */
  #ladderAhead(isUp: boolean): L2Ladder {
    return isUp ? this.#asks : this.#bids
  }

  #writeDiff(): void {
    const feed = this.#feed
    const { view } = feed
    const bids = this.#bids
    const asks = this.#asks
    const count = bids.changeCount + asks.changeCount
    const bytes = L2_DIFF_BYTES + count * LEVEL_BYTES
    const prev = this.#lastUpdateId + (this.#diffsSinceSnapshot === 0 ? 0 : feed.takeGap(this.#lastUpdateId + 1))
    this.#lastUpdateId = prev + count
    this.#diffsSinceSnapshot++
    this.#putHeader(EVENT_DIFF, bytes)
    setU64(view, BOOK_START + L2_DIFF_UPDATE_ID_FIRST_OFFSET, prev + 1)
    setU64(view, BOOK_START + L2_DIFF_UPDATE_ID_LAST_OFFSET, this.#lastUpdateId)
    setU64(view, BOOK_START + L2_DIFF_UPDATE_ID_PREV_OFFSET, prev)
    view.setUint8(BOOK_START + L2_DIFF_PRICE_SCALE_OFFSET, feed.identity.priceScale)
    view.setUint8(BOOK_START + L2_DIFF_SIZE_SCALE_OFFSET, feed.identity.sizeScale)
    view.setUint16(BOOK_START + L2_DIFF_FLAGS_OFFSET, FLAG_ABSOLUTE, true)
    view.setUint16(BOOK_START + L2_DIFF_BID_COUNT_OFFSET, bids.changeCount, true)
    view.setUint16(BOOK_START + L2_DIFF_ASK_COUNT_OFFSET, asks.changeCount, true)
    let at = BOOK_START + L2_DIFF_LEVELS_OFFSET
    for (let i = 0; i < bids.changeCount; i++) at = this.#putLevel(at, bids, bids.changed[i]!)
    for (let i = 0; i < asks.changeCount; i++) at = this.#putLevel(at, asks, asks.changed[i]!)
    feed.book(bytes)
  }

  /** The whole book, both sides from the best level outwards. */
  #writeSnapshot(): void {
    const feed = this.#feed
    const { view } = feed
    const levelsStart = BOOK_START + L2_SNAPSHOT_LEVELS_OFFSET
    const bidsEnd = this.#putLadder(levelsStart, this.#bids)
    const asksEnd = this.#putLadder(bidsEnd, this.#asks)
    this.#putHeader(EVENT_SNAPSHOT, asksEnd - BOOK_START)
    view.setUint8(BOOK_START + L2_SNAPSHOT_PRICE_SCALE_OFFSET, feed.identity.priceScale)
    view.setUint8(BOOK_START + L2_SNAPSHOT_SIZE_SCALE_OFFSET, feed.identity.sizeScale)
    view.setUint16(BOOK_START + L2_SNAPSHOT_SIZE_SCALE_OFFSET + 1, 0, true)
    view.setUint32(BOOK_START + L2_SNAPSHOT_BID_COUNT_OFFSET, (bidsEnd - levelsStart) / LEVEL_BYTES, true)
    view.setUint32(BOOK_START + L2_SNAPSHOT_ASK_COUNT_OFFSET, (asksEnd - bidsEnd) / LEVEL_BYTES, true)
    feed.book(asksEnd - BOOK_START)
  }

  #writeHeader(eventType: number): void {
    this.#putHeader(eventType, BOOK_EVENT_BYTES)
    this.#feed.book(BOOK_EVENT_BYTES)
  }

  #putHeader(eventType: number, bytes: number): void {
    const { view } = this.#feed
    view.setUint32(BOOK_START + BOOK_EVENT_RECORD_LENGTH_OFFSET, bytes, true)
    view.setUint8(BOOK_START + BOOK_EVENT_TYPE_OFFSET, eventType)
    setU64(view, BOOK_START + BOOK_EVENT_NATIVE_SEQ_OFFSET, this.#lastUpdateId)
  }

  #putLadder(start: number, ladder: L2Ladder): number {
    let at = start
    for (let distance = 0; distance <= LADDER_DEPTH; distance++) {
      const tick = ladder.tickAt(distance)
      if (ladder.sizes[tick] !== 0) at = this.#putLevel(at, ladder, tick)
    }
    return at
  }

  #putLevel(at: number, ladder: L2Ladder, tick: number): number {
    const { view } = this.#feed
    view.setUint32(at + LEVEL_PRICE_OFFSET, this.#basePrice + tick, true)
    view.setUint32(at + LEVEL_PRICE_OFFSET + 4, 0, true)
    view.setUint32(at + LEVEL_SIZE_OFFSET, ladder.sizes[tick]!, true)
    view.setUint32(at + LEVEL_SIZE_OFFSET + 4, 0, true)
    return at + LEVEL_BYTES
  }

  #tellTouch(): void {
    const bids = this.#bids
    const asks = this.#asks
    const isTold =
      this.#toldBid === bids.best &&
      this.#toldAsk === asks.best &&
      this.#toldBidSize === bids.bestSize &&
      this.#toldAskSize === asks.bestSize
    if (isTold) return
    this.#toldBid = bids.best
    this.#toldAsk = asks.best
    this.#toldBidSize = bids.bestSize
    this.#toldAskSize = asks.bestSize
    this.#feed.clock.advance(this.#random.below(50_000))
    this.#feed.ticker(this.#basePrice + bids.best, bids.bestSize, this.#basePrice + asks.best, asks.bestSize)
  }
}

/**
 * Level updates per diff, for a uniform 12-bit number: geometric, cut at 20, with the mean that diffs recorded from
 * exchanges by chronicle-rs's bench load have. 4.21 and what a moving touch adds make 4.3.
 */
const UPDATE_COUNTS = updateCounts(4.21)

function updateCounts(mean: number): Uint8Array {
  let low = 0.5
  let high = 0.999
  for (let i = 0; i < 40; i++) {
    const stay = (low + high) / 2
    if (meanOf(stay) < mean) low = stay
    else high = stay
  }
  const counts = new Uint8Array(4096)
  for (let i = 0; i < counts.length; i++) counts[i] = Math.min(MAX_CHANGES, 1 + Math.floor(Math.log(1 - (i + 0.5) / 4096) / Math.log(low)))
  return counts
}

/** Mean of a geometric count from 1, cut at MAX_CHANGES, that goes on with probability `stay`. */
function meanOf(stay: number): number {
  return (1 - stay ** MAX_CHANGES) / (1 - stay)
}
