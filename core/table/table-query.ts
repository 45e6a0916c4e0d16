import path from 'node:path'
import { type KnownOptions, requireOptions } from '../known-options.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from './delta-action.ts'
import { readTableAsOf } from './delta-history.ts'
import type { TableState } from './delta-log.ts'
import type { FileOf, PartFiles } from './part-files.ts'
import { plainDirectory } from './plain-directory.ts'
import { openView, QUERY_KEYS, type Query, type QueryOptions } from './query.ts'
import { RemoteParts, type RemotePartsOptions } from './remote-parts.ts'
import { TableView } from './table-view.ts'

export interface TableQueryOptions extends QueryOptions {
  /** A version (`17`) or a run that was committed. @default the newest version */
  readonly asOf?: string | undefined
  /** Where DuckDB reads a part. @default the object of this key below the store's URI */
  readonly fileOf?: FileOf
  /** How parts on S3 are read. @default httpfs if it can be loaded, else through copies */
  readonly remote?: RemotePartsOptions | undefined
  /** The version, where it has been read. @default it is read */
  readonly table?: TableState | undefined
}

const KNOWN: KnownOptions<TableQueryOptions> = { ...QUERY_KEYS, asOf: true, fileOf: true, remote: true, table: true }

/**
 * Opens a table for SQL as the view `t`: exactly the committed parts, `venue`, `symbol`, `date` first, and beside each time
 * in nanoseconds a timestamp with microseconds: that of the table, or one made of it (`trade_ts_ns` → `trade_ts`).
 *
 * `venue` and `symbol` are those of the table's log. Of each statement DuckDB is given the parts that may hold rows it wants, by its
 * conditions on `venue`, `symbol`, `date`, `ts` and `ts_ns`; of the others none is opened. Time for a part that it is given: about 50 µs.
 *
 * @throws ReplayError those of `readTableAsOf`; input `unknown-option`, `query-failed`; those of the store
 */
export async function openTable(store: ObjectStore, options: TableQueryOptions = {}): Promise<Query> {
  requireOptions('openTable', options, KNOWN)
  const { asOf, remote, fileOf, table, ...rest } = options
  const { schema, parts } = table ?? (await readTableAsOf(store, asOf, { onlyLive: true }))
  const files = fileOf === undefined ? partFiles(store, remote) : { ...NOTHING_TO_DO, ready: async () => fileOf }
  const view = new TableView(schema, parts.values(), files)
  try {
    const query = await openView((run) => view.open(run), rest)
    query.onStatement((connection, sql) => view.ready(connection, sql))
    query.onClose(() => files.close())
    return query
  } catch (error) {
    files.close()
    throw error
  }
}

/**
 * Opens a query over parts of a store, wherever they are.
 * @param select makes the SELECT of the view, given where DuckDB reads a part
 */
export async function openParts(
  store: ObjectStore,
  parts: readonly AddFile[],
  select: (fileOf: FileOf) => string,
  { remote, ...options }: QueryOptions & Pick<TableQueryOptions, 'remote'> = {},
): Promise<Query> {
  const files = partFiles(store, remote)
  try {
    const query = await openView(async (run) => {
      await files.open(run)
      return select(await files.ready(parts))
    }, options)
    query.onClose(() => files.close())
    return query
  } catch (error) {
    files.close()
    throw error
  }
}

function partFiles(store: ObjectStore, remote?: RemotePartsOptions): PartFiles {
  const { directory } = store
  if (directory === undefined) return new RemoteParts(store, remote)
  const plain = plainDirectory(directory)
  return { open: async () => {}, ready: async () => (key) => path.join(plain.path, key), close: () => plain.close() }
}

const NOTHING_TO_DO = { open: async () => {}, close: () => {} }
