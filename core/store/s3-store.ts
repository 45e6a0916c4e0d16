import { randomUUID } from 'node:crypto'
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { ReplayError } from '../errors.ts'
import {
  freeNow,
  type GetOptions,
  isObjectKey,
  type KeyStretch,
  type ObjectInfo,
  type ObjectStore,
  type OddThing,
  type PutCondition,
  type PutContent,
  requireObjectKey,
  roomFor,
  type StoredObject,
} from './object-store.ts'
import { type RetryOptions, retry } from './retry.ts'
import { nameOf, statusOf, storeError } from './s3-errors.ts'
import { type ListedObject, takeContents } from './s3-listing.ts'
import { ContentReader, type UploadOptions, uploadInParts } from './s3-upload.ts'
import { newStoreCounts, type StoreCounts } from './store-counts.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** Keys are below `prefix/`. */
  readonly prefix: string
  /** Of a service that is not AWS, e.g. `http://127.0.0.1:4566`; the bucket is then part of the path. @default the SDK's */
  readonly endpoint?: string | undefined
  /** @default the SDK's, or `us-east-1` with an endpoint */
  readonly region?: string | undefined
  /** @default the SDK's chain: environment, profile, container, instance */
  readonly credentials?: S3ClientConfig['credentials'] | undefined
  /** Until an answer begins, and of silence within one, milliseconds. @default 30,000 */
  readonly requestTimeoutMs?: number | undefined
  /** @default 5,000 */
  readonly connectionTimeoutMs?: number | undefined
  /** Objects above this many bytes are uploaded in parts of that size, 5 MiB or more. @default 8 MiB */
  readonly partBytes?: number | undefined
  readonly retry?: Omit<RetryOptions, 'onRetry'> | undefined
  /** Is added to; several stores may share one. @default its own */
  readonly counts?: StoreCounts | undefined
}

export interface S3Access {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly region: string
  /** Host and port of a service that is not AWS; null: AWS. */
  readonly host: string | null
  readonly isSecure: boolean
}

/** Metadata of an object: names the put that wrote it, so that it is known again when only the answer was lost. */
const PUT_ID = 'put-id'
const PART_BYTES = 8 << 20

/**
 * A prefix of an S3 bucket. Every request is tried again by itself after a transient failure (the SDK's own retries are off), so
 * an upload of a hundred parts is no more likely to fail than one of a single part. The SDK is loaded with the first request.
 */
export class S3Store implements ObjectStore {
  readonly uri: string
  readonly counts: StoreCounts
  readonly #options: S3StoreOptions
  readonly #root: string
  readonly #retry: RetryOptions
  #sdk: Promise<Sdk> | null = null

  constructor(options: S3StoreOptions) {
    const prefix = options.prefix.replace(/\/+$/, '')
    this.uri = `s3://${options.bucket}${prefix === '' ? '' : `/${prefix}`}`
    this.counts = options.counts ?? newStoreCounts()
    this.#options = options
    this.#root = prefix === '' ? '' : `${prefix}/`
    this.#retry = { ...options.retry, onRetry: () => void this.counts.retries++ }
  }

