/**
 * What the library needs of an object store, in the shape of S3: flat keys with `/`, whole objects, opaque ETags,
 * conditional puts, listings in key order. Local files implement it too (file-store.ts).
 */
export interface ObjectStore {
  /** URI of the store's root, for messages, e.g. `/data/archive` or `s3://bucket/prefix`. */
  readonly uri: string
  /**
   * Reads an object, or null when there is none.
   * @throws ReplayError input `object-changed` when `ifMatch` is given and the object has another ETag
   */
  get(key: string, options?: GetOptions): Promise<StoredObject | null>
  /**
   * Writes a whole object; readers see the old one or the new one, never a part.
   * Returns its ETag, or null when the condition did not hold and nothing was written.
   */
  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string | null>
  /** The objects whose keys begin with `prefix`, in ascending order of key (UTF-16 code units). */
  list(prefix: string): AsyncIterable<ObjectInfo>
  /** Removes an object; a missing one is fine. */
  delete(key: string): Promise<void>
}

export interface GetOptions {
  /** Only these bytes: start ≤ byte < end. What lies beyond the end of the object is left out. */
  readonly range?: { readonly start: number; readonly end: number } | undefined
  /** Read only if the object still has this ETag. */
  readonly ifMatch?: string | undefined
}

/** `absent`: only if there is no such object. `ifMatch`: only over the object with this ETag. */
export type PutCondition = 'absent' | { readonly ifMatch: string }

export interface StoredObject {
  readonly bytes: Uint8Array
  /** Opaque; changes when the object does. */
  readonly etag: string
}

export interface ObjectInfo {
  readonly key: string
  /** Bytes. */
  readonly size: number
  readonly etag: string
  /** Last change, milliseconds since the epoch. */
  readonly modifiedMs: number
}

/** Keys are relative, with `/` between parts, none of them empty, `.` or `..`. */
export function isObjectKey(key: string): boolean {
  return key.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0') && !part.includes('\\'))
}
