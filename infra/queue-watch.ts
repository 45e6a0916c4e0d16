import { Stack } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as logs from 'aws-cdk-lib/aws-logs'
import * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { NAMESPACE } from '../functions/log.ts'
import type { Compute } from './compute.ts'
import { startByClock } from './schedule.ts'
import { WAITING_SINCE, watchDefinition } from './watch-definition.ts'
import { machineLog, statesPrincipal } from './workflow.ts'

const MINUTES = 5

export interface QueueWatchOptions {
  readonly compute: Compute
  readonly logDays: logs.RetentionDays
}

/**
 * How long the oldest job has waited. Batch has no such metric, and a job that waits tells nothing itself; so every few minutes
 * the submit times of waiting jobs are told to CloudWatch, whose least one is the oldest.
 */
export class QueueWatch extends Construct {
  /** Seconds. No data: nothing waits. */
  readonly oldestWait: cloudwatch.MathExpression

  constructor(scope: Construct, { compute, logDays }: QueueWatchOptions) {
    super(scope, 'QueueWatch')
    const stack = Stack.of(this)
    const queues = compute.queues.map(({ jobQueueArn }) => jobQueueArn)
    const watch = new sfn.StateMachine(this, 'Watch', {
      stateMachineType: sfn.StateMachineType.EXPRESS,
      definitionBody: sfn.DefinitionBody.fromString(stack.toJsonString(watchDefinition(queues, stack.stackName))),
      role: this.#role(),
      logs: { destination: machineLog(this, logDays), level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
    })
    startByClock(this, watch, `rate(${MINUTES} minutes)`, {})
    const since = new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: WAITING_SINCE,
      dimensionsMap: { Stack: stack.stackName },
      statistic: 'Minimum',
    })
    this.oldestWait = new cloudwatch.MathExpression({
      expression: 'EPOCH(since) - since / 1000',
      usingMetrics: { since },
      label: 'oldest wait, s',
    })
  }

  #role(): iam.Role {
    const role = new iam.Role(this, 'Role', { description: 'Looks at waiting jobs', assumedBy: statesPrincipal() })
    role.addToPolicy(new iam.PolicyStatement({ actions: ['batch:ListJobs'], resources: ['*'] }))
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': NAMESPACE } },
      }),
    )
    return role
  }
}
