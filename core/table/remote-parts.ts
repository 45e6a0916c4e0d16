import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { outputError } from '../store/output-file.ts'
import { S3Store } from '../store/s3-store.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import type { AddFile } from './delta-action.ts'
import { quoteSql } from './file-select.ts'
import type { FileOf, PartFiles } from './part-files.ts'

export interface RemotePartsOptions {
  /** DuckDB's extension httpfs as a file, for machines that cannot reach DuckDB's repository. */
  readonly httpfsFile?: string | undefined
  /** `copies`: do not try httpfs. @default 'httpfs' */
  readonly way?: 'httpfs' | 'copies' | undefined
  /** Where copies of parts are kept for the next query. @default a temporary folder, removed at the end */
  readonly cacheFolder?: string | undefined
  /** Hears how the parts are read when it is not by httpfs. */
  readonly onNote?: ((text: string) => void) | undefined
}

/** Loads DuckDB's extension httpfs, from a file or as DuckDB finds it; null when it is loaded, else why not. */
export async function loadHttpfs(run: (sql: string) => Promise<unknown>, file?: string): Promise<string | null> {
  try {
    if (file !== undefined) await run(`LOAD ${quoteSql(file)}`)
    else await run('LOAD httpfs').catch(() => run('INSTALL httpfs').then(() => run('LOAD httpfs')))
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).trim().split('\n')[0]!
  }
}

const CHUNK_BYTES = 8 << 20
const PARALLEL_PARTS = 4

/**
 * The parts of a table in an object store, for DuckDB: read by DuckDB itself where its extension httpfs can be loaded, else as
 * copies of exactly the parts that are asked for. Parts never change, so that a copy is one for good; it is named by the part's version.
 */
export class RemoteParts implements PartFiles {
  readonly #store: ObjectStore
  readonly #options: RemotePartsOptions
  /** Copies by key; null: DuckDB reads the objects. */
  #copies: Map<string, string> | null = null
  /** Why there are copies, where nobody asked for them. */
  #why = ''
  #temporary: string | null = null

  constructor(store: ObjectStore, options: RemotePartsOptions = {}) {
    this.#store = store
    this.#options = options
  }

  async open(run: (sql: string) => Promise<unknown>): Promise<void> {
    const problem = this.#options.way === 'copies' ? '' : await this.#loadHttpfs(run)
    if (problem === null) return
    this.#copies = new Map()
    if (problem !== '') this.#why = `; DuckDB's extension httpfs cannot be loaded: ${problem}`
  }

  async ready(parts: readonly AddFile[]): Promise<FileOf> {
    const copies = this.#copies
    if (copies === null) return (key) => `${this.#store.uri}/${key}`
    const missing = parts.filter(({ path: key }) => !copies.has(key))
    const bytes = missing.reduce((sum, { size }) => sum + size, 0)
    const what = `${missing.length} parts (${Math.ceil(bytes / 1e6)} MB, fewer where copies are kept)`
    if (missing.length > 0) this.#options.onNote?.(`copying ${what} for the query${this.#why}`)
    await this.#copyAll(missing, copies)
    return (key) => copies.get(key)!
  }

  close(): void {
    if (this.#temporary !== null) fs.rmSync(this.#temporary, { recursive: true, force: true })
  }

  /** Null when it is loaded and knows the way, else why not. */
  async #loadHttpfs(run: (sql: string) => Promise<unknown>): Promise<string | null> {
    if (!(this.#store instanceof S3Store)) return 'the table is not on S3'
    const problem = await loadHttpfs(run, this.#options.httpfsFile)
    if (problem !== null) return problem
    const { accessKeyId, secretAccessKey, sessionToken, region, host, isSecure } = await this.#store.access()
    const fields = [
      'TYPE s3',
      `KEY_ID ${quoteSql(accessKeyId)}`,
      `SECRET ${quoteSql(secretAccessKey)}`,
      ...(sessionToken === undefined ? [] : [`SESSION_TOKEN ${quoteSql(sessionToken)}`]),
      `REGION ${quoteSql(region)}`,
      ...(host === null ? [] : [`ENDPOINT ${quoteSql(host)}`, "URL_STYLE 'path'", `USE_SSL ${isSecure}`]),
    ]
    await run(`CREATE SECRET (${fields.join(', ')})`)
    return null
  }

  async #copyAll(parts: readonly AddFile[], copies: Map<string, string>): Promise<void> {
    if (parts.length === 0) return
    const folder = this.#options.cacheFolder ?? this.#makeTemporary()
    const rest = [...parts]
    const work = async (): Promise<void> => {
      for (let part = rest.pop(); part !== undefined; part = rest.pop()) copies.set(part.path, await this.#copy(part, folder))
    }
    for (const result of await Promise.allSettled(Array.from({ length: PARALLEL_PARTS }, work))) {
      if (result.status === 'rejected') throw result.reason
    }
  }

  /** The copy of a part; it is made unless it is there. Its folders are those of the part: most columns are read from them. */
  async #copy({ path: key, size, modificationTime }: AddFile, folder: string): Promise<string> {
    const version = createHash('sha256').update(`${this.#store.uri} ${key} ${size} ${modificationTime}`).digest('hex').slice(0, 16)
    const target = path.join(folder, version, key)
    if (fs.statSync(target, { throwIfNoEntry: false })?.size === size) return target
    const temporary = `${target}.${randomUUID()}.tmp`
    let file: fs.promises.FileHandle | null = null
    try {
      fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 })
      file = await fs.promises.open(temporary, 'wx', 0o600)
      let etag: string | undefined
      for (let start = 0; start < size; start += CHUNK_BYTES) {
        const found = await this.#store.get(key, { range: { start, end: Math.min(size, start + CHUNK_BYTES) }, ifMatch: etag })
        if (found === null) throw this.#missing(key)
        etag = found.etag
        await file.writeFile(found.bytes)
      }
      await file.close()
      fs.renameSync(temporary, target)
      return target
    } catch (error) {
      throw outputError(error, temporary)
    } finally {
      await file?.close().catch(() => undefined)
      fs.rmSync(temporary, { force: true })
    }
  }

  #makeTemporary(): string {
    this.#temporary ??= makeTemporaryFolder('chronicle-replay-parts-')
    return this.#temporary
  }

  #missing(key: string): ReplayError {
    const message = 'a part of this version of the table is gone; was it vacuumed? Query a newer version'
    return new ReplayError('part-missing', message, { category: 'input', path: `${this.#store.uri}/${key}` })
  }
}
