import { readOutcome } from '../core/commit/run-outcome.ts'
import { type PlanHead, readPlanHead } from '../core/plan/run/plan-document.ts'
import { RUNS_FOLDER } from '../core/plan/run/run-files.ts'
import { readRunReceipts } from '../core/plan/run/run-receipts.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import type { TableState } from '../core/table/delta-log.ts'

/** A run that was planned and not committed: it was interrupted or refused, or is at work. */
export interface UnfinishedRun {
  readonly head: PlanHead
  /** Partitions with a receipt. */
  readonly done: number
  readonly isSubmitted: boolean
}

/** The ids of all runs with a plan, by what else their folders hold. */
export interface FoundRuns {
  readonly planned: readonly string[]
  readonly cancelled: ReadonlySet<string>
  readonly submitted: ReadonlySet<string>
  /** With an outcome. */
  readonly ended: ReadonlySet<string>
}

/** Looks at what there is of runs in a table or archive: one listing. */
export async function findRuns(store: ObjectStore): Promise<FoundRuns> {
  const by = {
    'plan.json': new Set<string>(),
    cancel: new Set<string>(),
    'request.json': new Set<string>(),
    'outcome.json': new Set<string>(),
  }
  for await (const { key } of store.list(RUNS_FOLDER)) {
    const [run, name] = key.slice(RUNS_FOLDER.length).split('/') as [string, string]
    if (Object.hasOwn(by, name)) by[name as keyof typeof by].add(run)
  }
  return { planned: [...by['plan.json']], cancelled: by.cancel, submitted: by['request.json'], ended: by['outcome.json'] }
}

/**
 * The runs of which nothing is committed, newest first. One that was cancelled is over.
 * @param state of the table; null: there is none
 */
export async function unfinishedRuns(
  store: ObjectStore,
  { planned, cancelled, submitted, ended }: FoundRuns,
  state: TableState | null,
  limit: number,
): Promise<UnfinishedRun[]> {
  const open = planned.filter((run) => !cancelled.has(run) && state?.txns.has(run) !== true)
  const runs: UnfinishedRun[] = []
  for (const run of open.sort().reverse()) {
    if (runs.length === limit) break
    const isRefused = ended.has(run) && (await readOutcome(store, run))?.state === 'refused'
    if (ended.has(run) && !isRefused) continue
    const head = await readPlanHead(store, run)
    const { missing } = await readRunReceipts(store, head)
    runs.push({ head, done: head.partitions - missing.length, isSubmitted: submitted.has(run) })
  }
  return runs
}
