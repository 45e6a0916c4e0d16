/**
 * Numbers as decimal text, written into a byte buffer without making strings or BigInts.
 * Each function writes at `at` and returns where the text ends; the caller sees to room: 24 bytes, and 4 more that may be
 * overwritten behind the end.
 */

/** The u64 high · 2³² + low. */
export function putU64(out: DataView, at: number, high: number, low: number): number {
  if (high === 0) return putWhole(out, at, low)
  // Long division by 10⁹, 16 bits at a time: every step is exact in a double.
  let rest = high % BILLION
  let quotient = Math.floor(high / BILLION)
  for (const half of [low >>> 16, low & 0xffff]) {
    const part = rest * 65_536 + half
    const digit = Math.floor(part / BILLION)
    rest = part - digit * BILLION
    quotient = quotient * 65_536 + digit
  }
  return quotient === 0 ? putWhole(out, at, rest) : putNine(out, putWhole(out, at, quotient), rest)
}

/** A whole number from 0 to 2⁵³ − 1, without leading zeros. */
export function putWhole(out: DataView, at: number, value: number): number {
  if (value >= BILLION) {
    const billions = Math.floor(value / BILLION)
    return putNine(out, putWhole(out, at, billions), value - billions * BILLION)
  }
  const length = lengthOf(value)
  let rest = value | 0
  for (let i = at + length - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0
    out.setUint8(i, 48 + rest - 10 * tenth)
    rest = tenth
  }
  return at + length
}

/** Nine digits with leading zeros, of a whole number below 10⁹. */
export function putNine(out: DataView, at: number, value: number): number {
  const top = (value / 100_000_000) | 0
  const rest = value - top * 100_000_000
  const middle = (rest / 10_000) | 0
  out.setUint8(at, 48 + top)
  out.setUint32(at + 1, FOUR_DIGITS[middle]!, true)
  out.setUint32(at + 5, FOUR_DIGITS[rest - 10_000 * middle]!, true)
  return at + 9
}

/** The shortest text that reads back as the same float: what `String(value)` gives, but `-0` for negative zero. */
export function putDouble(out: DataView, at: number, value: number): number {
  if (value < 0 || Object.is(value, -0)) {
    out.setUint8(at, MINUS)
    return putDouble(out, at + 1, -value)
  }
  // Prices and sizes are decimals of few digits. The first n / 10^d, with n of at most 15 digits, that gives the float
  // back is the shortest text: two different decimals of up to 15 digits are never the same float.
  if (value >= 1e-6 && value < 1e15) {
    for (let digits = 0; digits < POWERS.length; digits++) {
      const power = POWERS[digits]!
      const scaled = Math.round(value * power)
      if (scaled >= 1e15) break
      if (scaled / power === value) return putDecimal(out, at, scaled, power, digits)
    }
  }
  return putAscii(out, at, String(value))
}

/**
 * The u64 high · 2³² + low times 10^−scale, exactly and without zeros at its end. @param scale at most 255: a text of up to 258 bytes
 */
export function putScaled(out: DataView, at: number, high: number, low: number, scale: number): number {
  let length = putU64(DIGITS, 0, high, low)
  let decimals = scale
  while (decimals > 0 && length > 1 && DIGITS.getUint8(length - 1) === ZERO) {
    length--
    decimals--
  }
  if (decimals === 0 || (high === 0 && low === 0)) return copyText(out, at, DIGITS, 0, length)
  let end = at
  const whole = length - decimals
  if (whole <= 0) {
    end = putAscii(out, end, '0.')
    for (let i = whole; i < 0; i++) out.setUint8(end++, ZERO)
    return copyText(out, end, DIGITS, 0, length)
  }
  end = copyText(out, end, DIGITS, 0, whole)
  out.setUint8(end, POINT)
  return copyText(out, end + 1, DIGITS, whole, decimals)
}

export function putAscii(out: DataView, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out.setUint8(at + i, text.charCodeAt(i))
  return at + text.length
}

/** Copies `length` bytes in steps of four: up to three more are written, and read. */
export function copyText(out: DataView, at: number, from: DataView, start: number, length: number): number {
  for (let i = 0; i < length; i += 4) out.setUint32(at + i, from.getUint32(start + i, true), true)
  return at + length
}

function putDecimal(out: DataView, at: number, scaled: number, power: number, digits: number): number {
  const whole = Math.floor(scaled / power)
  const end = putWhole(out, at, whole)
  if (digits === 0) return end
  out.setUint8(end, POINT)
  let rest = (scaled - whole * power) | 0
  for (let i = end + digits; i > end; i--) {
    const tenth = (rest / 10) | 0
    out.setUint8(i, 48 + rest - 10 * tenth)
    rest = tenth
  }
  return end + 1 + digits
}

function lengthOf(value: number): number {
  if (value < 1e4) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4
  if (value < 1e7) return value < 1e5 ? 5 : value < 1e6 ? 6 : 7
  return value < 1e8 ? 8 : 9
}

const BILLION = 1_000_000_000
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const DIGITS = new DataView(new ArrayBuffer(32))
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8]
/** The ASCII of 0000 … 9999, first digit in the low byte. */
const FOUR_DIGITS = Uint32Array.from({ length: 10_000 }, (_, i) => {
  const digits = [i / 1000, i / 100, i / 10, i].map((x) => 48 + (Math.floor(x) % 10))
  return (digits[0]! | (digits[1]! << 8) | (digits[2]! << 16) | (digits[3]! << 24)) >>> 0
})
