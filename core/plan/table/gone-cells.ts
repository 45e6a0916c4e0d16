import { NO_FACTS } from '../archive/archive-facts.ts'
import type { ListingSelection } from '../archive/archive-spans.ts'
import { InstrumentDays } from '../archive/instrument-days.ts'
import type { CellGrid } from '../cells.ts'
import type { LiveCellPlace, LiveParts } from './live-parts.ts'

/** Live cells of an instrument that nothing in the archive belongs to any more. */
export interface GoneCells {
  readonly venue: string
  readonly symbol: string
  /** Ascending. */
  readonly cells: readonly number[]
}

export interface GoneQuery {
  readonly grid: CellGrid
  readonly selection: ListingSelection
  /** Only rows that came from this archive: a table may have others, too. */
  readonly archive: string
  /** Of the instruments with what the job reads. */
  readonly days: readonly InstrumentDays[]
  readonly skewNs: number
  /** A live cell of another length, in place of one of the grid. */
  onOther(place: LiveCellPlace): never
  /** Half-open, in cells; null: all. */
  readonly range: readonly [first: number, end: number] | null
}

/** The cells with rows whose days are gone from the listing, by instrument. */
export function findGoneCells(live: LiveParts, query: GoneQuery): GoneCells[] {
  const { grid, selection, archive, skewNs, onOther, range } = query
  const { venues, symbols } = selection
  const daysOf = new Map(query.days.map((days) => [`${days.venue}/${days.symbol}`, days]))
  // A cell is live once for each group of variants that were committed together.
  const found = new Map<string, { venue: string; symbol: string; cells: Set<number> }>()
  for (const place of live.withRows(archive)) {
    const { venue, symbol, startNs, endNs } = place
    if (venues?.includes(venue) === false || symbols?.includes(symbol) === false) continue
    if (range !== null && (endNs <= BigInt(range[0]) * grid.sliceNs || startNs >= BigInt(range[1]) * grid.sliceNs)) continue
    const key = `${venue}/${symbol}`
    if (daysOf.get(key)?.hasInput(startNs, endNs, skewNs) === true) continue
    if (endNs - startNs !== grid.sliceNs || startNs % grid.sliceNs !== 0n) onOther(place)
    const instrument = found.get(key) ?? { venue, symbol, cells: new Set() }
    instrument.cells.add(Number(startNs / grid.sliceNs))
    found.set(key, instrument)
  }
  return [...found.values()].map(({ venue, symbol, cells }) => ({ venue, symbol, cells: [...cells].sort((a, b) => a - b) }))
}

/** Instruments with the cells that are gone, also those of which nothing else is left; by venue, then symbol. */
export function withGone(
  days: readonly InstrumentDays[],
  gone: readonly GoneCells[],
): { readonly instrument: InstrumentDays; readonly cells: readonly number[] }[] {
  const cellsOf = new Map(gone.map(({ venue, symbol, cells }) => [`${venue}/${symbol}`, cells]))
  const listed = days.map((instrument) => {
    const key = `${instrument.venue}/${instrument.symbol}`
    const cells = cellsOf.get(key) ?? []
    cellsOf.delete(key)
    return { instrument, cells }
  })
  if (cellsOf.size === 0) return listed
  const lost = gone.filter(({ venue, symbol }) => cellsOf.has(`${venue}/${symbol}`))
  const all = lost.map(({ venue, symbol, cells }) => {
    return {
      instrument: new InstrumentDays({ venue, symbol, folders: [] }, () => true, { usesBook: false, facts: NO_FACTS, readsWhole: false }),
      cells,
    }
  })
  return [...listed, ...all].sort(
    (a, b) => order(a.instrument.venue, b.instrument.venue) || order(a.instrument.symbol, b.instrument.symbol),
  )
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Cells in order, and whether they are gone; both lists ascend, and no cell is in both. */
export function* inOrder(cells: Iterable<number>, gone: readonly number[]): Generator<readonly [cell: number, isGone: boolean]> {
  let next = 0
  for (const cell of cells) {
    while (next < gone.length && gone[next]! < cell) yield [gone[next++]!, true]
    yield [cell, false]
  }
  while (next < gone.length) yield [gone[next++]!, true]
}
