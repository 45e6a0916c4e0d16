import type { Side } from './order-terms.ts'

/** The market's book as the matching engine of a backtest sees it: prices in ticks, sizes in lots. */
export interface MarketBook {
  /** Best bid; −∞ when there is none. */
  readonly bestBid: number
  /** Best ask; +∞ when there is none. */
  readonly bestAsk: number
  /** Size of a level; 0 when there is none. */
  lotsAt(side: Side, tick: number): number
  /** The next level behind a price; NaN when there is none. */
  nextBehind(side: Side, tick: number): number
}
