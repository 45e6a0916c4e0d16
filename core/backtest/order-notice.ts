import { BY_QUEUE, REASON_NAMES, type Side } from './order-terms.ts'
import type { PriceGrid } from './price-grid.ts'

/**
 * What happened to an order, as its owner comes to know it: requests as they leave, answers as they arrive.
 *
 * | sent, cancel-sent, modify-sent | a request left                                                   |
 * | accepted                       | it rests in the market                                           |
 * | modified                       | it has another price or quantity                                 |
 * | partially-filled, filled       | a fill was reported                                              |
 * | canceled, expired              | it ended with what was filled so far                             |
 * | rejected                       | a request was refused; an order stays as it was, a new one ended |
 */
export type OrderNoticeKind =
  | 'sent'
  | 'cancel-sent'
  | 'modify-sent'
  | 'accepted'
  | 'modified'
  | 'partially-filled'
  | 'filled'
  | 'canceled'
  | 'expired'
  | 'rejected'

/**
 * Why, of what is no fill.
 *
 * | asked        | the strategy wanted it                                                         |
 * | kept-place   | modified to less at the same price: its place in the queue stays               |
 * | new-place    | modified to another price, or to more: it went to the back of the queue        |
 * | would-take   | post only (gtx), and it would have taken                                       |
 * | nothing-met  | it takes or expires (ioc, fok, market), and nothing was shown up to its price  |
 * | not-covered  | fok, and less was shown than its quantity                                      |
 * | rest         | it took what was shown; the rest of it expired                                 |
 * | ended        | the request came when the order had ended                                      |
 * | refused      | the request was refused before it reached the exchange (latency)               |
 * | gap          | messages are missing, and orders are not held (`onGap`)                        |
 * | cleared      | the book was cleared (L3 with `l3ClearExpires`)                                |
 */
export type OrderWhy =
  | 'asked'
  | 'kept-place'
  | 'new-place'
  | 'would-take'
  | 'nothing-met'
  | 'not-covered'
  | 'rest'
  | 'ended'
  | 'refused'
  | 'gap'
  | 'cleared'

export const WHY_ASKED = 0
export const WHY_KEPT_PLACE = 1
export const WHY_NEW_PLACE = 2
export const WHY_WOULD_TAKE = 3
export const WHY_NOTHING_MET = 4
export const WHY_NOT_COVERED = 5
export const WHY_REST = 6
export const WHY_ENDED = 7
export const WHY_REFUSED = 8
export const WHY_GAP = 9
export const WHY_CLEARED = 10
const WHY_NAMES: readonly OrderWhy[] = [
  'asked',
  'kept-place',
  'new-place',
  'would-take',
  'nothing-met',
  'not-covered',
  'rest',
  'ended',
  'refused',
  'gap',
  'cleared',
]

/** What is told of an order: one reused object. Times are nanoseconds since the origin of the replay, NaN: none. */
export interface OrderNotice {
  kind: OrderNoticeKind
  orderId: number
  side: Side
  /** Limit of the order, or asked for, or of the fill; NaN: a market order has none. */
  tick: number
  /** Asked for, or filled; NaN: neither. */
  lots: number
  /** What is left of the order as its owner knows it. */
  leaves: number
  /** Of a fill BY_QUEUE, …; else WHY_ASKED, … */
  why: number
  /** When it happened at the exchange. */
  exchangeNs: number
  localNs: number
}

export function newNotice(): OrderNotice {
  return {
    ...{ kind: 'sent', orderId: 0, side: 1, tick: 0, lots: 0, leaves: 0, why: BY_QUEUE },
    ...{ exchangeNs: Number.NaN, localNs: Number.NaN },
  }
}

/** A notice in the log's units; one reused view. */
export class OrderNoticeView {
  readonly #grid: PriceGrid
  /** Nanoseconds since the epoch of the times in `notice`. */
  originNs = 0n
  notice!: OrderNotice

  constructor(grid: PriceGrid) {
    this.#grid = grid
  }

  get event(): OrderNoticeKind {
    return this.notice.kind
  }

  get orderId(): number {
    return this.notice.orderId
  }

  get side(): Side {
    return this.notice.side
  }

  /** NaN: none. */
  get price(): number {
    return this.notice.tick * this.#grid.tick
  }

  /** NaN: none. */
  get quantity(): number {
    return this.notice.lots * this.#grid.lot
  }

  get leaves(): number {
    return this.notice.leaves * this.#grid.lot
  }

  get reason(): string {
    const { kind, why } = this.notice
    return kind === 'filled' || kind === 'partially-filled' ? REASON_NAMES[why]! : WHY_NAMES[why]!
  }

  /** Null: it did not happen there. */
  get exchangeNs(): bigint | null {
    const { exchangeNs } = this.notice
    return Number.isNaN(exchangeNs) ? null : this.originNs + BigInt(exchangeNs)
  }

  get localNs(): bigint {
    return this.originNs + BigInt(this.notice.localNs)
  }
}
