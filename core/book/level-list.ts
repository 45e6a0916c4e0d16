import { lowerBound } from './deep-levels.ts'
import { isExactProduct, MAX_EXACT } from './exact.ts'
import { gcd } from './gcd.ts'

/**
 * All levels of an L2 side, taken out of it or about to be put in: keys (as in l2-side.ts: greater is better) ascending, and a
 * size for each. What a snapshot, a window that moves and a new scale go through; never the update of a level.
 */
export interface LevelList {
  readonly keys: Float64Array
  readonly sizes: Float64Array
}

/**
 * Reads `count` u64 price, u64 size pairs in any order from `words[at…]`; a key is `sign` × price.
 * Levels of size 0 are left out; of levels with the same price the last counts.
 */
export function readLevels(words: Uint32Array, at: number, count: number, sign: 1 | -1): LevelList {
  const keys = new Float64Array(count)
  const sizes = new Float64Array(count)
  // Snapshots list the best level first, so filling from the end gives ascending keys.
  let first = count
  let ascending = true
  for (let i = at; i < at + count * 4; i += 4) {
    const size = words[i + 2]! + words[i + 3]! * TWO_32
    if (size === 0) continue
    const key = sign * (words[i]! + words[i + 1]! * TWO_32)
    if (first < count && key >= keys[first]!) ascending = false
    keys[--first] = key
    sizes[first] = size
  }
  if (ascending) return { keys: keys.subarray(first), sizes: sizes.subarray(first) }
  const levels = new Map<number, number>()
  for (let i = count - 1; i >= first; i--) levels.set(keys[i]!, sizes[i]!)
  const sorted = Float64Array.from(levels.keys()).sort()
  return { keys: sorted, sizes: sorted.map((key) => levels.get(key)!) }
}

/** The levels and one more, at a key that is not among them. */
export function withLevel({ keys, sizes }: LevelList, key: number, size: number): LevelList {
  const at = lowerBound(keys, keys.length, key)
  return { keys: inserted(keys, at, key), sizes: inserted(sizes, at, size) }
}

/** Whether all prices and sizes times these factors still are exact. */
export function canScale({ keys, sizes }: LevelList, priceFactor: number, sizeFactor: number): boolean {
  return keys.every((key) => isExactProduct(Math.abs(key), priceFactor)) && sizes.every((size) => isExactProduct(size, sizeFactor))
}

/** Greatest common divisor of `tick` and the distances from the best key; 1 where there is nothing to divide. */
export function commonTick({ keys }: LevelList, tick: number): number {
  const last = keys.length - 1
  const best = keys[last]!
  let common = tick
  for (let i = 0; i < last && common !== 1; i++) {
    // A difference beyond 2^53 may be rounded, but a level so far off never is in the window.
    if (best - keys[i]! < MAX_EXACT) common = gcd(best - keys[i]!, common)
  }
  return common === 0 ? 1 : common
}

function inserted(numbers: Float64Array, at: number, number: number): Float64Array {
  const longer = new Float64Array(numbers.length + 1)
  longer.set(numbers.subarray(0, at))
  longer[at] = number
  longer.set(numbers.subarray(at), at + 1)
  return longer
}

const TWO_32 = 2 ** 32
