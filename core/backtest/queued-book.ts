import { bookHash } from '../book/book-hash.ts'
import { L3Book } from '../book/l3-book.ts'
import {
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_PRICE,
  ORDER_QUANTITY,
  ORDER_SIDE_AND_TYPE,
} from '../book/order-store.ts'
import { encodeL3Payload, loadL3Payload } from '../book/snapshot/snapshot-payload.ts'
import { SIDE_BUY } from '../protocol/l3-event.ts'
import type { MarketBook } from './market-book.ts'
import { BUY, SELL, type Side } from './order-terms.ts'
import type { PriceGrid } from './price-grid.ts'

/** A market order of an L3 book as it stands in its queue; one reused object. */
export interface QueuedOrder {
  /** False: there is no such order, or it is on no level. */
  isResting: boolean
  side: Side
  tick: number
  lots: number
  /** Counts those who joined a queue. */
  joined: number
}

/** An L3 book in ticks and lots, whose orders are numbered in the order in which they joined their queues. */
export class QueuedBook implements MarketBook {
  readonly source = new L3Book()
  /** Number of the last order that joined a queue. */
  joined = 0
  readonly #grid: PriceGrid
  /** By slot of the order. */
  #numbers = new Float64Array(1024)

  constructor(grid: PriceGrid) {
    this.#grid = grid
  }

  clear(): void {
    this.source.clear()
  }

  get bestBid(): number {
    const price = this.source.bids.totals.bestPrice
    return Number.isNaN(price) ? Number.NEGATIVE_INFINITY : this.#grid.tickOf(price, this.source.priceScale)
  }

  get bestAsk(): number {
    const price = this.source.asks.totals.bestPrice
    return Number.isNaN(price) ? Number.POSITIVE_INFINITY : this.#grid.tickOf(price, this.source.priceScale)
  }

  lotsAt(side: Side, tick: number): number {
    const { priceScale, sizeScale } = this.source
    if (priceScale < 0) return 0
    return this.#grid.lotsOf(this.#totals(side).sizeAt(this.#grid.priceOf(tick, priceScale)), sizeScale)
  }

  nextBehind(side: Side, tick: number): number {
    const { priceScale } = this.source
    if (priceScale < 0) return Number.NaN
    const price = this.#totals(side).worseThan(this.#grid.priceOf(tick, priceScale))
    return Number.isNaN(price) ? price : this.#grid.tickOf(price, priceScale)
  }

  /** Gives an order as it is now. */
  read(idLow: number, idHigh: number, out: QueuedOrder): QueuedOrder {
    const { orders, priceScale, sizeScale } = this.source
    const slot = (idLow | idHigh) === 0 ? -1 : orders.find(idLow, idHigh)
    out.isResting = slot >= 0 && orders.words[slot * 16 + ORDER_LEVEL]! >= 0
    if (!out.isResting) return out
    out.side = (orders.words[slot * 16 + ORDER_SIDE_AND_TYPE]! & 0xff) === SIDE_BUY ? BUY : SELL
    out.tick = this.#grid.tickOf(orders.doubles[slot * 8 + ORDER_PRICE]!, priceScale)
    out.lots = this.#grid.lotsOf(orders.doubles[slot * 8 + ORDER_QUANTITY]!, sizeScale)
    out.joined = this.#numbers[slot] ?? 0
    return out
  }

  /** Becomes a copy of another book, its orders numbered as they stand in their queues. */
  load(book: L3Book): void {
    if (book.priceScale < 0) this.source.clear()
    else loadL3Payload(this.source, encodeL3Payload(book), bookHash(book))
    const { orders } = this.source
    for (const levels of [this.source.bids, this.source.asks]) {
      for (const price of levels.prices()) {
        for (let slot = levels.headAt(price); slot >= 0; slot = orders.words[slot * 16 + ORDER_NEXT]!) {
          this.join(orders.words[slot * 16 + ORDER_ID_LOW]!, orders.words[slot * 16 + ORDER_ID_HIGH]!)
        }
      }
    }
  }

  /** An order goes to the back of its queue; gives its number. */
  join(idLow: number, idHigh: number): number {
    const slot = this.source.orders.find(idLow, idHigh)
    if (slot >= this.#numbers.length) {
      const grown = new Float64Array(Math.max(slot + 1, 2 * this.#numbers.length))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers[slot] = ++this.joined
    return this.joined
  }

  #totals(side: Side) {
    return side === BUY ? this.source.bids.totals : this.source.asks.totals
  }
}
