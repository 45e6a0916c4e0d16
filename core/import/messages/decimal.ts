/** What a text is as a decimal: all but `exact` change no message. */
export type DecimalKind = 'exact' | 'absent' | 'bad' | 'out-of-range'

/**
 * A decimal number as it stands in a file: an integer and the number of its decimals, never a double on the way. Used again for each
 * number; `61800.20`, `5`, `1e-8`, `9.9E-7`, `1.5e+3`, ` 5`, `+5`, `-0.1`.
 */
export class Decimal {
  /** Absolute value × 10^decimals; from 2^53 on only by zeros at its end, where a double holds it exactly, as books do (core/book/exact.ts). */
  mantissa = 0
  /** 0 to 18. */
  decimals = 0
  isNegative = false

  /** The nearest double. */
  get value(): number {
    // Both are exact, so that the division is rounded once.
    const value = this.mantissa / POWERS[this.decimals]!
    return this.isNegative ? -value : value
  }

  /** The nearest double of a text, NaN where it is none, and where no double is near; also of one with more digits than fit here. */
  double(bytes: Uint8Array, start: number, end: number): number {
    const kind = this.parse(bytes, start, end)
    if (kind === 'exact') return this.value
    const value = kind === 'out-of-range' ? Number(LATIN.decode(bytes.subarray(start, end))) : Number.NaN
    return Number.isFinite(value) ? value : Number.NaN
  }

  /** As `double`, of what was traded or rests, which is never negative: NaN. */
  size(bytes: Uint8Array, start: number, end: number): number {
    const value = this.double(bytes, start, end)
    return value < 0 ? Number.NaN : value
  }

  set(mantissa: number, decimals: number): this {
    this.mantissa = mantissa
    this.decimals = decimals
    this.isNegative = false
    return this
  }

  /** @param keepsZeros decimals are counted as they are written; else zeros at the end are cut */
  parse(bytes: Uint8Array, start: number, end: number, keepsZeros = false): DecimalKind {
    let at = start
    let mantissa = 0
    let decimals = 0
    let digits = 0
    let zeros = 0
    let isBehindPoint = false
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte === DOT) {
        if (isBehindPoint) return 'bad'
        isBehindPoint = true
        continue
      }
      const digit = byte - 48
      // Anything else is rare: a sign, a blank, an exponent, a word.
      if (digit < 0 || digit > 9) return this.#parseRare(bytes, start, end, keepsZeros)
      digits++
      if (!isBehindPoint) mantissa = mantissa * 10 + digit
      else if (digit === 0) zeros++
      else {
        mantissa = zeros === 0 ? mantissa * 10 + digit : mantissa * POWERS[zeros + 1]! + digit
        decimals += zeros + 1
        zeros = 0
      }
    }
    if (digits === 0) return start === end ? 'absent' : 'bad'
    if (digits > 15) return this.#parseRare(bytes, start, end, keepsZeros)
    if (keepsZeros && zeros > 0) {
      mantissa *= POWERS[zeros]!
      decimals += zeros
    }
    this.mantissa = mantissa
    this.decimals = decimals
    this.isNegative = false
    return 'exact'
  }

  #parseRare(bytes: Uint8Array, start: number, end: number, keepsZeros: boolean): DecimalKind {
    const text = LATIN.decode(bytes.subarray(start, Math.min(end, start + 400)))
    const match = NUMBER.exec(text)
    if (match === null) return ABSENT.test(text) ? 'absent' : 'bad'
    const [, sign, whole = '', fraction = '', exponent = '0'] = match
    if (whole === '' && fraction === '') return 'bad'
    const shift = Number(exponent)
    if (Math.abs(shift) > 400) return 'out-of-range'
    let digits = whole + fraction
    let decimals = fraction.length - shift
    if (!keepsZeros || shift !== 0) {
      for (; decimals > 0 && digits.length > 1 && digits.endsWith('0'); decimals--) digits = digits.slice(0, -1)
      if (/^0*$/.test(digits)) [digits, decimals] = ['0', Math.max(0, Math.min(decimals, keepsZeros ? decimals : 0))]
    }
    if (decimals < 0) {
      digits += '0'.repeat(-decimals)
      decimals = 0
    }
    const mantissa = BigInt(digits)
    const double = Number(mantissa)
    // Zeros at the end alone may make it 2^53 or more: 30000000000000004 is exact, too, but would take all other numbers' room.
    const isLarge =
      mantissa >= 2n ** 53n && (mantissa > 2n ** 63n || BigInt(double) !== mantissa || BigInt(digits.replace(/0+$/, '')) >= 2n ** 53n)
    if (decimals > 18 || isLarge) return 'out-of-range'
    this.mantissa = double
    this.decimals = decimals
    this.isNegative = sign === '-' && mantissa > 0n
    return 'exact'
  }
}

/** 10^0 to 10^22: all that doubles hold exactly. */
export const POWERS: readonly number[] = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`))

const DOT = 46
const LATIN = new TextDecoder('latin1')
const NUMBER = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?\s*$/
const ABSENT = /^\s*(?:nan|[+-]?inf(?:inity)?|null|none)?\s*$/i
