import { committedVersion } from '../core/commit/committed-version.ts'
import { type RunOutcome, readOutcome } from '../core/commit/run-outcome.ts'
import { isCancelled } from '../core/plan/run/run-cancel.ts'
import { lastExecution, type RunExecution, type TaskItems, taskItems } from './cloud-execution.ts'
import { type FailedJobs, failedJobs } from './cloud-failed-jobs.ts'
import { type ActiveJob, activeJobs, stepEnd } from './cloud-jobs.ts'
import type { RunReceiptsReader, RunWork } from './cloud-receipts.ts'
import type { CloudRun } from './cloud-run.ts'
import { importDocument } from './import-document.ts'

/** How a run on AWS stands: the document of `status`. */
export interface RunStatus {
  readonly run: string
  /**
   * `submitted`: not begun. `planning`, `running`, `committing`: what it is at. `committed`, `unchanged`, `partial`, `refused`:
   * over, by its last commit. `failed`: over without one. `cancelled`.
   */
  readonly state: 'submitted' | 'planning' | 'running' | 'committing' | 'failed' | 'cancelled' | RunOutcome['state']
  readonly execution: RunExecution | null
  /** Null before the plan is made. */
  readonly tasks: TaskItems | null
  /** Batch jobs that wait, and that run. */
  readonly jobs: { readonly waiting: number; readonly running: number }
  readonly oldestWait: { readonly job: string; readonly seconds: number; readonly why: string } | null
  readonly work: RunWork
  /** US dollars; the estimate is null where none was made. */
  readonly dollars: { readonly soFar: number; readonly low: number | null; readonly high: number | null; readonly max: number | null }
  readonly warnings: readonly string[]
  readonly outcome: RunOutcome | null
  /** Of a run that is `partial` or `refused`: how the jobs of its tasks failed. */
  readonly failedJobs: readonly FailedJobs[]
  /** Why it is `failed`, and the exit code of the step that failed. */
  readonly failure: { readonly message: string; readonly exitCode: number | null } | null
}

/** A share of the cap from which on to warn. */
const WARN_SHARE = 0.8

/** Looks at a run; the number of requests does not grow with its jobs. */
export async function statusOf(run: CloudRun, receipts: RunReceiptsReader, nowMs: number): Promise<RunStatus> {
  const execution = await lastExecution(run)
  const isOver = execution !== null && execution.status !== 'RUNNING'
  const [cancelled, tasks, jobs, work, last] = await Promise.all([
    isCancelled(run.table, run.run),
    execution === null ? null : taskItems(run, execution.arn),
    isOver ? [] : activeJobs(run),
    receipts.read(),
    readOutcome(run.table, run.run),
  ])
  // An outcome from before a resumption is no longer the run's.
  const outcome = last !== null && (execution === null || last.endedMs >= execution.startedMs) ? last : null
  const state = stateOf({ execution, isOver, cancelled, tasks, jobs, outcome })
  const waiting = jobs.filter(({ status }) => status !== 'RUNNING' && status !== 'STARTING')
  return {
    run: run.run,
    ...{ state, execution, tasks },
    jobs: { waiting: waiting.length, running: jobs.length - waiting.length },
    oldestWait: oldestWait(waiting, jobs.length - waiting.length, run, nowMs),
    work,
    dollars: { soFar: work.dollars, ...(run.submission.dollars ?? { low: null, high: null }), max: run.submission.maxDollars },
    warnings: warningsOf(work, run),
    outcome,
    failedJobs: execution !== null && (state === 'partial' || state === 'refused') ? await failedJobs(run, execution.name) : [],
    failure: state === 'failed' ? await failureOf(run, execution!) : null,
  }
}

/** The document of `status`; of an import that is over it says what one on this machine says, too. */
export function statusDocument(status: RunStatus): object {
  const { outcome, execution, work } = status
  const imported = outcome?.imported
  if (imported === undefined) return status
  const failed = outcome!.failures.map(({ first, code, message }) => ({ path: first, code, message }))
  const missed = [...failed, ...(imported.unread ?? [])]
  const durationMs = execution === null ? 0 : outcome!.endedMs - execution.startedMs
  return { ...status, ...importDocument({ imported, missed, bytes: work.bytes, durationMs }) }
}

/** Whether nothing more will happen by itself. */
export function isOver({ state }: RunStatus): boolean {
  return state !== 'submitted' && state !== 'planning' && state !== 'running' && state !== 'committing'
}

interface Seen extends Pick<RunStatus, 'execution' | 'tasks' | 'outcome'> {
  readonly isOver: boolean
  readonly cancelled: boolean
  readonly jobs: readonly ActiveJob[]
}

function stateOf({ execution, isOver, cancelled, tasks, jobs, outcome }: Seen): RunStatus['state'] {
  if (cancelled && (isOver || execution === null)) return 'cancelled'
  if (execution === null) return 'submitted'
  if (isOver) return outcome?.state ?? 'failed'
  if (tasks === null) return 'planning'
  const isMapDone = tasks.pending + tasks.running === 0
  return isMapDone || jobs.some(({ name }) => name.endsWith('-commit')) ? 'committing' : 'running'
}

function oldestWait(waiting: readonly ActiveJob[], running: number, { submission }: CloudRun, nowMs: number): RunStatus['oldestWait'] {
  const [oldest] = [...waiting].sort((a, b) => a.createdMs - b.createdMs)
  if (oldest === undefined) return null
  const { taskVcpus, maxVcpus } = submission
  const full = running * taskVcpus >= maxVcpus - taskVcpus
  const why =
    oldest.reason !== ''
      ? oldest.reason
      : full
        ? `all ${maxVcpus} vCPUs of the stack are in use; deploy it with more (MaxVcpus), or wait`
        : 'AWS has not placed it yet: Spot capacity, the launch rate, or the vCPU quota of the account'
  return { job: oldest.name, seconds: Math.max(0, Math.round((nowMs - oldest.createdMs) / 1000)), why }
}

function warningsOf({ dollars, attempts, read }: RunWork, { submission }: CloudRun): string[] {
  const { maxDollars } = submission
  const warnings: string[] = []
  if (maxDollars !== null && dollars >= maxDollars * WARN_SHARE) {
    const share = Math.round((100 * dollars) / maxDollars)
    warnings.push(`$${dollars.toFixed(2)} so far, ${share} % of the limit of $${maxDollars.toFixed(2)}; chronicle-replay cancel stops it`)
  }
  if (read < attempts) warnings.push(`sums are estimated from ${read} of ${attempts} receipts objects`)
  return warnings
}

/** The execution's cause, and what the container of the first or last step ended with. */
async function failureOf(run: CloudRun, { name, error, cause, status }: RunExecution): Promise<RunStatus['failure']> {
  for (const step of ['plan', 'commit']) {
    const end = await stepEnd(run, `${name}-${step}`)
    if (end !== null && end.exitCode !== 0) return { message: `${step}: ${end.reason}`, exitCode: end.exitCode }
  }
  const version = run.submission.definition === 'import' ? null : await committedVersion(run.table, run.run)
  if (version !== null) {
    const which = version < 0 ? 'the table' : `version ${version} of the table`
    const message = `${which} has its rows, but the commit ended before it said so; chronicle-replay resume writes the outcome`
    return { message, exitCode: null }
  }
  const told = [error, cause].filter((text) => text !== null && text !== '').join(': ')
  return { message: told === '' ? `the execution is ${status}` : told.slice(0, MAX_CAUSE), exitCode: null }
}

const MAX_CAUSE = 1000
