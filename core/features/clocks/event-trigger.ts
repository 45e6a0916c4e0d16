import type { FeatureBook } from '../feature-book.ts'
import type { TriggerPlan } from './trigger.ts'

/** Says which events make a row. */
export class EventTrigger {
  readonly #plan: TriggerPlan
  readonly #book: FeatureBook
  /** Events since the last row of an `everyEvents`, or the start of the day. */
  #events = 0
  /** Best prices after the last book event. */
  #bid = Number.NaN
  #ask = Number.NaN

  constructor(plan: TriggerPlan, book: FeatureBook) {
    this.#plan = plan
    this.#book = book
  }

  /** Start of a pass. */
  start(): void {
    this.#bid = this.#book.bidPrice
    this.#ask = this.#book.askPrice
  }

  dayEnds(): void {
    this.#events = 0
  }

  trade(): boolean {
    return this.#counts() || this.#plan.onTrade
  }

  /**
   * @param restarted the event replaced or cleared the book
   * @param isReset it only cleared it
   */
  book(restarted: boolean, isReset: boolean): boolean {
    const isNewBest = this.#plan.onBestPrice && this.#bestHasChanged(restarted)
    if (isReset) return isNewBest
    return this.#counts() || this.#plan.onBook || isNewBest
  }

  #counts(): boolean {
    if (this.#plan.everyEvents === 0 || ++this.#events < this.#plan.everyEvents) return false
    this.#events = 0
    return true
  }

  #bestHasChanged(restarted: boolean): boolean {
    const { bidPrice, askPrice } = this.#book
    const isSame = Object.is(bidPrice, this.#bid) && Object.is(askPrice, this.#ask)
    this.#bid = bidPrice
    this.#ask = askPrice
    return restarted || !isSame
  }
}
