import { type JobRun, type JobRunOptions, runJob } from '../../bench/made/job-run.ts'
import { type LocalRunResult, runLocally } from '../../core/commit/run-local.ts'
import type { JobBundle } from '../../core/job/bundle.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import type { JobDefinition, ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun } from '../../core/plan/plan.ts'
import type { PlanOptions } from '../../core/plan/plan-options.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'

let runs = 0

/**
 * Runs again while tasks say that a folder reaches further than was planned, which the next run knows: each says so of the first such
 * folder that it meets. Gives the last run.
 * @param onLearnt hears of each run that was refused for it
 */
export async function runKnowing(options: JobRunOptions, onLearnt: (refused: JobRun) => void = () => {}): Promise<JobRun> {
  for (let learnt = ''; ; ) {
    const made = await runJob(options)
    const reaches = made.tasks
      .flatMap(({ failed }) => failed.map(({ error }) => (error?.code === 'folder-reach' ? error.message : '')))
      .join('')
    if (reaches === '' || reaches === learnt) return made
    learnt = reaches
    onLearnt(made)
  }
}

export interface ThreadRunOptions extends Pick<PlanOptions, 'slice' | 'minTasks' | 'facts'> {
  readonly archive: FileStore
  readonly table: FileStore
  readonly bundle: JobBundle
  readonly job: JobDefinition
  readonly params?: ParamGrid
  readonly workers: number
  /** The run is stopped after so many milliseconds and gone on from, as often as there are numbers. @default never */
  readonly stopsMs?: readonly number[]
}

export interface PlanIntoOptions extends Omit<ThreadRunOptions, 'archive' | 'table' | 'workers' | 'stopsMs'> {
  readonly archive: ObjectStore
  readonly table: ObjectStore
}

/** Writes the plan of a run over everything into a table. Gives the run's id. */
export async function planInto(options: PlanIntoOptions): Promise<string> {
  const { archive, table, bundle, job, params, ...rest } = options
  const live = await readCommittedParts(table)
  // Processes that are killed while they plan must not meet each other's ids.
  const run = newRunId(1_723_161_255_000 + 1000 * runs++, Math.random)
  const code = { bundle: bundle.hash, engine: await engineHash() }
  const plan = await planRun({ ...rest, archive, outline: outlineJob(job, params, live), code, run, createdMs: 1, live })
  await writePlan(table, plan, bundle.code)
  return run
}

/** Plans, runs in worker threads, and commits. */
export async function runInThreads({ workers, stopsMs = [], ...options }: ThreadRunOptions): Promise<LocalRunResult> {
  const run = await planInto(options)
  const local = { tableUri: options.table.uri, run, workers, clock: Date.now, random: Math.random }
  for (const stopMs of stopsMs) {
    const signal = AbortSignal.timeout(stopMs)
    try {
      await runLocally({ ...local, signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return runLocally(local)
}
