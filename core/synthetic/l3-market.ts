import { BOOK_EVENT_NATIVE_SEQ_OFFSET, EVENT_DIFF, encodeBookEvent, MODE_L3 } from '../protocol/book-event.ts'
import {
  L3_ADD,
  L3_CANCEL,
  L3_EVENT_AMOUNT_OFFSET,
  L3_EVENT_ASK_ORDER_ID_OFFSET,
  L3_EVENT_BID_ORDER_ID_OFFSET,
  L3_EVENT_BYTES,
  L3_EVENT_FLAGS_OFFSET,
  L3_EVENT_ORDER_ID_OFFSET,
  L3_EVENT_ORDER_TYPE_OFFSET,
  L3_EVENT_PRICE_OFFSET,
  L3_EVENT_PRICE_SCALE_OFFSET,
  L3_EVENT_QUANTITY_OFFSET,
  L3_EVENT_SIDE_OFFSET,
  L3_EVENT_SIZE_SCALE_OFFSET,
  L3_EVENT_TYPE_OFFSET,
  L3_FLAG_PRICE_IS_MARKET,
  L3_HEARTBEAT,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
  SIDE_BUY,
  SIDE_SELL,
  SIDE_UNKNOWN,
} from '../protocol/l3-event.ts'
import { setU64 } from '../protocol/payload.ts'
import { L3Queues, QUEUE_TICKS } from './l3-queues.ts'
import { PriceTrend } from './price-trend.ts'
import type { Random } from './random.ts'
import { BOOK_START, type SyntheticFeed } from './synthetic-feed.ts'
import type { SyntheticMarket } from './synthetic-market.ts'

/** Bytes of a book payload. */
export const L3_BOOK_BYTES = L3_EVENT_BYTES

const START_TICK = QUEUE_TICKS / 2
/** Ticks from the start at which the price is certain to turn back. */
const MAX_DRIFT = 4000
/** Most live orders the market strives for. */
const USUAL_ORDERS = 1500
/** A side never gets smaller by what others do to it. */
const MIN_SIDE_ORDERS = 5
/** Most resting orders one market order fills. */
const MAX_FILLS = 5
/** Most messages of one step: a market order, a trade and its print per fill, a cancel, a ticker. */
const MAX_STEP_MESSAGES = 3 + 2 * MAX_FILLS
const BID = 0
const ASK = 1

const MARKET_ORDER = 1
const LIMIT_ORDER = 2

/**
 * An L3 market: limit orders come, change and go; market orders fill the queues' fronts. All ids that a message names are
 * live then. Header sequences are the exchange's: contiguous from 1 over all days, but for injected gaps.
 *
 * A restart point is a reset and every live order again, in queue order. Needs about 64 messages a day.
 */
export class L3Market implements SyntheticMarket {
  readonly #feed: SyntheticFeed
  readonly #random: Random
  readonly #trend: PriceTrend
  readonly #orders = new L3Queues()
  readonly #basePrice: number
  readonly #usualOrders: number
  #seq = 0
  #lastOrderId = 0
  #messagesToday = 0
  #toldBid = 0
  #toldBidSize = 0
  #toldAsk = 0
  #toldAskSize = 0

  /**
   * @param startPrice price integer to start from, above QUEUE_TICKS
   * @param dayMessages messages of the shortest day: a day's restart point takes an eighth of them at most
   */
  constructor(feed: SyntheticFeed, startPrice: number, dayMessages: number) {
    this.#feed = feed
    this.#random = feed.random
    this.#trend = new PriceTrend(feed.random, START_TICK, MAX_DRIFT)
    this.#basePrice = startPrice - START_TICK
    this.#usualOrders = Math.max(4 * MIN_SIDE_ORDERS, Math.min(USUAL_ORDERS, Math.floor(dayMessages / 10)))
    const { venueId, marketId, priceScale, sizeScale } = feed.identity
    const fields = { venueId, marketId, streamId: 1, ingestTsNs: 0, exchangeTsNs: 0, seq: 0, nativeSeq: 0, flags: 0 }
    encodeBookEvent(feed.view, BOOK_START, fields, EVENT_DIFF, MODE_L3, L3_EVENT_BYTES)
    feed.view.setUint8(BOOK_START + L3_EVENT_PRICE_SCALE_OFFSET, priceScale)
    feed.view.setUint8(BOOK_START + L3_EVENT_SIZE_SCALE_OFFSET, sizeScale)
    for (let i = 0; i < this.#usualOrders; i++) {
      const side = i & 1
      const distance = 1 + this.#distance()
      this.#orders.add(++this.#lastOrderId, side, START_TICK + (side === BID ? -distance : distance), this.#quantity())
    }
  }

