import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api'
import { ReplayError } from '../errors.ts'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import { asideOf, OutputFile, outputError } from '../store/output-file.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import { type FilesSelect, quoteSql, selectFiles } from './file-select.ts'
import { OpenResult } from './open-result.ts'
import { HIVE_NULL, unescapePathName } from './partition-path.ts'
import { plainDirectory } from './plain-directory.ts'
import { formatRows, type JsonValue, jsonOf, type QueryColumn, type TextFormat } from './query-format.ts'

export interface QueryOptions {
  /** Memory DuckDB may use before it spills to the temporary folder. @default 1 GiB */
  readonly memoryLimitBytes?: number
  /** Threads of DuckDB. @default one per core */
  readonly threads?: number
}

export const QUERY_KEYS: KnownOptions<QueryOptions> = { memoryLimitBytes: true, threads: true }

/**
 * Opens Parquet files for SQL, as the view `t`: columns are united by name, and folders such as `date=2026-01-31` are columns
 * (`date` a DATE, all others text, so that a symbol `000001` stays what it is; `NULL` is a text, Hive's
 * `__HIVE_DEFAULT_PARTITION__` is none).
 *
 * @param source a folder, of which all `*.parquet` files at any depth are taken, without those in folders that begin with
 *   `_` or `.` (logs, plans), and the folders below it are columns; or the files themselves, with all folders of their paths
 * @throws ReplayError input `unknown-option`, `query-no-folder`, `query-no-files`, `query-failed`
 */
export async function openQuery(source: string | readonly string[], options: QueryOptions = {}): Promise<Query> {
  requireOptions('openQuery', options, QUERY_KEYS)
  const files = typeof source === 'string' ? await listParquetFiles(source) : source
  if (files.length === 0) {
    const place = typeof source === 'string' ? { path: source } : {}
    throw new ReplayError('query-no-files', 'no *.parquet files to query; run a job into this table first', { category: 'input', ...place })
  }
  if (typeof source !== 'string') return openView(unite(selectPlaced(files, files)), options)
  const plain = plainDirectory(source)
  const within = files.map((file) => path.relative(source, file))
  const places = within.map((file) => path.join(plain.path, file))
  try {
    const query = await openView(unite(selectPlaced(places, within)), options)
    query.onClose(() => plain.close())
    return query
  } catch (error) {
    plain.close()
    throw error
  }
}

/** @param within the paths whose folders are columns, of the same files */
function selectPlaced(files: readonly string[], within: readonly string[]): FilesSelect[] {
  const places = files.map((file, i) => ({ file, values: valuesOf(within[i]!), columns: '' }))
  const isDate = places.every(({ values }) => /^\d{4}-\d{2}-\d{2}$/.test(values.date ?? ''))
  return selectFiles(places, [], isDate ? ['date'] : [])
}

/** `symbol=a%2Fb/date=2026-01-31/…` → `{ symbol: 'a/b', date: '2026-01-31' }`. What cannot be decoded stays as it is. */
function valuesOf(file: string): Record<string, string | null> {
  const values: Record<string, string | null> = {}
  for (const folder of file.split(path.sep).slice(0, -1)) {
    const at = folder.indexOf('=')
    if (at <= 0) continue
    const text = folder.slice(at + 1)
    values[folder.slice(0, at)] = text === HIVE_NULL ? null : (unescapePathName(text) ?? text)
  }
  return values
}

/** One SELECT of several; columns that one of them lacks are NULL in its rows. */
export function unite(selects: readonly FilesSelect[]): string {
  return selects.map(({ sql }) => sql).join('\nUNION ALL BY NAME ')
}

/** Makes the SELECT of a view; may run statements before, and has their errors as DuckDB gives them. */
export type MakeSelect = (run: (sql: string) => Promise<unknown>) => Promise<string>

