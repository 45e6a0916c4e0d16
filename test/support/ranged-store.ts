import { FileStore } from '../../core/store/file-store.ts'
import type { GetOptions, ObjectInfo, ObjectStore, PutCondition, PutContent, StoredObject } from '../../core/store/object-store.ts'

/** A request for a range of an object, or for all of it. */
export interface Get {
  readonly key: string
  readonly start: number
  /** −1: the end of the object. */
  readonly end: number
}

/** A folder that is no directory to its readers: they read it in ranges, which are noted. Answers come in any order. */
export class RangedStore implements ObjectStore {
  readonly uri = 's3://ranged/archive'
  readonly gets: Get[] = []
  /** Requests under way at once, at most so far. */
  mostInFlight = 0
  readonly #files: FileStore
  readonly #random: () => number
  #inFlight = 0

  constructor(root: string, random: () => number = Math.random) {
    this.#files = new FileStore(root)
    this.#random = random
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    this.gets.push({ key, start: options.range?.start ?? 0, end: options.range?.end ?? -1 })
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight)
    try {
      await new Promise((resolve) => setTimeout(resolve, this.#random() * 3))
      return await this.#files.get(key, options)
    } finally {
      this.#inFlight--
    }
  }

  put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    return this.#files.put(key, content, condition)
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    return this.#files.list(prefix)
  }

  delete(key: string): Promise<void> {
    return this.#files.delete(key)
  }
}
