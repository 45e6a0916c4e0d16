import { setTimeout } from 'node:timers/promises'
import { committedVersion } from '../../core/commit/committed-version.ts'
import { readOutcome } from '../../core/commit/run-outcome.ts'
import { ReplayError } from '../../core/errors.ts'
import { markCancelled } from '../../core/plan/run/run-cancel.ts'
import { lastExecution, stopExecution } from '../cloud-execution.ts'
import { activeJobs, terminateJobs } from '../cloud-jobs.ts'
import { type CloudRun, openCloudRun } from '../cloud-run.ts'
import type { CommandSpec } from '../command.ts'
import { countText, jsonText } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { RUN_ARGUMENT, RUN_OPTIONS } from './status.ts'

/** A container has 30 s to end, Batch some more to notice. */
const MAX_WAIT_MS = 300_000
const LOOK_MS = 1_000

export const cancel: CommandSpec = {
  name: 'cancel',
  summary: 'ends a run on AWS for good: nothing of it is committed any more, no job of it is left',
  arguments: [RUN_ARGUMENT],
  options: RUN_OPTIONS,
  examples: [
    {
      command: 'chronicle-replay cancel s3://tables/bars/_chronicle/runs/20240808T120000Z-7f3a09c2',
      does: 'stops it and waits for its jobs to end',
    },
  ],
  async run(input, io) {
    const run = await openCloudRun(input, 'cancel')
    const progress = new ProgressLine(io, input)
    // First of all, so that a commit that begins now is refused.
    await markCancelled(run.table, run.run)
    const execution = await lastExecution(run)
    if (execution?.status === 'RUNNING') await stopExecution(run, execution.arn)
    const terminated = await endJobs(run, progress)
    const committed = await committedBy(run)
    if (input.flag('json')) io.out(jsonText({ run: run.run, state: 'cancelled', terminated, committed }))
    progress.note(
      [
        `run ${run.run} is cancelled: ${countText(terminated)} jobs ended, none is left`,
        committed === null
          ? run.submission.definition === 'import'
            ? 'nothing of it is in the archive; what it had staged is removed by the next import'
            : 'nothing of it was committed; its parts are strays, which vacuum removes'
          : `what it had committed before stays${committed < 0 ? '' : `: version ${committed}`}`,
        'next: submit again, which begins a new run',
      ].join('\n'),
    )
    return 0
  },
}

/** What it committed stays. An import has no table that says so. */
async function committedBy({ table, run, submission }: CloudRun): Promise<number | null> {
  if (submission.definition !== 'import') return committedVersion(table, run)
  const outcome = await readOutcome(table, run)
  return outcome !== null && outcome.state !== 'refused' ? outcome.version : null
}

/** Ends the jobs of a run until two looks in a row find none: one that was being submitted comes late. */
async function endJobs(run: CloudRun, progress: ProgressLine): Promise<number> {
  const asked = new Set<string>()
  const deadlineMs = performance.now() + MAX_WAIT_MS
  for (let empty = 0; empty < 2; ) {
    const jobs = await activeJobs(run)
    empty = jobs.length === 0 ? empty + 1 : 0
    await terminateJobs(
      run,
      jobs.filter(({ id }) => !asked.has(id)),
    )
    for (const { id } of jobs) asked.add(id)
    if (performance.now() > deadlineMs) {
      const message = `${countText(jobs.length)} jobs of run ${run.run} have not ended yet, first ${jobs[0]?.name}; cancel it again`
      throw new ReplayError('jobs-left', message, { category: 'transient' })
    }
    progress.update(() => `${countText(jobs.length)} jobs are ending`)
    if (empty < 2) await setTimeout(LOOK_MS)
  }
  progress.end()
  return asked.size
}