/** Opens a query whose view `t` is this SELECT. @throws ReplayError input `query-failed` */
export async function openView(select: string | MakeSelect, options: QueryOptions = {}): Promise<Query> {
  // Imported late: the native library takes longer to load than most commands run.
  const { DuckDBInstance: instances, DuckDBTimestampTZValue } = await import('@duckdb/node-api')
  // Times are shown in UTC, also within lists and structs, whatever the zone of the machine.
  DuckDBTimestampTZValue.timezoneOffsetInMinutes = 0
  // In memory, but DuckDB's own choice for what does not fit is a folder in the working directory.
  const spillFolder = path.join(tmpdir(), `chronicle-replay-query-${randomUUID()}`)
  const settings: { [name: string]: string } & { threads?: string } = {
    memory_limit: `${Math.ceil((options.memoryLimitBytes ?? 2 ** 30) / 2 ** 20)}MiB`,
    temp_directory: spillFolder,
  }
  if (options.threads !== undefined) settings.threads = String(options.threads)
  const database = await orQueryFailed(instances.create(':memory:', settings))
  const connection = await database.connect()
  const query = new Query(database, connection, spillFolder)
  try {
    // Otherwise times that become text or dates, and those in conditions, are read in the machine's own zone.
    await orQueryFailed(connection.run("SET TimeZone = 'UTC'"))
    const view = typeof select === 'string' ? select : await select((sql) => connection.run(sql))
    await orQueryFailed(connection.run(`CREATE VIEW t AS ${view}`))
  } catch (error) {
    await query.close()
    throw error
  }
  return query
}

/** SQL over the view `t`. Made by `openQuery`. All methods throw ReplayError input `query-failed` with DuckDB's own words, or transient `query-store`. */
export class Query {
  readonly #database: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #spillFolder: string
  #beforeStatement: StatementWork = async () => {}
  #afterClose: () => void = () => {}
  /** Ends with the last statement: one at a time has a connection, and what is made ready for it is not for another. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(database: DuckDBInstance, connection: DuckDBConnection, spillFolder: string) {
    this.#database = database
    this.#connection = connection
    this.#spillFolder = spillFolder
  }

  /**
   * All rows as objects, with the values of the JSON format (see `jsonOf`).
   * @param maxRows a longer result is refused: stream it with `write` @default 1,000,000
   * @throws ReplayError also input `query-too-long`
   */
  async rows(sql: string, maxRows = 1_000_000): Promise<Record<string, JsonValue>[]> {
    return this.#read(sql, async (columns, chunks) => {
      const rows: Record<string, JsonValue>[] = []
      for await (const values of chunks) {
        for (const row of values) rows.push(Object.fromEntries(columns.map((column, i) => [column.name, jsonOf(row[i]!, column)])))
        if (rows.length > maxRows) {
          throw new ReplayError('query-too-long', `the result has more than ${maxRows} rows; add a limit, or write it to a file`, {
            category: 'input',
          })
        }
      }
      return rows
    })
  }

  /**
   * Writes the result as text, piece by piece: memory does not grow with it.
   * @param write takes the next piece; what it returns is awaited
   * @returns the number of rows
   */
  async write(sql: string, format: TextFormat, write: (text: string) => void | Promise<void>): Promise<number> {
    return this.#read(sql, (columns, chunks) => formatRows(format, columns, chunks, write))
  }

  /** Writes the result as an Arrow IPC stream, piece by piece: see `writeArrow`. */
  async writeArrow(sql: string, write: (bytes: Uint8Array) => void | Promise<void>): Promise<number> {
    // Arrow is loaded where it is asked for: no other command waits for it.
    const { writeArrow } = await import('./arrow-stream.ts')
    return this.#read(sql, (columns, chunks) => writeArrow(columns, chunks, write))
  }

  /** Begins a statement whose result is taken piece by piece, up to the next statement. Null: it has none, as `create view` has none. */
  async open(sql: string): Promise<OpenResult | null> {
    const result = await this.#inTurn(sql, () => orQueryFailed(this.#connection.stream(sql)))
    return result.returnType === NOTHING ? null : new OpenResult(columnsOf(result), chunksOf(result))
  }

  /** Ends the statement that is running: it fails with `query-failed`. */
  interrupt(): void {
    this.#connection.interrupt()
  }

  /** Writes the result as a Parquet file, which appears whole. @throws ReplayError also input `disk-full`, `output-failed` */
  async writeParquet(sql: string, file: string): Promise<void> {
    const aside = asideOf(file)
    // A pipe or device gets the finished file.
    const folder = aside === null ? makeTemporaryFolder('chronicle-replay-') : null
    const temporary = aside?.temporary ?? path.join(folder!, 'result.parquet')
    const select = sql.trim().replace(/;+$/, '')
    const options = 'FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536'
    try {
      const copy = `COPY (${select}\n) TO ${quoteSql(temporary)} (${options})`
      await this.#inTurn(copy, () => orQueryFailed(this.#connection.run(copy)))
      if (aside !== null) renameSync(temporary, aside.target)
      else copyTo(file, temporary)
    } catch (error) {
      throw outputError(error, file)
    } finally {
      rmSync(folder ?? temporary, { recursive: true, force: true })
    }
  }

  /** Called before each statement is begun. */
  onStatement(work: StatementWork): void {
    this.#beforeStatement = work
  }

  /** Called once the files are no longer read. */
  onClose(work: () => void): void {
    this.#afterClose = work
  }

  async close(): Promise<void> {
    this.#connection.closeSync()
    this.#database.closeSync()
    rmSync(this.#spillFolder, { recursive: true, force: true })
    this.#afterClose()
  }

  /** Begins a statement and reads its result. */
  #read<T>(sql: string, read: (columns: readonly QueryColumn[], chunks: ReturnType<typeof chunksOf>) => Promise<T>): Promise<T> {
    return this.#inTurn(sql, async () => {
      const result = await orQueryFailed(this.#connection.stream(sql))
      return read(columnsOf(result), chunksOf(result))
    })
  }

  #inTurn<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      await orQueryFailed(this.#beforeStatement(this.#connection, sql))
      return work()
    })
    this.#turn = done.catch(() => undefined)
    return done
  }
}

