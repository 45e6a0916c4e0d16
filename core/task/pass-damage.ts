import type { ReadIssue } from '../message/source.ts'

/** What a partition does without because it is damaged or missing in the archive (`onCorrupt: 'skip'`). */
export interface DamageReport {
  /** Damaged records and stretches that were left out, by code; of `duplicate-segment` the records that were given before. */
  readonly codes: Readonly<Record<string, number>>
  /** Likewise met on the way to the partition, which is where they count. */
  readonly warmUp: number
  /** The first `MAX_PLACES` of the partition's own, in the order in which they were met. */
  readonly places: readonly DamagePlace[]
}

/** A dead letter: where something was left out. */
export interface DamagePlace {
  /** Key of the log's folder in the archive. */
  readonly folder: string
  readonly segment?: number
  /** Offset in the uncompressed segment. */
  readonly offset?: number
  readonly code: string
}

/** Places kept per partition; further ones are only counted. */
export const MAX_PLACES = 20

/** Collects what a pass leaves out, by the cell that it lies in. */
export class PassDamage {
  readonly #cells = new Map<number, { codes: Record<string, number>; places: DamagePlace[] }>()
  readonly #warmUps = new Map<number, number>()
  /** Nothing was left out so far. */
  isSound = true

  /** @param cell the first cell that suffers; @param isWarmUp it lies before that cell */
  add({ code, segment, offset, repeated = 1 }: ReadIssue, folder: string, cell: number, isWarmUp: boolean): void {
    this.isSound = false
    if (isWarmUp) {
      this.#warmUps.set(cell, (this.#warmUps.get(cell) ?? 0) + repeated)
      return
    }
    const own = this.#cells.get(cell) ?? { codes: {}, places: [] }
    this.#cells.set(cell, own)
    own.codes[code] = (own.codes[code] ?? 0) + repeated
    if (own.places.length === MAX_PLACES) return
    own.places.push({ folder, ...(segment !== undefined && { segment }), ...(offset !== undefined && { offset }), code })
  }

  /** Null when the pass met no damage in a cell or on the way to it. */
  of(cell: number): DamageReport | null {
    const own = this.#cells.get(cell)
    const warmUp = this.#warmUps.get(cell) ?? 0
    return own === undefined && warmUp === 0 ? null : { codes: own?.codes ?? {}, warmUp, places: own?.places ?? [] }
  }
}

/** Adds counts by name. */
export function sumCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
