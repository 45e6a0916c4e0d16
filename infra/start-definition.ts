import type { ScheduleSettings } from './settings.ts'
import type { StateMachineDefinition } from './states-language.ts'

export interface StartPlaces extends Pick<ScheduleSettings, 'id' | 'table' | 'definition'> {
  /** ARN of the state machine of runs. */
  readonly machine: string
  readonly bucket: string
}

/** Input: {time: `2026-11-23T00:30:00Z`}. */
export function startDefinition({ machine, bucket, id, table, definition }: StartPlaces): StateMachineDefinition {
  const parts = [0, 1, 2, 3, 4, 5].map((part) => `States.ArrayGetItem($.parts, ${part})`).join(', ')
  const folder = `${table}/_chronicle/runs`
  return {
    Comment: 'Starts the run of a scheduled time, once',
    StartAt: 'SplitTime',
    States: {
      SplitTime: { Type: 'Pass', Parameters: { 'parts.$': "States.StringSplit($.time, '-:TZ')" }, Next: 'NameRun' },
      NameRun: { Type: 'Pass', Parameters: { 'id.$': `States.Format('{}{}{}T{}{}{}Z-${id}', ${parts})` }, Next: 'Start' },
      Start: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution',
        TimeoutSeconds: 60,
        Parameters: {
          StateMachineArn: machine,
          'Name.$': '$.id',
          Input: {
            'run.$': `States.Format('s3://${bucket}/${folder}/{}', $.id)`,
            'id.$': '$.id',
            bucket,
            'tasks.$': `States.Format('${folder}/{}/tasks.json', $.id)`,
            definition,
          },
        },
        ResultPath: null,
        Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 4 }],
        Catch: [{ ErrorEquals: ['StepFunctions.ExecutionAlreadyExistsException'], ResultPath: null, Next: 'Started' }],
        Next: 'Started',
      },
      Started: { Type: 'Succeed' },
    },
  }
}
