import { randomUUID } from 'node:crypto'
import { type BigIntStats, type Dirent, readdirSync, statSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { diskFull } from '../disk-full.ts'
import { ReplayError } from '../errors.ts'
import { notWritable } from '../not-writable.ts'
import {
  type GetOptions,
  type ObjectInfo,
  type ObjectStore,
  type OddThing,
  type PutCondition,
  type PutContent,
  requireObjectKey,
  roomFor,
  type StoredObject,
} from './object-store.ts'

/** Files being written end with this; listings leave them out. */
const TEMPORARY = '.tmp'
/** The end of the names that this class gives them. */
const OWN_TEMPORARY = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/**
 * An object store in a directory. A put writes a temporary file, syncs it, puts it in place (by `link`, which fails
 * when the name is taken, for `absent`; else by `rename`) and syncs the directory. ETag = size and mtime, so a put
 * with `ifMatch` protects from earlier changes, not from one at the same moment: for that use `absent`.
 */
export class FileStore implements ObjectStore {
  readonly uri: string
  readonly directory: string
  readonly waitsForDisk: boolean = true

  constructor(root: string) {
    this.directory = path.resolve(root)
    this.uri = this.directory
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    const file = await this.#open(key)
    if (file === null) return null
    try {
      const stat = await file.stat({ bigint: true })
      const etag = etagOf(stat)
      if (options.ifMatch !== undefined && options.ifMatch !== etag) {
        throw new ReplayError(
          'object-changed',
          `expected version ${options.ifMatch}, found ${etag}: the file changed since it was listed`,
          { category: 'input', path: this.#pathOf(key) },
        )
      }
      const start = Math.min(options.range?.start ?? 0, Number(stat.size))
      const end = Math.min(options.range?.end ?? Number(stat.size), Number(stat.size))
      const bytes = roomFor(Math.max(0, end - start), options.into)
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done)
        if (bytesRead === 0) return { bytes: bytes.subarray(0, done), etag }
        done += bytesRead
      }
      return { bytes, etag }
    } finally {
      await file.close()
    }
  }

  /** @throws ReplayError input `object-key`, `disk-full`, `store-not-writable` */
  async put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    const target = this.#pathOf(key)
    try {
      return await this.#put(target, content, condition)
    } catch (error) {
      throw putError(error, target)
    }
  }

  async #put(target: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    const directory = path.dirname(target)
    const created = await fs.mkdir(directory, { recursive: true })
    if (typeof condition === 'object' && this.#etag(target) !== condition.ifMatch) return null
    const temporary = `${target}.${randomUUID()}${TEMPORARY}`
    try {
      if (!(content instanceof Uint8Array)) await linkOrCopy(content.file, temporary)
      const file = await fs.open(temporary, content instanceof Uint8Array ? 'wx' : 'r+')
      let etag: string
      try {
        if (content instanceof Uint8Array) await file.writeFile(content)
        await file.sync()
        etag = etagOf(await file.stat({ bigint: true }))
      } finally {
        await file.close()
      }
      if (condition === 'absent') {
        if (!(await linkIfAbsent(temporary, target))) return null
      } else await fs.rename(temporary, target)
      // A new directory is only durable once its parent is.
      const top = created === undefined ? directory : path.dirname(created)
      for (let at = directory; ; at = path.dirname(at)) {
        await syncDirectory(at)
        if (at === top) break
      }
      return etag
    } finally {
      await fs.rm(temporary, { force: true })
    }
  }

  /** Links are followed, but not back up. @throws ReplayError input `store-not-readable` */
  async *list(prefix: string, onOdd?: (odd: OddThing) => void): AsyncIterable<ObjectInfo> {
    // The part of the prefix up to its last slash is a directory; the rest begins a name in it.
    const within = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const hear = (odd: OddThing): void => void (odd.key.startsWith(prefix) && onOdd?.(odd))
    yield* this.#infos(await listKeys(this.uri, within, (key) => key.startsWith(prefix) && !key.endsWith(TEMPORARY), hear), hear)
  }

  /** Temporary files, also of puts that are on their way. */
  async *leftovers(): AsyncIterable<ObjectInfo> {
    yield* this.#infos(await listKeys(this.uri, '', (key) => OWN_TEMPORARY.test(key)))
  }

  /** @throws ReplayError input `object-key`, `store-not-writable` */
  async delete(key: string): Promise<void> {
    const target = this.#pathOf(key)
    try {
      await fs.unlink(target)
    } catch (error) {
      const code = errorCode(error)
      // Below what is no folder there is nothing.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw putError(error, target)
    }
    await syncDirectory(path.dirname(target)).catch((error: unknown) => ignoreMissing(error))
  }

  /** In order of key, of those that are still there. */
  async *#infos(keys: readonly string[], hear: (odd: OddThing) => void = () => {}): AsyncGenerator<ObjectInfo> {
    for (const key of keys.toSorted()) {
      const stat = statOf(path.join(this.uri, key))
      if (stat === null) continue
      if (stat.isFile()) yield { key, size: Number(stat.size), etag: etagOf(stat), modifiedMs: Number(stat.mtimeMs) }
      else hear({ key, what: 'kind' })
    }
  }

  async #open(key: string): Promise<fs.FileHandle | null> {
    try {
      const file = await fs.open(this.#pathOf(key))
      if ((await file.stat()).isFile()) return file
      await file.close()
      return null
    } catch (error) {
      return ignoreMissing(error, this.#pathOf(key))
    }
  }

  #etag(target: string): string | null {
    const stat = statOf(target)
    return stat === null ? null : etagOf(stat)
  }

  #pathOf(key: string): string {
    requireObjectKey(key, this.uri)
    // Where a backslash separates folders, it cannot be in a name.
    if (path.sep === '\\') requireObjectKey(key.replaceAll('\\', '/'), this.uri)
    return path.join(this.uri, key)
  }
}

