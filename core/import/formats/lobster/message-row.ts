import { Instant } from '../../messages/instant.ts'
import type { Rows } from './rows.ts'

/** What a message says, `type`. */
export const ADDED = 1
export const CANCELLED = 2
export const DELETED = 3
export const EXECUTED = 4
export const EXECUTED_HIDDEN = 5
export const CROSSED = 6
export const HALTED = 7

/** A row of a message file: time, type, order id, size, price × 10^4, direction. Used again for each. */
export class MessageRow {
  readonly time = new Instant()
  type = 0
  /** Below 10^15. */
  id = 0
  /** Shares. */
  size = 0
  /** 1/10,000 dollars. */
  price = 0
  /** Side of the order that rests. */
  isBuy = false
  readonly #midnight: Instant

  constructor(midnight: Instant) {
    this.#midnight = midnight
  }

  /** @returns what is wrong with the row; null: nothing */
  read(rows: Rows): string | null {
    const { bytes, fields } = rows
    // Some files say the market participant as well.
    if (fields.count !== 6 && fields.count !== 7) return `expected 6 columns, found ${fields.count}`
    const { time } = this
    if (!time.parseSeconds(bytes, fields.starts[0]!, fields.ends[0]!) || time.high > MAX_HIGH) return 'the time is not one of a day'
    const low = time.low + this.#midnight.low
    time.setWords(low, time.high + this.#midnight.high + (low >= WORD ? 1 : 0))
    this.type = rows.number15(1)
    if (!(this.type >= ADDED && this.type <= HALTED)) return 'the type is none of 1 to 7'
    this.id = rows.number15(2)
    this.size = rows.number15(3)
    this.price = rows.number15(4)
    const direction = rows.number15(5)
    this.isBuy = direction === 1
    if (this.type === HALTED) return null
    if (Number.isNaN(this.id) || Number.isNaN(this.price) || !(this.size > 0)) return 'order id, size or price is no number'
    if (this.type === CROSSED) return null
    if (direction !== 1 && direction !== -1) return 'the direction is neither 1 nor -1'
    return this.id > 0 || this.type === EXECUTED_HIDDEN ? null : 'the order has no id'
  }
}

/** In words of 2^32 nanoseconds: 25 hours. */
const MAX_HIGH = 20_954
const WORD = 2 ** 32
