import { ReplayError } from '../errors.ts'
import { shownValue } from '../shown-value.ts'
import { Account } from './account.ts'
import { type ExchangeMarket, ExchangeSide } from './exchange-side.ts'
import {
  FLIGHT_EXCHANGE_TIME,
  FLIGHT_FILL_LOTS,
  FLIGHT_FILL_TICK,
  FLIGHT_LOTS,
  FLIGHT_MAKER,
  FLIGHT_REASON,
  FLIGHT_REJECTED,
  FLIGHT_REQUEST,
  FLIGHT_SLOT,
  FLIGHT_STATUS,
  FLIGHT_TICK,
  FlightQueue,
} from './flight-queue.ts'
import { KnownOrders } from './known-orders.ts'
import type { LatencyModel } from './latency-model.ts'
import type { MarketTerms } from './market-terms.ts'
import { newNotice, type OrderNotice, type OrderNoticeKind, WHY_ASKED, WHY_REFUSED } from './order-notice.ts'
import { OrderPool } from './order-pool.ts'
import { orderRefusal } from './order-refusal.ts'
import {
  BUY,
  CANCELED,
  EXPIRED,
  FILLED,
  FIRST_ENDED,
  NEW,
  NO_REQUEST,
  PARTIALLY_FILLED,
  REQUEST_CANCEL,
  REQUEST_MODIFY,
  REQUEST_NAMES,
  REQUEST_NEW,
  SENT,
  type Side,
} from './order-terms.ts'

/** A fill as its owner hears of it: one reused object. Times are nanoseconds since the origin of the replay. */
export interface Fill {
  orderId: number
  side: Side
  tick: number
  lots: number
  isMaker: boolean
  /** BY_QUEUE, BY_THROUGH, BY_CROSS, BY_TAKE. */
  reason: number
  exchangeNs: number
  localNs: number
  fee: number
  /** What is left of the order, lots. */
  leaves: number
}

/** Hears of what reaches a participant. */
export interface ParticipantListener {
  /** Messages are missing at the exchange's time; orders were cancelled, or are held, as the market's terms say. */
  gap?(timeNs: number): void
  fill?(fill: Fill): void
  /** Something happened to an order, before `fill` where it is one. */
  order?(notice: OrderNotice): void
  /** A trade reached the local side. @param taker side of the taker */
  trade?(taker: Side, tick: number, lots: number, exchangeNs: number, localNs: number): void
}

/**
 * Who takes part in a market: one strategy's orders on both sides, the messages between them, and its account. Nothing of it is
 * seen by another. All calls are of the local side; prices in ticks, quantities in lots.
 */
