import { type KnownOptions, requireOptions } from '../known-options.ts'
import { orderRefusal } from './order-refusal.ts'
import {
  FIRST_ENDED,
  GTC,
  IOC,
  type OrderRequest,
  type OrderStatus,
  REQUEST_NAMES,
  type Side,
  STATUS_NAMES,
  TIME_IN_FORCE_NAMES,
  type TimeInForce,
} from './order-terms.ts'
import type { Participant } from './participant.ts'
import type { PriceGrid } from './price-grid.ts'

export interface OrderOptions {
  /** @default 'gtc' */
  readonly timeInForce?: TimeInForce
}

const ORDER_OPTIONS: KnownOptions<OrderOptions> = { timeInForce: true }

/** An order as its owner knows it: one reused view, valid until the next call of the desk. */
export class OrderView {
  readonly #who: Participant
  readonly #grid: PriceGrid
  /** Of the pool. */
  slot = 0

  constructor(who: Participant, grid: PriceGrid) {
    this.#who = who
    this.#grid = grid
  }

  get id(): number {
    return this.#who.pool.ids[this.slot]!
  }

  /** 1 buy, −1 sell. */
  get side(): Side {
    return this.#who.pool.sides[this.slot] as Side
  }

  get price(): number {
    return this.#who.pool.ticks[this.slot]! * this.#grid.tick
  }

  /** Price in ticks. */
  get tick(): number {
    return this.#who.pool.ticks[this.slot]!
  }

  get quantity(): number {
    return this.#who.pool.quantities[this.slot]! * this.#grid.lot
  }

  /** What is not filled yet. */
  get leaves(): number {
    return this.#who.pool.leaves[this.slot]! * this.#grid.lot
  }

  get status(): OrderStatus {
    return STATUS_NAMES[this.#who.pool.statuses[this.slot]!]!
  }

  /** The request that is on its way. */
  get pending(): OrderRequest {
    return REQUEST_NAMES[this.#who.pool.pending[this.slot]!]!
  }

  get isOpen(): boolean {
    return this.#who.pool.statuses[this.slot]! < FIRST_ENDED
  }

  /** Whether a cancel or modify may be sent: confirmed, not ended, and nothing on its way. */
  get isCancellable(): boolean {
    return this.#who.isCancellable(this.slot)
  }
}

/**
 * Where a strategy sends its orders. Prices and quantities are in the log's units, multiples of the market's tick and lot. Orders that
 * have ended stay visible through the next step and are forgotten after it.
 */
export class OrderDesk {
  readonly #who: Participant
  readonly #grid: PriceGrid
  readonly #view: OrderView

  constructor(who: Participant, grid: PriceGrid) {
    this.#who = who
    this.#grid = grid
    this.#view = new OrderView(who, grid)
  }

  /** Orders that may still be filled, as far as is known here: with those on their way. */
  get openCount(): number {
    return this.#who.openCount
  }

  /** Sends a limit order; gives its id. @throws ReplayError input `order-price`, `order-quantity`, `too-many-orders` */
  buy(price: number, quantity: number, options?: OrderOptions): number {
    return this.#send(1, price, quantity, options)
  }

  /** As `buy`. */
  sell(price: number, quantity: number, options?: OrderOptions): number {
    return this.#send(-1, price, quantity, options)
  }

  /** Sends a market order; what the other side does not show expires. */
  buyMarket(quantity: number): number {
    return this.#who.send(1, 0, this.#lots(quantity), IOC, true)
  }

  sellMarket(quantity: number): number {
    return this.#who.send(-1, 0, this.#lots(quantity), IOC, true)
  }

  /** Asks for a cancel; false for an order that ended before the last step. @throws ReplayError input `order-unknown`, `request-pending` */
  cancel(id: number): boolean {
    return this.#who.cancel(id)
  }

  /** Asks for another price, and for `quantity` to be left to fill. @throws ReplayError as `buy` and `cancel` */
  modify(id: number, price: number, quantity: number): boolean {
    return this.#who.modify(id, this.#ticks(price), this.#lots(quantity))
  }

  /** Asks for cancels of all orders that may be cancelled now. */
  cancelAll(): void {
    for (const slot of this.#who.slots) if (this.#who.isCancellable(slot)) this.#who.cancel(this.#who.pool.ids[slot]!)
  }

  /** An order that is known; undefined when it has been forgotten. */
  get(id: number): OrderView | undefined {
    const slot = this.#who.slotOf(id)
    if (slot < 0) return undefined
    this.#view.slot = slot
    return this.#view
  }

  /** All orders that are known, by age. */
  *[Symbol.iterator](): IterableIterator<OrderView> {
    for (const slot of this.#who.slots) {
      this.#view.slot = slot
      yield this.#view
    }
  }

  /** The greatest multiple of the tick that is at most `price`. */
  priceDown(price: number): number {
    return Math.floor(this.#grid.ticksOfPrice(price)) * this.#grid.tick
  }

  /** The least multiple of the tick that is at least `price`. */
  priceUp(price: number): number {
    return Math.ceil(this.#grid.ticksOfPrice(price)) * this.#grid.tick
  }

  #send(side: Side, price: number, quantity: number, options: OrderOptions = {}): number {
    if (typeof options !== 'object' || options === null) throw orderRefusal('order-options', 'options', '{ timeInForce }', options)
    requireOptions('an order', options, ORDER_OPTIONS)
    const { timeInForce = 'gtc' } = options
    const code = timeInForce === 'gtc' ? GTC : TIME_IN_FORCE_NAMES.indexOf(timeInForce)
    if (code < 0) throw orderRefusal('order-time-in-force', 'timeInForce', TIME_IN_FORCE_NAMES.join(' or '), timeInForce)
    return this.#who.send(side, this.#ticks(price), this.#lots(quantity), code, false)
  }

  #ticks(price: number): number {
    const ticks = typeof price === 'number' ? this.#grid.ticksOfPrice(price) : Number.NaN
    if (Number.isSafeInteger(ticks)) return ticks
    throw orderRefusal('order-price', 'price', `a multiple of the tick ${this.#grid.tick} (orders.priceDown and priceUp give one)`, price)
  }

  #lots(quantity: number): number {
    const lots = typeof quantity === 'number' ? this.#grid.lotsOfOrder(quantity) : Number.NaN
    if (lots > 0 && (Number.isSafeInteger(lots) || (Number.isFinite(lots) && this.#who.terms.compat.has('anyQuantity')))) return lots
    throw orderRefusal('order-quantity', 'quantity', `a multiple of the lot ${this.#grid.lot} above 0`, quantity)
  }
}
