import { ArnFormat, Aws, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as logs from 'aws-cdk-lib/aws-logs'
import * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Compute } from './compute.ts'
import { type RunLimits, type RunPlaces, runDefinition } from './run-definition.ts'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'

export interface WorkflowOptions {
  readonly settings: Settings
  readonly storage: Storage
  readonly compute: Compute
  readonly logDays: logs.RetentionDays
}

/** The state machine of runs. */
export class Workflow extends Construct {
  readonly machine: sfn.StateMachine

  constructor(scope: Construct, { settings, storage, compute, logDays }: WorkflowOptions) {
    super(scope, 'Workflow')
    const role = new iam.Role(this, 'Role', { description: 'Runs: submits jobs and reads task lists', assumedBy: statesPrincipal() })
    const stateMachineName = `${settings.stack}-run`
    this.machine = new sfn.StateMachine(this, 'Run', {
      stateMachineName,
      definitionBody: sfn.DefinitionBody.fromString(Stack.of(this).toJsonString(runDefinition(placesOf(compute), limitsOf(settings)))),
      role,
      // Histories keep the rest for 90 days; children are many.
      logs: { destination: machineLog(this, logDays), level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
    })
    for (const statement of [...batchStatements(settings, compute), readTaskLists(storage)]) role.addToPolicy(statement)
    this.#allowChildren(role, stateMachineName)
  }

  /** The Map starts the children as executions. A policy of its own, as it names the machine, which waits for its role's. */
  #allowChildren(role: iam.Role, machine: string): void {
    const here = { service: 'states', arnFormat: ArnFormat.COLON_RESOURCE_NAME }
    const children = Stack.of(this).formatArn({ ...here, resource: 'execution', resourceName: `${machine}/*` })
    new iam.Policy(this, 'Children', {
      roles: [role],
      statements: [
        allow(['states:StartExecution'], [this.machine.stateMachineArn]),
        allow(['states:DescribeExecution', 'states:StopExecution'], [children]),
      ],
    })
  }
}

/** Names of the log groups of state machines begin so, or a policy of the account would grow with each. */
export function machineLog(scope: Construct, retention: logs.RetentionDays): logs.LogGroup {
  const logGroupName = `/aws/vendedlogs/states/${Stack.of(scope).stackName}-${scope.node.id.toLowerCase()}`
  return new logs.LogGroup(scope, 'Log', { logGroupName, retention, removalPolicy: RemovalPolicy.DESTROY })
}

export function statesPrincipal(): iam.ServicePrincipal {
  return new iam.ServicePrincipal('states.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } } })
}

function placesOf({ definitions, ec2Definitions, areas, onDemand, spot, ec2 }: Compute): RunPlaces {
  const arn = (definition: { readonly ref: string }): string => definition.ref
  const task = arn(definitions.task)
  const snapshots = arn(definitions.snapshots)
  const imports = arn(definitions.import)
  return {
    planDefinition: arn(definitions.plan),
    commitDefinition: arn(definitions.commit),
    archiveCommitDefinition: arn(definitions.archiveCommit),
    taskDefinitions: { spot: ec2Definitions === null ? task : arn(ec2Definitions.task), onDemand: task },
    snapshotsDefinitions: { spot: ec2Definitions === null ? snapshots : arn(ec2Definitions.snapshots), onDemand: snapshots },
    importDefinitions: { spot: ec2Definitions === null ? imports : arn(ec2Definitions.import), onDemand: imports },
    areaDefinitions: Object.fromEntries([...areas].map(([area, each]) => [area, { spot: arn(each.spot), onDemand: arn(each.onDemand) }])),
    spotQueue: (ec2 ?? spot).jobQueueArn,
    onDemandQueue: onDemand.jobQueueArn,
  }
}

function limitsOf({ maxConcurrency, spotWaitMinutes, deadlineHours }: Settings): RunLimits {
  return { maxConcurrency, spotWaitSeconds: spotWaitMinutes * 60, deadlineSeconds: deadlineHours * 3600 }
}

function batchStatements({ stack }: Settings, { queues }: Compute): iam.PolicyStatement[] {
  const here = (service: string, resource: string): string => `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`
  return [
    // Any revision: a run that began before a deployment goes on with its own.
    allow(['batch:SubmitJob'], [...queues.map(({ jobQueueArn }) => jobQueueArn), here('batch', `job-definition/${stack}-*`)]),
    // Without resources of their own, as Batch defines them.
    allow(['batch:DescribeJobs', 'batch:ListJobs', 'batch:TerminateJob'], ['*']),
    // How Step Functions hears that a job has ended.
    allow(['events:PutTargets', 'events:PutRule', 'events:DescribeRule'], [here('events', 'rule/StepFunctionsGetEventsForBatchJobsRule')]),
  ]
}

/** Runs that import lie in their archive. */
function readTaskLists({ archive, table }: Storage): iam.PolicyStatement {
  const names = ['tasks.json', 'resume-*.json'].flatMap((name) => [`_chronicle/runs/*/${name}`, `*/_chronicle/runs/*/${name}`])
  return allow(
    ['s3:GetObject'],
    [archive, table].flatMap(({ bucketArn }) => names.map((name) => `${bucketArn}/${name}`)),
  )
}

export function allow(actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources })
}
