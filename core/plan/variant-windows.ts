import type { JobWindow, OutlinedVariant } from '../job/job-outline.ts'

/** The windows of sets of variants: of each set that of the variant which looks farthest. */
export class VariantWindows {
  /** The greatest skew, and the farthest look back. */
  readonly skewNs: number
  readonly beforeNs: number
  readonly #windows: ReadonlyMap<string, JobWindow>
  readonly #sets = new Map<string, JobWindow>()

  constructor(variants: readonly OutlinedVariant[]) {
    this.#windows = new Map(variants.map(({ id, window }) => [id, window]))
    this.skewNs = Math.max(0, ...[...this.#windows.values()].map(({ afterNs }) => afterNs))
    this.beforeNs = Math.max(0, ...[...this.#windows.values()].map(({ beforeNs }) => beforeNs))
  }

  has(variant: string): boolean {
    return this.#windows.has(variant)
  }

  of(variants: readonly string[]): JobWindow {
    const key = variants.length === 1 ? variants[0]! : variants.join(' ')
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const all = variants.flatMap((id) => this.#windows.get(id) ?? [])
    const window = {
      beforeNs: Math.max(0, ...all.map(({ beforeNs }) => beforeNs)),
      afterNs: Math.max(0, ...all.map(({ afterNs }) => afterNs)),
      wholeDay: all.some(({ wholeDay }) => wholeDay),
      dayStartNs: all[0]?.dayStartNs ?? 0,
    }
    this.#sets.set(key, window)
    return window
  }
}
