import type { CellGrid } from './cells.ts'
import type { CellBytes, InstrumentDays } from './instrument-days.ts'
import { PartitionLines } from './partition-lines.ts'
import { type JudgedCell, partitionText } from './partition-state.ts'
import type { PlanReason, Variant } from './plan-document.ts'
import type { ShareLine } from './task-share.ts'

/** Takes the cells of instruments in order and keeps of those that run what tasks need, outside the heap. */
export class PlanCollector {
  readonly partitions: PartitionLines
  readonly instruments: { venue: string; symbol: string; run: number; cached: number; stale: number; bytes: number }[] = []
  readonly variants: Variant[] = []
  readonly variantSets: number[][] = []
  readonly counts = { run: 0, cached: 0, stale: 0 }
  cells = 0
  bytes = 0
  readonly #grid: CellGrid
  readonly #known: ReadonlyMap<string, Variant>
  readonly #reasons = new Map<string, { -readonly [K in keyof PlanReason]: PlanReason[K] } & { readonly number: number }>()
  readonly #sets = new Map<string, number>()

  constructor(grid: CellGrid, variants: readonly Variant[]) {
    this.#grid = grid
    this.#known = new Map(variants.map((variant) => [variant.id, variant]))
    this.partitions = new PartitionLines()
  }

  get reasons(): PlanReason[] {
    return [...this.#reasons.values()].map(({ number: _number, ...reason }) => reason)
  }

  startInstrument(days: InstrumentDays): void {
    this.partitions.startInstrument(days)
    this.instruments.push({ venue: days.venue, symbol: days.symbol, run: 0, cached: 0, stale: 0, bytes: 0 })
  }

  add(cell: number, judged: JudgedCell, bytesOf: (judged: JudgedCell) => CellBytes): void {
    const instrument = this.instruments.at(-1)!
    const { state, reason, variants, restart, inputs, fingerprint } = judged
    this.cells++
    instrument[state]++
    this.counts[state]++
    const reasonNumber = this.#reasonOf(judged, cell, reason)
    if (state === 'cached') return
    const place = bytesOf(judged)
    const bytes = place.end - place.start
    this.bytes += bytes
    instrument.bytes += bytes
    const line: ShareLine = ['p', cell, state, reasonNumber, this.#setOf(variants), restart, inputs, fingerprint, Math.round(bytes)]
    this.partitions.add(line, place, restart !== 'origin', judged.days)
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
