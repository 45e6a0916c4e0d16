import { parseInstant } from '../../../instant.ts'
import { SameText } from '../../files/csv-fields.ts'
import type { Instant } from '../../messages/instant.ts'
import type { TimeUnit } from './mapping.ts'

/** Digits behind those of the seconds. */
const DIGITS: Readonly<Record<Exclude<TimeUnit, 'iso'>, number>> = { s: 0, ms: 3, us: 6, ns: 9 }

/** Times as they stand in texts: numbers of a unit, with decimals or without, or ISO 8601. Each text is taken exactly, or not at all. */
export class TimeText {
  readonly #digits: number
  readonly #isIso: boolean
  readonly #date = new SameText()
  /** Seconds since the epoch at the begin of the date. */
  #dateSeconds = 0

  /** @param unit null: the number of digits tells, 10, 13, 16 or 19, or a text that it is ISO */
  constructor(unit: TimeUnit | null) {
    this.#isIso = unit === 'iso'
    this.#digits = unit === null || unit === 'iso' ? -1 : DIGITS[unit]
  }

  /** False: it is no time, or finer than nanoseconds. */
  parse(bytes: Uint8Array, start: number, end: number, into: Instant): boolean {
    let whole = start
    while (whole < end && isDigit(bytes[whole]!)) whole++
    const count = whole - start
    if (!this.#isIso && count > 0 && (whole === end || bytes[whole] === POINT)) {
      const digits = this.#digits >= 0 ? this.#digits : count >= 10 && count <= 19 && (count - 10) % 3 === 0 ? count - 10 : -1
      return digits >= 0 && count <= 10 + digits && parseNumber(bytes, start, whole, end, digits, into)
    }
    return this.#digits < 0 && (this.#parseIso(bytes, start, end, into) || parseRare(bytes, start, end, into))
  }

  /** `2024-08-08T01:02:03.123456789Z`, with a blank for T, without Z, or with an offset such as `+09:00`. */
  #parseIso(bytes: Uint8Array, start: number, end: number, into: Instant): boolean {
    if (end - start < 19 || bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) return false
    const separator = bytes[start + 10]
    if (separator !== LETTER_T && separator !== BLANK) return false
    if (!this.#date.is(bytes, start, start + 10)) {
      const text = LATIN.decode(bytes.subarray(start, start + 10))
      const days = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
      if (Number.isNaN(days) || days < 0 || new Date(days).toISOString().slice(0, 10) !== text) return false
      this.#dateSeconds = days / 1000
      this.#date.set(bytes, start, start + 10)
    }
    const [hour, minute, second] = [pair(bytes, start + 11), pair(bytes, start + 14), pair(bytes, start + 17)]
    if (!(hour < 24 && minute < 60 && second < 60)) return false
    let at = start + 19
    let nanos = 0
    if (at < end && bytes[at] === POINT) {
      let unit = 1e8
      for (at++; at < end && isDigit(bytes[at]!); at++, unit /= 10) {
        if (unit < 1 && bytes[at] !== ZERO) return false
        if (unit >= 1) nanos += (bytes[at]! - ZERO) * unit
      }
    }
    const offset = offsetOf(bytes, at, end)
    const seconds = this.#dateSeconds + hour * 3600 + minute * 60 + second - offset
    if (Number.isNaN(offset) || seconds < 0) return false
    into.setSeconds(seconds, nanos)
    return true
  }
}

/** @param whole where the whole part ends @param digits of it that are behind those of the seconds */
function parseNumber(bytes: Uint8Array, start: number, whole: number, end: number, digits: number, into: Instant): boolean {
  let seconds = 0
  let at = start
  for (const stop = whole - digits; at < stop; at++) seconds = seconds * 10 + bytes[at]! - ZERO
  let nanos = 0
  let taken = Math.max(0, digits - (whole - start))
  for (; at < end; at++) {
    if (at === whole) continue
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 9 || (taken >= 9 && digit !== 0)) return false
    if (taken < 9) nanos = nanos * 10 + digit
    taken++
  }
  for (; taken < 9; taken++) nanos *= 10
  into.setSeconds(seconds, nanos)
  return true
}

/** Other forms of ISO 8601. */
function parseRare(bytes: Uint8Array, start: number, end: number, into: Instant): boolean {
  const text = LATIN.decode(bytes.subarray(start, end))
  if (!/^\d{4}-/.test(text)) return false
  try {
    into.setNs(parseInstant(text, 'time'))
    return true
  } catch {
    return false
  }
}

/** Seconds east of UTC of `Z`, `+09:00`, `+0900`, `+09`, or nothing; NaN: it is none of them. */
function offsetOf(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || (end - start === 1 && (bytes[start]! | 32) === LETTER_Z)) return 0
  const sign = bytes[start] === PLUS ? 1 : bytes[start] === MINUS ? -1 : Number.NaN
  const minutesAt = end - start === 6 && bytes[start + 3] === COLON ? start + 4 : end - start === 5 ? start + 3 : -1
  if (minutesAt < 0 && end - start !== 3) return Number.NaN
  const [hours, minutes] = [pair(bytes, start + 1), minutesAt < 0 ? 0 : pair(bytes, minutesAt)]
  return hours <= 14 && minutes < 60 ? sign * (hours * 3600 + minutes * 60) : Number.NaN
}

/** Of two digits; NaN: they are none. */
function pair(bytes: Uint8Array, at: number): number {
  const [tens, ones] = [bytes[at]!, bytes[at + 1]!]
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9
}

const ZERO = 48
const POINT = 46
const COLON = 58
const BLANK = 32
const PLUS = 43
const MINUS = 45
const LETTER_T = 84
const LETTER_Z = 122
const LATIN = new TextDecoder('latin1')
