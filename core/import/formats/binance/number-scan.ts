import { POWERS } from '../../messages/decimal.ts'

/** Reads the plain numbers of a row one after the other, in one pass over its bytes. */
export class NumberScan {
  /** Where the next field begins; behind the row's end when there is none. */
  at = 0
  /** Bytes of the number. */
  length = 0

  /**
   * The number that begins at `at`: digits, with a point or without, up to a comma or the row's end. −1 for all else: what is not that
   * plain, or has more digits than doubles hold, is for a parser of texts.
   */
  next(bytes: Uint8Array, end: number): number {
    const start = this.at
    let at = start
    let value = 0
    let point = -1
    for (; at < end; at++) {
      const digit = bytes[at]! - 48
      if (digit >= 0 && digit <= 9) value = value * 10 + digit
      else if (digit === POINT && point < 0) point = at
      else if (digit === COMMA) break
      else return -1
    }
    this.at = at + 1
    this.length = at - start
    if (point < 0) return value < MAX_EXACT && at > start ? value : -1
    // Below 2^53 nothing was rounded on the way, and the division is rounded once.
    return value < MAX_EXACT && at - point <= 22 && at - start > 1 ? value / POWERS[at - point - 1]! : -1
  }

  /** Passes over a field. */
  skip(bytes: Uint8Array, end: number): void {
    let at = this.at
    while (at < end && bytes[at] !== COMMA + 48) at++
    this.at = at + 1
  }
}

/** Less the digit 0. */
const POINT = 46 - 48
const COMMA = 44 - 48
const MAX_EXACT = 2 ** 53
