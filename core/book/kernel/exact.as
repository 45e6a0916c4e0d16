// What doubles hold exactly: see core/book/exact.ts, which says the same of numbers in JavaScript.

export const MAX_EXACT: f64 = 9007199254740992; // 2^53
const TWO_63: u64 = 0x8000000000000000;

/** Whether a double holds this u64 exactly, and it is not above 2^63. */
export function isExactU64(value: u64): bool {
  if (value < 0x20000000000000) return true;
  return value <= TWO_63 && <u64>(<f64>value) == value;
}

/** Whether `value` × `factor` (a power of ten), both whole, still is at most 2^63 and exact in a double. */
export function isExactProduct(value: f64, factor: f64): bool {
  const product = value * factor;
  if (product < MAX_EXACT || factor == 1) return true;
  // At most 2^63 when rounded, so that the true product fits 64 bits.
  return product <= <f64>TWO_63 && <u64>value * <u64>factor == <u64>product;
}

/** 10^power, exact up to 22. */
export function powerOfTen(power: i32): f64 {
  let result: f64 = 1;
  for (let i = 0; i < power; i++) result *= 10;
  return result;
}