export class Participant {
  readonly terms: MarketTerms
  readonly pool: OrderPool
  readonly account: Account
  readonly exchange: ExchangeSide
  readonly requests = new FlightQueue()
  readonly responses = new FlightQueue()
  listener: ParticipantListener = {}
  /** Orders that may still be filled, as far as is known here. */
  openCount = 0
  /** The handler that its owner is in, if no orders may be sent from there. */
  silentIn: string | null = null
  /** Orders sent so far; ids count from 1. */
  ordersSent = 0
  cancelsSent = 0
  /** Quantity of all orders sent, lots. */
  lotsSent = 0
  readonly #latency: LatencyModel
  readonly #market: ExchangeMarket
  readonly #known = new KnownOrders()
  readonly #notice = newNotice()
  readonly #fill: Fill = {
    orderId: 0,
    side: BUY,
    tick: 0,
    lots: 0,
    isMaker: false,
    reason: 0,
    exchangeNs: 0,
    localNs: 0,
    fee: 0,
    leaves: 0,
  }

  constructor(terms: MarketTerms, market: ExchangeMarket) {
    this.terms = terms
    this.#market = market
    this.pool = new OrderPool(terms.maxOrders)
    this.account = new Account(terms.contract, terms.fees)
    this.#latency = terms.latency()
    this.exchange = new ExchangeSide(terms, this.pool, market, this.responses, this.#latency)
  }

  get latency(): LatencyModel {
    return this.#latency
  }

  /** Flat, and without orders. @param originNs nanoseconds since the epoch */
  begin(originNs: bigint): void {
    this.pool.clear()
    this.#known.clear()
    this.openCount = 0
    this.requests.clear()
    this.responses.clear()
    this.exchange.clear()
    this.account.clear()
    this.#latency.begin?.(originNs)
    this.ordersSent = 0
    this.cancelsSent = 0
    this.lotsSent = 0
  }

  /** The origin of time moves on. */
  rebase(byNs: number, originNs: bigint): void {
    this.requests.rebase(byNs)
    this.responses.rebase(byNs)
    for (const slot of this.#known) {
      this.pool.exchangeNs[slot]! -= byNs
      this.pool.requestNs[slot]! -= byNs
    }
    this.#latency.rebase?.(originNs)
  }

  /** Slot of an order that is known; −1. */
  slotOf(id: number): number {
    return this.#known.slotOf(id)
  }

  /** Slots of the orders that are known, by age. */
  get slots(): Iterable<number> {
    return this.#known
  }

  /** Orders that are known, ended ones that were not dropped included. */
  get orderCount(): number {
    return this.#known.count
  }

  /** Fills at the exchange whose reports are on their way. */
  get fillsInFlight(): number {
    const { data, count } = this.responses
    let fills = 0
    for (let i = 0; i < count; i++) if (data[this.responses.at(i) + FLIGHT_FILL_LOTS]! > 0) fills++
    return fills
  }

  /** What these will add to the position, lots. */
  get lotsInFlight(): number {
    const { data, count } = this.responses
    let lots = 0
    for (let i = 0; i < count; i++) {
      const at = this.responses.at(i)
      lots += this.pool.sides[data[at + FLIGHT_SLOT]!]! * data[at + FLIGHT_FILL_LOTS]!
    }
    return lots
  }

  /**
   * Sends an order; gives its id.
   * @throws ReplayError input `order-side`, `order-price`, `order-quantity`, `order-time`, `too-many-orders`
   */
  send(side: Side, tick: number, lots: number, timeInForce: number, isMarket: boolean): number {
    this.#requireTime()
    if (side !== 1 && side !== -1) throw orderRefusal('order-side', 'side', '1 or -1', side)
    if (!isMarket && !Number.isSafeInteger(tick)) throw orderRefusal('order-price', 'price', 'a whole number of ticks', tick)
    this.#requireQuantity(lots)
    const { pool } = this
    const slot = pool.take()
    const id = ++this.ordersSent
    this.lotsSent += lots
    this.#known.add(id, slot)
    this.openCount++
    pool.ids[slot] = id
    pool.sides[slot] = side
    pool.timesInForce[slot] = timeInForce
    pool.isMarket[slot] = isMarket ? 1 : 0
    pool.statuses[slot] = SENT
    pool.ticks[slot] = tick
    pool.quantities[slot] = lots
    pool.leaves[slot] = lots
    pool.exchangeNs[slot] = Number.NaN
    this.#request(slot, REQUEST_NEW, tick, lots)
    return id
  }

  /** Whether a cancel or modify may be sent: confirmed, not ended, and nothing pending. */
  isCancellable(slot: number): boolean {
    const status = this.pool.statuses[slot]!
    return (status === NEW || status === PARTIALLY_FILLED) && this.pool.pending[slot] === NO_REQUEST
  }

  /**
   * Asks for a cancel. Gives false for an order that has ended and was dropped; of one that has ended the exchange refuses it.
   * @throws ReplayError input `order-unknown`, `order-time`, `request-pending`
   */
  cancel(id: number): boolean {
    const slot = this.#requested(id)
    if (slot < 0) return false
    this.cancelsSent++
    this.#request(slot, REQUEST_CANCEL, this.pool.ticks[slot]!, this.pool.leaves[slot]!)
    return true
  }

  /**
   * Asks for another price and leaves. Gives false as `cancel` does.
   * @throws ReplayError input `order-unknown`, `request-pending`, `order-price`, `order-quantity`
   */
  modify(id: number, tick: number, lots: number): boolean {
    if (!Number.isSafeInteger(tick)) throw orderRefusal('order-price', 'price', 'a whole number of ticks', tick)
    this.#requireQuantity(lots)
    const slot = this.#requested(id)
    if (slot < 0) return false
    this.#request(slot, REQUEST_MODIFY, tick, lots)
    return true
  }

  /** Forgets the orders that have ended. */
  clearInactive(): void {
    for (const slot of this.#known) this.forget(this.pool.ids[slot]!)
  }

  /** Forgets an order if it has ended. */
  forget(id: number): void {
    const slot = this.#known.slotOf(id)
    if (slot < 0 || this.pool.statuses[slot]! < FIRST_ENDED) return
    this.#known.remove(id)
    if (this.pool.inFlight[slot] === 0) this.pool.release(slot)
    else this.pool.isDropped[slot] = 1
  }

  /** The first request arrives at the exchange. */
  arriveFirst(): void {
    const { data, first } = this.requests
    const slot = data[first + FLIGHT_SLOT]!
    const request = data[first + FLIGHT_REQUEST]!
    const tick = data[first + FLIGHT_TICK]!
    const lots = data[first + FLIGHT_LOTS]!
    this.requests.shift()
    this.exchange.handle(slot, request, tick, lots)
    this.pool.inFlight[slot]!--
  }

  /** The first response arrives at the local side. */
  hearFirst(): void {
    const { data, first, nextNs } = this.responses
    const { pool } = this
    const slot = data[first + FLIGHT_SLOT]!
    const request = data[first + FLIGHT_REQUEST]!
    const isRejected = data[first + FLIGHT_REJECTED] === 1
    const fillLots = data[first + FLIGHT_FILL_LOTS]!
    const wasOpen = pool.statuses[slot]! < FIRST_ENDED
    if (!isRejected) {
      pool.statuses[slot] = data[first + FLIGHT_STATUS]!
      pool.ticks[slot] = data[first + FLIGHT_TICK]!
      pool.leaves[slot] = data[first + FLIGHT_LOTS]!
      if (request === REQUEST_MODIFY) pool.quantities[slot] = pool.leaves[slot]! + fillLots
    } else if (request === REQUEST_NEW) pool.statuses[slot] = EXPIRED
    if (wasOpen && pool.statuses[slot]! >= FIRST_ENDED) this.openCount--
    pool.exchangeNs[slot] = data[first + FLIGHT_EXCHANGE_TIME]!
    // A request is over by its own answer; a fill meanwhile says nothing of it.
    if (request === pool.pending[slot] || (fillLots > 0 && this.terms.compat.has('fillClearsPending'))) pool.pending[slot] = NO_REQUEST
    if (fillLots > 0) this.#takeFill(slot, data, first, nextNs)
    if (this.listener.order !== undefined) this.#tellAnswer(slot, data, first, nextNs)
    this.responses.shift()
    if (--pool.inFlight[slot]! === 0 && pool.isDropped[slot] === 1) pool.release(slot)
    if (fillLots > 0) this.listener.fill?.(this.#fill)
  }

  #takeFill(slot: number, data: Float64Array, at: number, nowNs: number): void {
    const { pool } = this
    const fill = this.#fill
    fill.orderId = pool.ids[slot]!
    fill.side = pool.sides[slot] as Side
    fill.tick = data[at + FLIGHT_FILL_TICK]!
    fill.lots = data[at + FLIGHT_FILL_LOTS]!
    fill.isMaker = data[at + FLIGHT_MAKER] === 1
    fill.reason = data[at + FLIGHT_REASON]!
    fill.exchangeNs = data[at + FLIGHT_EXCHANGE_TIME]!
    fill.localNs = nowNs
    fill.leaves = pool.leaves[slot]!
    fill.fee = this.account.add(fill.side, fill.tick, fill.lots, fill.isMaker)
    pool.lastTicks[slot] = fill.tick
    pool.lastLots[slot] = fill.lots
    pool.lastIsMaker[slot] = fill.isMaker ? 1 : 0
  }

  #request(slot: number, request: number, tick: number, lots: number): void {
    const { pool } = this
    const { nowNs } = this.#market
    const latencyNs = this.#latency.entry(nowNs)
    pool.pending[slot] = request
    pool.requestNs[slot] = nowNs
    pool.inFlight[slot]!++
    const isRefused = latencyNs < 0
    const queue = isRefused ? this.responses : this.requests
    const at = queue.push(nowNs + Math.abs(latencyNs))
    const { data } = queue
    data[at + FLIGHT_SLOT] = slot
    data[at + FLIGHT_REQUEST] = request
    data[at + FLIGHT_TICK] = tick
    data[at + FLIGHT_LOTS] = lots
    if (this.listener.order !== undefined) this.#tellRequest(slot, request, tick, lots)
    if (!isRefused) return
    // Refused before the matching engine: there is no time of the exchange.
    data[at + FLIGHT_REJECTED] = 1
    data[at + FLIGHT_REASON] = WHY_REFUSED
    data[at + FLIGHT_EXCHANGE_TIME] = Number.NaN
    this.exchange.counts.rejected++
  }

  #tellRequest(slot: number, request: number, tick: number, lots: number): void {
    const kind = request === REQUEST_NEW ? 'sent' : request === REQUEST_CANCEL ? 'cancel-sent' : 'modify-sent'
    const asked = request === REQUEST_CANCEL ? Number.NaN : lots
    this.#tell(slot, { kind, tick, lots: asked, why: WHY_ASKED, exchangeNs: Number.NaN, localNs: this.#market.nowNs })
  }

  #tellAnswer(slot: number, data: Float64Array, at: number, nowNs: number): void {
    const isFill = data[at + FLIGHT_FILL_LOTS]! > 0
    this.#tell(slot, {
      kind: answerOf(data, at),
      tick: data[at + (isFill ? FLIGHT_FILL_TICK : FLIGHT_TICK)]!,
      lots: isFill ? data[at + FLIGHT_FILL_LOTS]! : Number.NaN,
      why: data[at + FLIGHT_REASON]!,
      exchangeNs: data[at + FLIGHT_EXCHANGE_TIME]!,
      localNs: nowNs,
    })
  }

  #tell(slot: number, told: Omit<OrderNotice, 'orderId' | 'side' | 'leaves'>): void {
    const { pool } = this
    const notice = Object.assign(this.#notice, told)
    notice.orderId = pool.ids[slot]!
    notice.side = pool.sides[slot] as Side
    notice.leaves = pool.leaves[slot]!
    const isFill = told.kind === 'filled' || told.kind === 'partially-filled'
    if (pool.isMarket[slot] === 1 && !isFill) notice.tick = Number.NaN
    this.listener.order!(notice)
  }

  /** Slot of an order that a request may be sent for; −1 when it has ended and was dropped. */
  #requested(id: number): number {
    this.#requireTime()
    const slot = this.#known.slotOf(id)
    if (slot < 0) {
      if (typeof id !== 'number') {
        const message = `order ${shownValue(id)}: expected a number, as buy and sell give it`
        throw new ReplayError('order-unknown', message, { category: 'input' })
      }
      if (Number.isSafeInteger(id) && id >= 1 && id <= this.ordersSent) return -1
      throw new ReplayError('order-unknown', `order ${id}: there is none; ${this.ordersSent} were sent so far, ids count from 1`, {
        category: 'input',
      })
    }
    const pending = this.pool.pending[slot]!
    if (pending !== NO_REQUEST) {
      throw new ReplayError(
        'request-pending',
        `order ${id}: a request (${REQUEST_NAMES[pending]}) is on its way already; ask for what isCancellable allows`,
        { category: 'input' },
      )
    }
    return slot
  }

  #requireTime(): void {
    if (this.silentIn === null) return
    const message = `order: orders are sent from step, fill and trade, not from ${this.silentIn}`
    throw new ReplayError('order-time', message, { category: 'input' })
  }

  #requireQuantity(lots: number): void {
    const isWhole = Number.isSafeInteger(lots) || (this.terms.compat.has('anyQuantity') && Number.isFinite(lots))
    if (!(lots > 0) || !isWhole) throw orderRefusal('order-quantity', 'quantity', 'a whole number of lots above 0', lots)
  }
}

function answerOf(data: Float64Array, at: number): OrderNoticeKind {
  const status = data[at + FLIGHT_STATUS]!
  if (data[at + FLIGHT_REJECTED] === 1) return 'rejected'
  if (data[at + FLIGHT_FILL_LOTS]! > 0) return status === FILLED ? 'filled' : 'partially-filled'
  if (status === CANCELED) return 'canceled'
  if (status === EXPIRED) return 'expired'
  return data[at + FLIGHT_REQUEST] === REQUEST_MODIFY ? 'modified' : 'accepted'
}
