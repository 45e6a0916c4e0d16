import { dayOfDate } from '../../instant.ts'
import { DAY_NS } from '../cells.ts'

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
  /** Key of the part of ours that holds its rows, as well as those of others; null: it has no rows, or they are in a pack. */
  readonly path: string | null
  /** Of its rows, and the sum of their hashes modulo 2⁶⁴, decimal; 0: none, or not known, in a pack. */
  readonly rows: number
  readonly sum: string
  /** The parts of another program that hold its rows with those of others. */
  readonly pack?: Pack
}

/**
 * Rows of an instrument that lie in parts of another program: those of several cells in one part, rows that it changed, or rows of
 * no run. Which of the rows are whose is not known, so a pack is replaced as a whole.
 */
export interface Pack {
  readonly partition: readonly [venue: string | null, symbol: string | null]
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
  /** Bounds of `date`, both included; null: not known. */
  readonly days: readonly [first: string, last: string] | null
  /** Null: not known. */
  readonly rows: number | null
}

/**
 * What a run does about rows that another program changed or brought where it has to write: leaves them as they are and makes none
 * in their place, or replaces them by its own. Without an answer it refuses.
 */
export type OnForeign = 'keep' | 'replace'

export function isOfInstrument({ partition: [venue, symbol] }: Pack, of: { readonly venue: string; readonly symbol: string }): boolean {
  return venue === of.venue && symbol === of.symbol
}

/** Whether a pack may hold rows of a cell of its instrument: `ts_ns` of its last bar is the cell's end. */
export function mayHold({ firstNs, lastNs, days }: Pack, startNs: bigint, endNs: bigint): boolean {
  if (days !== null && (dayNsOf(days[0]) >= endNs || dayNsOf(days[1]) + DAY_NS <= startNs)) return false
  return firstNs === null || lastNs === null || (BigInt(firstNs) <= endNs && BigInt(lastNs) >= startNs)
}

/**
 * Whether all of its rows are of cells from one time to another: their days are, or no row's `ts_ns` is at the ends, where that of a bar
 * is of the cell before and that of a message of the cell behind.
 */
export function liesWithin({ firstNs, lastNs, days }: Pack, startNs: bigint, endNs: bigint): boolean {
  if (days !== null && dayNsOf(days[0]) >= startNs && dayNsOf(days[1]) + DAY_NS <= endNs) return true
  return firstNs !== null && lastNs !== null && BigInt(firstNs) > startNs && BigInt(lastNs) < endNs
}

function dayNsOf(date: string): bigint {
  return BigInt(dayOfDate(date)) * DAY_NS
}

/** Why a pack may not be replaced, or null. */
export function whyKept({ changed, added }: Pack, onForeign: OnForeign | undefined): string | null {
  if (onForeign === 'replace') return null
  return changed ?? added
}
