import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { BatchControl } from '../../localstack/faults.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

/** LocalStack tells no rule of an execution's end, so that the machine is started here. */
describeCloud('what an execution leaves', (cloud) => {
  const runs = new CloudRuns(cloud, 'sweep')
  const control = new BatchControl(cloud.server.endpoint)
  const tolerant = path.join(import.meta.dirname, 'jobs/tolerant.ts')
  const client = new SFNClient({})

  beforeAll(() => runs.open())
  afterEach(() => control.clear())

  test('is ended by its name', async () => {
    await control.add({ jobs: '*-task-*', kill: 'SIGSTOP', afterOutput: 'task-begins' })
    const { document } = await runs.submit(tolerant, runs.newTable(), '--tasks', '2', '--detach')
    const { run, uri } = document
    while ((await active(run)).length === 0) await sleep(200)

    const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({}))
    const { stateMachineArn } = stateMachines.find(({ name }) => name!.includes('Sweep'))!
    const { definition, roleArn } = await client.send(new DescribeStateMachineCommand({ stateMachineArn }))
    // Of an express machine nobody could say how its execution ended.
    const standard = await client.send(new CreateStateMachineCommand({ name: 'sweep-test', definition, roleArn, type: 'STANDARD' }))
    const input = JSON.stringify({ name: run })
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn: standard.stateMachineArn, input }))
    for (;;) {
      const { status, error, cause } = await client.send(new DescribeExecutionCommand({ executionArn }))
      if (status === 'RUNNING') await sleep(200)
      else {
        expect([status, error, cause]).toEqual(['SUCCEEDED', undefined, undefined])
        break
      }
    }
    // A process that is stopped hears no SIGTERM, and is killed half a minute later.
    while ((await active(run)).length > 0) await sleep(200)
    expect((await runs.jobs(`${run}-task-`)).some(({ status }) => status === 'FAILED')).toBe(true)
    expect((await runs.command('cancel', uri)).code).toBe(0)
  }, 180_000)

  async function active(run: string): Promise<string[]> {
    const jobs = await runs.jobs(`${run}-task-`)
    return jobs.flatMap(({ jobName, status }) => (status === 'RUNNING' ? [jobName!] : []))
  }
})
