import { ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import { requireHandlers, requireNoPromise } from '../job-handlers.ts'
import { AccountView } from './account-view.ts'
import { FillView, type TradeNotice } from './fill-view.ts'
import type { MarketReplay } from './market-replay.ts'
import type { MarketTerms } from './market-terms.ts'
import { OrderDesk } from './order-desk.ts'
import { type OrderNotice, OrderNoticeView } from './order-notice.ts'
import { FIRST_ENDED, type Side } from './order-terms.ts'
import type { Fill, Participant } from './participant.ts'
import type { StrategyContext, StrategyHandlers } from './strategy.ts'
import { StrategyBook } from './strategy-book.ts'

const HANDLERS = ['step', 'fill', 'trade', 'row'] as const

export interface StrategyRunOptions {
  /** Name of the job, for errors. */
  readonly job: string
  readonly terms: MarketTerms
  readonly venue: string
  readonly symbol: string
  readonly variant: string
  /** Makes the handlers of a session. */
  readonly create: (context: StrategyContext) => StrategyHandlers<never>
  /** A row is to be made of a fill; the account has it. */
  readonly fillRow: (fill: FillView) => void
  /** A row is to be made of what happened to an order. @default none is */
  readonly orderRow?: (notice: OrderNoticeView) => void
  /** A row is to be made of a gap at a time since the session's origin. */
  readonly gapRow: (timeNs: number) => void
}

/** A strategy with its parameters at work in one market: its handlers, and who acts for it. */
export class StrategyRun {
  readonly options: StrategyRunOptions
  readonly account: AccountView
  readonly participant: Participant
  readonly orders: OrderDesk
  handlers: StrategyHandlers<never> = {}
  readonly #replay: MarketReplay
  readonly #context: StrategyContext
  readonly #fill: FillView
  readonly #notice: OrderNoticeView
  readonly #trade: TradeNotice = { side: 1, price: 0, quantity: 0 }
  #originNs = 0n
  /** Orders that had ended before the step now, by slot. */
  #ended: number[] = []

  constructor(replay: MarketReplay, options: StrategyRunOptions) {
    this.options = options
    this.#replay = replay
    const { grid } = replay
    const participant = replay.join(options.terms)
    this.participant = participant
    const book = new StrategyBook(replay)
    this.account = new AccountView(participant.account, book)
    this.orders = new OrderDesk(participant, grid)
    this.#fill = new FillView(grid)
    this.#notice = new OrderNoticeView(grid)
    const { venue, symbol, variant } = options
    this.#context = { book, account: this.account, orders: this.orders, venue, symbol, variant }
  }

  /** A session begins: flat, without orders, with new handlers. */
  begin(originNs: bigint): void {
    this.rebase(originNs)
    this.account.clear()
    const { job, create } = this.options
    this.handlers = this.#withoutOrders('create', () => requireHandlers(job, create(this.#context), HANDLERS))
    const hearsTrades = this.handlers.trade !== undefined
    this.participant.listener = {
      fill: (fill) => this.#hearFill(fill),
      gap: (timeNs) => this.options.gapRow(timeNs),
      ...(this.options.orderRow !== undefined && { order: (notice: OrderNotice) => this.#tellOrder(notice) }),
      ...(hearsTrades && { trade: (side: Side, tick: number, lots: number) => this.#hearTrade(side, tick, lots) }),
    }
  }

  /** An account row is made. @param out where to put the strategy's own columns */
  row(out: unknown): void {
    if (this.handlers.row !== undefined) this.#withoutOrders('row', () => this.#hear('row', this.handlers.row!(out as never)))
  }

  /** The origin of times is another. */
  rebase(originNs: bigint): void {
    this.#originNs = originNs
    this.#fill.originNs = originNs
    this.#notice.originNs = originNs
  }

  /** @param nowNs since the origin */
  step(nowNs: number): void {
    this.account.keepMid()
    const { pool, slots } = this.participant
    this.#ended.length = 0
    for (const slot of slots) if (pool.statuses[slot]! >= FIRST_ENDED) this.#ended.push(pool.ids[slot]!)
    if (this.handlers.step !== undefined) this.#guarded(() => this.#hear('step', this.handlers.step!(this.#originNs + BigInt(nowNs))))
    for (let i = 0; i < this.#ended.length; i++) this.participant.forget(this.#ended[i]!)
  }

  #hearFill(fill: Fill): void {
    this.#fill.fill = fill
    this.options.fillRow(this.#fill)
    if (this.handlers.fill !== undefined) this.#guarded(() => this.#hear('fill', this.handlers.fill!(this.#fill)))
  }

  #tellOrder(notice: OrderNotice): void {
    this.#notice.notice = notice
    this.options.orderRow!(this.#notice)
  }

  #hearTrade(side: Side, tick: number, lots: number): void {
    const { grid } = this.#replay
    this.#trade.side = side
    this.#trade.price = tick * grid.tick
    this.#trade.quantity = lots * grid.lot
    try {
      this.#hear('trade', this.handlers.trade!(this.#trade))
    } catch (error) {
      throw this.#located(error)
    }
  }

  #hear(handler: string, given: unknown): void {
    if (given !== undefined) requireNoPromise(this.options.job, handler, given)
  }

  /** As a session begins nobody knows when its first message comes, and what follows from a row cannot be in front of it. */
  #withoutOrders<T>(handler: string, call: () => T): T {
    this.participant.silentIn = handler
    try {
      return this.#guarded(call)
    } finally {
      this.participant.silentIn = null
    }
  }

  #guarded<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.#located(error)
    }
  }

  /** What was refused, whose it was and when; what the strategy itself throws is told by its stack. */
  #located(error: unknown): unknown {
    if (!(error instanceof ReplayError)) return error
    const { job, variant } = this.options
    const { nowNs } = this.#replay
    const when = Number.isFinite(nowNs) ? ` at ${isoTime(this.#originNs + BigInt(Math.trunc(nowNs)))}` : ''
    return new ReplayError(error.code, `job ${job}, variant ${variant}${when}: ${error.message}`, {
      category: error.category,
      cause: error,
    })
  }
}
