import type { ReadIssue } from '../message/source.ts'
import { type DamagePlace, type DamageReport, MAX_PLACES } from '../plan/run/damage-report.ts'

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
