import { ReplayError } from './errors.ts'

/* What fields of the formats can hold: unsigned integers of 8 to 64 bits, and doubles. Anything else would be written modulo 2^n. */

/**
 * @param hint what to do where the field cannot hold what is meant
 * @throws ReplayError input `number-range` unless `value` is a whole number from 0 to 2^bits − 1
 */
export function requireUint(field: string, value: number, bits: 8 | 16 | 32, hint = ''): void {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** bits) return
  throw outOfRange(field, `a whole number from 0 to ${2 ** bits - 1}`, value, hint)
}

/** @throws ReplayError input `number-range` unless `value` is a bigint from 0 to 2^64 − 1, or a whole number from 0 to 2^53 − 1 */
export function requireU64(field: string, value: bigint | number, hint = ''): void {
  if (isU64(value)) return
  const expected =
    typeof value === 'bigint' ? 'an integer from 0 to 2^64 - 1' : 'a whole number from 0 to 2^53 - 1, or a bigint up to 2^64 - 1'
  throw outOfRange(field, expected, value, hint)
}

/** Whether a u64 field holds the value exactly as it is given. */
export function isU64(value: bigint | number): boolean {
  return typeof value === 'bigint' ? value >= 0n && value <= MAX_U64 : Number.isSafeInteger(value) && value >= 0
}

/** @throws ReplayError input `number-range` unless `value` is a number; NaN and infinities are */
export function requireDouble(field: string, value: number): void {
  if (typeof value !== 'number') throw outOfRange(field, 'a number', value, '')
}

function outOfRange(field: string, expected: string, found: unknown, hint: string): ReplayError {
  const message = `${field}: expected ${expected}, found ${typeof found === 'string' ? JSON.stringify(found) : String(found)}${hint === '' ? '' : `; ${hint}`}`
  return new ReplayError('number-range', message, { category: 'input' })
}

const MAX_U64 = 2n ** 64n - 1n