  startDay(isRestartPoint: boolean): void {
    this.#messagesToday = 0
    if (!isRestartPoint) return
    this.#write(L3_RESET, SIDE_UNKNOWN, 0, 0, 0, 0, 0, 0, 0)
    for (const side of [BID, ASK]) {
      const outwards = side === BID ? -1 : 1
      let left = this.#orders.counts[side]!
      for (let tick = this.#orders.best[side]!; left > 0; tick += outwards) {
        for (let slot = this.#orders.head(side, tick); slot >= 0; slot = this.#orders.after(slot), left--) this.#writeAdd(slot)
      }
    }
  }

  step(): void {
    const random = this.#random
    const { heat } = this.#feed.clock
    const kind = random.unit()
    const isFull = this.#orders.liveCount >= this.#usualOrders
    const takes = 0.08 + (0.3 * heat) / (heat + 10)
    if (kind < takes && this.#feed.remaining >= MAX_STEP_MESSAGES) this.#marketOrder()
    else if (random.chance(1 / 2048)) this.#write(L3_HEARTBEAT, SIDE_UNKNOWN, 0, 0, 0, 0, 0, 0, 0)
    else if (random.unit() < (isFull ? 0.42 : 0.6)) this.#addOrder()
    else this.#changeOrder()
    this.#tellTouch()
  }

  #addOrder(): void {
    const side = this.#isUp() ? BID : ASK
    this.#writeAdd(this.#orders.add(++this.#lastOrderId, side, this.#passiveTick(side), this.#quantity()))
  }

  /** A cancel (full, by quantity or by 0; or partial) or a modify (quantity or price) of any live order. */
  #changeOrder(): void {
    const orders = this.#orders
    const random = this.#random
    const slot = orders.live[random.below(orders.liveCount)]!
    const side = orders.sides[slot]!
    const quantity = orders.quantities[slot]!
    const id = orders.ids[slot]!
    const kind = random.unit()
    if (kind < 0.7 && orders.counts[side]! > MIN_SIDE_ORDERS) {
      orders.remove(slot)
      this.#write(L3_CANCEL, sideCode(side), LIMIT_ORDER, 0, id, 0, 0, 0, random.chance(0.5) ? 0 : quantity)
    } else if (kind < 0.85 && quantity > 1) {
      const part = 1 + random.below(quantity - 1)
      orders.reduce(slot, part)
      this.#write(L3_CANCEL, sideCode(side), LIMIT_ORDER, 0, id, 0, 0, 0, part)
    } else if (kind < 0.93) {
      const changed = this.#quantity()
      orders.resize(slot, changed)
      this.#write(L3_MODIFY, sideCode(side), LIMIT_ORDER, 0, id, 0, 0, 0, changed)
    } else {
      const tick = this.#passiveTick(side)
      if (tick !== orders.ticks[slot]) orders.move(slot, tick) // a modify to the same price keeps its place
      this.#write(L3_MODIFY, sideCode(side), LIMIT_ORDER, 0, id, 0, 0, this.#basePrice + orders.ticks[slot]!, 0)
    }
  }

  /** A market order fills the front of the opposite queue; what finds no order is cancelled. */
  #marketOrder(): void {
    const feed = this.#feed
    const orders = this.#orders
    const isBuy = this.#isUp()
    const side = isBuy ? ASK : BID
    const id = ++this.#lastOrderId
    let left = this.#random.pareto(10) * 100
    feed.clock.heat += 0.6
    this.#write(L3_ADD, isBuy ? SIDE_BUY : SIDE_SELL, MARKET_ORDER, L3_FLAG_PRICE_IS_MARKET, id, 0, 0, 0, left)
    for (let fills = 0; left > 0 && fills < MAX_FILLS && orders.counts[side]! > MIN_SIDE_ORDERS; fills++) {
      const slot = orders.head(side, orders.best[side]!)
      const filled = Math.min(left, orders.quantities[slot]!)
      const price = this.#basePrice + orders.ticks[slot]!
      const resting = orders.ids[slot]!
      const buyer = isBuy ? id : resting
      const seller = isBuy ? resting : id
      left -= filled
      orders.reduce(slot, filled)
      feed.clock.advance(this.#random.below(20_000))
      this.#write(L3_TRADE, isBuy ? SIDE_BUY : SIDE_SELL, LIMIT_ORDER, 0, 0, buyer, seller, price, filled)
      feed.trade(price, filled, !isBuy, buyer, seller)
    }
    if (left > 0) this.#write(L3_CANCEL, isBuy ? SIDE_BUY : SIDE_SELL, MARKET_ORDER, 0, id, 0, 0, 0, 0)
  }

