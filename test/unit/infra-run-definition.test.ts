import { describe, expect, it } from 'vitest'
import { encodeTasks, type TaskEntry } from '../../core/plan/run/plan-document.ts'
import { taskName } from '../../core/plan/run/run-files.ts'
import { type RunLimits, type RunPlaces, runDefinition } from '../../infra/run-definition.ts'
import { startDefinition } from '../../infra/start-definition.ts'
import { sweepDefinition } from '../../infra/sweep-definition.ts'
import { watchDefinition } from '../../infra/watch-definition.ts'
import { type Execution, execute, ServiceError } from '../support/state-machine.ts'

const arn = (kind: string, name: string): string => `arn:aws:batch:ap-southeast-2:123456789012:${kind}/${name}`
const PLACES: RunPlaces = {
  planDefinition: arn('job-definition', 'ChronicleReplay-plan:123'),
  commitDefinition: arn('job-definition', 'ChronicleReplay-commit:123'),
  taskDefinitions: {
    spot: arn('job-definition', 'ChronicleReplay-task-ec2:123'),
    onDemand: arn('job-definition', 'ChronicleReplay-task:123'),
  },
  archiveCommitDefinition: arn('job-definition', 'Replay-archive-commit:1'),
  snapshotsDefinitions: { spot: arn('job-definition', 'Replay-snapshots-ec2:1'), onDemand: arn('job-definition', 'Replay-snapshots:1') },
  importDefinitions: { spot: arn('job-definition', 'Replay-import-ec2:1'), onDemand: arn('job-definition', 'Replay-import:1') },
  areaDefinitions: {
    desk: { spot: arn('job-definition', 'Replay-area-desk-ec2:1'), onDemand: arn('job-definition', 'Replay-area-desk:1') },
  },
  spotQueue: arn('job-queue', 'ChronicleReplay-ComputeSpotA1D242C2-5e3bd1e9'),
  onDemandQueue: arn('job-queue', 'ChronicleReplay-ComputeOnDemandF2A0599F-85b7c4ff'),
}
const LIMITS: RunLimits = { maxConcurrency: 64, spotWaitSeconds: 900, deadlineSeconds: 86_400 }
const DEFINITION = runDefinition(PLACES, LIMITS)

const ID = '20240808T120000Z-7f3a09c2'
const TABLE = `research/${'prefix/'.repeat(30)}flow`
const INPUT = {
  run: `s3://chroniclereplay-storagetableb43fdce7-80d452ed/${TABLE}/_chronicle/runs/${ID}`,
  id: ID,
  bucket: 'chroniclereplay-storagetableb43fdce7-80d452ed',
  tasks: `${TABLE}/_chronicle/runs/${ID}/tasks.json`,
  definition: 'task',
}

interface Submitted {
  readonly JobName: string
  readonly JobQueue: string
  readonly JobDefinition: string
  readonly ContainerOverrides: { readonly Command: readonly string[]; readonly Environment: readonly object[] }
  readonly Timeout?: { readonly AttemptDurationSeconds: number }
}

/** What Batch says of a job that failed in its fifth attempt. */
function failed(job: Submitted, statusReason: string, exitCode?: number): ServiceError {
  const container = {
    ExitCode: exitCode,
    LogStreamName: `task/default/${'a'.repeat(32)}`,
    NetworkInterfaces: [],
    TaskArn: 'arn'.repeat(30),
  }
  const attempt = { Container: container, StartedAt: 1_723_161_255_000, StatusReason: statusReason, StoppedAt: 1_723_161_255_000 }
  const detail = { ...job, Attempts: Array(5).fill(attempt), Container: container, Status: 'FAILED', StatusReason: statusReason }
  return new ServiceError(
    'States.TaskFailed',
    JSON.stringify({ ...detail, RetryStrategy: { EvaluateOnExit: Array(5).fill({ a: 'b'.repeat(40) }) } }),
  )
}

function taskEntry(i: number): TaskEntry {
  const share = { file: `${'k'.repeat(20)}-${String(i).padStart(5, '0')}`, at: 8_000_000 + i, length: 100_000 }
  return { task: taskName(i), ...share, first: 100 * i, partitions: 100, bytes: 5 * 2 ** 30, seconds: 900 + i }
}

