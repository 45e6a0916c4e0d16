import { ReplayError } from '../core/errors.ts'
import { type Cloud, callAws, isMissing } from './cloud-clients.ts'

/** A deployed stack, by its outputs. */
export interface CloudStack {
  readonly name: string
  readonly archiveBucket: string
  readonly tableBucket: string
  /** Names of the buckets that imports may read. */
  readonly importBuckets: readonly string[]
  readonly stateMachineArn: string
  /** Batch queues: where tasks run, and where plan and commit do. */
  readonly queues: readonly string[]
  /** vCPUs of a task's container, and of all that may run at once. */
  readonly taskVcpus: number
  readonly maxVcpus: number
  /** CloudWatch log group of the containers; null: the stack does not tell. */
  readonly logGroup: string | null
  /** Tasks run on EC2 instances and not on Fargate. */
  readonly isEc2: boolean
  /** First folders of the table bucket whose tasks have a role of their own. */
  readonly areas: readonly string[]
  /** The containers' image, and the engine in it; null: the stack does not tell. */
  readonly image: string | null
  readonly engine: string | null
}

/** @throws ReplayError input `stack-unknown`, `stack-outputs`, and those of `callAws` */
export async function readStack(cloud: Cloud, name: string): Promise<CloudStack> {
  const outputs = await stackOutputs(cloud, name)
  const text = (key: string): string => {
    const value = outputs.get(key)
    if (value !== undefined && value !== '') return value
    const found = [...outputs.keys()].join(', ') || 'none'
    throw new ReplayError('stack-outputs', `stack ${name}: expected output ${key}, found ${found}; deploy this version's stack`, {
      category: 'input',
    })
  }
  const count = (key: string): number => {
    const value = Number(text(key))
    if (value > 0) return value
    throw new ReplayError('stack-outputs', `stack ${name}: expected a positive number as ${key}, found ${text(key)}`, { category: 'input' })
  }
  const ec2 = outputs.get('Ec2QueueArn')
  return {
    name,
    archiveBucket: text('ArchiveBucket'),
    tableBucket: text('TableBucket'),
    importBuckets: [text('ArchiveBucket'), ...(outputs.get('ImportBuckets') ?? '').split(',').filter((name) => name !== '')],
    stateMachineArn: text('StateMachineArn'),
    queues: [text('SpotQueueArn'), text('OnDemandQueueArn'), ...(ec2 === undefined ? [] : [ec2])],
    taskVcpus: count('TaskVcpus'),
    maxVcpus: count('MaxVcpus'),
    logGroup: outputs.get('LogGroup') ?? null,
    isEc2: ec2 !== undefined,
    areas: (outputs.get('Areas') ?? '').split(',').filter((name) => name !== ''),
    image: outputs.get('ImageUri') ?? null,
    engine: outputs.get('Engine') ?? null,
  }
}

/** Outputs of a stack by name. @throws ReplayError input `stack-unknown`, and those of `callAws` */
export async function stackOutputs(cloud: Cloud, StackName: string): Promise<ReadonlyMap<string, string>> {
  const { DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation')
  const client = await cloud.cloudFormation()
  try {
    const { Stacks = [] } = await callAws('CloudFormation DescribeStacks', () => client.send(new DescribeStacksCommand({ StackName })))
    return new Map((Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]))
  } catch (error) {
    if (!isMissing(error)) throw error
    const message = `no stack ${JSON.stringify(StackName)} in this account and region; deploy it first, or name another with --stack`
    throw new ReplayError('stack-unknown', message, { category: 'input', cause: error })
  }
}

/** Quotas of vCPUs that run at once. */
export const VCPU_QUOTAS = {
  fargateOnDemand: { ServiceCode: 'fargate', QuotaCode: 'L-3032A538' },
  fargateSpot: { ServiceCode: 'fargate', QuotaCode: 'L-36FBB829' },
  ec2Spot: { ServiceCode: 'ec2', QuotaCode: 'L-34B43A08' },
} as const

/** vCPUs that the account may use at once; null: not to be found out. */
export async function vcpuQuota(cloud: Cloud, quota: keyof typeof VCPU_QUOTAS): Promise<number | null> {
  const { GetServiceQuotaCommand } = await import('@aws-sdk/client-service-quotas')
  const client = await cloud.serviceQuotas()
  try {
    const { Quota } = await client.send(new GetServiceQuotaCommand(VCPU_QUOTAS[quota]))
    return Quota?.Value ?? null
  } catch {
    // Not allowed to look, or no such service here: it is only for advice.
    return null
  }
}