/** What has to be done before a statement is begun. */
export type StatementWork = (connection: DuckDBConnection, sql: string) => Promise<void>

/** What DuckDB calls `ResultReturnType.NOTHING`. */
const NOTHING = 2

function copyTo(target: string, from: string): void {
  const file = new OutputFile({ path: target })
  try {
    file.write(readFileSync(from))
  } finally {
    file.close()
  }
}

async function listParquetFiles(folder: string): Promise<string[]> {
  const files: string[] = []
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await readFolder(next)) {
      if (/^[_.]/.test(entry.name)) continue
      if (entry.isDirectory()) folders.push(path.join(next, entry.name))
      else if (entry.name.endsWith('.parquet')) files.push(path.join(next, entry.name))
    }
  }
  return files.sort()
}

async function readFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReplayError('query-no-folder', `expected a folder with Parquet files: ${reason}`, { category: 'input', path: folder, cause })
  }
}

function columnsOf(result: DuckDBResult): QueryColumn[] {
  const types = result.columnTypes()
  return result.deduplicatedColumnNames().map((name, i) => ({ name, type: String(types[i]) }))
}

async function* chunksOf(result: DuckDBResult) {
  for (;;) {
    const chunk = await orQueryFailed(result.fetchChunk())
    if (chunk === null || chunk.rowCount === 0) return
    yield chunk.getRows()
  }
}

/** What DuckDB says of a store that is slow, gone, or has too much to do; what else it says of HTTP is the user's to mend. */
const STORE_FAILED = /^HTTP Error: .*HTTP (5\d\d|429)\b|^IO Error: .* error for HTTP [A-Z]+ to /

/** Of the result, or of DuckDB's temporary files. */
const DISK_FULL = /No space left on device|Disk quota exceeded/i

async function orQueryFailed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof ReplayError) throw cause
    const reason = (cause instanceof Error ? cause.message : String(cause)).trim()
    if (DISK_FULL.test(reason)) {
      const message = `no space left for the result or for temporary files (TMPDIR); free space or write elsewhere: ${reason.split('\n')[0]}`
      throw new ReplayError('disk-full', message, { category: 'input', cause })
    }
    if (!STORE_FAILED.test(reason)) throw new ReplayError('query-failed', reason, { category: 'input', cause })
    throw new ReplayError('query-store', `S3 failed DuckDB, its retries included; ask again: ${reason.split('\n')[0]}`, {
      category: 'transient',
      cause,
    })
  }
}
