import { ReplayError } from '../errors.ts'

/** What the SDK's errors have in common; every field may be missing. */
interface SdkError {
  readonly name?: string
  readonly message?: string
  /** Of Node, e.g. `ECONNRESET`. */
  readonly code?: string
  /** `clockSkewCorrected`: this machine's clock is minutes off, and the next request allows for it. */
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
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
 * @param tried number of the try that failed: what the SDK has mended by then is worth one more
 */
export function storeError(cause: unknown, path: string, tried = 1): unknown {
  if (cause instanceof ReplayError) return cause
  const { name = '', message = '', code, $metadata } = cause as SdkError
  const status = statusOf(cause)
  const transient = (code: string, text: string): ReplayError =>
    new ReplayError(code, `${text}: ${describe(cause)}`, { category: 'transient', path, cause })
  const input = (code: string, text: string): ReplayError => new ReplayError(code, text, { category: 'input', path, cause })

  const isClockNamed = isClockError(cause)
  // The answer to a HEAD has no body to say why.
  if ($metadata?.clockSkewCorrected === true && tried === 1 && (isClockNamed || (status === 403 && !S3_NAME.test(name))))
    return transient('store-clock', "this machine's clock is wrong; asked again by the store's clock")
  if (isClockNamed) return input('store-clock', clockAdvice('S3', cause))
  if (name === 'NoSuchBucket' || name === 'InvalidBucketName')
    return input('store-missing', 'the bucket does not exist: check its name and the endpoint')
  const areMissing = MOMENTARY_CREDENTIAL_ERRORS.has(name) || /Could not load credentials/.test(message)
  // A container gets its role's from a service beside it, which may not answer for a moment: nobody has to set anything.
  if (areMissing && isInContainer()) return transient('store-credentials', "the credentials of the container's role are not there")
  if (areMissing || CREDENTIAL_ERRORS.has(name)) {
    return input(
      'store-credentials',
      `the credentials are missing${EXPIRED.test(`${name} ${message}`) ? ', or have expired' : ' or not valid'} (${[name, message].filter(Boolean).join(': ')}): set AWS_PROFILE or AWS_ACCESS_KEY_ID, or log in again`,
    )
  }
  if (/Region is missing/.test(message) || REGION_ERRORS.has(name) || status === 301) {
    return input('store-region', `the region is missing or not that of the bucket (${describe(cause)}): set AWS_REGION`)
  }
  if (name === 'InvalidObjectState') {
    return input(
      'store-archived',
      'the object is in an archive storage class (Glacier): restore it, or move it to a class that can be read',
    )
  }
  if (ACCOUNT_ERRORS.has(name)) return input('store-account', `the account of these credentials cannot use S3: ${describe(cause)}`)
  if (status === 403) {
    const advice = 'check that the role or user may list the bucket and read, and where needed write, below this prefix'
    return input('store-denied', `S3 refused access (${describe(cause)}): ${advice}`)
  }
  if (status === 409) return transient('store-conflict', 'another write to the object was under way')
  if (status === 501 || status === 505) return input('store-refused', `the store cannot do this: ${describe(cause)}`)
  if (status === 429 || status >= 500 || BUSY_ERRORS.has(name)) return transient('store-busy', 'the store asks to try again')
  if (code === 'ENOTFOUND') return input('store-missing', `no such host (${message}): check the endpoint and the region`)
  if (TLS_CODES.test(code ?? '')) {
    return input(
      'store-tls',
      `the certificate of the store is not accepted (${code}): set this machine's clock, or NODE_EXTRA_CA_CERTS where it is of an authority of your own`,
    )
  }
  if (status === 0 && isConnectionError(cause)) return transient('store-unreachable', 'no answer from the store')
  if (status >= 200 && status < 300) return transient('store-answer', "the store's answer was cut off or damaged")
  if (status >= 400) return input('store-refused', `S3 refused the request: ${describe(cause)}`)
  return cause
}

function isInContainer(): boolean {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = process.env
  return relative !== undefined || full !== undefined
}

/** Whether a service of AWS refused a request because of the time in its signature. */
export function isClockError(error: unknown): boolean {
  const { name = '', message = '' } = error as SdkError
  return name === 'RequestTimeTooSkewed' || name === 'RequestInTheFuture' || name === 'RequestExpired' || CLOCK_MESSAGE.test(message)
}

/** @param service that refused, e.g. `S3` */
export function clockAdvice(service: string, error: unknown): string {
  const { name = 'Error', message = '' } = error as SdkError
  const now = new Date().toISOString().slice(0, 19)
  return `${service} refused the request because the clock of this machine, which says ${now}Z, is too far from its own (${name}: ${message}): set the clock (e.g. timedatectl set-ntp true)`
}

const CLOCK_MESSAGE = /signature (expired|not yet current)|request time and the (current|server)|request has expired/i
/** Error codes as S3 spells them; without a body the SDK says `Unknown`, `403`, `Forbidden` or the like. */
const S3_NAME = /^(?!Unknown|Forbidden$)[A-Z]\w*[a-z]/
const ACCOUNT_ERRORS = new Set(['AccountProblem', 'AllAccessDisabled', 'NotSignedUp', 'OptInRequired', 'UserSuspended'])
const BUSY_ERRORS = new Set([
  'BandwidthLimitExceeded',
  'InternalError',
  'PriorRequestNotComplete',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServerBusy',
  'ServiceUnavailable',
  'SlowDown',
  'TemporaryRedirect',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
])
const REGION_ERRORS = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'InvalidRegionName',
  'PermanentRedirect',
  'RegionDisabledException',
])
const MOMENTARY_CREDENTIAL_ERRORS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenProviderError',
  'TokenRefreshRequired',
])
const CREDENTIAL_ERRORS = new Set([
  'AuthFailure',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'InvalidIdentityTokenException',
  'InvalidSecurity',
  'InvalidToken',
  'MissingAuthenticationTokenException',
  'SignatureDoesNotMatch',
  'UnauthorizedException',
  'UnrecognizedClientException',
])
const EXPIRED = /expired|refresh/i
const TLS_CODES = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/

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
