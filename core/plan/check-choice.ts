import { Random } from '../synthetic/random.ts'
import type { PlannedCheck } from './run/plan-document.ts'
import { shortHash } from './short-hash.ts'

/** So many partitions, or `few`: about what costs little beside the run. */
export type CheckAmount = number | 'few'

export interface CheckablePartitions {
  readonly count: number
  /** Of all of them together. */
  readonly bytes: number
  /** Whether a partition could be begun in another way only if it follows another one in its task; false: it can be cut. */
  readonly areWhole: boolean
  /** Whether a partition is the first of its instrument in its task. */
  isFirst(index: number): boolean
  /** Bytes to read before a partition begins. */
  leadOf(index: number): number
}

/** A run so small is checked by more partitions. */
const SMALL_BYTES = 64 * 2 ** 20
const FEW_OF_SMALL = 8
const FEW = 2
/** For each partition so many are drawn, and the cheapest that can tell something is taken. */
const DRAWS = 8
/** A plan lists them in its head. */
const MAX_CHECKED = 10_000

/** Draws the partitions that a run makes twice; undefined: none. @param seed id of the run */
export function chooseChecked(seed: string, amount: CheckAmount, partitions: CheckablePartitions): PlannedCheck | undefined {
  const { count, bytes } = partitions
  const few = bytes <= SMALL_BYTES ? FEW_OF_SMALL : FEW
  const wanted = Math.min(count, MAX_CHECKED, amount === 'few' ? few : amount)
  if (wanted < 1) return undefined
  const random = new Random(Number.parseInt(shortHash(seed).slice(0, 12), 16))
  const chosen = new Set<number>()
  while (chosen.size < wanted) chosen.add(draw(random, chosen, partitions))
  return { seed, partitions: [...chosen].sort((a, b) => a - b) }
}

function draw(random: Random, chosen: ReadonlySet<number>, partitions: CheckablePartitions): number {
  let [best, bestCost] = [-1, Number.POSITIVE_INFINITY]
  for (let i = 0; i < DRAWS; i++) {
    let index = random.below(partitions.count)
    // Nearly all may be chosen already.
    while (chosen.has(index)) index = (index + 1) % partitions.count
    const cost = partitions.leadOf(index) + (partitions.areWhole && partitions.isFirst(index) ? 1e15 : 0)
    if (cost < bestCost) [best, bestCost] = [index, cost]
  }
  return best
}
