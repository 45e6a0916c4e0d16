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

/** Adds up what was left out, of receipts in order of partitions. */
export class DamageSums {
  #partitions = 0
  #codes: Record<string, number> = {}
  #first: DamagePlace | null = null

  add({ damage }: Pick<DoneReceipt, 'damage'>): void {
    if (damage === undefined || Object.keys(damage.codes).length === 0) return
    this.#partitions++
    this.#codes = sumCounts(this.#codes, damage.codes)
    this.#first ??= damage.places[0] ?? null
  }

  totals(): SkippedDamage {
    return { count: totalOf(this.#codes), partitions: this.#partitions, codes: this.#codes, first: this.#first }
  }
}
