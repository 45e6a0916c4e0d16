import { POWERS } from '../../messages/decimal.ts'

/** Decimals of the unit of prices. */
const NANO_DECIMALS = 9
const WORD = 2 ** 32
/** High words below it are of numbers below 2^53. */
const EXACT_HIGH = 2 ** 21

/**
 * A price of i64 × 10^-9, from its words, as a whole number × 10^-scale. −1: it has more decimals, or the number is 2^53 or more.
 * @param low u32 @param high i32, not negative
 */
export function mantissaOf(low: number, high: number, scale: number): number {
  const step = POWERS[NANO_DECIMALS - scale]!
  if (high < EXACT_HIGH) {
    const nanos = high * WORD + low
    const mantissa = nanos / step
    return Math.floor(mantissa) === mantissa && mantissa * step === nanos ? mantissa : -1
  }
  // In three steps, none of which leaves what is exact.
  const upper = high % step
  const middle = upper * 65_536 + (low >>> 16)
  const lower = (middle % step) * 65_536 + (low & 0xffff)
  if (lower % step !== 0) return -1
  const mantissa = Math.floor(high / step) * WORD + Math.floor(middle / step) * 65_536 + lower / step
  return mantissa < 2 ** 53 ? mantissa : -1
}

/** Decimals of a price, zeros at the end not counted. @param low u32 @param high i32, not negative */
export function decimalsOf(low: number, high: number): number {
  for (let decimals = 0; decimals < NANO_DECIMALS; decimals++) if (isMultiple(low, high, POWERS[NANO_DECIMALS - decimals]!)) return decimals
  return NANO_DECIMALS
}

/** The double nearest to a price. @param low u32 @param high i32 */
export function doubleOf(low: number, high: number): number {
  const nanos = high * WORD + low
  // Both are exact, so that the division is rounded once.
  if (high < EXACT_HIGH && high >= -EXACT_HIGH) return nanos / 1e9
  const digits = String((BigInt(high) << 32n) | BigInt(low))
  return Number(`${digits}e-9`)
}

function isMultiple(low: number, high: number, step: number): boolean {
  if (high < EXACT_HIGH) {
    const nanos = high * WORD + low
    return Math.round(nanos / step) * step === nanos
  }
  return ((((high % step) * 65_536 + (low >>> 16)) % step) * 65_536 + (low & 0xffff)) % step === 0
}
