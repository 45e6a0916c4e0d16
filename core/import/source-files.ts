import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { isS3Uri, openStore } from '../store/open-store.ts'
import { localFile, type StoredFile, storedObject } from './files/byte-stream.ts'

export interface SourceFile {
  readonly stored: StoredFile
  /** Where it is opened again. */
  readonly reference: FileReference
}

/** A file as a plan names it: an absolute path, or an object, each in the version that was looked at. */
export type FileReference =
  | { readonly kind: 'local'; readonly path: string; readonly size: number; readonly mtimeMs: number }
  | { readonly kind: 'object'; readonly uri: string; readonly key: string; readonly size: number; readonly etag: string }

/** Names that lie beside data and are none. */
const BESIDE =
  /(?:^\.|^_SUCCESS$|\.CHECKSUM$|\.md5$|\.sha256$|\.crc$|\.part$|\.tmp$|\.crdownload$|^(?:condition|metadata|symbology|manifest)\.json$)/

/**
 * The files of places: a file, a folder (with all below it), a glob, or objects below `s3://bucket/prefix`; in the order of their paths,
 * each once. What lies beside data (checksums, hidden files, unfinished downloads) is left out where it was not named itself.
 * @throws ReplayError input `input-missing`, and those of the store
 */
export async function findSources(places: readonly string[], endpoint?: string): Promise<SourceFile[]> {
  const found = new Map<string, SourceFile>()
  const add = (reference: FileReference, given: string): void => {
    found.set(given, { reference, stored: openReference(reference, endpoint, given) })
  }
  for (const place of places) {
    const before = found.size
    if (isS3Uri(place)) for await (const object of objectsAt(place, endpoint)) add(object, `${object.uri}/${object.key}`)
    else for (const file of filesAt(place)) add(localReference(file), file)
    if (found.size === before && !isKnown(place, found)) {
      throw new ReplayError('input-missing', 'there is no file of this name, and none below it', { category: 'input', path: place })
    }
  }
  return [...found.values()].sort((a, b) => (a.stored.path < b.stored.path ? -1 : 1))
}

/**
 * Opens what was found, here or in another thread.
 * @param endpoint of an S3 service that is not AWS
 * @param given what a local file is called in messages
 * @throws ReplayError input `input-unreadable`, `input-changed`
 */
export function openReference(reference: FileReference, endpoint?: string, given?: string): StoredFile {
  if (reference.kind === 'local') {
    const { size, mtimeMs } = statOf(reference.path)
    if (size === reference.size && mtimeMs === reference.mtimeMs)
      return { ...localFile(reference.path), ...(given !== undefined && { path: given }) }
    throw new ReplayError('input-changed', 'the file changed since it was looked at; import it again', {
      category: 'input',
      path: reference.path,
    })
  }
  const { uri, key, size, etag } = reference
  return storedObject(openStore(uri, { endpoint }), key, size, etag)
}

function localReference(file: string): FileReference {
  const { size, mtimeMs } = statOf(file)
  return { kind: 'local', path: path.resolve(file), size, mtimeMs }
}

/** @throws ReplayError input `input-unreadable` */
function statOf(file: string): fs.Stats {
  return reading(file, 'file', () => fs.statSync(file))
}

/** @throws ReplayError input `input-unreadable` */
function reading<T>(place: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const message = `cannot read the ${what}: ${(cause as Error).message}`
    throw new ReplayError('input-unreadable', message, { category: 'input', path: place, cause })
  }
}

function isKnown(place: string, found: ReadonlyMap<string, SourceFile>): boolean {
  return found.has(path.normalize(place))
}

function filesAt(place: string): string[] {
  const stat = reading(place, 'file', () => fs.statSync(place, { throwIfNoEntry: false }))
  if (stat?.isFile()) return [path.normalize(place)]
  if (stat?.isDirectory()) {
    return reading(place, 'folder', () => fs.readdirSync(place, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !BESIDE.test(entry.name))
      .map((entry) => path.join(entry.parentPath, entry.name))
  }
  return fs
    .globSync(place)
    .filter((file) => !BESIDE.test(path.basename(file)) && fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .map((file) => path.normalize(file))
}

async function* objectsAt(place: string, endpoint: string | undefined): AsyncGenerator<FileReference & { readonly kind: 'object' }> {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? []
  const uri = `s3://${bucket}`
  for await (const { key, size, etag } of openStore(uri, { endpoint }).list(prefix)) {
    const isIt = key === prefix || prefix === '' || prefix.endsWith('/') || key.startsWith(`${prefix}/`)
    if (!isIt || (key !== prefix && BESIDE.test(path.posix.basename(key)))) continue
    yield { kind: 'object', uri, key, size, etag }
  }
}
