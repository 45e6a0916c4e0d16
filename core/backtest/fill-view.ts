import { type FillReason, REASON_NAMES, type Side } from './order-terms.ts'
import type { Fill } from './participant.ts'
import type { PriceGrid } from './price-grid.ts'

/** A fill as a strategy hears of it; one reused view. */
export class FillView {
  readonly #grid: PriceGrid
  /** Nanoseconds since the epoch of the times in `fill`. */
  originNs = 0n
  fill!: Fill

  constructor(grid: PriceGrid) {
    this.#grid = grid
  }

  get orderId(): number {
    return this.fill.orderId
  }

  /** 1 buy, −1 sell. */
  get side(): Side {
    return this.fill.side
  }

  get price(): number {
    return this.fill.tick * this.#grid.tick
  }

  get quantity(): number {
    return this.fill.lots * this.#grid.lot
  }

  /** What is left of the order. */
  get leaves(): number {
    return this.fill.leaves * this.#grid.lot
  }

  get isMaker(): boolean {
    return this.fill.isMaker
  }

  /** Why it was filled. */
  get reason(): FillReason {
    return REASON_NAMES[this.fill.reason]!
  }

  /** Negative: a rebate. */
  get fee(): number {
    return this.fill.fee
  }

  /** When it happened at the exchange, nanoseconds since the epoch. */
  get exchangeNs(): bigint {
    return this.originNs + BigInt(this.fill.exchangeNs)
  }

  /** When its report arrived. */
  get localNs(): bigint {
    return this.originNs + BigInt(this.fill.localNs)
  }
}

/** A trade of the market as a strategy hears of it; one reused object. */
export interface TradeNotice {
  /** Of the taker: 1 buyer, −1 seller. */
  side: Side
  price: number
  quantity: number
}