/** What only the user can mend is told in the library's terms. */
function putError(cause: unknown, path: string): unknown {
  const full = diskFull(cause, path, 'object')
  if (full !== null) return full
  const code = errorCode(cause)
  if (code === 'ENAMETOOLONG') {
    const message = `expected names that the file system can hold, found ${path
      .split('/')
      .map((name) => Buffer.byteLength(name))
      .reduce((a, b) => Math.max(a, b))} bytes; use a table on S3, or rename the symbol's folder in the archive`
    return new ReplayError('name-too-long', message, { category: 'input', path, cause })
  }
  return notWritable(cause, path) ?? cause
}

function etagOf(stat: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${stat.size}-${stat.mtimeNs}`
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to)
    return true
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false
    throw error
  }
}

/** The same file under another name, where both lie in one file system that can; else a copy. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await fs.link(from, to)
  } catch {
    await fs.copyFile(from, to, fs.constants.COPYFILE_EXCL)
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await fs.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** At once: handing a look over to a thread and back costs ten times what it takes, on the thread that waits for it, too. */
function statOf(target: string): BigIntStats | null {
  try {
    return statSync(target, { bigint: true, throwIfNoEntry: false }) ?? null
  } catch (error) {
    return ignoreMissing(error)
  }
}

/** Keys of the files below a folder that are wanted. */
async function listKeys(
  root: string,
  within: string,
  wants: (key: string) => boolean,
  hear: (odd: OddThing) => void = () => {},
): Promise<string[]> {
  const directory = path.join(root, within)
  const real = await fs.realpath(directory).catch((error: unknown) => ignoreMissing(error))
  if (real === null) return []
  const keys: string[] = []
  const visit = async (folder: string, prefix: string, realFolder: string, above: readonly string[]): Promise<void> => {
    const entries = entriesOf(folder)
    if (entries?.length === 0) hear({ key: prefix, what: 'empty' })
    const inside = [...above, realFolder]
    for (const entry of entries ?? []) {
      const [place, key] = [path.join(folder, entry.name), prefix + entry.name]
      if (isMangled(entry.name) && (await isMissing(place))) hear({ key, what: 'name' })
      else if (entry.isDirectory()) await visit(place, `${key}/`, path.join(realFolder, entry.name), inside)
      else if (!entry.isSymbolicLink()) {
        if (wants(key)) keys.push(key)
      } else {
        const target = await fs.realpath(place).catch((error: unknown) => ignoreMissing(error))
        if (target === null) hear({ key, what: 'link' })
        else if (!(await fs.stat(target)).isDirectory()) {
          if (wants(key)) keys.push(key)
        } else if (!inside.includes(target)) await visit(place, `${key}/`, target, inside)
      }
    }
  }
  await visit(directory, within, real, [])
  return keys
}

function entriesOf(folder: string): Dirent[] | null {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    return ignoreMissing(error, folder)
  }
}

/** Whether a name may stand for one whose bytes are not UTF-8: of those it is not known what they were. */
function isMangled(name: string): boolean {
  return name.includes('\ufffd')
}

async function isMissing(place: string): Promise<boolean> {
  return (await fs.lstat(place).catch((error: unknown) => ignoreMissing(error))) === null
}

/** @throws ReplayError input `store-not-readable`, and any other error but that something is not there */
function ignoreMissing(error: unknown, place?: string): null {
  const code = errorCode(error)
  // Nothing can have a name that is too long.
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG') return null
  if (code !== 'EACCES' && code !== 'EPERM') throw error
  const message = `expected a place that can be read: ${error instanceof Error ? error.message : String(error)}`
  throw new ReplayError('store-not-readable', message, { category: 'input', ...(place !== undefined && { path: place }), cause: error })
}

function errorCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
