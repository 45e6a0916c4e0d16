import fs from 'node:fs'
import path from 'node:path'
import { CancelJobCommand, ListJobsCommand, TerminateJobCommand } from '@aws-sdk/client-batch'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { BatchControl } from '../../localstack/faults.ts'
import { BatchJobs } from './batch-jobs.ts'
import { describeCloud } from './cloud.ts'

interface Said {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
}

describeCloud('the local Batch', (cloud) => {
  const { endpoint, state } = cloud.server
  const jobs = new BatchJobs(endpoint, 'batch-test')
  const logged = new BatchJobs(endpoint, 'batch-test-logged')
  const control = new BatchControl(endpoint)

  beforeAll(async () => {
    await logged.open({
      containerProperties: {
        image: 'test-program:1',
        logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': 'batch-test', 'awslogs-stream-prefix': 'job' } },
      },
    })
    await jobs.open({
      parameters: { word: 'hello' },
      timeout: { attemptDurationSeconds: 120 },
      retryStrategy: {
        attempts: 3,
        evaluateOnExit: [
          { action: 'RETRY', onExitCode: '75' },
          { action: 'RETRY', onStatusReason: 'Your Spot Task was interrupted*' },
          { action: 'EXIT', onReason: '*' },
        ],
      },
      containerProperties: {
        image: 'test-program:1',
        command: ['exit', '0'],
        environment: [
          { name: 'FROM_DEFINITION', value: '1' },
          { name: 'REPLACED', value: 'no' },
        ],
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: '2048' },
        ],
      },
    })
  })
  afterEach(() => control.clear())

  test("a job has its container's command and environment, and nothing of this machine's", async () => {
    const job = await jobs.run('environment', ['say', 'Ref::word'], {
      containerOverrides: { environment: [{ name: 'REPLACED', value: 'yes' }], resourceRequirements: [{ type: 'VCPU', value: '4' }] },
    })
    expect(job).toMatchObject({ status: 'SUCCEEDED', container: { exitCode: 0 }, statusReason: 'Essential container in task exited' })
    expect(job.container!.resourceRequirements).toEqual([
      { type: 'VCPU', value: '4' },
      { type: 'MEMORY', value: '2048' },
    ])
    const [said] = logs('environment') as [Said]
    expect(said.command).toEqual(['say', 'hello'])
    expect(said.environment).toEqual({
      FROM_DEFINITION: '1',
      REPLACED: 'yes',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_BATCH_JOB_ID: job.jobId,
      AWS_BATCH_JOB_ATTEMPT: '1',
      AWS_BATCH_JQ_NAME: 'batch-test',
      AWS_BATCH_CE_NAME: 'batch-test',
      HOME: expect.stringContaining(path.basename(said.folder)),
      TMPDIR: said.environment.HOME,
    })
    expect(fs.existsSync(said.folder), 'the scratch folder goes with the container').toBe(false)
  })

  test('an exit that a rule retries is tried again, one that the last rule stops is not', async () => {
    const again = await jobs.run('flaky', ['flaky', '75'])
    expect(again).toMatchObject({ status: 'SUCCEEDED', attempts: [{ container: { exitCode: 75 } }, { container: { exitCode: 0 } }] })
    const other = await jobs.run('broken', ['flaky', '70'])
    expect(other).toMatchObject({ status: 'FAILED', container: { exitCode: 70 } })
    expect(other.attempts).toHaveLength(1)
    const always = await jobs.run('transient', ['exit', '75'])
    expect(always.status).toBe('FAILED')
    expect(always.attempts).toHaveLength(3)
  })

  test('a job of its own strategy: without a rule that matches it is retried', async () => {
    const job = await jobs.run('rules', ['exit', '9'], {
      retryStrategy: { attempts: 2, evaluateOnExit: [{ action: 'EXIT', onExitCode: '1*' }] },
    })
    expect(job.attempts).toHaveLength(2)
  })

  test('a job past its timeout gets SIGTERM, then SIGKILL, and no other attempt', async () => {
    await control.add({ jobs: 'late', timeout: 1 })
    const job = await jobs.run('late', ['deaf'])
    expect(job).toMatchObject({ status: 'FAILED', statusReason: 'Job attempt duration exceeded timeout', container: { exitCode: 137 } })
    expect(job.attempts).toHaveLength(1)
    expect(logs('late')).toContain('SIGTERM')
  })

  test('TerminateJob ends a running job and a waiting one; CancelJob a waiting one alone', async () => {
    await control.add({ jobs: 'waits-*', times: 2, delayMs: 600_000 })
    const [running, ...waiting] = await Promise.all(['runs', 'waits-1', 'waits-2'].map((name) => jobs.submit(name, ['sleep'])))
    await jobs.until(running!, 'RUNNING')
    await untilSaid('runs', 'environment')
    await jobs.client.send(new CancelJobCommand({ jobId: running!, reason: 'cancelled' }))
    expect((await jobs.describe(running!)).status).toBe('RUNNING')
    await jobs.client.send(new TerminateJobCommand({ jobId: running!, reason: 'stopped' }))
    await jobs.client.send(new TerminateJobCommand({ jobId: waiting[0]!, reason: 'stopped' }))
    await jobs.client.send(new CancelJobCommand({ jobId: waiting[1]!, reason: 'cancelled' }))
    expect(await jobs.ended(running!)).toMatchObject({ status: 'FAILED', statusReason: 'stopped', container: { exitCode: 75 } })
    expect((await jobs.describe(running!)).attempts, 'a terminated job is not retried').toHaveLength(1)
    expect(await jobs.describe(waiting[0]!)).toMatchObject({ status: 'FAILED', statusReason: 'stopped', attempts: [] })
    expect(await jobs.describe(waiting[1]!)).toMatchObject({ status: 'FAILED', statusReason: 'cancelled', attempts: [] })
    expect(await control.running()).toEqual([])
  })

  test('ListJobs: by the beginning of a name, a page at a time, newest first; by status', async () => {
    for (let n = 0; n < 5; n++) await jobs.run(`listed-${n}`, ['exit', n === 3 ? '2' : '0'])
    const names: string[] = []
    let nextToken: string | undefined
    let pages = 0
    do {
      const page = await jobs.client.send(
        new ListJobsCommand({ jobQueue: 'batch-test', filters: [{ name: 'JOB_NAME', values: ['LISTED-*'] }], maxResults: 2, nextToken }),
      )
      names.push(...page.jobSummaryList!.map((job) => job.jobName!))
      nextToken = page.nextToken
      pages++
    } while (nextToken !== undefined)
    expect(names).toEqual(['listed-4', 'listed-3', 'listed-2', 'listed-1', 'listed-0'])
    expect(pages).toBe(3)
    const failed = await jobs.client.send(new ListJobsCommand({ jobQueue: 'batch-test', jobStatus: 'FAILED' }))
    expect(failed.jobSummaryList!.filter((job) => job.jobName!.startsWith('listed'))).toMatchObject([
      { jobName: 'listed-3', container: { exitCode: 2 }, statusReason: 'Essential container in task exited' },
    ])
  })

  test('faults: throttled submits, a queue without room, a Spot interruption, a copy, another exit', async () => {
    await control.add({ jobs: 'throttled', throttle: true, times: 2 })
    for (let n = 0; n < 2; n++) await expect(jobs.submit('throttled', ['exit', '0'])).rejects.toThrow('Too Many Requests')
    expect((await jobs.run('throttled', ['exit', '0'])).status).toBe('SUCCEEDED')

    await control.add({ jobs: 'homeless', unplaced: true })
    expect(await jobs.run('homeless', ['exit', '0'])).toMatchObject({
      statusReason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
      status: 'FAILED',
      attempts: [],
    })

    await control.add({ jobs: 'spot', kill: 'SIGKILL', afterOutput: 'environment', spot: true })
    await control.add({ jobs: 'spot', attempt: 2, kill: 'SIGKILL', afterOutput: 'environment' })
    expect((await jobs.run('spot', ['sleep'])).attempts).toMatchObject([
      { statusReason: 'Your Spot Task was interrupted.', container: { exitCode: 137 } },
      { statusReason: 'Essential container in task exited', container: { exitCode: 137 } },
    ])

    await control.add({ jobs: 'twice', duplicate: true })
    expect((await jobs.run('twice', ['exit', '0'])).attempts).toHaveLength(1)
    expect(new Set((logs('twice') as Said[]).map((said) => said.folder)).size).toBe(2)

    await control.add({ jobs: 'renamed', exitCode: 75 })
    await control.add({ jobs: 'renamed', attempt: 2, exitCode: 3, instead: true })
    expect((await jobs.run('renamed', ['exit', '0'])).attempts).toMatchObject([
      { container: { exitCode: 75 } },
      { container: { exitCode: 3 } },
    ])
    expect(await control.met()).toContain('renamed#2')
    await expect(control.add({ jobs: 'x', tiems: 3 } as object)).rejects.toThrow('400')
  })

  test('what a job says is in the log group of its definition as well', async () => {
    await cloudWatch('CreateLogGroup', { logGroupName: 'batch-test' })
    const { container } = await logged.run('logged', ['exit', '0'])
    const stream = { logGroupName: 'batch-test', logStreamName: container!.logStreamName }
    expect(stream.logStreamName).toMatch(/^job\/default\/[0-9a-f]{32}$/)
    const { events } = (await cloudWatch('GetLogEvents', stream)) as { events: { message: string }[] }
    expect(events.map((event) => event.message)).toEqual([expect.stringContaining('"command":["exit","0"]')])
  })

  /** Lines that the attempts of a job wrote, JSON as its value. */
  function logs(name: string): unknown[] {
    const folder = path.join(state, 'batch/logs')
    const lines = fs
      .readdirSync(folder)
      .filter((file) => file.startsWith(`${name}.`))
      .sort()
      .flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').split('\n'))
    return lines.filter((line) => line !== '').map((line) => (line.startsWith('{') ? JSON.parse(line) : line))
  }

  async function cloudWatch(action: string, body: object): Promise<unknown> {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${action}`,
      authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0',
    }
    const answer = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(answer.status).toBe(200)
    return await answer.json().catch(() => null)
  }

  async function untilSaid(name: string, text: string): Promise<void> {
    while (!JSON.stringify(logs(name)).includes(text)) await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
