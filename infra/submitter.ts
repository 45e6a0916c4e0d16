import { Aws, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import type { Image } from './image.ts'
import { below, REPLACES, RUNS } from './roles.ts'
import type { Settings } from './settings.ts'
import type { Storage } from './storage.ts'
import { allow } from './workflow.ts'

export interface SubmitterOptions {
  readonly settings: Settings
  readonly storage: Storage
  readonly image: Image
  readonly run: sfn.StateMachine
}

/**
 * What `submit`, `status`, `resume`, `cancel` and `doctor` need, for whoever the firm lets use the stack. Submitted code runs with the containers'
 * roles: this policy writes no rows, no logs and no versions.
 */
export class Submitter extends Construct {
  readonly policy: iam.ManagedPolicy
  /** For those who submit in one area alone, by area. */
  readonly ofAreas: ReadonlyMap<string, iam.ManagedPolicy>

  constructor(scope: Construct, options: SubmitterOptions) {
    super(scope, 'Submitter')
    const { areas } = options.settings
    this.policy = this.#policy('Policy', options, null)
    this.ofAreas = new Map(areas.map((area) => [area, this.#policy(`Area${area}`, options, area)]))
  }

  #policy(id: string, { settings, storage, image, run }: SubmitterOptions, area: string | null): iam.ManagedPolicy {
    const [archive, table] = [storage.archive.bucketArn, storage.table.bucketArn]
    const tables = area === null ? table : `${table}/${area}`
    const sources = settings.importBuckets.map((name) => `arn:${Aws.PARTITION}:s3:::${name}`)
    const here = (service: string, resource: string): string => Stack.of(this).formatArn({ service, resource, resourceName: '*' })
    const ofMachine = (kind: string): string => `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:${kind}:${settings.stack}-run`
    const documents = ['request.json', 'bundle.js', 'bundle.js.map', 'listing.zst', 'cancel', 'resume-*.json'].map(
      (name) => `${RUNS}/${name}`,
    )
    const plans = ['plan.json', 'tasks.json', 'shares/*'].map((name) => `${RUNS}/${name}`)
    const created = [
      ...below(tables, ...documents, '_chronicle/schedules/*'),
      // Whoever submits an import plans it.
      ...(area === null ? below(archive, ...documents, ...plans) : []),
    ]
    return new iam.ManagedPolicy(this, id, {
      description:
        area === null ? 'Submits, follows, resumes and cancels runs' : `The same for runs of tables below ${area}/ alone, and no imports`,
      statements: [
        // The second: what `doctor` looks at of the bootstrap.
        allow(['cloudformation:DescribeStacks'], [Aws.STACK_ID, here('cloudformation', 'stack/CDKToolkit')]),
        allow(['ecr:DescribeImages', 'ecr:DescribeRepositories'], [image.repositoryArn]),
        allow(['s3:ListBucket'], [archive, table, ...sources]),
        allow(
          ['s3:GetObject'],
          [archive, ...sources].map((bucket) => `${bucket}/*`),
        ),
        allow(['s3:GetObject'], below(tables, '_delta_log/*', '_chronicle/*')),
        allow(['s3:PutObject'], created),
        new iam.PolicyStatement({ effect: iam.Effect.DENY, actions: ['s3:PutObject'], resources: created, conditions: REPLACES }),
        // Which import an archive is taken by: one that ended gives way.
        ...(area === null ? [allow(['s3:PutObject'], below(archive, '_imports/active.json'))] : []),
        allow(['states:StartExecution'], [run.stateMachineArn]),
        allow(
          ['states:DescribeExecution', 'states:StopExecution', 'states:ListMapRuns'],
          [`${ofMachine('execution')}:*`, `${ofMachine('execution')}/*`],
        ),
        allow(['states:DescribeMapRun'], [`${ofMachine('mapRun')}/*`]),
        // These have no resources.
        allow(['batch:ListJobs', 'batch:DescribeJobs', 'batch:DescribeJobQueues', 'servicequotas:GetServiceQuota'], ['*']),
        allow(['batch:TerminateJob'], [here('batch', 'job')]),
      ],
    })
  }
}
