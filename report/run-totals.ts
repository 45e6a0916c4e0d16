import { countText } from '../core/number-text.ts'
import { type CheckTally, tallyChecks } from '../core/plan/run/partition-check.ts'
import type { PlanReason } from '../core/plan/run/plan-document.ts'
import type { TableState } from '../core/table/delta-log.ts'
import type { ReceiptRecord, RunRecord } from './run-record.ts'

/** Sums over a run. Those of messages, rows and bytes are of the attempts whose rows count. */
export interface RunTotals {
  /** Partitions: of the question asked, and what became of those to run. */
  readonly partitions: {
    readonly asked: number
    readonly cached: number
    readonly planned: number
    readonly done: number
    readonly failed: number
    readonly notRun: number
    readonly committed: number
    /** Done, and without rows. */
    readonly empty: number
  }
  readonly reasons: readonly PlanReason[]
  readonly messages: { readonly read: number; readonly warmUp: number; readonly leftOut: Readonly<Record<string, number>> }
  readonly rows: number
  readonly parts: number
  /** Bytes of archive read, and of parts written. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Sequence findings by kind. */
  readonly gaps: Readonly<Record<string, number>>
  readonly unproven: number
  /** What making partitions a second time came to; null: none was to be. */
  readonly check: CheckTally | null
  /** From the first receipt's beginning to the last one's end; 0 without receipts. Milliseconds. */
  readonly wallMs: number
  /** Time of threads in all attempts. Milliseconds. */
  readonly busyMs: number
  /** The table that the report is of: live parts, as its Delta log says. */
  readonly table: { readonly version: number; readonly parts: number; readonly rows: number; readonly bytes: number } | null
}

/** Two numbers from different places that have to be the same. */
export interface TotalsCheck {
  readonly what: string
  readonly left: string
  readonly leftIs: string
  readonly right: string
  readonly rightIs: string
  readonly holds: boolean
}

export function sumRun(record: RunRecord): RunTotals {
  const { head, receipts, done, missing, committed, table } = record
  const winners = receipts.filter(({ isWinner }) => isWinner)
  const { run, cached, stale } = head.counts
  const failed = missing.filter(({ error }) => error !== null).length
  const live = table === null ? null : { version: table.version, ...partsOf(table) }
  return {
    partitions: {
      asked: run + cached + stale,
      cached,
      planned: head.partitions,
      done: done.size,
      failed,
      notRun: missing.length - failed,
      committed: committed.size,
      empty: winners.filter(({ rows }) => rows === 0).length,
    },
    reasons: head.reasons,
    messages: {
      read: sum(winners, ({ messages }) => messages.read),
      warmUp: sum(winners, ({ messages }) => messages.warmUp),
      leftOut: sumByName(winners.map(({ messages }) => messages.leftOut)),
    },
    rows: sum(winners, ({ rows }) => rows),
    parts: new Set(winners.flatMap(({ part }) => part ?? [])).size,
    bytesRead: sum(winners, ({ timing }) => timing.bytes),
    bytesWritten: sum(winners, ({ partBytes }) => partBytes),
    gaps: sumByName(winners.map(({ gaps }) => gaps)),
    unproven: sum(winners, ({ unproven }) => unproven),
    check:
      head.check === undefined
        ? null
        : tallyChecks(
            head.check.seed,
            [...done.values()].flatMap(({ check }) => check ?? []),
          ),
    wallMs: wallOf(receipts),
    busyMs: sum(receipts, ({ timing }) => timing.durationMs),
    table: live === null ? null : { version: live.version, parts: live.parts, rows: live.rows, bytes: live.bytes },
  }
}

/** @param counted rows of the table by DuckDB; null when it was not asked */
export function checkTotals(record: RunRecord, totals: RunTotals, counted: number | null): TotalsCheck[] {
  const { head, committed, done, table } = record
  const { asked, cached, planned, failed, notRun } = totals.partitions
  const checks = [
    check('partitions asked for', asked, 'of the plan', cached + planned, `${countText(cached)} cached + ${countText(planned)} to run`),
    check(
      'partitions to run',
      planned,
      'of the plan',
      done.size + failed + notRun,
      `${countText(done.size)} done + ${countText(failed)} failed + ${countText(notRun)} not run`,
    ),
  ]
  if (head.reasons.length > 0) {
    const counted = head.reasons.reduce((total, { partitions }) => total + partitions, 0)
    checks.push(check('reasons', counted, 'partitions by reason', asked, 'partitions asked for'))
  }
  if (table !== null && committed.size > 0) {
    const told = [...done.values()].filter(({ partition }) => committed.has(partition))
    checks.push(check('committed partitions', committed.size, 'of the commit', told.length, 'with receipts'))
    const parts = new Map(told.flatMap(({ part }) => (part === null ? [] : [[part.path, part.size] as const])))
    // Where some were copied, by a commit or by OPTIMIZE, the rows lie elsewhere, with those of other runs.
    const isAsMade = [...parts.keys()].every((key) => table.parts.has(key))
    const own = partsOf(table, parts)
    const checksOfRows = [
      check(
        'rows',
        sum(told, ({ checksum }) => checksum.rows),
        'of the receipts',
        own.rows,
        'of the run’s parts in the table',
      ),
      check(
        'bytes of parts',
        sum([...parts.values()], (size) => size),
        'of the receipts',
        own.bytes,
        'of the run’s parts in the table',
      ),
      check('row hashes', sumOf(told.map(({ checksum }) => checksum.sum)), 'of the receipts', own.hash, 'of the run’s parts in the table'),
    ]
    if (isAsMade) checks.push(...checksOfRows)
  }
  if (totals.table !== null && counted !== null)
    checks.push(check('rows of the table', totals.table.rows, 'of its log', counted, 'counted by DuckDB'))
  return checks
}

function check(what: string, left: number | bigint, leftIs: string, right: number | bigint, rightIs: string): TotalsCheck {
  const text = (value: number | bigint): string => (typeof value === 'bigint' ? String(value) : countText(value))
  return { what, left: text(left), leftIs, right: text(right), rightIs, holds: left === right }
}

/** Live parts of a table, or some of them by key. */
function partsOf(table: TableState, wanted?: ReadonlyMap<string, unknown>): { parts: number; rows: number; bytes: number; hash: bigint } {
  let [parts, rows, bytes] = [0, 0, 0]
  const hashes: string[] = []
  for (const { path, stats, size, tags } of table.parts.values()) {
    if (wanted?.has(path) === false) continue
    parts++
    bytes += size
    rows += stats === undefined ? 0 : (JSON.parse(stats) as { numRecords: number }).numRecords
    hashes.push(tags?.sum ?? '0')
  }
  return { parts, rows, bytes, hash: sumOf(hashes) }
}

/** Modulo 2⁶⁴, as checksums of rows are added up. */
function sumOf(hashes: readonly string[]): bigint {
  return BigInt.asUintN(
    64,
    hashes.reduce((total, hash) => total + BigInt(hash), 0n),
  )
}

function wallOf(receipts: readonly ReceiptRecord[]): number {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { timing } of receipts) {
    from = Math.min(from, timing.startedMs)
    to = Math.max(to, timing.startedMs + timing.durationMs)
  }
  return Math.max(0, to - from)
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function sumByName(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const record of records) for (const [name, count] of Object.entries(record)) sums[name] = (sums[name] ?? 0) + count
  return sums
}
