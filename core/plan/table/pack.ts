import { DAY_NS, dayOfDate } from '../cells.ts'

/** A partition that is done in a table: of a live part, or without rows. */
export interface LiveCell {
  readonly venue: string
  readonly symbol: string
  /** Nanoseconds since the epoch, decimal, half-open. */
  readonly startNs: string
  readonly endNs: string
  /** Ids, sorted. */
  readonly variants: readonly string[]
  /** As in the receipt; also the two below. */
  readonly fingerprint: string
  readonly inputs: string
  readonly restart: string
  readonly run: string
  /** Key of the part that holds its rows alone; null: it has no rows, or they are in a pack. */
  readonly path: string | null
  /** The parts of another program that hold its rows with those of others. */
  readonly pack?: Pack
}

/**
 * Rows of one partition of a table (venue, symbol, date) that lie in parts of another program: those of several cells in one
 * part, rows that it changed, or rows of no run. Which of the rows are whose is not known, so a pack is replaced as a whole.
 */
export interface Pack {
  readonly partition: readonly [venue: string | null, symbol: string | null, date: string | null]
  /** Keys of its parts; none: all the rows were taken out. */
  readonly paths: readonly string[]
  /** The partitions of runs whose rows it holds. */
  readonly cells: readonly LiveCell[]
  /** The version that made it, as text: `OPTIMIZE by … (version 3)`. */
  readonly by: string
  /** What changed rows; null: they are as the runs made them. */
  readonly changed: string | null
  /** What brought rows that are of no run; null: there are none. */
  readonly added: string | null
  /** Bounds of `ts_ns`, decimal, both included; null: not known. */
  readonly firstNs: string | null
  readonly lastNs: string | null
  /** Null: not known. */
  readonly rows: number | null
}

/**
 * What a run does about rows that another program changed or brought where it has to write: leaves them as they are and makes none
 * in their place, or replaces them by its own. Without an answer it refuses.
 */
export type OnForeign = 'keep' | 'replace'

/** Whether a pack is of an instrument and the day of a time. */
export function isOfDay(
  { partition: [venue, symbol, date] }: Pack,
  of: { readonly venue: string; readonly symbol: string },
  timeNs: bigint,
): boolean {
  return venue === of.venue && symbol === of.symbol && dayOfDate(date ?? '') === Number(timeNs / DAY_NS)
}

/** Whether a pack may hold rows of a cell in its partition: `ts_ns` of its last bar is the cell's end. */
export function mayHold({ firstNs, lastNs }: Pack, startNs: bigint, endNs: bigint): boolean {
  return firstNs === null || lastNs === null || (BigInt(firstNs) <= endNs && BigInt(lastNs) >= startNs)
}

/**
 * Whether all of its rows are of cells from one time to another: its day is, or no row's `ts_ns` is at the ends, where that of a bar is
 * of the cell before and that of a message of the cell behind.
 */
export function liesWithin({ firstNs, lastNs, partition }: Pack, startNs: bigint, endNs: bigint): boolean {
  const day = dayOfDate(partition[2] ?? '')
  const dayNs = Number.isNaN(day) ? null : BigInt(day) * DAY_NS
  if (dayNs !== null && dayNs >= startNs && dayNs + DAY_NS <= endNs) return true
  return firstNs !== null && lastNs !== null && BigInt(firstNs) > startNs && BigInt(lastNs) < endNs
}

/** Why a pack may not be replaced, or null. */
export function whyKept({ changed, added }: Pack, onForeign: OnForeign | undefined): string | null {
  if (onForeign === 'replace') return null
  return changed ?? added
}
