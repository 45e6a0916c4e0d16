import { JsonLevels } from '../../files/json-scan.ts'
import type { L2Output } from '../../messages/book-outputs.ts'
import { Decimal } from '../../messages/decimal.ts'
import { Instant } from '../../messages/instant.ts'
import type { CheckedBook } from './checked-book.ts'

/** Why levels cannot be put into a message. */
export type LevelProblem = 'levels' | 'number' | 'out-of-range' | 'negative-price'

export interface LevelOptions {
  /** Decimals are counted as they are sent. */
  readonly keepsZeros?: boolean
  /** The third field of a level is its time, in seconds. */
  readonly hasTimes?: boolean
}

/** Puts the levels of JSON arrays into messages. */
export class BookLevels {
  /** The latest time of levels since it was set. */
  readonly newest = new Instant()
  readonly #levels = new JsonLevels()
  readonly #price = new Decimal()
  readonly #size = new Decimal()
  readonly #time = new Instant()
  readonly #keepsZeros: boolean
  readonly #hasTimes: boolean

  constructor({ keepsZeros = false, hasTimes = false }: LevelOptions = {}) {
    this.#keepsZeros = keepsZeros
    this.#hasTimes = hasTimes
  }

  /** Puts an array, brackets included, into the message that was begun, and into a book beside it; null: all is well. */
  put(
    book: L2Output,
    isBid: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    checked: CheckedBook | null = null,
  ): LevelProblem | null {
    const levels = this.#levels
    const { starts, ends } = levels
    const [price, size, keepsZeros] = [this.#price, this.#size, this.#keepsZeros]
    levels.begin(bytes, start, end)
    while (levels.next()) {
      const priceKind = price.parse(bytes, starts[0]!, ends[0]!, keepsZeros)
      const sizeKind = size.parse(bytes, starts[1]!, ends[1]!, keepsZeros)
      if (priceKind !== 'exact' || sizeKind !== 'exact')
        return priceKind === 'out-of-range' || sizeKind === 'out-of-range' ? 'out-of-range' : 'number'
      if (size.isNegative) return 'number'
      if (!book.level(isBid, price, size)) return 'negative-price'
      if (checked !== null) checked.set(isBid, price, size)
      if (this.#hasTimes && !this.#takeTime(levels)) return 'levels'
    }
    return levels.isBroken ? 'levels' : null
  }

  #takeTime({ bytes, starts, ends, fields }: JsonLevels): boolean {
    if (fields < 3 || !this.#time.parseSeconds(bytes, starts[2]!, ends[2]!)) return false
    if (this.newest.isBefore(this.#time)) this.newest.copy(this.#time)
    return true
  }
}
