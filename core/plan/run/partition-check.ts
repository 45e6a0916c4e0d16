import { isoTime } from '../../instant.ts'

/** What makes a row findable among those of its partition; 64-bit values as digits. */
export interface RowKey {
  readonly tsNs: string
  readonly seq: string | null
  readonly row: number
  readonly variant: string
}

/** The first row, by its key, that one side has and the other has not, or has with other values. */
export interface RowDifference {
  readonly key: RowKey
  /** Time that tells the row's cell, nanoseconds since the epoch, as digits: of a bar its start, else `ts_ns`. */
  readonly cellNs: string
  /** The first column that differs, in the order of the schema; null: one side has no such row at all. */
  readonly column: string | null
  /** The values as text; null: NULL, or no row. */
  readonly values: readonly [string | null, string | null]
}

/** That a partition was made a second time, from other starts than the run's pass, and whether its rows were the same. */
export interface PartitionCheck {
  /** Where passes began, or how the partition was cut: one text for each time that its rows were made. */
  readonly starts: readonly string[]
  /** One of them is not how the run made it, so that state from outside of the window would have shown. */
  readonly isTelling: boolean
  /** Null: bit for bit the same. */
  readonly finding: CheckFinding | null
}

/** Rows that depend on more than their window. */
export interface CheckFinding {
  /** `rows-not-repeatable`: they differ from the same start, too. */
  readonly code: 'state-outlives-window' | 'rows-not-repeatable'
  readonly job: string
  readonly venue: string
  readonly symbol: string
  /** The partition, nanoseconds since the epoch, half-open. */
  readonly startNs: string
  readonly endNs: string
  /** Where the second pass, or piece, began; nanoseconds since the epoch. */
  readonly againFromNs: string
  /** The first row that differs, and in which column; null: it was made, or an error came, in one pass only. */
  readonly column: string | null
  readonly row: RowDifference['key'] | null
  /** Values in the run and made again, as text; null: NULL or no row. */
  readonly values: { readonly run: string | null; readonly again: string | null }
  /** All of this for people, and what to do. */
  readonly message: string
}

/** The checks of a run. */
export interface CheckTally {
  /** What partitions and starts were drawn by. */
  readonly seed: string
  /** That were made a second time. */
  readonly partitions: number
  /** Those where another start was possible. */
  readonly telling: number
  readonly findings: readonly CheckFinding[]
}

/** Findings that a tally tells. */
const MAX_FINDINGS = 10

/** @param checks of the partitions that are done and were checked */
export function tallyChecks(seed: string, checks: Iterable<PartitionCheck>): CheckTally {
  const all = [...checks]
  const findings = all.flatMap(({ finding }) => finding ?? [])
  return {
    seed,
    partitions: all.length,
    telling: all.filter(({ isTelling }) => isTelling).length,
    findings: findings.slice(0, MAX_FINDINGS),
  }
}

export function findingOf(
  found: Omit<CheckFinding, 'message' | 'column' | 'row' | 'values'>,
  difference: RowDifference | null,
  threw: string | null,
): CheckFinding {
  const [run, again] = difference?.values ?? [null, null]
  const told = { ...found, column: difference?.column ?? null, row: difference?.key ?? null, values: { run, again } }
  return { ...told, message: messageOf(told, threw) }
}

function messageOf(finding: Omit<CheckFinding, 'message'>, threw: string | null): string {
  const { code, job, venue, symbol, startNs, endNs, againFromNs } = finding
  const partition = `${venue}/${symbol} ${isoTime(BigInt(startNs))} to ${isoTime(BigInt(endNs))}`
  const what = threw === null ? differenceText(finding) : `made again it fails: ${threw}`
  const cause =
    code === 'rows-not-repeatable'
      ? `job ${job} gives other rows each time, from the same start, too`
      : `rows of job ${job} depend on where a pass begins`
  return `${cause}: partition ${partition}, made again from ${isoTime(BigInt(againFromNs))}: ${what}. ${code === 'rows-not-repeatable' ? REPEAT : DECLARE}`
}

function differenceText({ column, row, values }: Omit<CheckFinding, 'message'>): string {
  if (row === null) return 'other rows'
  const place = `row ${isoTime(BigInt(row.tsNs))} (ts_ns ${row.tsNs}, seq ${row.seq ?? 'NULL'}, row ${row.row}, variant ${row.variant})`
  if (column === null) return values.run === null ? `${place} is there only made again` : `${place} is there only in the run`
  return `column ${column} of ${place} is ${values.run ?? 'NULL'} in the run and ${values.again ?? 'NULL'} made again`
}

const DECLARE =
  "Something that the job keeps from message to message outlives its window, so that slices and workers would change rows. Declare how far back it looks (warmUp: '10m') and forget what is older; or that its state begins anew each UTC day (session: 'day'); or clear it in reset() and after each row. For the last trade or quote there are features: last_price:1h, last_bid:1h and their ages"

const REPEAT = 'Rows must come from the messages alone: no Math.random, no clock of the machine (Date.now), no state outside of create()'
