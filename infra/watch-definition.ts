import { NAMESPACE } from '../functions/log.ts'
import type { State, StateMachineDefinition } from './states-language.ts'

/** The metric with the submit times of waiting jobs, milliseconds since the epoch. */
export const WAITING_SINCE = 'WaitingSince'

/** For each queue page after page of its waiting jobs. @param queues ARNs */
export function watchDefinition(queues: readonly string[], stack: string): StateMachineDefinition {
  const list = (next: object): State => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::aws-sdk:batch:listJobs',
    // As many as fit into one call of PutMetricData.
    Parameters: { 'JobQueue.$': '$.queue', JobStatus: 'RUNNABLE', MaxResults: 100, ...next },
    TimeoutSeconds: 60,
    ResultPath: '$.page',
    Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, BackoffRate: 2, MaxAttempts: 3 }],
    Next: 'IsAnyWaiting',
  })
  return {
    Comment: 'Tells CloudWatch since when jobs have been waiting',
    StartAt: 'Queues',
    TimeoutSeconds: 240,
    States: {
      Queues: { Type: 'Pass', Result: { queues }, Next: 'EachQueue' },
      EachQueue: {
        Type: 'Map',
        ItemsPath: '$.queues',
        ItemSelector: { 'queue.$': '$$.Map.Item.Value' },
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'List',
          States: {
            List: list({}),
            IsAnyWaiting: {
              Type: 'Choice',
              Choices: [{ Variable: '$.page.JobSummaryList[0]', IsPresent: true, Next: 'Tell' }],
              Default: 'Told',
            },
            Tell: {
              Type: 'Task',
              Resource: 'arn:aws:states:::aws-sdk:cloudwatch:putMetricData',
              Parameters: {
                Namespace: NAMESPACE,
                MetricData: [
                  {
                    MetricName: WAITING_SINCE,
                    Dimensions: [{ Name: 'Stack', Value: stack }],
                    'Values.$': '$.page.JobSummaryList[*].CreatedAt',
                    Unit: 'Milliseconds',
                  },
                ],
              },
              TimeoutSeconds: 60,
              ResultPath: null,
              Next: 'IsThereMore',
            },
            IsThereMore: {
              Type: 'Choice',
              Choices: [{ Variable: '$.page.NextToken', IsPresent: true, Next: 'ListMore' }],
              Default: 'Told',
            },
            ListMore: list({ 'NextToken.$': '$.page.NextToken' }),
            Told: { Type: 'Succeed', OutputPath: null },
          },
        },
        ResultPath: null,
        End: true,
      },
    },
  }
}
