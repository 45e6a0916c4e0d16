import type { DescribeExecutionCommandOutput } from '@aws-sdk/client-sfn'
import { runFiles } from '../core/plan/run/run-files.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { callAws, isMissing } from './cloud-clients.ts'
import type { CloudRun } from './cloud-run.ts'

/** An execution of the state machine for a run. */
export interface RunExecution {
  readonly arn: string
  /** `<run>`, or `<run>-r1` of its first resumption. */
  readonly name: string
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE'
  /** Milliseconds since the epoch; null while it runs. */
  readonly startedMs: number
  readonly stoppedMs: number | null
  /** Why it failed. */
  readonly error: string | null
  readonly cause: string | null
}

/** Tasks of a run, as the map counts them. */
export interface TaskItems {
  readonly total: number
  readonly pending: number
  readonly running: number
  readonly succeeded: number
  /** Failed, timed out or stopped. */
  readonly failed: number
}

/** Starts an execution; one that is there already with the same input is the same. Returns its ARN. */
export async function startExecution(
  { cloud, tableUri, run, submission }: CloudRun,
  { name, tasks }: { readonly name: string; readonly tasks: string },
): Promise<string> {
  const { StartExecutionCommand } = await import('@aws-sdk/client-sfn')
  const client = await cloud.stepFunctions()
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(tableUri) ?? []
  const base = prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`
  const input = JSON.stringify({
    run: `s3://${bucket}/${base}${runFiles(run).folder.replace(/\/$/, '')}`,
    id: name,
    bucket,
    tasks: base + tasks,
    definition: submission.definition,
  })
  const { stateMachineArn } = submission
  const command = new StartExecutionCommand({ stateMachineArn, name, input })
  const { executionArn } = await callAws('Step Functions StartExecution', () => client.send(command))
  return executionArn!
}

/** How often a run was resumed. */
export async function resumptionsOf(table: ObjectStore, run: string): Promise<number> {
  const { folder } = runFiles(run)
  let last = 0
  for await (const { key } of table.list(`${folder}resume-`)) {
    last = Math.max(last, Number(/resume-(\d+)\.json$/.exec(key)?.[1] ?? 0))
  }
  return last
}

/** Name of the execution of a resumption; 0: the run's first. */
export function executionName(run: string, resumption: number): string {
  return resumption === 0 ? run : `${run}-r${resumption}`
}

/** The newest execution of a run that was started; null: none was. */
export async function lastExecution(cloudRun: CloudRun): Promise<RunExecution | null> {
  const { table, run } = cloudRun
  for (let resumption = await resumptionsOf(table, run); resumption >= 0; resumption--) {
    const found = await describeExecution(cloudRun, executionName(run, resumption))
    if (found !== null) return found
  }
  return null
}

async function describeExecution({ cloud, submission }: CloudRun, name: string): Promise<RunExecution | null> {
  const { DescribeExecutionCommand } = await import('@aws-sdk/client-sfn')
  const client = await cloud.stepFunctions()
  const arn = `${submission.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`
  let found: DescribeExecutionCommandOutput
  try {
    const command = new DescribeExecutionCommand({ executionArn: arn })
    found = await callAws('Step Functions DescribeExecution', () => client.send(command))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  const { status = 'RUNNING', startDate, stopDate, error = null, cause = null } = found
  return { arn, name, status, startedMs: startDate?.getTime() ?? 0, stoppedMs: stopDate?.getTime() ?? null, error, cause }
}

/** The counts of an execution's map; null: it has not come to it. */
export async function taskItems({ cloud }: CloudRun, executionArn: string): Promise<TaskItems | null> {
  const { ListMapRunsCommand, DescribeMapRunCommand } = await import('@aws-sdk/client-sfn')
  const client = await cloud.stepFunctions()
  const { mapRuns = [] } = await callAws('Step Functions ListMapRuns', () => client.send(new ListMapRunsCommand({ executionArn })))
  const mapRunArn = mapRuns[0]?.mapRunArn
  if (mapRunArn === undefined) return null
  const command = new DescribeMapRunCommand({ mapRunArn })
  const { itemCounts } = await callAws('Step Functions DescribeMapRun', () => client.send(command))
  if (itemCounts === undefined) return null
  const { total = 0, pending = 0, running = 0, succeeded = 0, failed = 0, timedOut = 0, aborted = 0 } = itemCounts
  return { total, pending, running, succeeded, failed: failed + timedOut + aborted }
}

/** Ends an execution; one that is over already is fine. */
export async function stopExecution({ cloud }: CloudRun, executionArn: string): Promise<void> {
  const { StopExecutionCommand } = await import('@aws-sdk/client-sfn')
  const client = await cloud.stepFunctions()
  const command = new StopExecutionCommand({ executionArn, error: 'run-cancelled', cause: 'chronicle-replay cancel' })
  await callAws('Step Functions StopExecution', () => client.send(command))
}