  /** A tick on this side that crosses nothing: mostly behind the best price, at times inside the spread. */
  #passiveTick(side: number): number {
    const { best } = this.#orders
    const inwards = side === BID ? 1 : -1
    const spread = best[ASK]! - best[BID]!
    if (spread > 1 && this.#random.chance(0.3)) return best[side]! + inwards
    return best[side]! - inwards * this.#distance()
  }

  #distance(): number {
    return this.#random.chance(0.6) ? this.#random.halving() * 6 + this.#random.below(6) : this.#random.below(200)
  }

  #quantity(): number {
    return this.#random.pareto(3) * 100
  }

  #isUp(): boolean {
    // No pull: large orders in front of a price hold it off by themselves.
    return this.#trend.isUp(this.#orders.best[BID]!, 0)
  }

  #writeAdd(slot: number): void {
    const { ids, sides, ticks, quantities } = this.#orders
    this.#write(L3_ADD, sideCode(sides[slot]!), LIMIT_ORDER, 0, ids[slot]!, 0, 0, this.#basePrice + ticks[slot]!, quantities[slot]!)
  }

  #write(
    eventType: number,
    side: number,
    orderType: number,
    flags: number,
    orderId: number,
    bidOrderId: number,
    askOrderId: number,
    price: number,
    quantity: number,
  ): void {
    const feed = this.#feed
    const { view } = feed
    const skipped = this.#messagesToday++ === 0 ? 0 : feed.takeGap(this.#seq + 1)
    this.#seq += skipped + 1
    setU64(view, BOOK_START + BOOK_EVENT_NATIVE_SEQ_OFFSET, this.#seq)
    view.setUint8(BOOK_START + L3_EVENT_TYPE_OFFSET, eventType)
    view.setUint8(BOOK_START + L3_EVENT_SIDE_OFFSET, side)
    view.setUint8(BOOK_START + L3_EVENT_ORDER_TYPE_OFFSET, orderType)
    view.setUint32(BOOK_START + L3_EVENT_FLAGS_OFFSET, flags, true)
    setU64(view, BOOK_START + L3_EVENT_ORDER_ID_OFFSET, orderId)
    setU64(view, BOOK_START + L3_EVENT_BID_ORDER_ID_OFFSET, bidOrderId)
    setU64(view, BOOK_START + L3_EVENT_ASK_ORDER_ID_OFFSET, askOrderId)
    setU64(view, BOOK_START + L3_EVENT_PRICE_OFFSET, price)
    setU64(view, BOOK_START + L3_EVENT_QUANTITY_OFFSET, quantity)
    setU64(view, BOOK_START + L3_EVENT_AMOUNT_OFFSET, eventType === L3_TRADE ? price * quantity : 0)
    feed.book(L3_EVENT_BYTES, this.#seq)
  }

  #tellTouch(): void {
    const orders = this.#orders
    const bid = orders.best[BID]!
    const ask = orders.best[ASK]!
    const bidSize = orders.total(BID, bid)
    const askSize = orders.total(ASK, ask)
    if (bid === this.#toldBid && ask === this.#toldAsk && bidSize === this.#toldBidSize && askSize === this.#toldAskSize) return
    this.#toldBid = bid
    this.#toldAsk = ask
    this.#toldBidSize = bidSize
    this.#toldAskSize = askSize
    this.#feed.clock.advance(this.#random.below(50_000))
    this.#feed.ticker(this.#basePrice + bid, bidSize, this.#basePrice + ask, askSize)
  }
}

function sideCode(side: number): number {
  return side === BID ? SIDE_BUY : SIDE_SELL
}
