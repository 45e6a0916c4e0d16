import { ReplayError } from '../../errors.ts'

/**
 * Times as whole microseconds since the epoch: exact in a double until the year 2255, so that buckets are found without
 * 64-bit arithmetic. Bucket lengths are whole microseconds, hence comparing rounded-down times with bucket bounds is exact.
 */

/** The time high · 2³² + low nanoseconds in microseconds, rounded down. Exact for times below 2⁶³ ns. */
export function microsOf(low: number, high: number): number {
  // 2³² = 4,294,967 · 1000 + 296
  return 4_294_967 * high + Math.floor((296 * high + low) / 1000)
}

/** Writes whole microseconds as nanoseconds: low word at 2 · row, high word behind it. */
export function putMicros(words: Uint32Array, row: number, micros: number): void {
  const top = Math.floor(micros / TWO_32)
  const bottom = (micros - top * TWO_32) * 1000
  const carry = Math.floor(bottom / TWO_32)
  words[2 * row] = bottom - carry * TWO_32
  words[2 * row + 1] = top * 1000 + carry
}

/** Writes whole microseconds as they are: low word at 2 · row, high word behind it. */
export function putWhole(words: Uint32Array, row: number, micros: number): void {
  words[2 * row] = micros
  words[2 * row + 1] = Math.floor(micros / TWO_32)
}

/** @throws ReplayError input `time-unaligned` when a bound of a range is not a whole number of microseconds */
export function wholeMicros(timestampNs: bigint, what: string): number {
  if (timestampNs >= 0n && timestampNs < 1n << 63n && timestampNs % 1000n === 0n) return Number(timestampNs / 1000n)
  throw new ReplayError('time-unaligned', `${what}: expected a time in whole microseconds from 0 to 2^63 - 1 ns, found ${timestampNs} ns`, {
    category: 'input',
  })
}

const TWO_32 = 2 ** 32
