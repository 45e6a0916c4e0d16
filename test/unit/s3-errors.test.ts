import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { callAws } from '../../cli/cloud-clients.ts'
import { storeError } from '../../core/store/s3-errors.ts'
import { S3Store } from '../../core/store/s3-store.ts'

/** Answers of a store: a code of S3 in the body, as S3 words it, or none (HEAD, proxies). */
type Answer = { readonly status: number; readonly code?: string; readonly message?: string; readonly headers?: Record<string, string> }

let answers: Answer[] = []
let asked: http.IncomingMessage[] = []
const server = http.createServer((request, response) => {
  asked.push(request)
  const { status, code, message = '', headers = {} } = (answers.length > 1 ? answers.shift() : answers[0])!
  const body = code === undefined ? 'abc' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': body.length, ...headers })
  response.end(request.method === 'HEAD' ? '' : body)
})

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  vi.unstubAllEnvs()
  server.close()
})
beforeEach(() => {
  asked = []
})

function store(): S3Store {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return new S3Store({ bucket: 'b', prefix: 'p', endpoint, region: 'us-east-1', retry: { pause: async () => undefined } })
}

describe('credentials', () => {
  const expired = Object.assign(new Error('The provided token has expired.'), { name: 'ExpiredToken', $metadata: { httpStatusCode: 400 } })
  const missing = Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' })
  const invalid = Object.assign(new Error('no such key'), { name: 'InvalidAccessKeyId', $metadata: { httpStatusCode: 403 } })
  const told = (error: Error): unknown => storeError(error, 's3://b')

  it('that are not there are for the user to set', () => {
    for (const error of [expired, missing, invalid]) expect(told(error)).toMatchObject({ code: 'store-credentials', category: 'input' })
  })

  it.each(['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI'])(
    'of the role of a container come back (%s)',
    (name) => {
      vi.stubEnv(name, '/v2/credentials')
      for (const error of [expired, missing]) expect(told(error)).toMatchObject({ code: 'store-credentials', category: 'transient' })
      expect(told(invalid)).toMatchObject({ category: 'input' })
      vi.stubEnv(name, undefined)
    },
  )
})

const SKEWED: Answer = {
  status: 403,
  code: 'RequestTimeTooSkewed',
  message: 'The difference between the request time and the current time is too large.',
}

describe('a store that refuses', () => {
  it.each<[Answer, string, string, RegExp]>([
    [SKEWED, 'store-clock', 'input', /set the clock/],
    [
      { status: 403, code: 'SignatureDoesNotMatch', message: 'Signature expired: 20240301T000000Z is now earlier than' },
      'store-clock',
      'input',
      /set the clock/,
    ],
    [
      { status: 403, code: 'SignatureDoesNotMatch', message: 'The request signature we calculated does not match' },
      'store-credentials',
      'input',
      /not valid/,
    ],
    [
      { status: 400, code: 'ExpiredToken', message: 'The provided token has expired.' },
      'store-credentials',
      'input',
      /have expired.*log in again/,
    ],
    [{ status: 403, code: 'InvalidAccessKeyId', message: 'does not exist in our records' }, 'store-credentials', 'input', /not valid/],
    [{ status: 403, code: 'AccessDenied', message: 'Access Denied' }, 'store-denied', 'input', /AccessDenied.*check that the role/],
    [
      { status: 403, code: 'InvalidObjectState', message: "not valid for the object's storage class" },
      'store-archived',
      'input',
      /restore it/,
    ],
    [{ status: 403, code: 'NotSignedUp', message: 'not signed up' }, 'store-account', 'input', /NotSignedUp/],
    [
      { status: 404, code: 'NoSuchBucket', message: 'The specified bucket does not exist' },
      'store-missing',
      'input',
      /bucket does not exist/,
    ],
    [
      { status: 301, code: 'PermanentRedirect', message: 'must be addressed using the specified endpoint' },
      'store-region',
      'input',
      /set AWS_REGION/,
    ],
    [
      { status: 400, code: 'AuthorizationHeaderMalformed', message: "the region 'us-east-1' is wrong; expecting 'eu-west-1'" },
      'store-region',
      'input',
      /eu-west-1/,
    ],
    [{ status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' }, 'store-busy', 'transient', /try again/],
    [
      { status: 400, code: 'RequestTimeout', message: 'not read from or written to within the timeout' },
      'store-busy',
      'transient',
      /try again/,
    ],
    [
      { status: 501, code: 'NotImplemented', message: 'A header you provided implies functionality that is not implemented' },
      'store-refused',
      'input',
      /cannot do this/,
    ],
  ])('with %j is told as %s', async (answer, code, category, message) => {
    answers = [answer]
    await expect(store().get('key')).rejects.toMatchObject({ code, category, message: expect.stringMatching(message) })
    expect(asked).toHaveLength(category === 'transient' ? 10 : 1)
  })

  it('because of the clock is asked again by its own, once', async () => {
    const ahead = new Date(Date.now() + 7_200_000).toUTCString()
    answers = [
      { ...SKEWED, headers: { date: ahead } },
      { status: 200, headers: { etag: '"e"', date: ahead } },
    ]
    const found = await store().get('key')
    expect(Buffer.from(found!.bytes).toString()).toBe('abc')
    const [date, time] = String(asked[1]!.headers['x-amz-date']).split('T') as [string, string]
    const signed = Date.parse(`${date.replace(/(\d{4})(\d\d)(\d\d)/, '$1-$2-$3')}T${time.replace(/(\d\d)(\d\d)(\d\d)Z/, '$1:$2:$3Z')}`)
    expect(Math.abs(signed - Date.parse(ahead))).toBeLessThan(60_000)
    asked = []
    answers = [{ ...SKEWED, headers: { date: ahead } }]
    await expect(store().get('key')).rejects.toMatchObject({ code: 'store-clock', category: 'input' })
    expect(asked).toHaveLength(2)
  })

  it('by its certificate is told as that', () => {
    for (const code of [
      'CERT_HAS_EXPIRED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ])
      expect(storeError(Object.assign(new Error('no'), { code }), 's3://b')).toMatchObject({ code: 'store-tls', category: 'input' })
  })
})

it('other services that refuse because of the clock say so', async () => {
  const cause = Object.assign(new Error('Signature not yet current: 20240301T020000Z is still later than 20240301T000500Z'), {
    name: 'InvalidSignatureException',
    $metadata: { httpStatusCode: 403 },
  })
  await expect(callAws('Batch ListJobs', () => Promise.reject(cause))).rejects.toMatchObject({
    code: 'aws-clock',
    category: 'input',
    message: expect.stringMatching(/^Batch ListJobs: AWS refused .* set the clock/),
  })
})
