/**
 * Prices and sizes are u64 on disk and doubles in books. Every whole number below 2^53 is exact in a double; above,
 * some are (real books have asks like 9999999700000000), and the others are refused.
 */
export const MAX_EXACT = 2 ** 53

/** Whether a u64, given as two words, is above 2^63: what a writer of signed numbers makes of negative ones, which no book means. */
export function isNegative(low: number, high: number): boolean {
  return high > 2 ** 31 || (high === 2 ** 31 && low !== 0)
}

/** Whether a double holds this u64, given as two words, exactly, and it is not above 2^63. */
export function isExactU64(low: number, high: number): boolean {
  if (high < 2 ** 21) return true
  if (isNegative(low, high)) return false
  return BigInt(low + high * 2 ** 32) === (BigInt(high) << 32n) + BigInt(low)
}

/** Whether `value` × `factor` (a power of ten) still is at most 2^63 and exact in a double. */
export function isExactProduct(value: number, factor: number): boolean {
  const product = value * factor
  if (product < MAX_EXACT || factor === 1) return true
  return product <= 2 ** 63 && BigInt(value) * BigInt(factor) === BigInt(product)
}
