import type { State } from './states-language.ts'

export interface NamedJobs {
  /** `JobQueue`, or the path to it. */
  readonly queue: Readonly<Record<string, string>>
  /** Expression of the name; one that ends with `*` is the begin of names. */
  readonly name: string
  /** Path to the token of the page. @default the first page */
  readonly page?: string
}

/** Lists jobs by their name, over or not, a page at a time into `$.page`. @param next `Next`, and `Catch` */
export function listNamedJobs({ queue, name, page }: NamedJobs, next: Readonly<Record<string, unknown>>): State {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::aws-sdk:batch:listJobs',
    Parameters: {
      ...queue,
      Filters: [{ Name: 'JOB_NAME', 'Values.$': `States.Array(${name})` }],
      ...(page !== undefined && { 'NextToken.$': page }),
    },
    TimeoutSeconds: 60,
    ResultPath: '$.page',
    Retry: ASK_AGAIN,
    ...next,
  }
}

/** Ends the jobs of `$.page`; those that are over stay as they are. @param next `Next`, and `Catch` */
export function endListedJobs(reason: string, next: Readonly<Record<string, unknown>>): State {
  return {
    Type: 'Map',
    ItemsPath: '$.page.JobSummaryList',
    ItemSelector: { 'job.$': '$$.Map.Item.Value.JobId', 'status.$': '$$.Map.Item.Value.Status' },
    MaxConcurrency: 10,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: 'IsItOver',
      States: {
        IsItOver: {
          Type: 'Choice',
          Choices: ['SUCCEEDED', 'FAILED'].map((over) => ({ Variable: '$.status', StringEquals: over, Next: 'Ended' })),
          Default: 'End',
        },
        End: {
          Type: 'Task',
          Resource: 'arn:aws:states:::aws-sdk:batch:terminateJob',
          Parameters: { 'JobId.$': '$.job', Reason: reason },
          TimeoutSeconds: 60,
          ResultPath: null,
          Retry: ASK_AGAIN,
          // One that Batch does not end is no reason to leave the others.
          Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Ended' }],
          Next: 'Ended',
        },
        Ended: { Type: 'Succeed', OutputPath: null },
      },
    },
    ResultPath: null,
    ...next,
  }
}

/** Batch answers few of these calls a second. */
const ASK_AGAIN = [
  {
    ErrorEquals: ['States.TaskFailed'],
    IntervalSeconds: 1,
    BackoffRate: 1.5,
    MaxDelaySeconds: 30,
    MaxAttempts: 10,
    JitterStrategy: 'FULL',
  },
]