  get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    const { range, ifMatch } = options
    if (range !== undefined && range.end <= range.start) return this.#getNothing(key, options)
    return this.#request(key, async ({ client, s3 }, Key) => {
      this.counts.gets++
      const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`
      const command = new s3.GetObjectCommand({ Bucket: this.#options.bucket, Key, Range, IfMatch: ifMatch })
      let answer: GetObjectCommandOutput
      try {
        answer = await client.send(command)
      } catch (error) {
        if (statusOf(error) === 416) return this.#getNothing(key, options)
        return whenAbsent(error)
      }
      const bytes = await readBody(answer, options.into)
      this.counts.bytesRead += bytes.length
      return { bytes, etag: answer.ETag! }
    })
  }

  /** @throws ReplayError input `object-key`, `store-denied`, `store-missing`, `store-credentials`, `store-region`; transient `store-*` */
  async put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    const reader = await ContentReader.open(content)
    try {
      const id = randomUUID()
      const { partBytes = PART_BYTES } = this.#options
      return await (reader.size > partBytes
        ? this.#putInParts(key, reader, partBytes, id, condition)
        : this.#putWhole(key, await reader.read(0, reader.size), id, condition))
    } finally {
      await reader.close()
    }
  }

  async *list(prefix: string, onOdd?: (odd: OddThing) => void, stretch?: KeyStretch): AsyncIterable<ObjectInfo> {
    yield* inOrderOfUnits(this.#listBytewise(prefix, onOdd, stretch))
  }

  async *folders(prefix: string): AsyncIterable<string> {
    for await (const { answer } of this.#pages(prefix, { Delimiter: '/' })) {
      for (const { Prefix = '' } of answer.CommonPrefixes ?? []) yield Prefix.slice(this.#root.length)
    }
  }

  async delete(key: string): Promise<void> {
    await this.#request(key, async ({ client, s3 }, Key) => {
      this.counts.deletes++
      await client.send(new s3.DeleteObjectCommand({ Bucket: this.#options.bucket, Key }))
    })
  }

  /** Of objects up to 5 GiB, as S3 copies them in one request. */
  async copy(from: string, to: string): Promise<void> {
    const source = `${this.#options.bucket}/${this.#keyOf(from)}`.split('/').map(encodeURIComponent).join('/')
    await this.#request(to, async ({ client, s3 }, Key) => {
      this.counts.puts++
      await client.send(new s3.CopyObjectCommand({ Bucket: this.#options.bucket, Key, CopySource: source }))
    })
  }

  /** Where and as whom this store asks: for other programs that read the same objects. */
  async access(): Promise<S3Access> {
    const { client } = await this.#client()
    try {
      const [{ accessKeyId, secretAccessKey, sessionToken }, region] = await Promise.all([
        client.config.credentials(),
        client.config.region(),
      ])
      const { hostname, port, protocol } = (await client.config.endpoint?.()) ?? { hostname: null, port: undefined, protocol: 'https:' }
      const host = hostname === null ? null : `${hostname}${port === undefined ? '' : `:${port}`}`
      return { accessKeyId, secretAccessKey, sessionToken, region, host, isSecure: protocol === 'https:' }
    } catch (error) {
      throw storeError(error, this.uri)
    }
  }

  /** A range without bytes, which HTTP cannot ask for. */
  #getNothing(key: string, { ifMatch }: GetOptions): Promise<StoredObject | null> {
    return this.#request(key, async ({ client, s3 }, Key) => {
      this.counts.gets++
      try {
        const { ETag } = await client.send(new s3.HeadObjectCommand({ Bucket: this.#options.bucket, Key, IfMatch: ifMatch }))
        return { bytes: new Uint8Array(), etag: ETag! }
      } catch (error) {
        return whenAbsent(error)
      }
    })
  }

  #putWhole(key: string, Body: Uint8Array, id: string, condition?: PutCondition): Promise<string | null> {
    return this.#request(key, async ({ client, s3 }, Key, tried) => {
      this.counts.puts++
      this.counts.bytesWritten += Body.length
      const Metadata = { [PUT_ID]: id }
      const command = new s3.PutObjectCommand({ Bucket: this.#options.bucket, Key, Body, Metadata, ...conditionFields(condition) })
      try {
        return (await client.send(command)).ETag!
      } catch (error) {
        if (!isConditionFailure(error, condition)) throw error
        return tried === 1 ? null : this.#etagOfPut(key, id)
      }
    })
  }

  async #putInParts(key: string, reader: ContentReader, partBytes: number, id: string, condition?: PutCondition): Promise<string | null> {
    const { client, s3 } = await this.#client()
    const target = { Bucket: this.#options.bucket, Key: this.#keyOf(key) }
    const upload: UploadOptions = {
      client,
      s3,
      target,
      metadata: { [PUT_ID]: id },
      partBytes,
      complete: conditionFields(condition),
      request: (work) => this.#request(key, (_sdk, _key, tried) => work(tried)),
      counts: this.counts,
      isRefused: (error) => isConditionFailure(error, condition),
      etagOfPut: () => this.#etagOfPut(key, id),
    }
    for (let tried = 1; ; tried++) {
      const result = await uploadInParts(reader, upload)
      if (result === 'refused') return null
      if (result !== 'conflict') return result.etag
      if (tried === CONFLICT_TRIES) throw storeError({ $metadata: { httpStatusCode: 409 } }, `${this.uri}/${key}`)
    }
  }

  /** The ETag of an object if that put wrote it, else null. */
  #etagOfPut(key: string, id: string): Promise<string | null> {
    return this.#request(key, async ({ client, s3 }, Key) => {
      this.counts.gets++
      try {
        const { ETag, Metadata } = await client.send(new s3.HeadObjectCommand({ Bucket: this.#options.bucket, Key }))
        return Metadata?.[PUT_ID] === id ? ETag! : null
      } catch (error) {
        return whenAbsent(error)
      }
    })
  }

