import { setTimeout } from 'node:timers/promises'
import { ReplayError } from '../errors.ts'
import type { GetOptions, ObjectInfo, ObjectStore, PutCondition, StoredObject } from './object-store.ts'

export interface RetryingStoreOptions {
  /** Tries in all. @default 6 */
  readonly tries?: number
  /** Milliseconds before the second try; twice as long before each further one. @default 200 */
  readonly firstPauseMs?: number
  /** Numbers in [0, 1): spreads those who were refused together. */
  readonly random: () => number
  /** Waits so many milliseconds. @default a timer */
  readonly pause?: (ms: number) => Promise<unknown>
}

/**
 * A store that tries again, ever later and not for ever, what failed with a `transient` error. A listing that has begun goes
 * on behind the last key that it gave.
 */
export class RetryingStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #tries: number
  readonly #firstPauseMs: number
  readonly #random: () => number
  readonly #pause: (ms: number) => Promise<unknown>

  constructor(store: ObjectStore, options: RetryingStoreOptions) {
    this.#store = store
    this.#tries = options.tries ?? 6
    this.#firstPauseMs = options.firstPauseMs ?? 200
    this.#random = options.random
    this.#pause = options.pause ?? setTimeout
  }

  get uri(): string {
    return this.#store.uri
  }

  get(key: string, options?: GetOptions): Promise<StoredObject | null> {
    return this.#retry(() => this.#store.get(key, options))
  }

  put(key: string, bytes: Uint8Array, condition?: PutCondition): Promise<string | null> {
    let hasFailed = false
    return this.#retry(async () => {
      try {
        const etag = await this.#store.put(key, bytes, condition)
        if (etag !== null || !hasFailed || condition !== 'absent') return etag
        // What failed may have been the answer only.
        const found = await this.#store.get(key)
        return found !== null && Buffer.compare(found.bytes, bytes) === 0 ? found.etag : null
      } catch (error) {
        hasFailed = true
        throw error
      }
    })
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let last: string | null = null
    for (let tried = 1; ; tried++) {
      try {
        for await (const info of this.#store.list(prefix)) {
          if (last !== null && info.key <= last) continue
          last = info.key
          yield info
        }
        return
      } catch (error) {
        await this.#wait(error, tried)
      }
    }
  }

  delete(key: string): Promise<void> {
    return this.#retry(() => this.#store.delete(key))
  }

  async #retry<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await work()
      } catch (error) {
        await this.#wait(error, tried)
      }
    }
  }

  /** @throws the error, when it is not transient or there were enough tries */
  async #wait(error: unknown, tried: number): Promise<void> {
    if (!(error instanceof ReplayError) || error.category !== 'transient' || tried >= this.#tries) throw error
    await this.#pause(this.#firstPauseMs * 2 ** (tried - 1) * (0.5 + this.#random()))
  }
}
