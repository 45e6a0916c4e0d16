import type { AccountView } from './account-view.ts'
import type { FillView, TradeNotice } from './fill-view.ts'
import type { OrderDesk } from './order-desk.ts'
import type { StrategyBook } from './strategy-book.ts'

/** What a strategy trades with; all of it is of the local side. */
export interface StrategyContext {
  readonly book: StrategyBook
  readonly account: AccountView
  readonly orders: OrderDesk
  readonly venue: string
  readonly symbol: string
  /** Id of the variant. */
  readonly variant: string
}

/** What a strategy hears, in the order of local times. Views are valid during the call. */
export interface StrategyHandlers<Out> {
  /**
   * Time has come to the end of a bar of `every`, with everything before it. Not called while a side of the book is empty.
   * @param nowNs nanoseconds since the epoch, by the exchange's clock
   */
  step?(nowNs: bigint): void
  /** The report of a fill arrives; the account has it already. */
  fill?(fill: FillView): void
  /** A trade of the market arrives. */
  trade?(trade: TradeNotice): void
  /** The account row of a bar is made, after its step. */
  row?(out: Out): void
}
