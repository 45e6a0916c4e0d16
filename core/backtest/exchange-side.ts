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
  type FlightQueue,
} from './flight-queue.ts'
import type { LatencyModel } from './latency-model.ts'
import { LevelQueues } from './level-queues.ts'
import type { MarketBook } from './market-book.ts'
import type { MarketTerms } from './market-terms.ts'
import {
  WHY_ASKED,
  WHY_CLEARED,
  WHY_ENDED,
  WHY_GAP,
  WHY_KEPT_PLACE,
  WHY_NEW_PLACE,
  WHY_NOT_COVERED,
  WHY_NOTHING_MET,
  WHY_REST,
  WHY_WOULD_TAKE,
} from './order-notice.ts'
import type { OrderPool } from './order-pool.ts'
import { OrderQueues } from './order-queues.ts'
import {
  BUY,
  BY_CROSS,
  BY_TAKE,
  CANCELED,
  EXPIRED,
  FILLED,
  FIRST_ENDED,
  FOK,
  GTC,
  GTX,
  NEW,
  NO_REQUEST,
  PARTIALLY_FILLED,
  REQUEST_CANCEL,
  REQUEST_MODIFY,
  REQUEST_NEW,
  type Side,
} from './order-terms.ts'
import { type FillTaker, RestingOrders } from './resting-orders.ts'

/** What of the market the matching of one participant's orders looks at. */
export interface ExchangeMarket {
  readonly book: MarketBook
  /** Time of the event or message being handled. */
  readonly nowNs: number
  /** When the book changed last. */
  readonly bookNs: number
  /** False behind a gap, until the book is whole again. */
  readonly isBookKnown: boolean
  /** L3: number of the last market order that joined a queue. */
  readonly joined: number
}

/** Things that a result should say of itself. */
export interface ExchangeCounts {
  /** Takes of more than the book showed for them. */
  beyondDepth: number
  /** Takes on a book that had not changed for longer than the limit. */
  onOldBook: number
  expired: number
  rejected: number
}

/**
 * The orders of one participant at the exchange: arrival, matching, cancel and modify (BACKTEST §3, §5). The market is not changed by
 * them. What happens is reported by responses on their way to the local side.
 */
export class ExchangeSide implements FillTaker {
  readonly resting: RestingOrders
  /** L2, else null. */
  readonly levels: LevelQueues | null
  /** L3, else null. */
  readonly orders: OrderQueues | null
  readonly counts: ExchangeCounts = { beyondDepth: 0, onOldBook: 0, expired: 0, rejected: 0 }
  readonly #pool: OrderPool
  readonly #terms: MarketTerms
  readonly #market: ExchangeMarket
  readonly #responses: FlightQueue
  readonly #latency: LatencyModel

  constructor(terms: MarketTerms, pool: OrderPool, market: ExchangeMarket, responses: FlightQueue, latency: LatencyModel) {
    this.#terms = terms
    this.#pool = pool
    this.#market = market
    this.#responses = responses
    this.#latency = latency
    this.resting = new RestingOrders(pool)
    const { queue, fills, compat } = terms
    const isOwnIndependent = compat.has('ownOrdersIndependent')
    this.levels = queue === 'fifo' ? null : new LevelQueues(pool, this.resting, this, { model: queue, fills, isOwnIndependent })
    this.orders = queue === 'fifo' ? new OrderQueues(pool, this.resting, this, fills) : null
  }

  clear(): void {
    this.resting.clear()
    Object.assign(this.counts, { beyondDepth: 0, onOldBook: 0, expired: 0, rejected: 0 })
  }

  /** A request has arrived; it meets the book after all market events of its time. */
  handle(slot: number, request: number, tick: number, lots: number): void {
    const { xStatuses, xTicks, xLeaves, isResting } = this.#pool
    if (request === REQUEST_NEW) {
      xStatuses[slot] = NEW
      xTicks[slot] = tick
      xLeaves[slot] = lots
      this.#arrive(slot, REQUEST_NEW)
    } else if (isResting[slot] === 0) this.#reject(slot, request)
    else if (request === REQUEST_CANCEL) {
      this.resting.remove(slot)
      xStatuses[slot] = CANCELED
      this.#answer(slot, REQUEST_CANCEL)
    } else this.#modify(slot, tick, lots)
  }

