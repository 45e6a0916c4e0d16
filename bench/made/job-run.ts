import path from 'node:path'
import { commitRun } from '../../core/commit/commit.ts'
import type { CommitResult } from '../../core/commit/commit-result.ts'
import type { JobBundle } from '../../core/job/bundle.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import type { JobDefinition, ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { readArchiveIndex } from '../../core/plan/archive/archive-index.ts'
import { planRun } from '../../core/plan/plan.ts'
import type { PlanOptions } from '../../core/plan/plan-options.ts'
import { readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { checksumTable } from '../../core/table/part-checksum.ts'
import { type RunTaskOptions, runTask, type TaskResult } from '../../core/task/task.ts'

/** A bundled job, for many runs. */
export interface LoadedJob {
  readonly bundle: JobBundle
  readonly job: JobDefinition
}

export async function bundled(name: string): Promise<LoadedJob> {
  const bundle = await bundleJob(name)
  return { bundle, job: await loadJob(bundle.code, path.basename(name)) }
}

/** The hash of no engine: tests plan and run with the same one. */
const ENGINE = 'engine'
let runs = 0

export interface JobRunOptions
  extends Pick<PlanOptions, 'slice' | 'taskBytes' | 'minTasks' | 'fromNs' | 'toNs' | 'symbols' | 'venues' | 'onCorrupt' | 'check'> {
  readonly archive: ObjectStore
  readonly table: ObjectStore
  /** Name of a built-in job, or path of a module. */
  readonly job: string
  readonly params?: ParamGrid
  /** The job, bundled already. @default bundled for the run */
  readonly loaded?: LoadedJob
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
  const { archive, table, job: name, params, loaded, order = (tasks) => tasks, task: own, ...rest } = options
  const { bundle, job } = loaded ?? (await bundled(name))
  const run = newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5)
  const live = await readCommittedParts(table)
  const plan = await planRun({
    ...rest,
    archive,
    outline: outlineJob(job, params, live),
    code: { bundle: bundle.hash, engine: ENGINE },
    run,
    createdMs: 1,
    live,
    facts: await readArchiveIndex(table),
  })
  if (plan.head.partitions === 0) return { run, planned: plan.head.counts, tasks: [], commit: null }
  await writePlan(table, plan, bundle.code)
  const tasks: TaskResult[] = []
  for (const task of order((await readTasks(table, run)).map((entry) => entry.task))) {
    tasks.push(await runTask({ table, archive, run, task, attempt: 'a1', clock: Date.now, ...own }))
  }
  return { run, planned: plan.head.counts, tasks, commit: await commitRun(table, run, { clock: Date.now, random: Math.random }) }
}

/** Rows and hash sum of a table. */
export async function tableSum(table: ObjectStore): Promise<string> {
  const { rows, sum } = await checksumTable(table, await readTable(table))
  return `${rows} ${sum}`
}
