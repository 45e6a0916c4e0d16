import type { Variant } from '../../core/job/variants.ts'
import type { RunPlan } from '../../core/plan/plan.ts'
import type { PlanHead } from '../../core/plan/run/plan-document.ts'
import type { ShareLine } from '../../core/plan/run/task-share.ts'
import type { LiveCellPlace, LivePart, LiveParts } from '../../core/plan/table/live-parts.ts'
import type { LiveVariant } from '../../core/plan/table/variant-codes.ts'

/** A partition of a plan in memory. */
export interface PlannedLine {
  /** `venue/symbol/cell`. */
  readonly key: string
  readonly state: 'run' | 'stale'
  readonly reason: string
  readonly variants: readonly string[]
  readonly restart: string
  readonly inputs: string
  readonly fingerprint: string
  readonly task: number
}

/** The partitions of a plan that run. */
export function plannedLines(plan: RunPlan): PlannedLine[] {
  const { head, partitions } = plan
  return plan.tasks.flatMap((task, number) =>
    [...partitions.byInstrument(task)].flatMap(({ days, first, end }) =>
      Array.from({ length: end - first }, (_, i): PlannedLine => {
        const line = JSON.parse(partitions.line(first + i)) as Extract<ShareLine, readonly ['p', ...unknown[]]>
        const [, cell, state, reason, set, restart, inputs, fingerprint] = line
        const variants = head.variantSets[set]!.map((at) => head.variants[at]!.id)
        const key = `${days.venue}/${days.symbol}/${cell}`
        return { key, state, reason: head.reasons[reason]!.reason, variants, restart, inputs, fingerprint, task: number }
      }),
    ),
  )
}

/** A table in which plans were carried out, as the table side will tell it. */
export class PlannedParts implements LiveParts {
  job: string | null = null
  readonly table = null
  readonly packs = []
  readonly #parts = new Map<string, LivePart[]>()
  readonly #variants = new Map<string, Variant>()
  #sliceNs = 1n

  get variants(): readonly LiveVariant[] {
    return Array.from(this.#variants.values(), (variant) => ({ ...variant, codes: [] }))
  }

  /** As if the run had been done and committed. `restartOf` says what tasks found out about restarts. */
  commit(plan: RunPlan, change: (line: PlannedLine) => PlannedLine = (line) => line): this {
    this.job = plan.head.job
    this.#sliceNs = BigInt(plan.head.sliceNs)
    for (const variant of plan.head.variants) this.#variants.set(variant.id, variant)
    for (const line of plannedLines(plan)) this.#put(change(line), plan.head)
    return this
  }

  of(venue: string, symbol: string, startNs: bigint): readonly LivePart[] {
    return this.#parts.get(`${venue}/${symbol}/${startNs / this.#sliceNs}`) ?? []
  }

  overlapping(): string | null {
    return null
  }

  *withRows(): Generator<LiveCellPlace> {
    for (const [key, parts] of this.#parts) {
      const [venue, symbol, cell] = key.split('/') as [string, string, string]
      const startNs = BigInt(cell) * this.#sliceNs
      if (parts.length > 0) yield { venue, symbol, startNs, endNs: startNs + this.#sliceNs }
    }
  }

  #put({ key, variants, restart, inputs, fingerprint }: PlannedLine, { bundle, engine }: PlanHead): void {
    const kept = (this.#parts.get(key) ?? []).filter((part) => !part.variants.every((id) => variants.includes(id)))
    this.#parts.set(key, [...kept, { variants, restart, inputs, fingerprint, bundle, engine }])
  }
}
