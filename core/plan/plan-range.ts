import { ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import type { JobOutline } from '../job/job-outline.ts'
import type { ListedFolder } from './archive/archive-listing.ts'
import type { InstrumentDays } from './archive/instrument-days.ts'
import { type CellGrid, cellGrid, cellsOfRange, DAY_NS } from './cells.ts'
import type { PlanOptions } from './plan-options.ts'
import type { GoneCells } from './table/gone-cells.ts'
import type { VariantWindows } from './variant-windows.ts'

/** The grid of a job's cells. @throws ReplayError input as `cellGrid`, `slice-cuts-session` */
export function planGrid({ name, everyNs, isOneSession }: JobOutline, slice = '1d'): CellGrid {
  const grid = cellGrid(slice, everyNs === null ? null : BigInt(everyNs))
  if (isOneSession && grid.sliceNs !== DAY_NS) throw sessionCut(name, slice)
  return grid
}

/** Cells of the range that was given; null when both ends are open. @throws ReplayError input as `cellsOfRange` */
export function rangeGiven(grid: CellGrid, { fromNs, toNs }: PlanOptions): readonly [number, number] | null {
  if (fromNs === undefined && toNs === undefined) return null
  return cellsOfRange(grid, fromNs ?? 0n, toNs ?? (MAX_NS / DAY_NS) * DAY_NS)
}

const MAX_NS = 2n ** 63n

/** All cells that messages can lie in, or have lain in. */
export function rangeOf(
  grid: CellGrid,
  days: readonly InstrumentDays[],
  gone: readonly GoneCells[],
  skewNs: number,
): readonly [number, number] {
  let [first, end] = [Number.POSITIVE_INFINITY, 0]
  for (const instrument of days) {
    const own = instrument.cellRange(grid, skewNs)
    first = Math.min(first, own[0])
    end = Math.max(end, own[1])
  }
  for (const { cells } of gone) {
    first = Math.min(first, cells[0]!)
    end = Math.max(end, cells.at(-1)! + 1)
  }
  return end === 0 ? [0, 0] : [Math.max(0, first), end]
}

/** Which folders could matter to cells of a range: a book may begin with any that comes before. */
export function mattersTo(
  range: readonly [first: number, end: number] | null,
  { cellsPerDay }: CellGrid,
  { beforeNs, skewNs }: VariantWindows,
  usesBook: boolean,
): (folder: ListedFolder) => boolean {
  if (range === null) return () => true
  const [beforeDays, skewDays] = [beforeNs, skewNs].map((ns) => Math.ceil(ns / Number(DAY_NS))) as [number, number]
  // A day more, as whole days may be looked at, and one for what reaches.
  const first = usesBook ? 0 : Math.floor(range[0] / cellsPerDay) - beforeDays - 2
  const last = Math.ceil(range[1] / cellsPerDay) + skewDays + 1
  return ({ day }) => day >= first && day <= last
}

export function emptyRange({ outline, fromNs, toNs }: PlanOptions, days: readonly InstrumentDays[]): ReplayError {
  const streams = outline.streams === 'all' ? 'logs' : `logs of ${outline.streams.join(', ')}`
  if (days.length === 0) return new ReplayError('range-empty', `the instruments have no ${streams}`, { category: 'input' })
  const [first, last] = [Math.min(...days.map((one) => one.days.days[0]!)), Math.max(...days.map((one) => one.days.days.at(-1)!))]
  const message = `no ${streams} from ${timeText(fromNs)} to ${timeText(toNs)}; there are days from ${dayText(first)} to ${dayText(last)}`
  return new ReplayError('range-empty', message, { category: 'input' })
}

function dayText(day: number): string {
  return isoTime(BigInt(day) * DAY_NS).slice(0, 10)
}

function timeText(timeNs: bigint | undefined): string {
  return timeNs === undefined ? 'the beginning or end' : isoTime(timeNs)
}

function sessionCut(name: string, slice: string): ReplayError {
  const message = `slice: the session of ${name} goes on over all days of an instrument (session 'run'), and slices of ${slice} would cut its days: expected 1d`
  return new ReplayError('slice-cuts-session', message, { category: 'input' })
}
