import path from 'node:path'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ColumnType } from './column-buffer.ts'
import type { AddFile } from './delta-action.ts'
import { readTableAsOf } from './delta-history.ts'
import type { TableState } from './delta-log.ts'
import { type FilesSelect, selectFiles } from './file-select.ts'
import { plainDirectory } from './plain-directory.ts'
import { openView, QUERY_KEYS, type Query, type QueryOptions, unite } from './query.ts'
import { RemoteParts, type RemotePartsOptions } from './remote-parts.ts'
import { columnsTag, PARTITION_COLUMNS, type TableSchema } from './table-schema.ts'

export interface TableQueryOptions extends QueryOptions {
  /** A version (`17`) or a run that was committed. @default the newest version */
  readonly asOf?: string | undefined
  /** Where DuckDB reads a part. @default the object of this key below the store's URI */
  readonly fileOf?: (key: string) => string
  /** How parts on S3 are read. @default httpfs if it can be loaded, else through copies */
  readonly remote?: RemotePartsOptions | undefined
}

const KNOWN: KnownOptions<TableQueryOptions> = { ...QUERY_KEYS, asOf: true, fileOf: true, remote: true }

/**
 * Opens a table for SQL as the view `t`: exactly the committed parts, `venue`, `symbol`, `date` first, and beside each time
 * in nanoseconds a timestamp with microseconds: that of the table, or one made of it (`trade_ts_ns` → `trade_ts`).
 *
 * `venue` and `symbol` are those of the table's log. Conditions on them are met without opening other parts. For conditions on times use
 * columns that are in the parts, with their bounds: `date`, `ts`, `…_ns`. Memory and time to open: about 1 kB and 15 µs a part.
 *
 * @throws ReplayError those of `readTableAsOf`; input `unknown-option`, `query-failed`; those of the store
 */
export async function openTable(store: ObjectStore, options: TableQueryOptions = {}): Promise<Query> {
  requireOptions('openTable', options, KNOWN)
  const { asOf, remote, fileOf, ...rest } = options
  const table = await readTableAsOf(store, asOf)
  const parts = [...table.parts.values()]
  if (fileOf !== undefined) return openView(viewOf(table, fileOf), rest)
  return openParts(store, parts, (fileOf) => viewOf(table, fileOf), { ...rest, remote })
}

/**
 * Opens a query over parts of a store, wherever they are.
 * @param select makes the SELECT of the view, given where DuckDB reads a part
 */
export async function openParts(
  store: ObjectStore,
  parts: readonly AddFile[],
  select: (fileOf: (key: string) => string) => string,
  { remote, ...options }: QueryOptions & Pick<TableQueryOptions, 'remote'> = {},
): Promise<Query> {
  const { directory } = store
  const plain = directory === undefined ? null : plainDirectory(directory)
  const copies = directory === undefined ? new RemoteParts(store, parts, remote) : null
  const close = (): void => {
    plain?.close()
    copies?.close()
  }
  try {
    const fileOf = (key: string): string => path.join(plain!.path, key)
    const query = await openView(async (run) => select(copies === null ? fileOf : await copies.open(run)), options)
    query.onClose(close)
    return query
  } catch (error) {
    close()
    throw error
  }
}

/** The SELECT over a table's parts. */
function viewOf(table: TableState, fileOf: (key: string) => string): string {
  const { schema } = table
  const selects = selectParts(table.parts.values(), schema, fileOf)
  const current = columnsTag(schema)
  // Parts of an earlier schema lack columns; without parts nothing says which columns there are.
  const isUniform = selects.length > 0 && selects.every(({ columns }) => columns === current)
  const from = unite(isUniform ? selects : [{ columns: current, sql: emptySelect(schema) }, ...selects])
  return `SELECT ${selectList(schema).join(', ')} FROM (${from})`
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

/** A name in SQL. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
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