  /** In the order of S3: of the keys' UTF-8 bytes. */
  async *#listBytewise(
    prefix: string,
    onOdd: ((odd: OddThing) => void) | undefined,
    { after, upTo }: KeyStretch = { after: null, upTo: null },
  ): AsyncIterable<ObjectInfo> {
    for await (const { objects } of this.#pages(prefix, after === null ? {} : { StartAfter: this.#root + after })) {
      for (const { key: Key, size, etag, modifiedMs } of objects) {
        const key = Key.slice(this.#root.length)
        if (upTo !== null && key > upTo) return
        // Consoles leave empty objects named like folders.
        if (!isObjectKey(key)) {
          if (!(size === 0 && (key === '' || isObjectKey(key.slice(0, -1))))) onOdd?.({ key, what: 'name' })
        } else yield { key, size, etag, modifiedMs }
      }
    }
  }

  async *#pages(
    prefix: string,
    how: { readonly Delimiter?: string; readonly StartAfter?: string },
  ): AsyncIterable<{ readonly answer: ListObjectsV2CommandOutput; readonly objects: readonly ListedObject[] }> {
    let token: string | undefined
    do {
      let objects: readonly ListedObject[] = []
      const answer: ListObjectsV2CommandOutput = await this.#request(null, async ({ client, s3 }) => {
        this.counts.lists++
        const Prefix = this.#root + prefix
        const command = new s3.ListObjectsV2Command({ Bucket: this.#options.bucket, Prefix, ContinuationToken: token, ...how })
        takeContents(command, (found) => (objects = found))
        return client.send(command)
      })
      yield { answer, objects }
      token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  #request<T>(key: string | null, work: (sdk: Sdk, key: string, tried: number) => Promise<T>): Promise<T> {
    const Key = key === null ? '' : this.#keyOf(key)
    const path = key === null ? this.uri : `${this.uri}/${key}`
    return retry(async (tried) => {
      try {
        return await work(await this.#client(), Key, tried)
      } catch (error) {
        throw storeErrorOf(error, path, tried)
      }
    }, this.#retry)
  }

  #keyOf(key: string): string {
    requireObjectKey(key, this.uri)
    return this.#root + key
  }

  #client(): Promise<Sdk> {
    this.#sdk ??= import('@aws-sdk/client-s3').then((s3) => ({ s3, client: new s3.S3Client(clientConfig(this.#options)) }))
    return this.#sdk
  }
}

interface Sdk {
  readonly s3: typeof import('@aws-sdk/client-s3')
  readonly client: S3Client
}

const CONFLICT_TRIES = 4

function clientConfig(options: S3StoreOptions): S3ClientConfig {
  const { endpoint, region, credentials, requestTimeoutMs = 30_000, connectionTimeoutMs = 5_000 } = options
  return {
    maxAttempts: 1,
    followRegionRedirects: true,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(region === undefined && endpoint === undefined ? {} : { region: region ?? 'us-east-1' }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeoutMs,
    },
  }
}

/** Into one buffer of the announced length. */
async function readBody({ Body, ContentLength = 0 }: GetObjectCommandOutput, into: Uint8Array | undefined): Promise<Uint8Array> {
  const bytes = roomFor(ContentLength, into)
  let filled = 0
  for await (const chunk of Body as AsyncIterable<Uint8Array>) {
    if (filled + chunk.length <= bytes.length) bytes.set(chunk, filled)
    filled += chunk.length
    // Thousands a second, and none needed any more: the garbage collector would let tens of megabytes of them pile up.
    if (chunk.length === chunk.buffer.byteLength) freeNow(chunk.buffer)
  }
  if (filled === bytes.length) return bytes
  throw new ReplayError('store-answer', `expected ${bytes.length} bytes, found ${filled}: the answer was cut off`, {
    category: 'transient',
  })
}

function conditionFields(condition: PutCondition | undefined): { IfNoneMatch?: string; IfMatch?: string } {
  if (condition === undefined) return {}
  return condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.ifMatch }
}

/** The object is there, or is another or gone, against the condition. */
function isConditionFailure(error: unknown, condition: PutCondition | undefined): boolean {
  return statusOf(error) === 412 || (typeof condition === 'object' && nameOf(error) === 'NoSuchKey')
}

function whenAbsent(error: unknown): null {
  if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null
  throw error
}

function storeErrorOf(error: unknown, path: string, tried: number): unknown {
  if (statusOf(error) !== 412) return storeError(error, path, tried)
  return new ReplayError('object-changed', 'the object changed since it was listed; plan again', { category: 'input', path, cause: error })
}

/** The first code unit whose order among code units is not that among UTF-8 bytes: surrogates come before U+E000 to U+FFFF there. */
const FIRST_UNORDERED = 0xd800

/**
 * Puts keys in UTF-8 order into that of UTF-16 code units. The two differ only among keys that are the same up to a unit of
 * FIRST_UNORDERED or above: those follow one another in both orders, and are held and sorted.
 */
export async function* inOrderOfUnits(infos: AsyncIterable<ObjectInfo>): AsyncIterable<ObjectInfo> {
  let stem: string | null = null
  let held: ObjectInfo[] = []
  for await (const info of infos) {
    const at = unorderedAt(info.key, stem)
    if (stem !== null && at === -1) {
      yield* sorted(held)
      held = []
      stem = null
    }
    const first = stem === null ? unorderedAt(info.key, null) : at
    if (first === -1) yield info
    else {
      stem ??= info.key.slice(0, first)
      held.push(info)
    }
  }
  yield* sorted(held)
}

/** Where the first such unit is (behind exactly the stem, when one is given); −1: nowhere. */
function unorderedAt(key: string, stem: string | null): number {
  if (stem !== null) return key.startsWith(stem) && key.charCodeAt(stem.length) >= FIRST_UNORDERED ? stem.length : -1
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) >= FIRST_UNORDERED) return i
  return -1
}

function sorted(infos: ObjectInfo[]): ObjectInfo[] {
  return infos.sort((a, b) => (a.key < b.key ? -1 : 1))
}
