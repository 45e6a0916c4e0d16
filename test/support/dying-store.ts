import type { GetOptions, ObjectInfo, ObjectStore, PutCondition, PutContent, StoredObject } from '../../core/store/object-store.ts'

/** A store as a process has it that dies after so many changes: from there on nothing works, and nobody hears why. */
export class DyingStore implements ObjectStore {
  readonly #store: ObjectStore
  #left: number

  constructor(store: ObjectStore, changes: number) {
    this.#store = store
    this.#left = changes
  }

  get uri(): string {
    return this.#store.uri
  }

  get isDead(): boolean {
    return this.#left < 0
  }

  get(key: string, options?: GetOptions): Promise<StoredObject | null> {
    this.#requireLife()
    return this.#store.get(key, options)
  }

  async put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    this.#requireLife()
    if (this.#left-- === 0) throw new Error('died')
    return this.#store.put(key, content, condition)
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    this.#requireLife()
    return this.#store.list(prefix)
  }

  async delete(key: string): Promise<void> {
    this.#requireLife()
    if (this.#left-- === 0) throw new Error('died')
    return this.#store.delete(key)
  }

  #requireLife(): void {
    if (this.isDead) throw new Error('died')
  }
}
