import { Aws, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as logs from 'aws-cdk-lib/aws-logs'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { ScheduleSettings } from './settings.ts'
import { startDefinition } from './start-definition.ts'
import { machineLog, statesPrincipal } from './workflow.ts'

export interface ScheduleOptions {
  readonly schedule: ScheduleSettings
  /** Name of the table bucket. */
  readonly bucket: string
  readonly run: sfn.StateMachine
  readonly logDays: logs.RetentionDays
}

/**
 * Starts a pinned request by the clock. The run's id is made of the scheduled time and the hash of what is pinned, and the
 * execution has its name, so the schedule firing twice starts one run.
 */
export class Schedule extends Construct {
  constructor(scope: Construct, { schedule, bucket, run, logDays }: ScheduleOptions) {
    super(scope, 'Schedule')
    const starter = new sfn.StateMachine(this, 'Starter', {
      // Times have colons, names of executions must not: so the schedule does not start the run by itself.
      stateMachineType: sfn.StateMachineType.EXPRESS,
      definitionBody: sfn.DefinitionBody.fromString(
        Stack.of(this).toJsonString(startDefinition({ machine: run.stateMachineArn, bucket, ...schedule })),
      ),
      role: new iam.Role(this, 'StarterRole', { description: 'Starts scheduled runs', assumedBy: statesPrincipal() }),
      logs: { destination: machineLog(this, logDays), level: sfn.LogLevel.ALL, includeExecutionData: true },
      tracingEnabled: true,
    })
    run.grantStartExecution(starter)
    startByClock(this, starter, schedule.expression, { time: '<aws.scheduler.scheduled-time>' })
  }
}

/** A schedule of EventBridge Scheduler, UTC, that starts a machine. */
export function startByClock(scope: Construct, machine: sfn.StateMachine, expression: string, input: object): void {
  const role = new iam.Role(scope, 'ClockRole', {
    description: 'Starts a state machine by the clock',
    assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
  })
  machine.grantStartExecution(role)
  new scheduler.CfnSchedule(scope, 'Clock', {
    scheduleExpression: expression,
    scheduleExpressionTimezone: 'UTC',
    flexibleTimeWindow: { mode: 'OFF' },
    target: { arn: machine.stateMachineArn, roleArn: role.roleArn, input: JSON.stringify(input) },
  })
}
