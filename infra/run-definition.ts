import { containerCodeOf } from '../core/container-exit.ts'
import { EXIT_PARTIAL } from '../core/errors.ts'
import { endListedJobs, listNamedJobs } from './end-jobs.ts'
import type { State, StateMachineDefinition } from './states-language.ts'

/*
 * The state machine of a run, as Amazon States Language. Input: {run: URI of the run, id, bucket, tasks: key of the task list,
 * definition: "task" | "task-<area>" | "snapshots" | "import"}.
 *
 * - No state grows with the run: what jobs answer is dropped, and children end with `{}`.
 * - Children never fail, whatever their jobs do: what is missing is judged by `commit`, from plan and receipts. So AWS, where
 *   the first failed child ends a Map, and LocalStack, where none does, come to the same end.
 * - It keeps to what LocalStack's Step Functions runs, because the same definition is deployed there.
 */

/** What the definition refers to: ARNs. */
export interface RunPlaces {
  readonly planDefinition: string
  readonly commitDefinition: string
  /** Of the commit of an import, which writes into the archive. */
  readonly archiveCommitDefinition: string
  /** Of tasks, by what they write, for each of the two queues. */
  readonly taskDefinitions: { readonly spot: string; readonly onDemand: string }
  readonly snapshotsDefinitions: { readonly spot: string; readonly onDemand: string }
  readonly importDefinitions: { readonly spot: string; readonly onDemand: string }
  /** Of tasks in areas, by area. */
  readonly areaDefinitions: Readonly<Record<string, { readonly spot: string; readonly onDemand: string }>>
  readonly spotQueue: string
  readonly onDemandQueue: string
}

export interface RunLimits {
  /** Tasks at once, 2 or more. */
  readonly maxConcurrency: number
  /** Seconds that a task may wait for Spot. */
  readonly spotWaitSeconds: number
  /** Seconds after which a run is ended. */
  readonly deadlineSeconds: number
}

/** A submit that did not reach Batch, or that Batch had no room for (50 submits a second are allowed). It has no effect. */
const SUBMIT_RETRY = [
  {
    // 429 and other unmodelled answers come under the first name or their own; the third is Batch's 500.
    ErrorEquals: ['Batch.AWSBatchException', 'Batch.TooManyRequestsException', 'Batch.ServerException', 'Batch.SdkClientException'],
    IntervalSeconds: 1,
    BackoffRate: 1.5,
    MaxDelaySeconds: 60,
    MaxAttempts: 20,
    JitterStrategy: 'FULL',
  },
]
const ANY_ERROR = ['States.ALL']
/** What a queue says when it gives up a job that it could not place (compute.ts). */
const NOT_PLACED = ['*CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY*', '*MISCONFIGURATION:*']

/** Plan (of an import it is there) → Map over tasks → Commit → the run's end. */
export function runDefinition(places: RunPlaces, limits: RunLimits): StateMachineDefinition {
  const onDemand = { queue: places.onDemandQueue, seconds: { TimeoutSeconds: limits.deadlineSeconds } }
  const commit = places.commitDefinition
  return {
    Comment: 'A run of chronicle-replay: plan, tasks, commit',
    StartAt: 'WhatItWrites',
    TimeoutSeconds: limits.deadlineSeconds,
    States: {
      WhatItWrites: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.definition', StringEquals: 'snapshots', Next: 'Snapshots' },
          { Variable: '$.definition', StringEquals: 'import', Next: 'Logs' },
          ...Object.keys(places.areaDefinitions).map((area) => ({
            ...{ Variable: '$.definition', StringEquals: `task-${area}`, Next: `RowsOf-${area}` },
          })),
        ],
        Default: 'Rows',
      },
      Rows: { Type: 'Pass', Result: { ...places.taskDefinitions, commit }, ResultPath: '$.jobs', Next: 'Plan' },
      ...Object.fromEntries(
        Object.entries(places.areaDefinitions).map(([area, definitions]) => [
          `RowsOf-${area}`,
          { Type: 'Pass', Result: { ...definitions, commit }, ResultPath: '$.jobs', Next: 'Plan' },
        ]),
      ),
      Snapshots: { Type: 'Pass', Result: { ...places.snapshotsDefinitions, commit }, ResultPath: '$.jobs', Next: 'Plan' },
      // Whoever submits an import has looked at all of its files, and written the plan.
      Logs: {
        Type: 'Pass',
        Result: { ...places.importDefinitions, commit: places.archiveCommitDefinition },
        ResultPath: '$.jobs',
        Next: 'Tasks',
      },
      Plan: {
        ...batchJob({ ...onDemand, word: 'plan', definition: { JobDefinition: places.planDefinition } }),
        Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: '$.error', Next: 'NotPlanned' }],
        Next: 'Tasks',
      },
      NotPlanned: { Type: 'Fail', Error: 'NotPlanned', CausePath: 'States.JsonToString($.error)' },
      Tasks: tasksMap(places, limits),
      Commit: {
        ...batchJob({ ...onDemand, word: 'commit', definition: { 'JobDefinition.$': '$.jobs.commit' } }),
        Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: '$.error', Next: 'CommitEnded' }],
        Next: 'Committed',
      },
      Committed: { Type: 'Succeed' },
      // The cause of a job that ran is the job as JSON; of one that could not be submitted it is a sentence, of a timeout nothing.
      CommitEnded: {
        Type: 'Choice',
        Choices: [{ And: [isPresent('$.error.Cause'), { Variable: '$.error.Cause', StringMatches: '{*}' }], Next: 'ReadCommit' }],
        Default: 'NotCommitted',
      },
      ReadCommit: {
        Type: 'Pass',
        Parameters: { 'job.$': 'States.StringToJson($.error.Cause)' },
        ResultPath: '$.commit',
        Next: 'HowItEnded',
      },
      HowItEnded: {
        Type: 'Choice',
        Choices: [
          {
            And: [
              isPresent('$.commit.job.Container.ExitCode'),
              { Variable: '$.commit.job.Container.ExitCode', NumericEquals: containerCodeOf(EXIT_PARTIAL) },
            ],
            Next: 'Partial',
          },
        ],
        Default: 'NotCommitted',
      },
      Partial: {
        Type: 'Fail',
        Error: 'Partial',
        CausePath: "States.Format('partitions are missing, see {}/outcome.json; chronicle-replay resume {} runs them', $.run, $.run)",
      },
      NotCommitted: { Type: 'Fail', Error: 'NotCommitted', CausePath: 'States.JsonToString($.error)' },
    },
  }
}

