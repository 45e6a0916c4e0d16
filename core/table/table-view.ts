import type { DuckDBConnection } from '@duckdb/node-api'
import type { ColumnType } from './column-buffer.ts'
import type { AddFile } from './delta-action.ts'
import { type FilesSelect, quoteName, selectFiles } from './file-select.ts'
import type { FileOf, PartFiles } from './part-files.ts'
import { mayHold } from './part-match.ts'
import { unite } from './query.ts'
import { readScans } from './statement-scans.ts'
import { columnsTag, PARTITION_COLUMNS, type TableSchema } from './table-schema.ts'

/** Schema of DuckDB in which there is what the view `t` is made of. */
export const HIDDEN_SCHEMA = 'chronicle_replay'
const ROWS = `${HIDDEN_SCHEMA}.parts`
const SHAPE = 'shape'

/**
 * A table as a view of DuckDB, which reads, for each statement, the parts that may hold rows it wants. DuckDB itself opens or looks at
 * every file of a view before it knows what is asked, which takes a minute for 100,000 of them.
 *
 * `t` is a view of another view, which is a table without rows while the statement is planned (`readScans`), and then the parts.
 */
export class TableView {
  readonly #schema: TableSchema
  readonly #parts: readonly AddFile[]
  readonly #files: PartFiles

  constructor(schema: TableSchema, parts: Iterable<AddFile>, files: PartFiles) {
    this.#schema = schema
    this.#parts = [...parts]
    this.#files = files
  }

  /** Makes what the view is made of, and gives its SELECT. */
  async open(run: (sql: string) => Promise<unknown>): Promise<string> {
    await this.#files.open(run)
    await run(`CREATE SCHEMA ${HIDDEN_SCHEMA}`)
    await run(`CREATE TABLE ${HIDDEN_SCHEMA}.${SHAPE} AS ${emptySelect(this.#schema)}`)
    await run(showing(`FROM ${HIDDEN_SCHEMA}.${SHAPE}`))
    return `SELECT ${selectList(this.#schema).join(', ')} FROM ${ROWS}`
  }

  /** Shows the parts that a statement needs, which is about to run. */
  async ready(connection: DuckDBConnection, sql: string): Promise<void> {
    try {
      await connection.run(showing(`FROM ${HIDDEN_SCHEMA}.${SHAPE}`))
    } catch (error) {
      // Nothing but the end of the transaction gets through, and then the view is what it was before.
      if (error instanceof Error && error.message.includes('transaction is aborted')) return
      throw error
    }
    const read = await readScans(connection, sql, SHAPE)
    const parts =
      read === null ? this.#parts : this.#parts.filter((part) => read.scans.some((scan) => mayHold(part, scan, read.hasClock ? 1 : 0)))
    await connection.run(showing(viewOf(parts, this.#schema, await this.#files.ready(parts))))
  }
}

function showing(select: string): string {
  return `CREATE OR REPLACE VIEW ${ROWS} AS ${select}`
}

/** The SELECT over parts: the columns of the table, each of its type, whatever parts have. */
function viewOf(parts: readonly AddFile[], schema: TableSchema, fileOf: FileOf): string {
  const selects = selectParts(parts, schema, fileOf)
  const current = columnsTag(schema)
  // Parts of an earlier schema lack columns; without parts nothing says which columns there are.
  const isUniform = selects.length > 0 && selects.every(({ columns }) => columns === current)
  const from = unite(isUniform ? selects : [{ columns: current, sql: emptySelect(schema) }, ...selects])
  const columns = schema.columns.map(({ name, type }) => `${quoteName(name)}::${SQL_TYPES[type]} AS ${quoteName(name)}`)
  return `SELECT ${[...PARTITION_COLUMNS, ...columns].join(', ')} FROM (${from})`
}

/** SELECTs of parts with their partition columns: as the log has them, whatever the paths say. */
export function selectParts(
  parts: Iterable<Pick<AddFile, 'path' | 'partitionValues' | 'tags'>>,
  { columns }: TableSchema,
  fileOf: (key: string) => string,
): FilesSelect[] {
  const places = Array.from(parts, ({ path: key, partitionValues, tags }) => ({
    file: fileOf(key),
    // For Delta an empty value is none.
    values: Object.fromEntries(PARTITION_COLUMNS.map((name) => [name, partitionValues[name] || null])),
    columns: tags?.columns ?? '',
  }))
  return selectFiles(
    places,
    columns.map(({ name }) => name).filter((name) => !PARTITION_COLUMNS.some((partition) => partition === name)),
    [],
  )
}

function emptySelect({ columns }: TableSchema): string {
  const partitions = PARTITION_COLUMNS.map((name) => `NULL::VARCHAR AS ${name}`)
  const others = columns.map(({ name, type }) => `NULL::${SQL_TYPES[type]} AS ${quoteName(name)}`)
  return `SELECT ${[...partitions, ...others].join(', ')} WHERE false`
}

function selectList({ columns }: TableSchema): string[] {
  const names = new Set(columns.map(({ name }) => name))
  const list: string[] = [...PARTITION_COLUMNS]
  for (const { name, type } of columns) {
    const time = timeNameOf(name)
    if (type === 'i64' && time !== null && !names.has(time)) list.push(`make_timestamptz(${quoteName(name)} // 1000) AS ${quoteName(time)}`)
    list.push(quoteName(name))
  }
  return list
}

/** The name of a time without its unit; null for what is no time, such as `latency_ns`. */
function timeNameOf(name: string): string | null {
  return /^(.*_)?(ts|time|start|end)_ns$/.test(name) ? name.slice(0, -3) : null
}

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  f64: 'DOUBLE',
  i64: 'BIGINT',
  i32: 'INTEGER',
  bool: 'BOOLEAN',
  string: 'VARCHAR',
  timestamp_us: 'TIMESTAMPTZ',
  date: 'DATE',
}
