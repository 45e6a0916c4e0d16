import { ReplayError } from '../../errors.ts'
import { segmentIdOf } from '../format/segment.ts'
import type { LoadedFile, LogFolder } from './log-folder.ts'
import type { ListedObject, ReadAhead } from './read-ahead.ts'
import { StoreFile } from './store-file.ts'

/** Small files are read whole when a folder is opened; what is larger is no such file. */
const MAX_SMALL_BYTES = 64 << 20

/** A log in an object store, of which the files are those of a listing, in the versions of that listing. */
export class StoreFolder implements LogFolder {
  readonly path: string
  readonly #ahead: ReadAhead
  readonly #objects = new Map<string, ListedObject>()
  readonly #small = new Map<string, Uint8Array>()
  /** Names in the order of reading. */
  readonly #segments: readonly string[]
  readonly #files = new Map<string, StoreFile>()
  #follower: StoreFolder | null = null
  #isClosed = false
  #isBrief = false

  /**
   * Opens the folder below a prefix: reads the small files beside the segments.
   * @param prefix ends with `/`, or is empty
   * @param objects those below the prefix, with their whole keys
   * @throws ReplayError input `input-changed`, and those of the store
   */
  static async open(path: string, prefix: string, objects: readonly ListedObject[], ahead: ReadAhead): Promise<StoreFolder> {
    const folder = new StoreFolder(path, prefix, objects, ahead)
    const small = [...folder.#objects].filter(([name, { size }]) => isSmallFile(name) && size <= MAX_SMALL_BYTES)
    const reads = small.map(async ([name, object]) => void folder.#small.set(name, await ahead.readWhole(object)))
    for (const result of await Promise.allSettled(reads)) if (result.status === 'rejected') throw result.reason
    return folder
  }

  /** Opens no more of it than its first segment, of which only the first records are going to be read. */
  static async openBeginning(path: string, prefix: string, objects: readonly ListedObject[], ahead: ReadAhead): Promise<StoreFolder> {
    const whole = new StoreFolder(path, prefix, objects, ahead)
    const first = whole.#segments[0] ?? ''
    const folder = await StoreFolder.open(
      path,
      prefix,
      [first, `${first}.idx`].flatMap((name) => whole.#objects.get(name) ?? []),
      ahead,
    )
    folder.#isBrief = true
    return folder
  }

  private constructor(path: string, prefix: string, objects: readonly ListedObject[], ahead: ReadAhead) {
    this.path = path
    this.#ahead = ahead
    for (const object of objects) {
      const name = object.key.slice(prefix.length)
      if (object.key.startsWith(prefix) && !name.includes('/')) this.#objects.set(name, object)
    }
    const names = [...this.#objects.keys()].filter(isSegment)
    this.#segments = names.filter((name) => !(name.endsWith('.zst') && this.#objects.has(name.slice(0, -4)))).sort()
  }

  names(): readonly string[] {
    return [...this.#objects.keys()]
  }

  versionOf(name: string): { size: number; version: string } | null {
    const object = this.#objects.get(name)
    return object === undefined ? null : { size: object.size, version: object.etag }
  }

  load(name: string): LoadedFile | null {
    const bytes = this.#small.get(name)
    return bytes === undefined ? null : new MemoryFile(`${this.path}/${name}`, bytes)
  }

  open(name: string): StoreFile {
    const file = this.#fileOf(name)
    // Readers go on from segment to segment, with a look at the next.
    const at = this.#segments.indexOf(name)
    for (const before of this.#segments.slice(0, Math.max(0, at - 1))) this.#files.get(before)?.giveUp()
    return file
  }

  close(): void {
    this.#isClosed = true
    for (const file of this.#files.values()) file.giveUp()
  }

  followedBy(next: LogFolder): void {
    if (next instanceof StoreFolder) this.#follower = next
  }

  #prefetchFrom(segment: number): void {
    if (this.#isClosed) return
    for (let at = segment; at < this.#segments.length; at++) if (!this.#fileOf(this.#segments[at]!).prefetch()) return
    if (this.#follower !== null) this.#follower.#prefetchFrom(0)
  }

  #fileOf(name: string): StoreFile {
    const known = this.#files.get(name)
    if (known !== undefined) return known
    const object = this.#objects.get(name)
    const path = `${this.path}/${name}`
    if (object === undefined) throw new ReplayError('segment-unreadable', 'the segment is not in the listing', { category: 'input', path })
    const onAllAsked = this.#isBrief ? null : (): void => this.#prefetchFrom(this.#segments.indexOf(name) + 1)
    const file = new StoreFile(path, object, this.#ahead, onAllAsked)
    this.#files.set(name, file)
    return file
  }
}

function isSegment(name: string): boolean {
  return segmentIdOf(name.endsWith('.zst') ? name.slice(0, -4) : name) !== null
}

/** Control block, indexes of segments and of frames, `meta.json`. */
function isSmallFile(name: string): boolean {
  return name === 'control.meta' || name === 'meta.json' || name.endsWith('.idx')
}

class MemoryFile implements LoadedFile {
  readonly path: string
  readonly #bytes: Uint8Array

  constructor(path: string, bytes: Uint8Array) {
    this.path = path
    this.#bytes = bytes
  }

  get bytes(): number {
    return this.#bytes.length
  }

  read(target: Uint8Array, start: number, length: number, offset: number): number {
    const found = this.#bytes.subarray(offset, offset + length)
    target.set(found, start)
    return found.length
  }

  close(): void {}
}
