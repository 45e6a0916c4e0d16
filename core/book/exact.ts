/**
 * Prices and sizes are u64 on disk and doubles in books. Every whole number below 2^53 is exact in a double; above,
 * some are (real books have asks like 9999999700000000), and the others are refused.
 */
export const MAX_EXACT = 2 ** 53

/** High word of 2^63: from there on lies what a writer of signed numbers makes of negative ones, which no book means. */
export const SIGN_HIGH = 2 ** 31

/** Whether a double holds this u64, given as two words, exactly, and it is below 2^63. */
export function isExactU64(low: number, high: number): boolean {
  if (high < 2 ** 21) return true
  if (high >= SIGN_HIGH) return false
  return BigInt(low + high * 2 ** 32) === (BigInt(high) << 32n) + BigInt(low)
}

/** Whether `value` × `factor` (a power of ten) still is below 2^63 and exact in a double. */
export function isExactProduct(value: number, factor: number): boolean {
  const product = value * factor
  if (product < MAX_EXACT || factor === 1) return true
  return product < 2 ** 63 && BigInt(value) * BigInt(factor) === BigInt(product)
}
