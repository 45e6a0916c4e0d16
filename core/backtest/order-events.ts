import {
  L3_ADD,
  L3_EVENT_ASK_ORDER_ID_OFFSET,
  L3_EVENT_BID_ORDER_ID_OFFSET,
  L3_EVENT_BYTES,
  L3_EVENT_ORDER_ID_OFFSET,
  L3_EVENT_QUANTITY_OFFSET,
  L3_EVENT_SIZE_SCALE_OFFSET,
  L3_EVENT_TYPE_OFFSET,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
} from '../protocol/l3-event.ts'
import type { ExchangeSide } from './exchange-side.ts'
import { BUY, EXPIRED, SELL, type Side } from './order-terms.ts'
import type { Participant } from './participant.ts'
import type { PriceGrid } from './price-grid.ts'
import type { QueuedBook, QueuedOrder } from './queued-book.ts'

/** The market that order events happen in. */
export interface OrderEventHost {
  readonly grid: PriceGrid
  readonly participants: readonly Participant[]
  readonly exchanges: readonly ExchangeSide[]
  readonly nowNs: number
  /** Least price of all resting sells, and greatest of all buys. */
  readonly minSell: number
  readonly maxBuy: number
  isBookKnown: boolean
  /** Participants may have messages or orders that they had not at the last look. */
  isStale: boolean
  cross(side: Side, best: number): void
}

/** What the events of an L3 log do at the exchange: to its book, and to own orders in the queues (BACKTEST §7). */
export class OrderEvents {
  readonly #host: OrderEventHost
  readonly #book: QueuedBook
  /** Time of the reset whose snapshot is coming; NaN: none is. */
  #snapshotNs = Number.NaN
  readonly #before: QueuedOrder = { isResting: false, side: BUY, tick: 0, lots: 0, joined: 0 }
  readonly #after: QueuedOrder = { isResting: false, side: BUY, tick: 0, lots: 0, joined: 0 }

  constructor(host: OrderEventHost, book: QueuedBook) {
    this.#host = host
    this.#book = book
  }

  /** The origin of time moves on. */
  rebase(byNs: number): void {
    this.#snapshotNs -= byNs
  }

  /** @param words the payload of an L3 event at `words[at]` */
  meet(words: Uint32Array, at: number): void {
    const host = this.#host
    const book = this.#book
    const before = this.#before
    const event = words[at + (L3_EVENT_TYPE_OFFSET >>> 2)]! & 0xff
    const idAt = at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)
    if (event === L3_TRADE) this.#execute(words, at)
    else book.read(words[idAt]!, words[idAt + 1]!, before)
    const bid = book.bestBid
    const ask = book.bestAsk
    book.source.applyPayload(words, at, L3_EVENT_BYTES)
    if (event === L3_TRADE) return
    if (event === L3_RESET) {
      this.#resetQueues()
      return
    }
    const after = book.read(words[idAt]!, words[idAt + 1]!, this.#after)
    const isSame = before.isResting && after.isResting && event !== L3_ADD && before.tick === after.tick && after.lots <= before.lots
    if (before.isResting) {
      const left = isSame ? before.lots - after.lots : before.lots
      if (left > 0) for (const side of host.exchanges) side.orders!.left(before.side, before.tick, before.joined, left)
    }
    if (!after.isResting || isSame || (event !== L3_ADD && event !== L3_MODIFY)) return
    const joined = book.join(words[idAt]!, words[idAt + 1]!)
    if (host.nowNs === this.#snapshotNs) for (const side of host.exchanges) side.orders!.shown(after.side, after.tick, joined, after.lots)
    else this.#snapshotNs = Number.NaN
    if (book.bestBid > bid && book.bestBid >= host.minSell) host.cross(SELL, book.bestBid)
    if (book.bestAsk < ask && book.bestAsk <= host.maxBuy) host.cross(BUY, book.bestAsk)
  }

  /** Those of a trade's orders that rest are executed. */
  #execute(words: Uint32Array, at: number): void {
    const bidAt = at + (L3_EVENT_BID_ORDER_ID_OFFSET >>> 2)
    const askAt = at + (L3_EVENT_ASK_ORDER_ID_OFFSET >>> 2)
    const idAt = at + (L3_EVENT_ORDER_ID_OFFSET >>> 2)
    const hasSides = (words[bidAt]! | words[bidAt + 1]! | words[askAt]! | words[askAt + 1]!) !== 0
    const quantityAt = at + (L3_EVENT_QUANTITY_OFFSET >>> 2)
    const size = words[quantityAt]! + words[quantityAt + 1]! * 2 ** 32
    const scale = (words[at + (L3_EVENT_SIZE_SCALE_OFFSET >>> 2)]! >>> 8) & 0xff
    if (!hasSides) this.#executeOne(words, idAt, size, scale)
    else {
      this.#executeOne(words, bidAt, size, scale)
      // An order does not trade with itself.
      if (words[bidAt] !== words[askAt] || words[bidAt + 1] !== words[askAt + 1]) this.#executeOne(words, askAt, size, scale)
    }
  }

  #executeOne(words: Uint32Array, orderAt: number, size: number, scale: number): void {
    const order = this.#book.read(words[orderAt]!, words[orderAt + 1]!, this.#before)
    if (!order.isResting) return
    const lots = size === 0 ? order.lots : Math.min(order.lots, this.#host.grid.lotsOf(size, scale))
    this.#host.isStale = true
    for (let i = 0; i < this.#host.exchanges.length; i++) {
      const { orders } = this.#host.exchanges[i]!
      orders!.executed(order.side, order.tick, order.joined, lots)
      orders!.left(order.side, order.tick, order.joined, lots)
    }
  }

  #resetQueues(): void {
    this.#snapshotNs = this.#host.nowNs
    this.#host.isBookKnown = true
    this.#host.isStale = true
    for (const participant of this.#host.participants) {
      if (participant.terms.compat.has('l3ClearExpires')) participant.exchange.endAll(EXPIRED)
      else participant.exchange.orders!.replaced()
    }
  }
}
