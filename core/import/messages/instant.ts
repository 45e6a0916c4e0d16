/**
 * A time in nanoseconds since the epoch as two words, for what is done per message: no 64-bit integers are made. Times of files come as
 * whole numbers of some unit, or as text; none goes through a double of seconds.
 */
export class Instant {
  low = 0
  high = 0

  get ns(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low)
  }

  setNs(ns: bigint): this {
    this.low = Number(ns & 0xffff_ffffn)
    this.high = Number((ns >> 32n) & 0xffff_ffffn)
    return this
  }

  setWords(low: number, high: number): this {
    this.low = low >>> 0
    this.high = high >>> 0
    return this
  }

  copy(other: Instant): this {
    this.low = other.low
    this.high = other.high
    return this
  }

  /** @param seconds whole, below 2^34 @param nanos of a second, whole */
  setSeconds(seconds: number, nanos: number): this {
    // Without remainders, which doubles have none of in hardware.
    const high = Math.floor(seconds / 65_536)
    const upper = high * 1e9
    const upperHigh = Math.floor(upper / 65_536)
    const sum = (upper - upperHigh * 65_536) * 65_536 + (seconds - high * 65_536) * 1e9 + nanos
    this.low = sum >>> 0
    this.high = upperHigh + Math.floor(sum / WORD)
    return this
  }

  /** @param millis whole, since the epoch */
  setMillis(millis: number): this {
    const seconds = Math.floor(millis / 1000)
    return this.setSeconds(seconds, (millis - seconds * 1000) * 1e6)
  }

  /** @param micros whole, since the epoch */
  setMicros(micros: number): this {
    const seconds = Math.floor(micros / 1e6)
    return this.setSeconds(seconds, (micros - seconds * 1e6) * 1000)
  }

  /** Adds a whole number of nanoseconds below 2^53 − 2^32. */
  add(nanos: number): this {
    const sum = this.low + nanos
    this.low = sum >>> 0
    this.high += Math.floor(sum / WORD)
    return this
  }

  isBefore(other: Instant): boolean {
    return this.high < other.high || (this.high === other.high && this.low < other.low)
  }

  /** Whether a zero was given, which stands for no time. */
  get isZero(): boolean {
    return this.low === 0 && this.high === 0
  }

  /**
   * Digits of a time since the epoch, of which their number says the unit: 10 seconds, 13 milliseconds, 16 microseconds, 19
   * nanoseconds. False, and nothing is set, where they are none.
   */
  parseDigits(bytes: Uint8Array, start: number, end: number): boolean {
    const digits = end - start
    const scale = digits === 16 ? 1000 : digits === 13 ? 1e6 : digits === 19 ? 1 : digits === 10 ? 0 : -1
    if (scale < 0) return false
    let seconds = 0
    let at = start
    for (const stop = start + 10; at < stop; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return false
      seconds = seconds * 10 + digit
    }
    let rest = 0
    for (; at < end; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return false
      rest = rest * 10 + digit
    }
    this.setSeconds(seconds, rest * scale)
    return true
  }

  /** Decimal seconds since the epoch with up to 9 decimals, exact. False, and nothing is set, where the text is none. */
  parseSeconds(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start
    let seconds = 0
    for (; at < end && bytes[at] !== DOT; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) return false
      seconds = seconds * 10 + digit
    }
    if (at === start || at - start > 10) return false
    let nanos = 0
    let decimals = 0
    for (at++; at < end; at++, decimals++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9 || decimals === 9) return false
      nanos = nanos * 10 + digit
    }
    this.setSeconds(seconds, nanos * 10 ** (9 - decimals))
    return true
  }
}

const WORD = 2 ** 32
const DOT = 46
