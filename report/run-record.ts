import { ReplayError } from '../core/errors.ts'
import { decodeRanges } from '../core/plan/index-ranges.ts'
import { type PlanHead, readPlanHead } from '../core/plan/run/plan-document.ts'
import type { Receipt } from '../core/plan/run/receipt.ts'
import { RUNS_FOLDER, runFiles } from '../core/plan/run/run-files.ts'
import { type DoneReceipt, type MissingPartition, readRunReceipts } from '../core/plan/run/run-receipts.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { readHistory } from '../core/table/delta-history.ts'
import { findTable, readTable, type TableState } from '../core/table/delta-log.ts'

/** All that is known of a run: its plan, every receipt of every attempt, and what the table says of it. */
export interface RunRecord {
  readonly head: PlanHead
  /** Receipts in the order in which the first without an error wins. */
  readonly receipts: readonly ReceiptRecord[]
  readonly done: ReadonlyMap<number, DoneReceipt>
  readonly missing: readonly MissingPartition[]
  readonly isCancelled: boolean
  /** It was submitted to AWS; else it ran on a machine of the user's. */
  readonly wasSubmitted: boolean
  /** The job as it ran, one JavaScript file; null when it is gone. */
  readonly code: string | null
  /** The run's commits, oldest first. */
  readonly commits: readonly RunCommit[]
  /** Partitions that the table has rows of, or knows to have none. */
  readonly committed: ReadonlySet<number>
  /** The table as the run's last commit left it; as it is now when the run has none; null when there is no table yet. */
  readonly table: TableState | null
}

/** What the report needs of a receipt. */
export interface ReceiptRecord
  extends Pick<Receipt, 'task' | 'attempt' | 'partition' | 'venue' | 'symbol' | 'startNs' | 'gaps' | 'unproven' | 'messages' | 'timing'> {
  readonly rows: number
  /** Key of the part that the rows lie in; null: there are none. */
  readonly part: string | null
  /** Bytes of it, by its share of the rows. */
  readonly partBytes: number
  readonly hasFailed: boolean
  /** The rows of its partition are this attempt's. */
  readonly isWinner: boolean
}

export interface RunCommit {
  readonly version: number
  /** Milliseconds since the epoch; null when the table does not say. */
  readonly timestampMs: number | null
}

/**
 * Reads what there is of a run; one that failed, is under way or was never committed as well.
 * @param run @default the run of the newest commit; without commits, the newest that was planned
 * @throws ReplayError input `run-unknown`, `run-imports`; corrupt `plan-document`, `receipt`, and those of `findTable`
 */
export async function readRunRecord(store: ObjectStore, run?: string): Promise<RunRecord> {
  const newest = await findTable(store)
  const wanted = run ?? (await lastCommittedRun(store, newest)) ?? (await lastPlannedRun(store))
  if (wanted === null) {
    throw new ReplayError('run-unknown', 'expected a table that a run was planned for, found none; run a job into it first', {
      category: 'input',
      path: store.uri,
    })
  }
  const head = await readPlanHead(store, wanted)
  if (head.imports !== undefined) {
    const message = `run ${wanted} imports files, and has no rows to report; see: chronicle-replay runs ${store.uri}`
    throw new ReplayError('run-imports', message, { category: 'input', path: store.uri })
  }
  const lines: Omit<ReceiptRecord, 'isWinner'>[] = []
  const clock = new FailureClock()
  const { done, missing } = await readRunReceipts(store, head, (receipt) => lines.push(recordOf(receipt, clock.timingOf(receipt))))
  const { commits, committed } = await readCommits(store, newest, wanted)
  const last = commits.at(-1)
  return {
    head,
    receipts: markWinners(lines, done),
    done,
    missing,
    isCancelled: (await store.get(runFiles(wanted).cancel)) !== null,
    wasSubmitted: (await store.get(runFiles(wanted).request)) !== null,
    code: textOf(await store.get(runFiles(wanted).bundle)),
    commits,
    committed,
    table: last === undefined || last.version === newest?.version ? newest : await readTable(store, { version: last.version }),
  }
}

function textOf(object: Awaited<ReturnType<ObjectStore['get']>>): string | null {
  return object === null ? null : new TextDecoder().decode(object.bytes)
}

async function lastCommittedRun(store: ObjectStore, newest: TableState | null): Promise<string | null> {
  for await (const { info } of readHistory(store, newest?.version ?? -1)) if (typeof info.run === 'string') return info.run
  return null
}

/** Ids begin with their time. */
async function lastPlannedRun(store: ObjectStore): Promise<string | null> {
  let last: string | null = null
  for await (const { key } of store.list(RUNS_FOLDER)) if (key.endsWith('/plan.json')) last = key.split('/').at(-2)!
  return last
}

/**
 * A failed partition's time counts from the beginning of its pass; what that spent on partitions before it is theirs. Else the
 * same time would be counted twice.
 */
class FailureClock {
  /** End of the last receipt by attempt and instrument, milliseconds since the epoch. */
  readonly #ends = new Map<string, number>()

  timingOf({ task, attempt, venue, symbol, timing, error }: Receipt): Receipt['timing'] {
    const key = `${task} ${attempt} ${venue}/${symbol}`
    const endMs = timing.startedMs + timing.durationMs
    const startedMs = error === null ? timing.startedMs : Math.min(endMs, Math.max(timing.startedMs, this.#ends.get(key) ?? 0))
    this.#ends.set(key, endMs)
    return { ...timing, startedMs, durationMs: endMs - startedMs }
  }
}

function recordOf(receipt: Receipt, timing: Receipt['timing']): Omit<ReceiptRecord, 'isWinner'> {
  const { task, attempt, partition, venue, symbol, startNs, gaps, unproven, messages, checksum, part, error } = receipt
  const counts = { gaps, unproven, messages, timing, rows: checksum.rows, part: part?.path ?? null, partBytes: partBytesOf(receipt) }
  return { task, attempt, partition, venue, symbol, startNs, ...counts, hasFailed: error !== null }
}

function partBytesOf({ part, checksum }: Receipt): number {
  return part === null ? 0 : Math.round((part.size * checksum.rows) / Math.max(1, part.rows))
}

function markWinners(lines: readonly Omit<ReceiptRecord, 'isWinner'>[], done: ReadonlyMap<number, DoneReceipt>): ReceiptRecord[] {
  const won = new Set<number>()
  return lines.map((line) => {
    const isWinner = !line.hasFailed && done.has(line.partition) && !won.has(line.partition)
    if (isWinner) won.add(line.partition)
    return { ...line, isWinner }
  })
}

/** Each commit of a run repeats the partitions of those before it. */
async function readCommits(
  store: ObjectStore,
  newest: TableState | null,
  run: string,
): Promise<{ commits: RunCommit[]; committed: ReadonlySet<number> }> {
  const commits: RunCommit[] = []
  let committed: ReadonlySet<number> = new Set()
  if (newest === null || !newest.txns.has(run)) return { commits, committed }
  for await (const { version, info } of readHistory(store, newest.version)) {
    if (info.run !== run) continue
    if (commits.length === 0) committed = decodeRanges(typeof info.partitions === 'string' ? info.partitions : '')
    commits.unshift({ version, timestampMs: info.timestamp ?? null })
  }
  return { commits, committed }
}
