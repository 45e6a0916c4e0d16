import { readFileSync } from 'node:fs'
import { ReplayError } from '../../core/errors.ts'
import type { GetOptions, ObjectInfo, ObjectStore, PutCondition, PutContent, StoredObject } from '../../core/store/object-store.ts'

/** What happens to a put: `refuse` it with an error, or do it and `lose` the answer. */
export type PutFault = 'refuse' | 'lose' | null

/** An object store in memory, whose puts can fail as networks make them. */
export class MemoryStore implements ObjectStore {
  readonly uri = '/memory'
  readonly objects = new Map<string, { bytes: Uint8Array; etag: string; modifiedMs: number }>()
  /** Asked before every put. */
  faultOf: (key: string) => PutFault | Promise<PutFault> = () => null
  nowMs = 0
  #puts = 0

  async get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    const object = this.objects.get(key)
    if (object === undefined) return null
    const { start = 0, end = object.bytes.length } = options.range ?? {}
    return { bytes: object.bytes.slice(start, end), etag: object.etag }
  }

  async put(key: string, content: PutContent, condition?: PutCondition): Promise<string | null> {
    const fault = await this.faultOf(key)
    if (fault === 'refuse') throw lost()
    const current = this.objects.get(key)
    if (condition === 'absent' && current !== undefined) return null
    if (typeof condition === 'object' && current?.etag !== condition.ifMatch) return null
    const etag = String(this.#puts++)
    const bytes = content instanceof Uint8Array ? content.slice() : new Uint8Array(readFileSync(content.file))
    this.objects.set(key, { bytes, etag, modifiedMs: this.nowMs })
    if (fault === 'lose') throw lost()
    return etag
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    for (const key of [...this.objects.keys()].filter((each) => each.startsWith(prefix)).sort()) {
      const { bytes, etag, modifiedMs } = this.objects.get(key)!
      yield { key, size: bytes.length, etag, modifiedMs }
    }
  }

  async delete(key: string): Promise<void> {
    this.objects.delete(key)
  }
}

function lost(): ReplayError {
  return new ReplayError('store-unreachable', 'connection reset', { category: 'transient' })
}
