import type { JobStatus, JobSummary } from '@aws-sdk/client-batch'
import { callAws } from './cloud-clients.ts'
import type { CloudRun } from './cloud-run.ts'
import { commandText } from './output.ts'

/** A Batch job of a run that is not over. */
export interface ActiveJob {
  readonly id: string
  readonly name: string
  readonly status: 'SUBMITTED' | 'PENDING' | 'RUNNABLE' | 'STARTING' | 'RUNNING'
  /** Milliseconds since the epoch. */
  readonly createdMs: number
  /** What Batch says of it; empty: nothing. */
  readonly reason: string
}

const ACTIVE = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const satisfies readonly JobStatus[]
/** Pages of a listing, 1,000 jobs each. */
const MAX_PAGES = 20

/** The jobs of a run that wait or run, by a listing per queue and status. */
export async function activeJobs({ cloud, run, submission }: CloudRun): Promise<ActiveJob[]> {
  const { ListJobsCommand } = await import('@aws-sdk/client-batch')
  const client = await cloud.batch()
  // A job that changes its status meanwhile may be listed twice.
  const jobs = new Map<string, ActiveJob>()
  for (const jobQueue of submission.queues) {
    for (const jobStatus of ACTIVE) {
      let nextToken: string | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const command = new ListJobsCommand({ jobQueue, jobStatus, ...(nextToken !== undefined && { nextToken }) })
        const answer = await callAws('Batch ListJobs', () => client.send(command))
        for (const summary of answer.jobSummaryList ?? []) if (isOfRun(summary, run)) jobs.set(summary.jobId!, jobOf(summary, jobStatus))
        nextToken = answer.nextToken
        if (nextToken === undefined) break
      }
    }
  }
  return [...jobs.values()]
}

/** How the job of a step ended: `plan` or `commit`; null: it is not there, or not over. */
export async function stepEnd(
  { cloud, submission }: CloudRun,
  name: string,
): Promise<{ readonly exitCode: number | null; readonly reason: string } | null> {
  const { ListJobsCommand, DescribeJobsCommand } = await import('@aws-sdk/client-batch')
  const client = await cloud.batch()
  for (const jobQueue of submission.queues) {
    const command = new ListJobsCommand({ jobQueue, filters: [{ name: 'JOB_NAME', values: [name] }] })
    const { jobSummaryList = [] } = await callAws('Batch ListJobs', () => client.send(command))
    const id = jobSummaryList.find(({ status }) => status === 'FAILED' || status === 'SUCCEEDED')?.jobId
    if (id === undefined) continue
    const { jobs = [] } = await callAws('Batch DescribeJobs', () => client.send(new DescribeJobsCommand({ jobs: [id] })))
    const { container, statusReason = '' } = jobs[0] ?? {}
    const log = logText(submission.logGroup, container?.logStreamName)
    const reason = [statusReason, container?.reason ?? '', log].filter((text) => text !== '').join('; ')
    return { exitCode: container?.exitCode ?? null, reason }
  }
  return null
}

/** How to read what a container said. */
function logText(group: string | null, stream: string | undefined): string {
  if (stream === undefined) return ''
  return group === null ? `log stream ${stream}` : `why: ${commandText(['aws', 'logs', 'tail', group, '--log-stream-names', stream])}`
}

/** Asks Batch to end jobs; those that are over already are fine. */
export async function terminateJobs({ cloud }: CloudRun, jobs: readonly ActiveJob[]): Promise<void> {
  const { TerminateJobCommand } = await import('@aws-sdk/client-batch')
  const client = await cloud.batch()
  for (let at = 0; at < jobs.length; at += CALLS_AT_ONCE) {
    const some = jobs.slice(at, at + CALLS_AT_ONCE)
    const terminate = (jobId: string): Promise<unknown> =>
      callAws('Batch TerminateJob', () => client.send(new TerminateJobCommand({ jobId, reason: 'chronicle-replay cancel' })))
    await Promise.all(some.map(({ id }) => terminate(id)))
  }
}

const CALLS_AT_ONCE = 10

/** The jobs of a run are `<run>-…`, those of its resumptions `<run>-r1-…`. */
function isOfRun({ jobName = '' }: JobSummary, run: string): boolean {
  return jobName.startsWith(`${run}-`)
}

function jobOf({ jobId = '', jobName = '', createdAt = 0, statusReason = '' }: JobSummary, status: ActiveJob['status']): ActiveJob {
  return { id: jobId, name: jobName, status, createdMs: createdAt, reason: statusReason }
}
