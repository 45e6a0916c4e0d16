import { ReplayError } from '../errors.ts'

/**
 * What the library needs of an object store, in the shape of S3: flat keys with `/`, whole objects, opaque ETags,
 * conditional puts, listings in key order. Local files implement it too (file-store.ts).
 */
export interface ObjectStore {
  /** URI of the store's root, for messages, e.g. `/data/archive` or `s3://bucket/prefix`. */
  readonly uri: string
  /** The folder that the keys are files below, where there is one: large files are better opened there than read in ranges. */
  readonly directory?: string
  /** What is put is forced to a disk before it is there. @default false */
  readonly waitsForDisk?: boolean
  /**
   * Reads an object, or null when there is none.
   * @throws ReplayError input `object-changed` when `ifMatch` is given and the object has another ETag
   */
  get(key: string, options?: GetOptions): Promise<StoredObject | null>
  /**
   * Writes a whole object; readers see the old one or the new one, never a part.
   * Returns its ETag, or null when the condition did not hold and nothing was written.
   */
  put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null>
  /**
   * The objects whose keys begin with `prefix`, in ascending order of key (UTF-16 code units).
   * @param onOdd hears of what is no object that can be asked for, in no order
   * @param stretch only for stores that have `folders`
   */
  list(prefix: string, onOdd?: (odd: OddThing) => void, stretch?: KeyStretch): AsyncIterable<ObjectInfo>
  /**
   * What lies directly below a prefix and has something below itself: prefixes that end with `/`, each once. Present where a listing is
   * a chain of answers that each wait for the one before, so that several stretches of it, listed at once, take less time.
   */
  folders?(prefix: string): AsyncIterable<string>
  /** Removes an object; a missing one is fine. */
  delete(key: string): Promise<void>
  /** Writes an object of the store under another key, over what is there, without its bytes passing through here; absent where that cannot be. */
  copy?(from: string, to: string): Promise<void>
  /** What puts that never came to their end have left, by keys that only `delete` knows; absent where nothing can be left. */
  leftovers?(): AsyncIterable<ObjectInfo>
}

/** Keys with `after` < key ≤ `upTo`; null: no such end. Ends are ASCII, which every order of keys takes for the same. */
export interface KeyStretch {
  readonly after: string | null
  readonly upTo: string | null
}

/** Something that a listing meets and that is no object. */
export interface OddThing {
  /** Its key as far as it can be said; that of a folder ends with `/`. */
  readonly key: string
  /**
   * `empty`: a folder without anything in it. `name`: what no key can name: empty parts, `.` and `..`, bytes that are not UTF-8.
   * `link`: a link that leads nowhere. `kind`: neither file nor folder.
   */
  readonly what: 'empty' | 'name' | 'link' | 'kind'
}

/** Bytes, or a file of `size` bytes: the store may keep the file itself under another name, so it is removed afterwards, not changed. */
export type PutContent = Uint8Array | { readonly file: string; readonly size: number }

export interface GetOptions {
  /** Only these bytes: start ≤ byte < end. What lies beyond the end of the object is left out. */
  readonly range?: { readonly start: number; readonly end: number } | undefined
  /** Read only if the object still has this ETag. */
  readonly ifMatch?: string | undefined
  /** Used for the bytes when they fit; else, and by default, memory is allocated. */
  readonly into?: Uint8Array | undefined
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

/** @throws ReplayError input `object-key`; `uri` is that of the store */
export function requireObjectKey(key: string, uri: string): void {
  if (isObjectKey(key)) return
  throw new ReplayError('object-key', `expected a relative key with "/" between parts, none empty, "." or "..", found "${key}"`, {
    category: 'input',
    path: uri,
  })
}

/** Keys are relative, with `/` between parts, none of them empty, `.` or `..`; else any text. */
export function isObjectKey(key: string): boolean {
  return key.split('/').every(isKeyPart)
}

/** Whether a name can be a part of keys, as folders and files have them. */
export function isKeyPart(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0') && !name.includes('/')
}

/** Writes an object under another key, over what is there. @throws ReplayError input `object-missing` */
export async function copyObject(store: ObjectStore, from: string, to: string): Promise<void> {
  if (store.copy !== undefined) return store.copy(from, to)
  const found = await store.get(from)
  if (found === null) throw new ReplayError('object-missing', `there is no object ${from} to copy`, { category: 'input', path: store.uri })
  await store.put(to, found.bytes)
}

/** Memory for the bytes of an answer. */
export function roomFor(length: number, into: Uint8Array | undefined): Uint8Array {
  return into !== undefined && into.length >= length ? into.subarray(0, length) : new Uint8Array(length)
}

/** Frees memory that the garbage collector would free some time later. */
export function freeNow(memory: ArrayBufferLike): void {
  if (memory instanceof ArrayBuffer) memory.transfer(0)
}
