import type { RunRecord } from './run-record.ts'

/** Most rows and columns of the map; what is beyond is counted together. */
const MAX_INSTRUMENTS = 40
const MAX_BINS = 80

/** Counts by instrument and time of the data. */
export interface QualityMap {
  /** Nanoseconds since the epoch, decimal, of the first bin, and the length of a bin: a whole number of cells. */
  readonly fromNs: string
  readonly binNs: string
  readonly bins: number
  /** `venue/symbol`, sorted; the last may stand for several. */
  readonly instruments: readonly string[]
  /** How many instruments the last row stands for; 0: each has a row of its own. */
  readonly others: number
  readonly measures: readonly QualityMeasure[]
}

export interface QualityMeasure {
  readonly name: QualityName
  readonly total: number
  /** What is not 0, or for `rows` all that there is: flat triples of instrument, bin, count. */
  readonly cells: readonly number[]
}

/** The last two come from the rows, the others from the receipts. */
export const QUALITY_NAMES = ['rows', 'missing', 'gaps', 'duplicates', 'quarantined', 'unproven', 'crossed', 'marked'] as const
export type QualityName = (typeof QUALITY_NAMES)[number]

/** A count of rows that something is wrong with, as DuckDB gives it. */
export interface QualityRows {
  readonly name: 'crossed' | 'marked'
  readonly counts: readonly { readonly instrument: string; readonly timeNs: bigint; readonly count: number }[]
}

/** Where a bin of the map begins and how long it is; null when the run has no partitions. */
export function qualityGrid({
  head,
  done,
  missing,
}: RunRecord): { readonly fromNs: bigint; readonly binNs: bigint; readonly bins: number } | null {
  const starts = [...[...done.values()].map(({ startNs }) => BigInt(startNs)), ...missing.map(({ startNs }) => startNs)]
  const [first, ...rest] = starts
  if (first === undefined) return null
  let [from, last] = [first, first]
  for (const start of rest) {
    if (start < from) from = start
    if (start > last) last = start
  }
  const sliceNs = BigInt(head.sliceNs)
  const cells = Number((last - from) / sliceNs) + 1
  const perBin = Math.ceil(cells / MAX_BINS)
  return { fromNs: from, binNs: sliceNs * BigInt(perBin), bins: Math.ceil(cells / perBin) }
}

/** @param rows what DuckDB counted in the rows of the run's partitions */
export function qualityMapOf(record: RunRecord, rows: readonly QualityRows[]): QualityMap | null {
  const grid = qualityGrid(record)
  if (grid === null) return null
  const counts = new MeasureCounts(grid.bins)
  const binOf = (timeNs: bigint): number => Number((timeNs - grid.fromNs) / grid.binNs)
  for (const { venue, symbol, startNs, rows: made, gaps, messages, unproven, isWinner } of record.receipts) {
    if (!isWinner) continue
    const [instrument, bin] = [`${venue}/${symbol}`, binOf(BigInt(startNs))]
    const { duplicate = 0, ...breaks } = gaps
    const total = Object.values(breaks).reduce((all, count) => all + count, 0)
    counts.add('rows', instrument, bin, made)
    counts.add('gaps', instrument, bin, total)
    // Both are told: the policy counts a finding, the book a message that it did not apply.
    counts.add('duplicates', instrument, bin, Math.max(duplicate, messages.leftOut.duplicate ?? 0))
    counts.add('quarantined', instrument, bin, messages.leftOut.quarantined ?? 0)
    counts.add('unproven', instrument, bin, unproven)
  }
  for (const { venue, symbol, startNs } of record.missing) counts.add('missing', `${venue}/${symbol}`, binOf(startNs), 1)
  for (const { name, counts: found } of rows) {
    for (const { instrument, timeNs, count } of found) {
      const bin = binOf(timeNs)
      if (bin >= 0 && bin < grid.bins && counts.has(instrument)) counts.add(name, instrument, bin, count)
    }
  }
  return { fromNs: String(grid.fromNs), binNs: String(grid.binNs), bins: grid.bins, ...counts.finish() }
}

class MeasureCounts {
  readonly #bins: number
  readonly #counts = new Map<string, Map<QualityName, Map<number, number>>>()

  constructor(bins: number) {
    this.#bins = bins
  }

  has(instrument: string): boolean {
    return this.#counts.has(instrument)
  }

  add(name: QualityName, instrument: string, bin: number, count: number): void {
    const measures = this.#counts.get(instrument) ?? new Map<QualityName, Map<number, number>>()
    this.#counts.set(instrument, measures)
    if (count === 0 && name !== 'rows') return
    const bins = measures.get(name) ?? new Map<number, number>()
    measures.set(name, bins)
    bins.set(bin, (bins.get(bin) ?? 0) + count)
  }

  finish(): Pick<QualityMap, 'instruments' | 'others' | 'measures'> {
    const all = [...this.#counts.keys()]
    // What is wrong comes first, so that the last row holds what is well.
    const ranked = all.length <= MAX_INSTRUMENTS ? all : all.sort((a, b) => this.#badness(b) - this.#badness(a))
    const shown = ranked.slice(0, all.length <= MAX_INSTRUMENTS ? MAX_INSTRUMENTS : MAX_INSTRUMENTS - 1).sort()
    const others = all.length - shown.length
    const rowOf = new Map(shown.map((instrument, row) => [instrument, row]))
    const instruments = others === 0 ? shown : [...shown, `${others} others`]
    const measures = QUALITY_NAMES.map((name) => this.#measure(name, (instrument) => rowOf.get(instrument) ?? shown.length))
    return { instruments, others, measures }
  }

  #measure(name: QualityName, rowOf: (instrument: string) => number): QualityMeasure {
    const cells = new Map<number, number>()
    let total = 0
    for (const [instrument, measures] of this.#counts) {
      for (const [bin, count] of measures.get(name) ?? []) {
        const cell = rowOf(instrument) * this.#bins + bin
        cells.set(cell, (cells.get(cell) ?? 0) + count)
        total += count
      }
    }
    const flat = [...cells].sort(([a], [b]) => a - b).flatMap(([cell, count]) => [Math.floor(cell / this.#bins), cell % this.#bins, count])
    return { name, total, cells: flat }
  }

  #badness(instrument: string): number {
    let [bad, rows] = [0, 0]
    for (const [name, bins] of this.#counts.get(instrument)!) {
      for (const count of bins.values()) {
        if (name === 'rows') rows += count
        else bad += count
      }
    }
    return bad * 1e9 + rows
  }
}