function tasksMap(places: RunPlaces, { maxConcurrency, spotWaitSeconds, deadlineSeconds }: RunLimits): State {
  return {
    Type: 'Map',
    Label: 'Tasks',
    MaxConcurrency: maxConcurrency,
    ItemReader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSON' },
      Parameters: { 'Bucket.$': '$.bucket', 'Key.$': '$.tasks' },
    },
    ItemSelector: {
      'run.$': '$.run',
      'id.$': '$.id',
      'jobs.$': '$.jobs',
      'task.$': '$$.Map.Item.Value.task',
      'seconds.$': '$$.Map.Item.Value.seconds',
      // Spot has to find a place and finish an attempt in this time.
      'spotSeconds.$': `States.MathAdd($$.Map.Item.Value.seconds, ${spotWaitSeconds})`,
    },
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: 'Task',
      States: {
        Task: {
          ...taskJob(places.spotQueue, '$.jobs.spot', { TimeoutSecondsPath: '$.spotSeconds' }),
          Catch: [
            { ErrorEquals: ['States.Timeout'], ResultPath: null, Next: 'Left' },
            { ErrorEquals: ANY_ERROR, ResultPath: '$.error', Next: 'DidItRun' },
          ],
          Next: 'Done',
        },
        // The cause of a job that ended is the job as JSON. Anything else is of a submit, or of asking how the job is: it may be running
        // still, or never have been, and commit is not to come before it is known. A task that runs twice does no harm, but costs.
        DidItRun: {
          Type: 'Choice',
          Choices: [
            ...NOT_PLACED.map((StringMatches) => ({
              And: [isPresent('$.error.Cause'), { Variable: '$.error.Cause', StringMatches }],
              Next: 'Again',
            })),
            { And: [isPresent('$.error.Cause'), { Variable: '$.error.Cause', StringMatches: '{*}' }], Next: 'Done' },
          ],
          Default: 'Left',
        },
        // Step Functions leaves the job of a state whose time is up as it is. What cannot be ended here ends by its own timeout.
        Left: listNamedJobs(
          { queue: { JobQueue: places.spotQueue }, name: "States.Format('{}-task-{}', $.id, $.task)" },
          { Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: null, Next: 'Again' }], Next: 'EndLeft' },
        ),
        EndLeft: endListedJobs('given up: it runs once more on demand', {
          Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: null, Next: 'Again' }],
          Next: 'Again',
        }),
        Again: {
          ...taskJob(places.onDemandQueue, '$.jobs.onDemand', { TimeoutSeconds: deadlineSeconds }),
          Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: null, Next: 'Done' }],
          Next: 'Done',
        },
        // Ten thousand of these are all that the Map has for a result.
        Done: { Type: 'Succeed', OutputPath: null },
      },
    },
    ResultPath: null,
    // Also a plan without tasks gets to its commit, whatever a Map makes of an empty list.
    Catch: [{ ErrorEquals: ANY_ERROR, ResultPath: null, Next: 'Commit' }],
    Next: 'Commit',
  }
}

/** @param definition path to the ARN of the job definition */
function taskJob(queue: string, definition: string, seconds: Readonly<Record<string, unknown>>): State {
  const job = batchJob({ queue, seconds, word: 'task', definition: { 'JobDefinition.$': definition } })
  const parameters = job.Parameters as Record<string, unknown>
  return {
    ...job,
    Parameters: {
      ...parameters,
      'JobName.$': "States.Format('{}-task-{}', $.id, $.task)",
      ContainerOverrides: {
        ...(parameters.ContainerOverrides as object),
        'Command.$': "States.Array('task', $.run, $.task)",
      },
      Timeout: { 'AttemptDurationSeconds.$': '$.seconds' },
    },
  }
}

interface BatchJob {
  readonly queue: string
  /** What the container is told first, and the end of the job's name. */
  readonly word: string
  readonly definition: Readonly<Record<string, string>>
  /** How long the state may take, waiting included. */
  readonly seconds: Readonly<Record<string, unknown>>
}

/** Submits a job and waits until it has ended, without keeping what Batch says of it. */
function batchJob({ queue, word, definition, seconds }: BatchJob): State {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::batch:submitJob.sync',
    Parameters: {
      'JobName.$': `States.Format('{}-${word}', $.id)`,
      JobQueue: queue,
      ...definition,
      ContainerOverrides: {
        'Command.$': `States.Array('${word}', $.run)`,
        Environment: [{ Name: 'SUBMITTED_AT', 'Value.$': '$$.State.EnteredTime' }],
      },
    },
    ...seconds,
    ResultPath: null,
    Retry: SUBMIT_RETRY,
  }
}

function isPresent(Variable: string): object {
  return { Variable, IsPresent: true }
}
