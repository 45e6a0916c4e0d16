import { type DamagePlace, sumCounts } from '../plan/run/damage-report.ts'
import { totalOf } from '../plan/run/message-counts.ts'
import type { DoneReceipt } from '../plan/run/run-receipts.ts'

/** What the partitions of a run do without because it is damaged; their receipts have the places. */
export interface SkippedDamage {
  /** Damaged records and stretches. */
  readonly count: number
  /** Partitions that they lie in. */
  readonly partitions: number
  /** By code. */
  readonly codes: Readonly<Record<string, number>>
  /** The first of them, in order of partitions. */
  readonly first: DamagePlace | null
}

/** Adds up what was left out. @param done winning receipts, in order of partitions */
export function tallyDamage(done: Iterable<DoneReceipt>): SkippedDamage {
  let [partitions, codes, first]: [number, Record<string, number>, DamagePlace | null] = [0, {}, null]
  for (const { damage } of done) {
    if (damage === undefined || Object.keys(damage.codes).length === 0) continue
    partitions++
    codes = sumCounts(codes, damage.codes)
    first ??= damage.places[0] ?? null
  }
  return { count: totalOf(codes), partitions, codes, first }
}
