import type { BatchClient } from '@aws-sdk/client-batch'
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import type { ECRClient } from '@aws-sdk/client-ecr'
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import type { SFNClient } from '@aws-sdk/client-sfn'
import { ReplayError } from '../core/errors.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { openStore } from '../core/store/open-store.ts'
import { clockAdvice, isClockError } from '../core/store/s3-errors.ts'
import type { CommandInput, OptionSpec } from './command.ts'

export const ENDPOINT: OptionSpec = {
  value: 'URL',
  help: 'where the services are, if not on AWS: http://127.0.0.1:4566 (default: AWS_ENDPOINT_URL)',
}

/** Which stack. */
export const STACK: OptionSpec = { value: 'NAME', help: 'deployed stack that carries it out' }

/** Where the services of AWS are, and as whom they are called; each package is loaded when it is first needed. */
export class Cloud {
  readonly endpoint: string | undefined
  readonly #config: ClientConfig

  /**
   * @param env the process's: endpoint, region and credentials may come from there. LocalStack asks for credentials, whichever:
   * where there are none they are put there, for worker threads as well
   */
  constructor(endpoint: string | undefined, env: NodeJS.ProcessEnv) {
    this.endpoint = endpoint ?? env.AWS_ENDPOINT_URL
    const isLocal = this.endpoint !== undefined && /^https?:\/\/(localhost|127\.|\[::1\])/.test(this.endpoint)
    const hasOwn = env.AWS_ACCESS_KEY_ID !== undefined || env.AWS_PROFILE !== undefined
    if (isLocal && !hasOwn) Object.assign(env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
    this.#config = {
      ...(this.endpoint !== undefined && { endpoint: this.endpoint, region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1' }),
      maxAttempts: 8,
    }
  }

  open(uri: string): ObjectStore {
    const { endpoint, region } = this.#config
    return openStore(uri, { endpoint, region })
  }

  async batch(): Promise<BatchClient> {
    const { BatchClient } = await import('@aws-sdk/client-batch')
    return new BatchClient(this.#config)
  }

  async stepFunctions(): Promise<SFNClient> {
    const { SFNClient } = await import('@aws-sdk/client-sfn')
    return new SFNClient(this.#config)
  }

  async cloudFormation(): Promise<CloudFormationClient> {
    const { CloudFormationClient } = await import('@aws-sdk/client-cloudformation')
    return new CloudFormationClient(this.#config)
  }

  async registry(): Promise<ECRClient> {
    const { ECRClient } = await import('@aws-sdk/client-ecr')
    return new ECRClient(this.#config)
  }

  async serviceQuotas(): Promise<ServiceQuotasClient> {
    const { ServiceQuotasClient } = await import('@aws-sdk/client-service-quotas')
    return new ServiceQuotasClient(this.#config)
  }
}

interface ClientConfig {
  readonly endpoint?: string
  readonly region?: string
  readonly maxAttempts: number
}

export function cloudOf(input: CommandInput): Cloud {
  return new Cloud(input.text('endpoint'), process.env)
}

/**
 * Calls a service of AWS and says in the library's terms what went wrong.
 * @param what the call, for the message, e.g. `Step Functions StartExecution`
 * @throws ReplayError input `aws-denied`, `aws-credentials`, `aws-clock`, `aws-request`; transient `aws-unreachable`
 */
export async function callAws<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    throw awsError(what, cause)
  }
}

function awsError(what: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof ReplayError) return cause
  const { name, message } = cause
  const status = (cause as { readonly $metadata?: { readonly httpStatusCode?: number } }).$metadata?.httpStatusCode
  const text = `${what}: ${name}: ${message}`
  if (isClockError(cause)) return new ReplayError('aws-clock', `${what}: ${clockAdvice('AWS', cause)}`, { category: 'input', cause })
  if (/Credential|ExpiredToken|InvalidClientTokenId|UnrecognizedClient|Region is missing/i.test(`${name} ${message}`)) {
    const advice = 'log in (aws sso login) or set AWS_PROFILE and AWS_REGION; for LocalStack give --endpoint'
    return new ReplayError('aws-credentials', `${text}; ${advice}`, { category: 'input', cause })
  }
  if (status === 403 || /AccessDenied/.test(name)) return new ReplayError('aws-denied', text, { category: 'input', cause })
  if (status !== undefined && status < 500 && !/Thrott|TooManyRequests/i.test(name))
    return new ReplayError('aws-request', text, { category: 'input', cause })
  return new ReplayError('aws-unreachable', `${text}; try again`, { category: 'transient', cause })
}

/** Whether a service says that there is no such thing. */
export function isMissing(error: unknown): boolean {
  const cause = error instanceof ReplayError ? error.cause : error
  return cause instanceof Error && /DoesNotExist|NotFound|ValidationError.*does not exist/i.test(`${cause.name} ${cause.message}`)
}