  /** All resting orders are ended by the exchange, unasked. @param status CANCELED or EXPIRED */
  endAll(status: number): void {
    while (this.resting.count > 0) {
      const slot = this.resting.slots[0]!
      this.resting.remove(slot)
      this.#pool.xStatuses[slot] = status
      this.#answer(slot, NO_REQUEST, status === CANCELED ? WHY_GAP : WHY_CLEARED)
    }
  }

  /** The best price of the other side came to `best`, which fills orders of `side` that it has reached, wherever they stand. */
  crossed(side: Side, best: number): void {
    const { slots } = this.resting
    const { sides, xTicks, xLeaves } = this.#pool
    for (let i = 0; i < this.resting.count; ) {
      const slot = slots[i]!
      const isMet = sides[slot] === side && (side === BUY ? xTicks[slot]! >= best : xTicks[slot]! <= best)
      // An order that is done has left the list.
      if (isMet) this.fillResting(slot, xLeaves[slot]!, BY_CROSS)
      else i++
    }
  }

  fillResting(slot: number, lots: number, reason: number): void {
    this.#fill(slot, lots, this.#pool.xTicks[slot]!, true, reason, NO_REQUEST)
    if (this.#pool.xStatuses[slot] === FILLED) this.resting.remove(slot)
  }

  #modify(slot: number, tick: number, lots: number): void {
    const { xTicks, xLeaves } = this.#pool
    if (tick === xTicks[slot] && lots <= xLeaves[slot]!) {
      xLeaves[slot] = lots
      this.#answer(slot, REQUEST_MODIFY, WHY_KEPT_PLACE)
      return
    }
    this.resting.remove(slot)
    xTicks[slot] = tick
    if (!this.#terms.compat.has('modifyKeepsLeaves')) xLeaves[slot] = lots
    if (this.orders !== null && this.#terms.compat.has('l3ModifyRests')) this.#rest(slot, REQUEST_MODIFY)
    else this.#arrive(slot, REQUEST_MODIFY)
  }

  /** Takes what it can, and rests or expires as its time in force says. */
  #arrive(slot: number, request: number): void {
    const { sides, timesInForce, isMarket, xTicks } = this.#pool
    const { book, isBookKnown } = this.#market
    if (!isBookKnown && this.#terms.onGap === 'cancel') {
      this.#expire(slot, request, WHY_GAP)
      return
    }
    const side = sides[slot] as Side
    const best = side === BUY ? book.bestAsk : book.bestBid
    // Nobody can take from a book that nobody knows.
    const hasBest = isBookKnown && Number.isFinite(best)
    if (isMarket[slot] === 1) {
      const answers = hasBest ? this.#take(slot, request, best, this.#marketLimit(side, best)) : request
      if (this.#pool.xStatuses[slot]! < FIRST_ENDED) this.#expire(slot, answers, hasBest ? WHY_REST : WHY_NOTHING_MET)
      return
    }
    const tick = xTicks[slot]!
    const isMarketable = hasBest && (side === BUY ? tick >= best : tick <= best)
    const timeInForce = timesInForce[slot]!
    if (!isMarketable) {
      if (timeInForce === GTC || timeInForce === GTX) this.#rest(slot, request)
      else this.#expire(slot, request, WHY_NOTHING_MET)
      return
    }
    if (timeInForce === GTX || (timeInForce === FOK && !this.#covers(slot, side, best, tick))) {
      this.#expire(slot, request, timeInForce === GTX ? WHY_WOULD_TAKE : WHY_NOT_COVERED)
      return
    }
    const answers = this.#take(slot, request, best, tick)
    if (this.#pool.xStatuses[slot]! >= FIRST_ENDED) return
    if (timeInForce !== GTC) {
      this.#expire(slot, answers, WHY_REST)
      return
    }
    // It outruns what is shown, and cannot rest inside the recorded other side.
    this.counts.beyondDepth++
    this.#fill(slot, this.#pool.xLeaves[slot]!, tick, false, BY_TAKE, answers)
  }

  #rest(slot: number, request: number): void {
    const { book, isBookKnown, joined } = this.#market
    this.resting.add(slot)
    this.levels?.accepted(slot, book, isBookKnown)
    this.orders?.accepted(slot, book, joined)
    this.#answer(slot, request, request === REQUEST_MODIFY ? WHY_NEW_PLACE : WHY_ASKED)
  }

  /** Takes at the best price (whole), or level by level at each level's price up to `limit` (partial). Gives the request that was not answered. */
  #take(slot: number, request: number, best: number, limit: number): number {
    const { sides, xLeaves, xStatuses } = this.#pool
    const { book, nowNs, bookNs } = this.#market
    const other = -sides[slot]! as Side
    if (nowNs - bookNs > this.#terms.oldBookNs) this.counts.onOldBook++
    if (this.#terms.fills === 'whole') {
      if (xLeaves[slot]! > book.lotsAt(other, best)) this.counts.beyondDepth++
      this.#fill(slot, xLeaves[slot]!, best, false, BY_TAKE, request)
      return NO_REQUEST
    }
    let answers = request
    for (let tick = best; other === BUY ? tick >= limit : tick <= limit; tick = book.nextBehind(other, tick)) {
      const lots = Math.min(book.lotsAt(other, tick), xLeaves[slot]!)
      if (lots > 0) {
        this.#fill(slot, lots, tick, false, BY_TAKE, answers)
        answers = NO_REQUEST
      }
      if (xStatuses[slot] === FILLED) break
    }
    return answers
  }

  /** How far a market order takes: all that is shown. */
  #marketLimit(side: Side, best: number): number {
    if (!this.#terms.compat.has('market100Ticks')) return side === BUY ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
    return side === BUY ? best + 99 : best - 100
  }

  /** Whether what is shown up to the limit is enough for all of an order. */
  #covers(slot: number, side: Side, best: number, limit: number): boolean {
    if (this.#terms.fills === 'whole') return true
    const { book } = this.#market
    const wanted = Math.round(this.#pool.xLeaves[slot]!)
    const other = -side as Side
    let lots = 0
    for (let tick = best; other === BUY ? tick >= limit : tick <= limit; tick = book.nextBehind(other, tick)) {
      lots += book.lotsAt(other, tick)
      if (Math.round(lots) >= wanted) return true
    }
    return false
  }

  #fill(slot: number, lots: number, tick: number, isMaker: boolean, reason: number, request: number): void {
    const { xLeaves, xStatuses } = this.#pool
    xLeaves[slot]! -= lots
    xStatuses[slot] = Math.round(xLeaves[slot]!) <= 0 ? FILLED : PARTIALLY_FILLED
    const at = this.#answer(slot, request)
    const { data } = this.#responses
    data[at + FLIGHT_FILL_LOTS] = lots
    data[at + FLIGHT_FILL_TICK] = tick
    data[at + FLIGHT_MAKER] = isMaker ? 1 : 0
    data[at + FLIGHT_REASON] = reason
  }

  #expire(slot: number, request: number, why: number): void {
    this.#pool.xStatuses[slot] = EXPIRED
    this.counts.expired++
    this.#answer(slot, request, why)
  }

  #reject(slot: number, request: number): void {
    this.counts.rejected++
    const at = this.#answer(slot, request, WHY_ENDED)
    this.#responses.data[at + FLIGHT_REJECTED] = 1
  }

  /** Sends the order as it is now. @param why of what is no fill */
  #answer(slot: number, request: number, why = WHY_ASKED): number {
    const { xStatuses, xTicks, xLeaves, inFlight } = this.#pool
    const { nowNs } = this.#market
    const at = this.#responses.push(nowNs + this.#latency.response(nowNs))
    const { data } = this.#responses
    inFlight[slot]!++
    data[at + FLIGHT_SLOT] = slot
    data[at + FLIGHT_REQUEST] = request
    data[at + FLIGHT_TICK] = xTicks[slot]!
    data[at + FLIGHT_LOTS] = xLeaves[slot]!
    data[at + FLIGHT_STATUS] = xStatuses[slot]!
    data[at + FLIGHT_REASON] = why
    data[at + FLIGHT_EXCHANGE_TIME] = nowNs
    return at
  }
}
