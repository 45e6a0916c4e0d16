import fs from 'node:fs'
import path from 'node:path'
import { commitRun } from '../../core/commit/commit.ts'
import '../../core/provide-library.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun } from '../../core/plan/plan.ts'
import type { PlanOptions } from '../../core/plan/plan-options.ts'
import { readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { runTask } from '../../core/task/task.ts'
import { tableSum } from './job-run.ts'

export interface TimedTasks extends Pick<PlanOptions, 'slice' | 'fromNs' | 'toNs' | 'symbols' | 'venues'> {
  readonly archive: string
  /** Where the table of a run lies for as long as it takes. */
  readonly folder: string
  /** Path of the job's module. */
  readonly job: string
  readonly params: ParamGrid
}

/** Plans a job, carries out its tasks in this thread and commits; only the tasks, from the log to the parts, are timed. */
export async function timedTasks({ archive: root, folder, job, params, ...range }: TimedTasks): Promise<{ ms: number; sum: string }> {
  const archive = new FileStore(root)
  const table = new FileStore(fs.mkdtempSync(path.join(folder, 'timed-')))
  try {
    const bundle = await bundleJob(job)
    const plan = await planRun({
      ...{ archive, ...range },
      outline: outlineJob(await loadJob(bundle.code, path.basename(job)), params),
      code: { bundle: bundle.hash, engine: 'engine' },
      run: newRunId(1_723_161_255_000, () => 0.5),
      createdMs: 1,
    })
    await writePlan(table, plan, bundle.code)
    const { run } = plan.head
    let ms = 0
    for (const { task } of await readTasks(table, run)) {
      const startedMs = performance.now()
      const { failed } = await runTask({ table, archive, run, task, attempt: 'a1', clock: Date.now })
      ms += performance.now() - startedMs
      if (failed.length > 0) throw new Error(failed[0]!.error?.message)
    }
    await commitRun(table, run, { clock: Date.now, random: Math.random })
    return { ms, sum: await tableSum(table) }
  } finally {
    fs.rmSync(table.uri, { recursive: true, force: true })
  }
}
