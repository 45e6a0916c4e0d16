import { commandCodeOf } from '../core/container-exit.ts'
import { EXIT_PARTIAL, exitCodeOf, ReplayError } from '../core/errors.ts'
import { failedJobsText } from './cloud-failed-jobs.ts'
import { runUri } from './cloud-run.ts'
import type { RunStatus } from './cloud-status.ts'
import { leftOutTexts } from './left-out-text.ts'
import { bytesText, commandText, countText, dollarsText, rateText } from './output.ts'
import type { ProgressLine } from './progress.ts'
import { checkText, EXIT_INPUT, findingsText, groupText, resumeAdvice } from './run-report.ts'

const EXIT_BUG = 70

/** One line while a run goes on. */
export function statusLine({ state, tasks, jobs, work, dollars, oldestWait }: RunStatus): string {
  const parts: string[] = [state]
  if (tasks !== null) parts.push(`${countText(tasks.succeeded + tasks.failed)} of ${countText(tasks.total)} tasks`)
  if (jobs.running + jobs.waiting > 0) parts.push(`${countText(jobs.running)} running, ${countText(jobs.waiting)} waiting`)
  if (work.messages > 0) parts.push(`${countText(work.messages)} messages, ${rateText(work.messagesPerSecond)}`)
  if (work.attempts > 0) parts.push(`${dollarsText(dollars.soFar)} so far`)
  if (oldestWait !== null && oldestWait.seconds >= LONG_WAIT_S) parts.push(`oldest waits ${oldestWait.seconds} s: ${oldestWait.why}`)
  return parts.join(' · ')
}

const LONG_WAIT_S = 60

/** Says how a run stands, failures first, and what to do next. */
export function reportStatus(status: RunStatus, tableUri: string, progress: ProgressLine): void {
  const { run, state, outcome, failure, work, dollars, warnings, oldestWait } = status
  if (failure !== null) progress.problem(`error run-failed: ${failure.message}`)
  for (const group of outcome?.failures ?? []) progress.problem(`error ${groupText(group)}`)
  for (const jobs of status.failedJobs) progress.problem(`error job-failed: ${failedJobsText(jobs)}`)
  if (outcome?.messages !== undefined) {
    for (const line of leftOutTexts({ ...outcome.messages, damaged: outcome.skipped?.codes }, '')) progress.problem(line)
  }
  if (hasFindings(status)) progress.problem(findingsText(outcome!.check!))
  for (const warning of warnings) progress.note(`warning: ${warning}`)
  const lines = [`run ${run}: ${statusLine(status)}`]
  if (oldestWait !== null) lines.push(`oldest waiting job: ${oldestWait.job}, ${oldestWait.seconds} s: ${oldestWait.why}`)
  if (work.attempts > 0) {
    lines.push(
      `${countText(work.messages)} messages, ${bytesText(work.bytes)}, ${rateText(work.messagesPerSecond)}; ${dollarsText(dollars.soFar)} so far${estimateText(dollars)}`,
    )
  }
  if (outcome !== null) {
    const { partitions, added, version, check, imported } = outcome
    const where = imported === undefined ? `version ${version} of ${tableUri}` : `${countText(added.parts)} logs written in ${tableUri}`
    if (check !== undefined) lines.push(checkText(check))
    lines.push(
      `${countText(partitions.done)} of ${countText(partitions.planned)} partitions done, ${countText(added.rows)} ${imported === undefined ? 'rows' : 'messages'} added; ${state === 'refused' ? (hasFindings(status) ? 'not committed: rows depend on where a pass begins' : 'not committed: more is missing than the job tolerates') : where}`,
    )
  }
  progress.note([...lines, `next: ${nextCommand(status, tableUri)}`].join('\n'))
}

function estimateText({ low, high }: RunStatus['dollars']): string {
  return low === null || high === null ? '' : ` of an estimated ${dollarsText(low)} to ${dollarsText(high)}`
}

/** The exit code of a run that is over. */
export function exitCodeOfRun(status: RunStatus): number {
  const { state, failure, outcome } = status
  if (state === 'committed' || state === 'unchanged') return (outcome?.imported?.unread ?? []).length > 0 ? EXIT_PARTIAL : 0
  if (state === 'refused' && hasFindings(status)) return EXIT_INPUT
  if (state === 'partial' || state === 'refused') return EXIT_PARTIAL
  if (state === 'cancelled') return exitCodeOf(new ReplayError('run-cancelled', '', { category: 'input' }))
  return failure?.exitCode == null ? EXIT_BUG : (commandCodeOf(failure.exitCode) ?? EXIT_BUG)
}

/** Rows came out otherwise when they were made a second time. */
function hasFindings({ outcome }: RunStatus): boolean {
  return (outcome?.check?.findings.length ?? 0) > 0
}

/** How to come back to a run that goes on without this command. */
export function comeBackText(tableUri: string, run: string): string {
  const uri = runUri(tableUri, run)
  return `the run goes on; look at it with: ${commandText(['chronicle-replay', 'status', uri])}; stop it with: ${commandText(['chronicle-replay', 'cancel', uri])}`
}

function nextCommand(status: RunStatus, tableUri: string): string {
  const { run, state } = status
  const uri = runUri(tableUri, run)
  if (status.outcome?.imported !== undefined && (state === 'committed' || state === 'unchanged'))
    return commandText(['chronicle-replay', 'inspect', tableUri])
  if (state === 'committed' || state === 'unchanged')
    return `${commandText(['chronicle-replay', 'query', tableUri])} "select count(*) from t"`
  if (state === 'cancelled') return 'submit again: a new run; what is committed already is not done again'
  if (state === 'refused' && hasFindings(status))
    return 'mend the job and submit it again; or, to take such rows all the same, with --check off'
  if (state === 'partial' || state === 'refused' || state === 'failed')
    return resumeAdvice(commandText(['chronicle-replay', 'resume', uri]))
  return `${commandText(['chronicle-replay', 'status', uri])}, or cancel`
}
