import { ReplayError } from '../../errors.ts'
import type { ObjectStore, OddThing } from '../../store/object-store.ts'
import { isLogPlace, pathParts } from '../format/archive-place.ts'
import { identifyLog, isLogFolder, type LogLocation } from '../format/log-path.ts'
import { type ListedObject, ReadAhead, type ReadAheadOptions } from './read-ahead.ts'
import { StoreFolder } from './store-folder.ts'

/**
 * The logs of an object store, for one worker: all that are open share four requests and 12 MiB of memory, so that the memory
 * of a worker does not depend on how many streams it merges.
 */
export class StoreLogs {
  readonly #store: ObjectStore
  readonly #ahead: ReadAhead

  /** Those of a store that everything in this thread reads through. */
  static of(store: ObjectStore): StoreLogs {
    const known = ofThread.get(store)
    if (known !== undefined) return known
    const logs = new StoreLogs(store)
    ofThread.set(store, logs)
    return logs
  }

  constructor(store: ObjectStore, options: ReadAheadOptions = {}) {
    this.#store = store
    this.#ahead = new ReadAhead(store, options)
  }

  /**
   * Opens the log below a prefix.
   * @param prefix ends with `/`, or is empty
   * @param objects of the log as listed earlier, with whole keys: read in those versions. @default listed now
   * @throws ReplayError input `input-changed`, and those of the store
   */
  async open(prefix: string, objects?: readonly ListedObject[]): Promise<StoreFolder> {
    const path = `${this.#store.uri}/${prefix}`.replace(/\/+$/, '')
    return StoreFolder.open(path, prefix, objects ?? (await this.#list(prefix)), this.#ahead)
  }

  /** Likewise, but only to look at its first records: nothing is read ahead. */
  async openBeginning(prefix: string, objects: readonly ListedObject[]): Promise<StoreFolder> {
    const path = `${this.#store.uri}/${prefix}`.replace(/\/+$/, '')
    return StoreFolder.openBeginning(path, prefix, objects, this.#ahead)
  }

  /**
   * Every log of the store, those and in the order that `findLogs` gives the same folders on disk.
   * @throws ReplayError input `log-missing` when there is none, `name-unreadable`
   */
  async find(): Promise<LogLocation[]> {
    const folders = new Map<string, ListedObject[]>()
    const root = pathParts(this.#store.uri)
    const onOdd = ({ key, what }: OddThing): void => {
      if (what === 'name' && isLogFolder([key.slice(key.lastIndexOf('/') + 1)])) throw unreadable(`${this.#store.uri}/${key}`)
    }
    for await (const object of this.#store.list('', onOdd)) {
      const folder = object.key.slice(0, object.key.lastIndexOf('/') + 1)
      const known = folders.get(folder)
      if (known === undefined) folders.set(folder, [object])
      else known.push(object)
    }
    const logs: LogLocation[] = []
    for (const [prefix, objects] of [...folders].sort(byFolders)) {
      if (!isLogFolder(objects.map(({ key }) => key.slice(prefix.length)))) continue
      if (!isLogPlace(root, pathParts(prefix))) continue
      const path = `${this.#store.uri}/${prefix}`.replace(/\/+$/, '')
      logs.push({ path, ...identifyLog(path), open: () => this.open(prefix, objects), home: { store: this.#store, prefix } })
    }
    if (logs.length > 0) return logs
    throw new ReplayError('log-missing', 'no segments (NNNNNNNNN.q) at or below this place', { category: 'input', path: this.#store.uri })
  }

  async #list(prefix: string): Promise<ListedObject[]> {
    const objects: ListedObject[] = []
    for await (const object of this.#store.list(prefix)) objects.push(object)
    return objects
  }
}

function unreadable(path: string): ReplayError {
  const message = 'expected keys whose parts are neither empty nor "." or "..", found a segment without; copy it to another key'
  return new ReplayError('name-unreadable', message, { category: 'input', path })
}

const ofThread = new WeakMap<ObjectStore, StoreLogs>()

/** By the names of the folders: keys would put `btc-usd/` before `btc/`. The order decides between messages of the same time. */
function byFolders([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1
}
