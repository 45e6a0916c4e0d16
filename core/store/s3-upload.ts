import fs from 'node:fs/promises'
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3'
import { ReplayError } from '../errors.ts'
import type { PutContent } from './object-store.ts'
import { nameOf, statusOf } from './s3-errors.ts'
import type { StoreCounts } from './store-counts.ts'

/** Parts on their way at once; each is one buffer. */
const PARALLEL_PARTS = 4
/** S3 takes no more. */
const MAX_PARTS = 10_000

/** Reads what is to be put, from memory or from its file. */
export class ContentReader {
  readonly size: number
  readonly #bytes: Uint8Array | null
  readonly #file: fs.FileHandle | null

  static async open(content: PutContent): Promise<ContentReader> {
    if (content instanceof Uint8Array) return new ContentReader(content.length, content, null)
    return new ContentReader(content.size, null, await fs.open(content.file))
  }

  private constructor(size: number, bytes: Uint8Array | null, file: fs.FileHandle | null) {
    this.size = size
    this.#bytes = bytes
    this.#file = file
  }

  /** @throws ReplayError input `content-changed` when the file is shorter than was said */
  async read(start: number, end: number): Promise<Uint8Array> {
    if (this.#bytes !== null) return this.#bytes.subarray(start, end)
    const bytes = new Uint8Array(end - start)
    for (let filled = 0; filled < bytes.length; ) {
      const { bytesRead } = await this.#file!.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) {
        const message = `the file to be stored: expected ${this.size} bytes, found ${start + filled}; it changed meanwhile`
        throw new ReplayError('content-changed', message, { category: 'input' })
      }
      filled += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

export interface UploadOptions {
  readonly client: S3Client
  readonly s3: typeof import('@aws-sdk/client-s3')
  readonly target: { readonly Bucket: string; readonly Key: string }
  readonly metadata: Record<string, string>
  readonly partBytes: number
  /** Condition, judged when the upload is completed. */
  readonly complete: { readonly IfNoneMatch?: string; readonly IfMatch?: string }
  /** Does a request, again after transient failures. */
  readonly request: <T>(work: (tried: number) => Promise<T>) => Promise<T>
  readonly counts: StoreCounts
  readonly isRefused: (error: unknown) => boolean
  /** ETag of the object if this put wrote it. */
  readonly etagOfPut: () => Promise<string | null>
}

/** The ETag of the object; or nothing was written: the condition did not hold, or another write was under way at the moment of the end. */
export type UploadResult = { readonly etag: string } | 'refused' | 'conflict'

/** Uploads content in parts. What does not succeed is aborted, so that no part stays. */
export async function uploadInParts(reader: ContentReader, options: UploadOptions): Promise<UploadResult> {
  const { client, s3, target, metadata, request, counts } = options
  const UploadId = await request(async () => {
    counts.puts++
    return (await client.send(new s3.CreateMultipartUploadCommand({ ...target, Metadata: metadata, ChecksumAlgorithm: 'CRC32' }))).UploadId!
  })
  let result: UploadResult
  try {
    const parts = await uploadParts(reader, UploadId, options)
    result = await completeUpload(parts, UploadId, options)
  } catch (error) {
    await abortUpload(UploadId, options)
    throw error
  }
  if (typeof result === 'string') await abortUpload(UploadId, options)
  return result
}

async function uploadParts(reader: ContentReader, UploadId: string, options: UploadOptions): Promise<CompletedPart[]> {
  const { client, s3, target, request, counts } = options
  const partBytes = Math.max(options.partBytes, Math.ceil(reader.size / MAX_PARTS))
  const count = Math.ceil(reader.size / partBytes)
  const parts: CompletedPart[] = new Array(count)
  let next = 0
  let hasFailed = false
  const work = async (): Promise<void> => {
    while (next < count && !hasFailed) {
      const part = next++
      const start = part * partBytes
      try {
        const Body = await reader.read(start, Math.min(reader.size, start + partBytes))
        const PartNumber = part + 1
        const answer = await request(() => {
          counts.puts++
          counts.bytesWritten += Body.length
          return client.send(new s3.UploadPartCommand({ ...target, UploadId, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }))
        })
        parts[part] = { PartNumber, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 }
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  // All have to end before the upload may be aborted: a part that arrives later would stay.
  for (const result of await Promise.allSettled(Array.from({ length: PARALLEL_PARTS }, work))) {
    if (result.status === 'rejected') throw result.reason
  }
  return parts
}

function completeUpload(Parts: CompletedPart[], UploadId: string, options: UploadOptions): Promise<UploadResult> {
  const { client, s3, target, request, counts } = options
  return request(async (tried) => {
    counts.puts++
    try {
      const command = new s3.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts }, ...options.complete })
      return { etag: (await client.send(command)).ETag! }
    } catch (error) {
      // S3 then wants the whole upload anew.
      if (statusOf(error) === 409) return 'conflict'
      const isGone = nameOf(error) === 'NoSuchUpload'
      if (!isGone && !options.isRefused(error)) throw error
      // The first answer may have been lost: then the upload is gone and the object is ours.
      const etag = tried === 1 ? null : await options.etagOfPut()
      if (etag !== null) return { etag }
      if (isGone) throw error
      return 'refused'
    }
  })
}

/** What cannot be aborted is left to the bucket's rule for incomplete uploads: the first failure says more. */
async function abortUpload(UploadId: string, options: UploadOptions): Promise<void> {
  const { client, s3, target, request, counts } = options
  await request(() => {
    counts.deletes++
    return client.send(new s3.AbortMultipartUploadCommand({ ...target, UploadId }))
  }).catch(() => undefined)
}
