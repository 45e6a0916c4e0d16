import { Stack } from 'aws-cdk-lib'
import * as events from 'aws-cdk-lib/aws-events'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as logs from 'aws-cdk-lib/aws-logs'
import * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Compute } from './compute.ts'
import { sweepDefinition } from './sweep-definition.ts'
import { machineLog, statesPrincipal } from './workflow.ts'

export interface SweepOptions {
  readonly compute: Compute
  readonly run: sfn.StateMachine
  readonly logDays: logs.RetentionDays
}

/** Ends jobs that executions of runs leave behind: a job that nobody waits for is paid for until its own time is up. */
export class Sweep extends Construct {
  constructor(scope: Construct, { compute, run, logDays }: SweepOptions) {
    super(scope, 'Sweep')
    const role = new iam.Role(this, 'Role', { description: 'Ends jobs of runs that are over', assumedBy: statesPrincipal() })
    // Without resources of their own, as Batch defines them.
    role.addToPolicy(new iam.PolicyStatement({ actions: ['batch:ListJobs', 'batch:TerminateJob'], resources: ['*'] }))
    const queues = compute.queues.map(({ jobQueueArn }) => jobQueueArn)
    const machine = new sfn.StateMachine(this, 'Jobs', {
      // Its history has no end that ten thousand jobs would reach.
      stateMachineType: sfn.StateMachineType.EXPRESS,
      definitionBody: sfn.DefinitionBody.fromString(Stack.of(this).toJsonString(sweepDefinition(queues))),
      role,
      logs: { destination: machineLog(this, logDays), level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
    })
    const starts = new iam.Role(this, 'RuleRole', {
      description: 'Starts the end of jobs',
      assumedBy: new iam.ServicePrincipal('events.amazonaws.com'),
    })
    machine.grantStartExecution(starts)
    new events.CfnRule(this, 'Rule', {
      description: 'Executions of runs that ended otherwise than by their commit',
      eventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [run.stateMachineArn], status: ['TIMED_OUT', 'ABORTED', 'FAILED'] },
      },
      targets: [
        {
          id: 'Jobs',
          arn: machine.stateMachineArn,
          roleArn: starts.roleArn,
          inputTransformer: { inputPathsMap: { name: '$.detail.name' }, inputTemplate: '{"name": <name>}' },
        },
      ],
    })
  }
}
