import { callAws } from './cloud-clients.ts'
import type { CloudRun } from './cloud-run.ts'
import { countText } from './output.ts'

/** Jobs of tasks that failed in the same way: what Batch knows of tasks that left no receipt. */
export interface FailedJobs {
  /** As Batch says it. */
  readonly reason: string
  /** Null: the container did not run, or nobody knows. */
  readonly exitCode: number | null
  readonly jobs: number
  /** Name of one of them. */
  readonly first: string
}

/** Pages of a listing, 1,000 jobs each, and ways to fail that are told. */
const MAX_PAGES = 20
const MAX_GROUPS = 10

/** The failed jobs of tasks of an execution, by a listing per queue; those that failed most often first. */
export async function failedJobs({ cloud, submission }: CloudRun, execution: string): Promise<FailedJobs[]> {
  const { ListJobsCommand } = await import('@aws-sdk/client-batch')
  const client = await cloud.batch()
  const groups = new Map<string, FailedJobs>()
  for (const jobQueue of submission.queues) {
    let nextToken: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const command = new ListJobsCommand({ jobQueue, jobStatus: 'FAILED', ...(nextToken !== undefined && { nextToken }) })
      const answer = await callAws('Batch ListJobs', () => client.send(command))
      for (const { jobName = '', statusReason = '', container } of answer.jobSummaryList ?? []) {
        if (!jobName.startsWith(`${execution}-task-`)) continue
        const reason = [statusReason, container?.reason ?? ''].filter((text) => text !== '').join('; ')
        const exitCode = container?.exitCode ?? null
        const key = `${exitCode} ${reason.replaceAll(/\d+/g, '#')}`
        const known = groups.get(key)
        groups.set(key, { reason, exitCode, jobs: (known?.jobs ?? 0) + 1, first: jobName })
      }
      nextToken = answer.nextToken
      if (nextToken === undefined) break
    }
  }
  return [...groups.values()].sort((a, b) => b.jobs - a.jobs).slice(0, MAX_GROUPS)
}

/** e.g. `2 jobs failed: exit 137, Essential container in task exited; one is …-task-000002`. */
export function failedJobsText({ reason, exitCode, jobs, first }: FailedJobs): string {
  const how = exitCode === null ? reason : `exit ${exitCode}, ${reason}`
  return jobs === 1 ? `a job failed: ${how}; it is ${first}` : `${countText(jobs)} jobs failed: ${how}; one is ${first}`
}
