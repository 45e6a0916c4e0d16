import type { Account } from './account.ts'
import type { StrategyBook } from './strategy-book.ts'

/** A strategy's account as far as reports of fills have arrived (BACKTEST §8). */
export class AccountView {
  readonly #account: Account
  readonly #book: StrategyBook
  #mid = Number.NaN

  constructor(account: Account, book: StrategyBook) {
    this.#account = account
    this.#book = book
  }

  /** A session begins. */
  clear(): void {
    this.#mid = Number.NaN
  }

  /** In the log's unit of quantity; negative: short. */
  get position(): number {
    return this.#account.position
  }

  /** Position in lots. */
  get positionLots(): number {
    return this.#account.positionLots
  }

  /** Without fees. */
  get cash(): number {
    return this.#account.cash
  }

  /** Fees paid; negative: rebates. */
  get fees(): number {
    return this.#account.fee
  }

  /** Sum of the amounts of all fills. */
  get turnover(): number {
    return this.#account.turnover
  }

  /** Sum of the quantities of all fills. */
  get volume(): number {
    return this.#account.volume
  }

  get fills(): number {
    return this.#account.fills
  }

  /** Mid price of the local book; where a side is empty, the last one at the end of a bar, whoever looked at it since. */
  get mid(): number {
    const mid = this.#book.mid
    return Number.isNaN(mid) ? this.#mid : mid
  }

  /** A bar ends, with both sides there. */
  keepMid(): void {
    this.#mid = this.#book.mid
  }

  /** Cash and position at the mid price, fees off. */
  get equity(): number {
    return this.#account.equity(this.mid)
  }
}
