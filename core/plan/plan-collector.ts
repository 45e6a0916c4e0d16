import type { Variant } from '../job/variants.ts'
import type { CellBytes, InstrumentDays } from './archive/instrument-days.ts'
import type { CellGrid } from './cells.ts'
import { PartitionLines } from './partition-lines.ts'
import { type JudgedCell, partitionText } from './partition-state.ts'
import type { PartitionState, PlanReason } from './run/plan-document.ts'
import type { ShareLine } from './run/task-share.ts'

/** What a plan says of one partition. */
export interface PlannedCell {
  readonly venue: string
  readonly symbol: string
  /** Nanoseconds since the epoch, half-open. */
  readonly startNs: bigint
  readonly endNs: bigint
  readonly state: PartitionState
  readonly reason: string
}

/** Takes the cells of instruments in order and keeps of those that run what tasks need, outside the heap. */
export class PlanCollector {
  readonly partitions: PartitionLines
  readonly instruments: { venue: string; symbol: string; run: number; cached: number; stale: number; bytes: number }[] = []
  readonly variants: Variant[] = []
  readonly variantSets: number[][] = []
  readonly counts = { run: 0, cached: 0, stale: 0 }
  bytes = 0
  readonly #grid: CellGrid
  readonly #known: ReadonlyMap<string, Variant>
  readonly #reasons = new Map<string, { -readonly [K in keyof PlanReason]: PlanReason[K] } & { readonly number: number }>()
  readonly #sets = new Map<string, number>()
  /** Number and reason of every cell, and the first of each instrument: there may be millions. */
  readonly #cells: number[] = []
  readonly #cellReasons: number[] = []
  readonly #firstCells: number[] = []

  constructor(grid: CellGrid, variants: readonly Variant[]) {
    this.#grid = grid
    this.#known = new Map(variants.map((variant) => [variant.id, variant]))
    this.partitions = new PartitionLines()
  }

  get cells(): number {
    return this.#cells.length
  }

  *planned(): Generator<PlannedCell, void, undefined> {
    const { reasons } = this
    const { sliceNs } = this.#grid
    for (const [i, { venue, symbol }] of this.instruments.entries()) {
      for (let at = this.#firstCells[i]!; at < (this.#firstCells[i + 1] ?? this.cells); at++) {
        const startNs = BigInt(this.#cells[at]!) * sliceNs
        const { state, reason } = reasons[this.#cellReasons[at]!]!
        yield { venue, symbol, startNs, endNs: startNs + sliceNs, state, reason }
      }
    }
  }

  get reasons(): PlanReason[] {
    return [...this.#reasons.values()].map(({ number: _number, ...reason }) => reason)
  }

  startInstrument(days: InstrumentDays): void {
    this.partitions.startInstrument(days)
    this.#firstCells.push(this.cells)
    this.instruments.push({ venue: days.venue, symbol: days.symbol, run: 0, cached: 0, stale: 0, bytes: 0 })
  }

  add(cell: number, judged: JudgedCell, bytesOf: (judged: JudgedCell) => CellBytes): void {
    const instrument = this.instruments.at(-1)!
    const { state, reason, variants, restart, inputs, fingerprint } = judged
    instrument[state]++
    this.counts[state]++
    const reasonNumber = this.#reasonOf(judged, cell, reason)
    this.#cells.push(cell)
    this.#cellReasons.push(reasonNumber)
    if (state === 'cached') return
    const place = bytesOf(judged)
    const bytes = place.end - place.start
    this.bytes += bytes
    instrument.bytes += bytes
    const line: ShareLine = ['p', cell, state, reasonNumber, this.#setOf(variants), restart, inputs, fingerprint, Math.round(bytes)]
    this.partitions.add(line, place, restart !== 'origin', judged.days)
  }

  /** A cell without input: nothing is read for it. */
  addGone(cell: number, judged: JudgedCell | null, place: CellBytes): void {
    if (judged !== null) this.add(cell, judged, () => place)
  }

  #reasonOf({ state }: JudgedCell, cell: number, reason: string): number {
    const key = `${state} ${reason}`
    const known = this.#reasons.get(key)
    if (known !== undefined) {
      known.partitions++
      return known.number
    }
    const { venue, symbol } = this.instruments.at(-1)!
    const first = partitionText(venue, symbol, BigInt(cell) * this.#grid.sliceNs)
    const number = this.#reasons.size
    this.#reasons.set(key, { state, reason, partitions: 1, first, number })
    return number
  }

  #setOf(variants: readonly string[]): number {
    const key = variants.join(' ')
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const numbers = variants.map((id) => {
      const at = this.variants.findIndex((variant) => variant.id === id)
      return at >= 0 ? at : this.variants.push(this.#known.get(id)!) - 1
    })
    this.#sets.set(key, this.variantSets.length)
    return this.variantSets.push(numbers) - 1
  }
}
