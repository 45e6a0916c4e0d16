/**
 * Prices and sizes are u64 on disk and doubles in books. Every whole number below 2^53 is exact in a double; above,
 * some are (real books have asks like 9999999700000000), and the others are refused.
 */
export const MAX_EXACT = 2 ** 53

/** Whether a double holds this u64, given as two words, exactly. */
export function isExactU64(low: number, high: number): boolean {
  if (high < 2 ** 21) return true
  return BigInt(low + high * 2 ** 32) === (BigInt(high) << 32n) + BigInt(low)
}

/** Whether `value` × `factor` (a power of ten) still is a u64 that a double holds exactly. */
export function isExactProduct(value: number, factor: number): boolean {
  const product = value * factor
  if (product < MAX_EXACT || factor === 1) return true
  return product < 2 ** 64 && BigInt(value) * BigInt(factor) === BigInt(product)
}