function largest(executions: readonly Execution[]): number {
  return Math.max(...executions.map(({ largestBytes }) => largestBytes))
}

/** In which jobs of one name are found. */
const STATES_OF_JOBS = ['FAILED', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED']

/** Carries a run out; `judge` may let a submit fail. */
function carryOut(tasks: number, judge: (job: Submitted, submits: number) => ServiceError | null = () => null, input: object = INPUT) {
  const jobs: Submitted[] = []
  const listed: object[] = []
  const ended: { readonly JobId: string }[] = []
  const execution = execute(DEFINITION, input, {
    items: () => JSON.parse(Buffer.from(encodeTasks(Array.from({ length: tasks }, (_, i) => taskEntry(i)))).toString()),
    call(resource, parameters) {
      if (resource.endsWith(':listJobs')) {
        listed.push(parameters)
        return { JobSummaryList: STATES_OF_JOBS.map((Status) => ({ JobId: `job-${Status}`, JobName: 'x', Status })) }
      }
      if (resource.endsWith(':terminateJob')) {
        ended.push(parameters)
        if (parameters.JobId === 'job-STARTING') throw new ServiceError('Batch.ClientException', 'not now')
        return {}
      }
      const job: Submitted = parameters
      jobs.push(job)
      const error = judge(job, jobs.length)
      if (error !== null) throw error
      return { JobId: 'x', JobArn: 'y', Attempts: Array(5).fill({ Container: { LogStreamName: 'z'.repeat(300) } }) }
    },
  })
  return { execution, jobs, listed, ended, names: jobs.map(({ JobName }) => JobName.slice(ID.length + 1)) }
}

describe('the state machine of runs', () => {
  it('plans, runs each task once, commits', () => {
    const { execution, jobs } = carryOut(2)
    expect(execution).toMatchObject({ status: 'SUCCEEDED', path: ['WhatItWrites', 'Rows', 'Plan', 'Tasks', 'Commit', 'Committed'] })
    expect(jobs.map(({ JobQueue, JobDefinition }) => [JobQueue, JobDefinition])).toEqual([
      [PLACES.onDemandQueue, PLACES.planDefinition],
      [PLACES.spotQueue, PLACES.taskDefinitions.spot],
      [PLACES.spotQueue, PLACES.taskDefinitions.spot],
      [PLACES.onDemandQueue, PLACES.commitDefinition],
    ])
    expect(jobs.map(({ ContainerOverrides }) => ContainerOverrides.Command)).toEqual([
      ['plan', INPUT.run],
      ['task', INPUT.run, '000000'],
      ['task', INPUT.run, '000001'],
      ['commit', INPUT.run],
    ])
    const time = [{ Name: 'SUBMITTED_AT', Value: '2026-11-23T10:00:00.000Z' }]
    expect(jobs.every(({ ContainerOverrides }) => JSON.stringify(ContainerOverrides.Environment) === JSON.stringify(time))).toBe(true)
    expect(jobs.map(({ Timeout }) => Timeout?.AttemptDurationSeconds)).toEqual([undefined, 900, 901, undefined])
  })

  it('names jobs after the run, within what Batch takes', () => {
    const { jobs } = carryOut(1)
    expect(jobs.map(({ JobName }) => JobName)).toEqual([`${ID}-plan`, `${ID}-task-000000`, `${ID}-commit`])
    for (const { JobName } of jobs) expect(JobName).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/)
  })

  it('gives tasks of an area the role of that area', () => {
    const { jobs } = carryOut(1, () => null, { ...INPUT, definition: 'task-desk' })
    const definitions = jobs.filter(({ JobName }) => JobName.includes('-task-')).map(({ JobDefinition }) => JobDefinition)
    expect(definitions).toEqual([PLACES.areaDefinitions.desk!.spot])
  })

  it('gives tasks that write restart points the role that may', () => {
    const { jobs } = carryOut(
      1,
      (job) => (job.JobQueue === PLACES.spotQueue ? failed(job, 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY') : null),
      {
        ...INPUT,
        definition: 'snapshots',
      },
    )
    const definitions = jobs.filter(({ JobName }) => JobName.includes('-task-')).map(({ JobDefinition }) => JobDefinition)
    expect(definitions).toEqual([PLACES.snapshotsDefinitions.spot, PLACES.snapshotsDefinitions.onDemand])
  })

  it('gives an import its roles, and no plan, as that is there', () => {
    const { jobs, names } = carryOut(1, () => null, { ...INPUT, definition: 'import' })
    expect(names).toEqual(['task-000000', 'commit'])
    expect(jobs.map(({ JobDefinition }) => JobDefinition)).toEqual([PLACES.importDefinitions.spot, PLACES.archiveCommitDefinition])
  })

  it('commits a plan without tasks, and one whose task list is refused', () => {
    expect(carryOut(0).names).toEqual(['plan', 'commit'])
    const refusing = execute(DEFINITION, INPUT, {
      call: () => ({}),
      items: () => {
        throw new ServiceError('States.ItemReaderFailed', 'the list is empty')
      },
    })
    expect(refusing.path.slice(-3)).toEqual(['Tasks', 'Commit', 'Committed'])
  })

  it('ends without tasks when the plan fails, with its reason', () => {
    const { execution, names } = carryOut(3, (job) => failed(job, 'Essential container in task exited', 2))
    expect(names).toEqual(['plan'])
    expect(execution).toMatchObject({ status: 'FAILED', error: 'NotPlanned', cause: expect.stringContaining('Essential container') })
  })

  it('goes on behind tasks that fail, whatever for, and lets commit judge', () => {
    const errors = [
      (job: Submitted) => failed(job, 'Essential container in task exited', 70),
      (job: Submitted) => failed(job, 'Job attempt duration exceeded timeout'),
      (job: Submitted) => failed(job, 'Canceled', 130),
    ]
    const { execution, names } = carryOut(3, (job) => {
      const task = /-task-(\d+)$/.exec(job.JobName)?.[1]
      return task === undefined ? null : errors[Number(task)]!(job)
    })
    expect(names).toEqual(['plan', 'task-000000', 'task-000001', 'task-000002', 'commit'])
    expect(execution.children.every(({ status, output }) => status === 'SUCCEEDED' && JSON.stringify(output) === '{}')).toBe(true)
  })

  const NOT_PLACED: readonly [string, (job: Submitted) => ServiceError][] = [
    ['as AWS says', (job) => failed(job, 'Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY')],
    ['misfit', (job) => failed(job, 'Canceled by JobStateTimeLimit action due to reason: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT')],
    ['not in time', () => new ServiceError('States.Timeout', '')],
    ['not submitted', () => new ServiceError('Batch.ClientException', 'no such queue (Service: AWSBatch; Status Code: 400)')],
    ['nobody can tell', () => new ServiceError('States.Runtime', '')],
    ['asked in vain', () => new ServiceError('Exception', 'Read timeout on endpoint URL')],
  ]
  it.each(NOT_PLACED)('runs a task that Spot does not place, or nobody knows of, once on demand: %s', (_, error) => {
    const { jobs } = carryOut(1, (job) => (job.JobName.includes('-task-') ? error(job) : null))
    expect(jobs.map(({ JobQueue }) => JobQueue)).toEqual([
      PLACES.onDemandQueue,
      PLACES.spotQueue,
      PLACES.onDemandQueue,
      PLACES.onDemandQueue,
    ])
    expect(jobs[2]).toMatchObject({ JobName: jobs[1]!.JobName, JobDefinition: PLACES.taskDefinitions.onDemand, Timeout: jobs[1]!.Timeout })
  })

  it.each(NOT_PLACED.slice(2))('ends what is left of a task before it runs it once more: %s', (_, error) => {
    const { execution, listed, ended } = carryOut(1, (job) => (job.JobQueue === PLACES.spotQueue ? error(job) : null))
    expect(listed).toEqual([{ JobQueue: PLACES.spotQueue, Filters: [{ Name: 'JOB_NAME', Values: [`${ID}-task-000000`] }] }])
    expect(ended.map(({ JobId }) => JobId)).toEqual(['job-RUNNABLE', ...Array(11).fill('job-STARTING'), 'job-RUNNING'])
    expect(execution.children[0]!.path).toEqual(expect.arrayContaining(['Left', 'EndLeft', 'Again']))
  })

  it.each(['Batch.AWSBatchException', 'Batch.TooManyRequestsException', 'Batch.ServerException'])('rides out %s', (name) => {
    const { execution, jobs } = carryOut(1, (_, submits) => (submits % 15 === 0 ? null : new ServiceError(name, 'Too Many Requests')))
    expect([execution.status, jobs.length]).toEqual(['SUCCEEDED', 45])
  })

  it.each([
    ['partial', (job: Submitted) => failed(job, 'Essential container in task exited', 14), 'Partial', `/_chronicle/runs/${ID} runs them`],
    ['failed', (job: Submitted) => failed(job, 'Essential container in task exited', 170), 'NotCommitted', 'Essential container'],
    ['not started', (job: Submitted) => failed(job, 'CannotPullContainerError'), 'NotCommitted', 'CannotPull'],
    ['timed out', () => new ServiceError('States.Timeout', ''), 'NotCommitted', 'States.Timeout'],
    ['not submitted', () => new ServiceError('Batch.ClientException', 'no such queue'), 'NotCommitted', 'no such queue'],
  ])('fails with the reason when commit is %s', (_, error, name, reason) => {
    const { execution } = carryOut(1, (job) => (job.JobName.endsWith('-commit') ? error(job) : null))
    expect(execution).toMatchObject({ status: 'FAILED', error: name, cause: expect.stringContaining(reason) })
  })

  it('stays under the quotas of Step Functions with 10,000 tasks of 1,000,000 partitions', () => {
    const { execution, jobs } = carryOut(10_000)
    expect(jobs).toHaveLength(10_002)
    expect(execution.events).toBeLessThan(100) // 25,000 are allowed
    expect(execution.mapResultBytes).toBeLessThan(64 * 1024) // 256 KiB are allowed
    expect(largest([execution, ...execution.children])).toBeLessThan(8 * 1024)
  })

  it('stays under them when every task fails in its fifth attempt and again on demand, and commit fails', () => {
    const reason = 'Canceled by JobStateTimeLimit action due to reason: CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY'
    const { execution, jobs } = carryOut(10, (job) => (job.JobName.endsWith('-plan') ? null : failed(job, reason, 4)))
    expect(jobs).toHaveLength(22)
    expect(largest([execution, ...execution.children])).toBeLessThan(8 * 1024)
    expect(Math.max(...execution.children.map(({ events }) => events))).toBeLessThan(100)
  })

  it('leans on nothing that LocalStack lacks, and on no first failure of a Map', () => {
    const text = JSON.stringify(DEFINITION)
    for (const lacking of ['ItemBatcher', 'ToleratedFailure', 'ResultWriter', 'JSONL', 'EXPRESS', 'JSONata', 'QueryLanguage', 'Assign'])
      expect(text).not.toContain(lacking)
    expect(DEFINITION.States.Tasks!.MaxConcurrency).toBe(64)
  })

  it('limits every wait, and drops what every job and Map answers', () => {
    expect(DEFINITION.TimeoutSeconds).toBe(86_400)
    const { Task, Again } = (DEFINITION.States.Tasks!.ItemProcessor as typeof DEFINITION).States
    for (const state of [DEFINITION.States.Plan!, DEFINITION.States.Commit!, Again!]) expect(state.TimeoutSeconds).toBe(86_400)
    expect(Task!.TimeoutSecondsPath).toBe('$.spotSeconds')
    for (const state of [DEFINITION.States.Plan!, DEFINITION.States.Commit!, DEFINITION.States.Tasks!, Task!, Again!])
      expect(state.ResultPath).toBeNull()
  })

  it('tries a submit at least ten times, with back-off, a cap and full jitter', () => {
    const { Task, Again } = (DEFINITION.States.Tasks!.ItemProcessor as typeof DEFINITION).States
    for (const { Retry } of [DEFINITION.States.Plan!, DEFINITION.States.Commit!, Task!, Again!]) {
      expect(Retry).toMatchObject([{ MaxAttempts: 20, BackoffRate: 1.5, MaxDelaySeconds: 60, JitterStrategy: 'FULL' }])
    }
  })
})

describe('the start of a scheduled run', () => {
  const definition = startDefinition({
    machine: 'arn:machine',
    bucket: 'tables',
    id: '7f3a09c2',
    table: 'research/flow',
    definition: 'task',
  })

  it('is named by the scheduled time and what is pinned, so that a second firing starts nothing', () => {
    const started = new Map<string, object>()
    const fire = (): Execution =>
      execute(
        definition,
        { time: '2026-11-23T00:30:00Z' },
        {
          call(_resource, { StateMachineArn, Name, Input }) {
            expect(StateMachineArn).toBe('arn:machine')
            if (started.has(Name)) throw new ServiceError('StepFunctions.ExecutionAlreadyExistsException', 'Execution Already Exists')
            started.set(Name, Input)
            return { ExecutionArn: 'arn' }
          },
        },
      )
    expect([fire().status, fire().status]).toEqual(['SUCCEEDED', 'SUCCEEDED'])
    const id = '20261123T003000Z-7f3a09c2'
    const folder = `research/flow/_chronicle/runs/${id}`
    expect([...started]).toEqual([
      [id, { run: `s3://tables/${folder}`, id, bucket: 'tables', tasks: `${folder}/tasks.json`, definition: 'task' }],
    ])
  })
})

describe('the sweep of what an execution leaves', () => {
  it('ends its jobs of every word in every queue, page after page, and no others', () => {
    const job = (JobId: string, Status: string): object => ({ JobId, JobName: 'x', Status })
    const asked: string[] = []
    const ended: string[] = []
    const { status } = execute(
      sweepDefinition(['spot', 'on-demand']),
      { name: ID },
      {
        call(resource, { JobQueue, Filters, NextToken, JobId }) {
          if (resource.endsWith(':terminateJob')) {
            ended.push(JobId)
            return {}
          }
          const [name] = Filters[0].Values
          asked.push([JobQueue, name, NextToken].join(' '))
          if (name.endsWith('-commit') && JobQueue === 'on-demand') return { JobSummaryList: [job('commit', 'RUNNING')] }
          if (!name.endsWith('-task-*') || JobQueue !== 'spot') return { JobSummaryList: [] }
          if (NextToken === undefined) return { JobSummaryList: [job('a', 'RUNNING'), job('b', 'FAILED')], NextToken: 'more' }
          return { JobSummaryList: [job('c', 'RUNNABLE')] }
        },
      },
    )
    expect(status).toBe('SUCCEEDED')
    expect(asked).toEqual([
      `spot ${ID}-task-* `,
      `spot ${ID}-task-* more`,
      `spot ${ID}-plan `,
      `spot ${ID}-commit `,
      `on-demand ${ID}-task-* `,
      `on-demand ${ID}-plan `,
      `on-demand ${ID}-commit `,
    ])
    expect(ended).toEqual(['a', 'c', 'commit'])
  })
})

describe('the watch of the queues', () => {
  it('tells since when the jobs on every page of every queue have been waiting, and nothing of empty ones', () => {
    const pages: Record<string, { JobSummaryList: object[]; NextToken?: string }> = {
      spot: { JobSummaryList: [{ CreatedAt: 3 }, { CreatedAt: 5 }], NextToken: 'more' },
      more: { JobSummaryList: [{ CreatedAt: 2 }] },
      idle: { JobSummaryList: [] },
    }
    const told: object[] = []
    const { status } = execute(
      watchDefinition(['spot', 'idle'], 'Replay'),
      {},
      {
        call(resource, parameters) {
          if (resource.endsWith(':listJobs')) return pages[parameters.NextToken ?? parameters.JobQueue]!
          expect(parameters.Namespace).toBe('ChronicleReplay')
          told.push(...parameters.MetricData)
          return {}
        },
      },
    )
    expect(status).toBe('SUCCEEDED')
    const metric = { MetricName: 'WaitingSince', Dimensions: [{ Name: 'Stack', Value: 'Replay' }], Unit: 'Milliseconds' }
    expect(told).toEqual([
      { ...metric, Values: [3, 5] },
      { ...metric, Values: [2] },
    ])
  })
})
