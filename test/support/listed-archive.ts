import { dateOfDay, dayOfDate } from '../../core/instant.ts'
import type { ObjectInfo, ObjectStore } from '../../core/store/object-store.ts'

/** What a listing is made of; every symbol has the same days and streams. */
export interface ListedArchiveOptions {
  readonly venues?: readonly string[]
  /** Number of symbols per venue: `sym-0000`, … */
  readonly symbols: number
  readonly days: number
  /** @default 2024-01-01 */
  readonly from?: string
  /** Ascending. @default ['trades'] */
  readonly streams?: readonly string[]
  /** Bytes of a segment. @default 1 MiB */
  readonly segmentBytes?: number
  /** Segments of a folder. @default 1 */
  readonly segments?: number
  /** Snapshots in folders of this stream. @default none */
  readonly snapshots?: { readonly stream: string; readonly count: number }
  /** The version of a folder, part of its ETags. @default 1 everywhere */
  versionOf?(folder: string): number
  /** Folders that are not there. */
  isMissing?(folder: string): boolean
}

/** A store that only lists: the keys of an archive that nobody wrote. */
export class ListedArchive implements ObjectStore {
  readonly uri = 'memory://listed'
  readonly options: ListedArchiveOptions
  /** Keys that were listed. */
  listed = 0

  constructor(options: ListedArchiveOptions) {
    this.options = options
  }

  async get(): Promise<null> {
    return null
  }

  async put(): Promise<null> {
    return null
  }

  async delete(): Promise<void> {}

  async *list(prefix: string): AsyncGenerator<ObjectInfo, void, undefined> {
    for (const info of this.#infos()) {
      if (!info.key.startsWith(prefix)) continue
      this.listed++
      yield info
    }
  }

  *#infos(): Generator<ObjectInfo, void, undefined> {
    const {
      venues = ['mock'],
      symbols,
      days,
      from = '2024-01-01',
      streams = ['trades'],
      segmentBytes = 2 ** 20,
      segments = 1,
    } = this.options
    const firstDay = dayOfDate(from)
    const dates = Array.from({ length: days }, (_, i) => dateOfDay(firstDay + i))
    for (const venue of venues) {
      for (let symbol = 0; symbol < symbols; symbol++) {
        for (const date of dates) {
          for (const stream of streams) {
            const folder = `v1/${venue}/sym-${String(symbol).padStart(4, '0')}/${date}/${stream}/`
            if (this.options.isMissing?.(folder) === true) continue
            const etag = `"${symbol.toString(16).padStart(31, '0')}${this.options.versionOf?.(folder) ?? 1}"`
            for (let segment = 0; segment < segments; segment++) {
              const name = String(segment).padStart(9, '0')
              yield { key: `${folder}${name}.idx`, size: 100, etag, modifiedMs: 0 }
              yield { key: `${folder}${name}.q`, size: segmentBytes, etag, modifiedMs: 0 }
            }
            yield { key: `${folder}meta.json`, size: 300, etag, modifiedMs: 0 }
            if (this.options.snapshots?.stream !== stream) continue
            for (let i = 0; i < this.options.snapshots.count; i++) {
              yield { key: `${folder}snapshots/1/7/snapshot_${i}.bin`, size: 5000, etag, modifiedMs: 0 }
            }
          }
        }
      }
    }
  }
}
