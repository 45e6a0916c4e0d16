import { ReplayError } from '../errors.ts'
import { FileStore } from './file-store.ts'
import type { ObjectStore } from './object-store.ts'
import { S3Store, type S3StoreOptions } from './s3-store.ts'

export type OpenStoreOptions = Omit<S3StoreOptions, 'bucket' | 'prefix'>

/**
 * The object store at a URI: `s3://bucket/prefix`, or a folder. Nothing is read yet.
 * @param options of S3 alone
 * @throws ReplayError input `store-uri`
 */
export function openStore(uri: string, options: OpenStoreOptions = {}): ObjectStore {
  if (!isS3Uri(uri)) return new FileStore(uri)
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(uri)
  if (match === null) {
    throw new ReplayError(
      'store-uri',
      `expected s3://bucket/prefix with a bucket's name of 3 to 63 of a-z, 0-9, "." and "-", found "${uri}"`,
      {
        category: 'input',
      },
    )
  }
  return new S3Store({ ...options, bucket: match[1]!, prefix: match[2] ?? '' })
}

/** Whether a URI names a place on S3 and not a local path. */
export function isS3Uri(uri: string): boolean {
  return uri.startsWith('s3://')
}
