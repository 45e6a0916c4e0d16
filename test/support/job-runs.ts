import path from 'node:path'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { type CommitResult, commitRun } from '../../core/job/commit.ts'
import { readCommittedParts } from '../../core/job/committed-parts.ts'
import type { ParamGrid } from '../../core/job/define-job.ts'
import { type PlanOptions, planRun } from '../../core/job/plan.ts'
import { readTasks } from '../../core/job/plan-document.ts'
import { writePlan } from '../../core/job/plan-writer.ts'
import { newRunId } from '../../core/job/run-files.ts'
import { type RunTaskOptions, runTask, type TaskResult } from '../../core/job/task.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { checksumTable } from '../../core/table/part-checksum.ts'

/** The hash of no engine: tests plan and run with the same one. */
const ENGINE = 'engine'
let runs = 0

export interface JobRunOptions extends Pick<PlanOptions, 'slice' | 'taskBytes' | 'minTasks' | 'fromNs' | 'toNs' | 'symbols' | 'venues'> {
  readonly archive: ObjectStore
  readonly table: ObjectStore
  /** Name of a built-in job, or path of a module. */
  readonly job: string
  readonly params?: ParamGrid
  /** Puts the tasks into another order. */
  readonly order?: (tasks: string[]) => string[]
  readonly task?: Partial<RunTaskOptions>
}

export interface JobRun {
  readonly run: string
  readonly planned: { readonly run: number; readonly cached: number; readonly stale: number }
  readonly tasks: readonly TaskResult[]
  /** Null: there was nothing to run. */
  readonly commit: CommitResult | null
}

/** Plans, runs in this thread, and commits. */
export async function runJob(options: JobRunOptions): Promise<JobRun> {
  const { archive, table, job: name, order = (tasks) => tasks, task: own, ...rest } = options
  const bundle = await bundleJob(name)
  const job = await loadJob(bundle.code, path.basename(name))
  const run = newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5)
  const plan = await planRun({
    ...rest,
    archive,
    job,
    code: { bundle: bundle.hash, engine: ENGINE },
    run,
    createdMs: 1,
    live: await readCommittedParts(table),
  })
  if (plan.head.partitions === 0) return { run, planned: plan.head.counts, tasks: [], commit: null }
  await writePlan(table, plan, bundle.code)
  const tasks: TaskResult[] = []
  for (const task of order((await readTasks(table, run)).map((entry) => entry.task))) {
    tasks.push(await runTask({ table, archive, run, task, attempt: 'a1', clock: Date.now, random: () => 0.5, ...own }))
  }
  return { run, planned: plan.head.counts, tasks, commit: await commitRun(table, run, { clock: Date.now, random: Math.random }) }
}

/** Rows and hash sum of a table. */
export async function tableSum(table: ObjectStore): Promise<string> {
  const { rows, sum } = await checksumTable(table, await readTable(table))
  return `${rows} ${sum}`
}
