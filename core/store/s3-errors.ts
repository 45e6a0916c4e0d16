import { ReplayError } from '../errors.ts'

/** What the SDK's errors have in common; every field may be missing. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  /** Of Node, e.g. `ECONNRESET`. */
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  /** Of an answer that could not be understood. */
  readonly $response?: { readonly statusCode?: number }
}

/** The HTTP status of an answer that the SDK made an error of; 0: there was no answer. */
export function statusOf(error: unknown): number {
  const { $metadata, $response } = error as SdkError
  return $metadata?.httpStatusCode ?? $response?.statusCode ?? 0
}

/** The error code of S3, e.g. `NoSuchKey`. */
export function nameOf(error: unknown): string {
  return (error as SdkError).name ?? ''
}

/**
 * An error of S3 or of the way there in the library's terms: `transient` where trying again can help, `input` where only the user
 * can. What is neither is given back as it is.
 * @param path URI of the object or store
 */
export function storeError(cause: unknown, path: string): unknown {
  if (cause instanceof ReplayError) return cause
  const { name = '', message = '', code } = cause as SdkError
  const status = statusOf(cause)
  const transient = (code: string, text: string): ReplayError =>
    new ReplayError(code, `${text}: ${describe(cause)}`, { category: 'transient', path, cause })
  const input = (code: string, text: string): ReplayError => new ReplayError(code, text, { category: 'input', path, cause })

  if (name === 'NoSuchBucket') return input('store-missing', 'the bucket does not exist: check its name and the endpoint')
  if (CREDENTIAL_ERRORS.has(name) || /Could not load credentials/.test(message)) {
    return input(
      'store-credentials',
      `the credentials are missing or not valid (${name}): set AWS_PROFILE or AWS_ACCESS_KEY_ID, or log in again`,
    )
  }
  if (/Region is missing/.test(message) || REGION_ERRORS.has(name) || status === 301) {
    return input('store-region', `the region is missing or not that of the bucket (${describe(cause)}): set AWS_REGION`)
  }
  if (status === 403) {
    const advice = 'check that the role or user may list the bucket and read, and where needed write, below this prefix'
    return input('store-denied', `S3 refused access (${name}): ${advice}`)
  }
  if (status === 409) return transient('store-conflict', 'another write to the object was under way')
  if (status === 429 || status >= 500 || BUSY_ERRORS.has(name)) return transient('store-busy', 'the store asks to try again')
  if (code === 'ENOTFOUND') return input('store-missing', `no such host (${message}): check the endpoint and the region`)
  if (status === 0 && isConnectionError(cause)) return transient('store-unreachable', 'no answer from the store')
  if (status >= 200 && status < 300) return transient('store-answer', "the store's answer was cut off or damaged")
  if (status >= 400) return input('store-refused', `S3 refused the request: ${describe(cause)}`)
  return cause
}

const BUSY_ERRORS = new Set(['SlowDown', 'RequestTimeout', 'InternalError', 'ServiceUnavailable', 'ThrottlingException', 'Throttling'])
const REGION_ERRORS = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'])
const CREDENTIAL_ERRORS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenProviderError',
])

const CONNECTION_CODES = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'EPROTO',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
])

/** The connection failed before or within an answer. */
function isConnectionError(error: unknown): boolean {
  const { name, message = '', code = '' } = error as SdkError
  if (name === 'TimeoutError' || name === 'AbortError') return true
  return CONNECTION_CODES.has(code) || code.startsWith('HPE_') || /socket hang up|aborted/.test(message)
}

function describe(error: unknown): string {
  const { name = 'Error', message = '', code } = error as SdkError
  const status = statusOf(error)
  return [status === 0 ? '' : `${status} `, code ?? name, message === '' ? '' : `, ${message}`].join('')
}
