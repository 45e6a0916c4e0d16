import { ReplayError } from '../core/errors.ts'
import { type Check, checked, fail, ok, warn } from './checkup.ts'
import { type Cloud, callAws, isMissing } from './cloud-clients.ts'
import { type CloudStack, stackOutputs, vcpuQuota } from './cloud-stack.ts'

/** What the CDK makes in an account before it deploys there, and the first version of it that takes images as this stack's are. */
const BOOTSTRAP = 'CDKToolkit'
const BOOTSTRAP_VERSION = 6

/** Whether there are credentials that AWS takes, and whether the CDK can deploy with them; null: without the former nothing else can be asked. */
export async function checkAccount(cloud: Cloud, hasStack: boolean): Promise<readonly [credentials: Check, bootstrap: Check | null]> {
  const known = ok('credentials', cloud.endpoint === undefined ? 'AWS takes them' : `taken at ${cloud.endpoint}`)
  try {
    const version = Number((await stackOutputs(cloud, BOOTSTRAP)).get('BootstrapVersion') ?? Number.NaN)
    if (version >= BOOTSTRAP_VERSION) return [known, ok('bootstrap', `version ${version}`)]
    return [known, fail('bootstrap', `expected version ${BOOTSTRAP_VERSION} or later, found ${version}; run: npx cdk bootstrap`)]
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error
    if (error.code === 'aws-denied') return [known, warn('bootstrap', `not to be found out: ${error.message}`)]
    if (error.code !== 'stack-unknown') return [fail('credentials', error.message), null]
    const message = `the CDK has no ${BOOTSTRAP} in this account and region`
    if (hasStack) return [known, warn('bootstrap', `${message}: whoever deploys uses another name, or it is gone`)]
    return [known, fail('bootstrap', `${message}; run: npx cdk bootstrap`)]
  }
}

/** Whether the account lets as many vCPUs run as the stack would. @param stack null: none is asked for */
export function checkQuotas(cloud: Cloud, stack: CloudStack | null): Promise<Check[]> {
  const tasks = stack?.isEc2 === true ? 'ec2Spot' : 'fargateSpot'
  const looks = (['fargateOnDemand', tasks] as const).map(async (quota) => {
    const name = quota === 'fargateOnDemand' ? 'quota on demand' : 'quota Spot'
    const vcpus = await vcpuQuota(cloud, quota)
    const advice = 'ask for more: Service Quotas, docs/operating.md, "Quotas and size"'
    if (vcpus === null) return warn(name, 'vCPUs of the account: not to be found out')
    if (stack === null) return ok(name, `${vcpus} vCPUs at once`)
    if (vcpus < stack.taskVcpus) return fail(name, `${vcpus} vCPUs at once, and a task needs ${stack.taskVcpus}; ${advice}`)
    if (vcpus < stack.maxVcpus)
      return warn(name, `${vcpus} vCPUs at once, and the stack would use ${stack.maxVcpus}: runs take longer; ${advice}`)
    return ok(name, `${vcpus} vCPUs at once, and the stack uses ${stack.maxVcpus} at most`)
  })
  return Promise.all(looks)
}

/** Whether the stack's queues take jobs, its buckets answer, and its image is there with the engine that submits. */
export function checkStack(cloud: Cloud, stack: CloudStack, engine: string): Promise<Check[]> {
  return Promise.all([
    checked('queues', () => checkQueues(cloud, stack)),
    ...(['archive', 'table'] as const).map((what) => checked(`${what} bucket`, () => checkBucket(cloud, what, stack[`${what}Bucket`]))),
    checked('image', () => checkImage(cloud, stack)),
    Promise.resolve(checkEngine(stack, engine)),
  ])
}

async function checkQueues(cloud: Cloud, { queues }: CloudStack): Promise<Check> {
  const { DescribeJobQueuesCommand } = await import('@aws-sdk/client-batch')
  const client = await cloud.batch()
  const { jobQueues = [] } = await callAws('Batch DescribeJobQueues', () =>
    client.send(new DescribeJobQueuesCommand({ jobQueues: [...queues] })),
  )
  if (jobQueues.length < queues.length)
    return fail('queues', `expected ${queues.length}, found ${jobQueues.length}; deploy the stack again`)
  const bad = jobQueues.find(({ state, status }) => state !== 'ENABLED' || status !== 'VALID')
  if (bad === undefined) return ok('queues', `${queues.length} take jobs`)
  return fail('queues', `${bad.jobQueueName} is ${bad.state} and ${bad.status}: ${bad.statusReason ?? 'Batch does not say why'}`)
}

async function checkBucket(cloud: Cloud, what: 'archive' | 'table', bucket: string): Promise<Check> {
  const name = `${what} bucket`
  for await (const _ of cloud.open(`s3://${bucket}`).list('')) return ok(name, `s3://${bucket} can be listed`)
  if (what === 'table') return ok(name, `s3://${bucket} can be listed, and is empty`)
  return warn(name, `s3://${bucket} is empty: put an archive there (aws s3 sync, or submit import)`)
}

async function checkImage(cloud: Cloud, { image }: CloudStack): Promise<Check> {
  const match = /^(\d+)\.dkr\.ecr\.[^/]+\/([^:@]+)(?::(.+)|@(sha256:.+))$/.exec(image ?? '')
  if (match === null)
    return warn('image', `expected one in ECR as output ImageUri, found ${image ?? 'none'}: nobody knows whether it is there`)
  const [, registryId, repositoryName, imageTag, imageDigest] = match
  const { DescribeImagesCommand } = await import('@aws-sdk/client-ecr')
  const client = await cloud.registry()
  const imageIds = [imageTag === undefined ? { imageDigest: imageDigest! } : { imageTag }]
  try {
    const { imageDetails = [] } = await callAws('ECR DescribeImages', () =>
      client.send(new DescribeImagesCommand({ registryId, repositoryName: repositoryName!, imageIds })),
    )
    const isPinned = imageTag === undefined || (await keepsTags(cloud, registryId!, repositoryName!))
    const found = `${repositoryName} ${imageDetails[0]?.imageDigest ?? imageTag ?? imageDigest}`
    if (isPinned) return ok('image', found)
    return warn(
      'image',
      `${found}; tags of the repository can be set anew, so that ${imageTag} may become another image: make them IMMUTABLE`,
    )
  } catch (error) {
    if (!isMissing(error)) throw error
    return fail('image', `${image} is not there; deploy again, or push it (docs/operating.md)`)
  }
}

/** Whether a tag stays that of one image; also where that may not be asked. */
async function keepsTags(cloud: Cloud, registryId: string, name: string): Promise<boolean> {
  const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr')
  const client = await cloud.registry()
  try {
    const { repositories = [] } = await callAws('ECR DescribeRepositories', () =>
      client.send(new DescribeRepositoriesCommand({ registryId, repositoryNames: [name] })),
    )
    return repositories[0]?.imageTagMutability !== 'MUTABLE'
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'aws-denied') return true
    throw error
  }
}

function checkEngine({ engine: deployed }: CloudStack, engine: string): Check {
  if (deployed === null)
    return warn('engine', `this is ${engine}; of an image that was built elsewhere it is not known: with another, runs end at once`)
  if (deployed === engine) return ok('engine', engine)
  return fail('engine', `this is ${engine}, and the image has ${deployed}; deploy from this version, or submit from that one`)
}
