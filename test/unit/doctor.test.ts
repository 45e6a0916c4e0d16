import { describe, expect, it } from 'vitest'
import type { Cloud } from '../../cli/cloud-clients.ts'
import { checkCloud } from '../../cli/commands/doctor.ts'
import { MemoryStore } from '../support/memory-store.ts'

const ENGINE = 'e'.repeat(32)
const IMAGE = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/images/replay:1.2.3'
const OUTPUTS = {
  ...{
    ArchiveBucket: 'archive',
    TableBucket: 'tables',
    StateMachineArn: 'arn:machine',
    SpotQueueArn: 'arn:spot',
    OnDemandQueueArn: 'arn:demand',
  },
  ...{ TaskVcpus: '4', MaxVcpus: '256', ImageUri: IMAGE, Engine: ENGINE },
}

/** What an account has; a function fails as AWS does. */
interface Account {
  readonly stacks: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Of each of the two. */
  readonly quotas: readonly [onDemand: number, spot: number]
  readonly queue: { readonly state: string; readonly status: string; readonly statusReason?: string }
  readonly images: readonly string[]
  readonly tags?: 'MUTABLE' | 'IMMUTABLE'
  readonly archive: readonly string[]
  /** Calls that are answered with an error of this name. */
  readonly refused?: Readonly<Record<string, string>>
}

const GOOD: Account = {
  stacks: { CDKToolkit: { BootstrapVersion: '21' }, Replay: OUTPUTS },
  quotas: [4000, 1000],
  queue: { state: 'ENABLED', status: 'VALID' },
  images: ['1.2.3'],
  archive: ['v1/a/b/2024-01-01/book/000000000.q'],
}

function awsError(name: string): Error {
  return Object.assign(new Error(`${name} it is`), { name, $metadata: { httpStatusCode: /Access/.test(name) ? 403 : 400 } })
}

/** Clients that answer as the account would. */
function cloudOf(account: Account): Cloud {
  const send = async (command: {
    readonly constructor: { readonly name: string }
    readonly input: Record<string, unknown>
  }): Promise<unknown> => {
    const call = command.constructor.name.replace('Command', '')
    const refused = account.refused?.[call]
    if (refused !== undefined) throw awsError(refused)
    const { input } = command
    if (call === 'DescribeStacks') {
      const outputs = account.stacks[input.StackName as string]
      if (outputs === undefined)
        throw Object.assign(awsError('ValidationError'), { message: `Stack with id ${input.StackName} does not exist` })
      return { Stacks: [{ Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })) }] }
    }
    if (call === 'DescribeJobQueues')
      return { jobQueues: (input.jobQueues as string[]).map((jobQueueName) => ({ jobQueueName, ...account.queue })) }
    if (call === 'GetServiceQuota') return { Quota: { Value: account.quotas[input.QuotaCode === 'L-3032A538' ? 0 : 1] } }
    if (call === 'DescribeRepositories') {
      expect(input).toEqual({ registryId: '123456789012', repositoryNames: ['images/replay'] })
      return { repositories: [{ imageTagMutability: account.tags ?? 'IMMUTABLE' }] }
    }
    const [{ imageTag }] = input.imageIds as [{ imageTag: string }]
    expect(input).toMatchObject({ registryId: '123456789012', repositoryName: 'images/replay' })
    if (!account.images.includes(imageTag)) throw awsError('ImageNotFoundException')
    return { imageDetails: [{ imageDigest: `sha256:${'d'.repeat(64)}` }] }
  }
  const client = async (): Promise<unknown> => ({ send })
  const open = (uri: string): MemoryStore => {
    const store = new MemoryStore()
    if (uri === 's3://archive')
      for (const key of account.archive) store.objects.set(key, { bytes: new Uint8Array(), etag: '1', modifiedMs: 0 })
    return store
  }
  const clients = { endpoint: undefined, open, batch: client, cloudFormation: client, serviceQuotas: client, registry: client }
  return clients as unknown as Cloud
}

/** Names by state. */
async function statesOf(account: Account, stack: string | null = 'Replay', engine = ENGINE): Promise<Record<string, string>> {
  const checks = await checkCloud(cloudOf(account), stack, engine)
  return Object.fromEntries(checks.map(({ name, state }) => [name, state]))
}

const ALL_OK = Object.fromEntries(
  ['credentials', 'bootstrap', 'stack', 'queues', 'archive bucket', 'table bucket', 'image', 'engine', 'quota on demand', 'quota Spot'].map(
    (name) => [name, 'ok'],
  ),
)

describe('doctor', () => {
  it('finds nothing wrong with a stack that is ready', async () => {
    expect(await statesOf(GOOD)).toEqual(ALL_OK)
  })

  it('asks before a deployment for what that needs', async () => {
    expect(await statesOf(GOOD, null)).toEqual({ credentials: 'ok', bootstrap: 'ok', 'quota on demand': 'ok', 'quota Spot': 'ok' })
    const fresh = await checkCloud(cloudOf({ ...GOOD, stacks: {} }), null, ENGINE)
    expect(fresh.find(({ name }) => name === 'bootstrap')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining('npx cdk bootstrap'),
    })
  })

  it.each<[string, Partial<Account>, Record<string, string>]>([
    ['a bootstrap of old', { stacks: { ...GOOD.stacks, CDKToolkit: { BootstrapVersion: '4' } } }, { bootstrap: 'fail' }],
    ['a bootstrap of another name', { stacks: { Replay: OUTPUTS } }, { bootstrap: 'warn' }],
    ['a queue that Batch refuses', { queue: { state: 'ENABLED', status: 'INVALID', statusReason: 'no subnet' } }, { queues: 'fail' }],
    ['an image that nobody pushed', { images: [] }, { image: 'fail' }],
    ['an image that may not be looked for', { refused: { DescribeImages: 'AccessDeniedException' } }, { image: 'warn' }],
    ['an image whose tag may become another', { tags: 'MUTABLE' }, { image: 'warn' }],
    [
      'an image whose repository may not be asked about',
      { tags: 'MUTABLE', refused: { DescribeRepositories: 'AccessDeniedException' } },
      {},
    ],
    ['an archive without an object', { archive: [] }, { 'archive bucket': 'warn' }],
    ['quotas of a new account', { quotas: [6, 2] }, { 'quota on demand': 'warn', 'quota Spot': 'fail' }],
    [
      'quotas that cannot be asked for',
      { refused: { GetServiceQuota: 'NoSuchResourceException' } },
      { 'quota on demand': 'warn', 'quota Spot': 'warn' },
    ],
    ['an image of another engine', { stacks: { ...GOOD.stacks, Replay: { ...OUTPUTS, Engine: 'f'.repeat(32) } } }, { engine: 'fail' }],
    [
      'an image that was built elsewhere',
      { stacks: { ...GOOD.stacks, Replay: Object.fromEntries(Object.entries(OUTPUTS).filter(([name]) => name !== 'Engine')) } },
      { engine: 'warn' },
    ],
  ])('tells %s', async (_, difference, states) => {
    expect(await statesOf({ ...GOOD, ...difference })).toEqual({ ...ALL_OK, ...states })
  })

  it('asks nothing else without credentials, and of no stack what only a stack has', async () => {
    expect(await statesOf({ ...GOOD, refused: { DescribeStacks: 'ExpiredToken' } })).toEqual({ credentials: 'fail' })
    expect(await statesOf(GOOD, 'Other')).toEqual({
      ...{ credentials: 'ok', bootstrap: 'ok', stack: 'fail', 'quota on demand': 'ok', 'quota Spot': 'ok' },
    })
  })
})
