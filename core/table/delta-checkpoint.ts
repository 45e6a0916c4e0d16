import zlib from 'node:zlib'
import { parquetMetadata, type SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { type DeltaAction, decodePath, encodePath, SharedWords } from './delta-action.ts'
import { readNestedRows } from './nested-rows.ts'
import { CREATED_BY } from './parquet-metadata.ts'

/**
 * A checkpoint: the whole state of a table at one version, as the rows of one Parquet file with a nested column per kind of
 * action. Source: delta-io/delta, PROTOCOL.md, "Checkpoints" and "Checkpoint Schema".
 */
export function encodeCheckpoint(actions: readonly DeltaAction[]): Uint8Array {
  const writer = new ByteWriter(1 << 20)
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: CHECKPOINT_COLUMNS.length }, ...CHECKPOINT_COLUMNS.flat()],
    codec: 'ZSTD',
    compressors: { ZSTD: compress },
    // Bounds of the paths of a whole row group help nobody.
    statistics: false,
    createdBy: CREATED_BY,
  })
  for (let from = 0; from < actions.length; from += ROWS_PER_GROUP) {
    const rows = actions.slice(from, from + ROWS_PER_GROUP).map(rowOf)
    const columnData = CHECKPOINT_COLUMNS.map((elements) => {
      const { name } = elements[0]!
      return { name, data: rows.map((row) => row[name]) }
    })
    parquet.write({ columnData, rowGroupSize: ROWS_PER_GROUP })
  }
  parquet.finish()
  return writer.getBytes()
}

/**
 * The actions of a checkpoint, one row group at a time. Throws what hyparquet does when the file is damaged; ReplayError corrupt
 * `table-log-damaged` for a path.
 * @param path of the checkpoint
 * @param hasRemoved whether those of removed parts are wanted
 */
export function* decodeCheckpoint(bytes: Uint8Array, path: string, hasRemoved = true): Generator<DeltaAction, void, undefined> {
  const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer)
  const columns = KINDS.filter((name) => (hasRemoved || name !== 'remove') && metadata.schema.some((element) => element.name === name))
  const words = new SharedWords()
  for (const rows of readNestedRows(bytes, { metadata, columns, compressors: COMPRESSORS })) {
    for (const row of rows) {
      const action = actionOf(row, path)
      if (action !== null) yield words.share(action)
    }
  }
}

/** As the protocol's checkpoint schema has it: 64-bit numbers as BigInt, the keys of tables' own fields dropped. */
function rowOf(action: DeltaAction): Record<string, unknown> {
  if ('add' in action) {
    const { path, size, modificationTime, ...rest } = action.add
    // The rows of a checkpoint change nothing: they repeat what versions said.
    return {
      add: { ...rest, path: encodePath(path), size: BigInt(size), modificationTime: BigInt(modificationTime), dataChange: false },
    }
  }
  if ('remove' in action) {
    const { path, size, deletionTimestamp, ...rest } = action.remove
    const sized = size === undefined ? {} : { size: BigInt(size) }
    return { remove: { ...rest, ...sized, path: encodePath(path), deletionTimestamp: BigInt(deletionTimestamp), dataChange: false } }
  }
  if ('txn' in action) {
    const { appId, version, lastUpdated } = action.txn
    return { txn: { appId, version: BigInt(version), ...(lastUpdated !== undefined && { lastUpdated: BigInt(lastUpdated) }) } }
  }
  if ('metaData' in action) {
    const { createdTime, ...rest } = action.metaData
    return { metaData: { ...rest, ...(createdTime !== undefined && { createdTime: BigInt(createdTime) }) } }
  }
  return action as Record<string, unknown>
}

function actionOf(row: Record<string, unknown>, path: string): DeltaAction | null {
  for (const kind of KINDS) {
    const fields = row[kind] as Record<string, unknown> | undefined
    if (fields === undefined) continue
    if (typeof fields.path === 'string') fields.path = decodePath(fields.path, path)
    return { [kind]: fields } as unknown as DeltaAction
  }
  return null
}

function compress(bytes: Uint8Array): Uint8Array {
  return zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } })
}

/** Those of other programs' checkpoints; hyparquet has Snappy itself. */
const COMPRESSORS = {
  ZSTD: decompress,
  GZIP: (bytes: Uint8Array): Uint8Array => new Uint8Array(zlib.gunzipSync(bytes)),
  BROTLI: (bytes: Uint8Array): Uint8Array => new Uint8Array(zlib.brotliDecompressSync(bytes)),
}

function decompress(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(zlib.zstdDecompressSync(bytes))
}

const leaf = (name: string, type: 'string' | 'INT64' | 'INT32' | 'BOOLEAN'): SchemaElement[] => [
  type === 'string'
    ? { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: 'OPTIONAL' }
    : { name, type, repetition_type: 'OPTIONAL' },
]
const struct = (name: string, ...children: SchemaElement[][]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: children.length },
  ...children.flat(),
]
const map = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
  { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
  { ...leaf('key', 'string')[0]!, repetition_type: 'REQUIRED' },
  ...leaf('value', 'string'),
]
const list = (name: string): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...leaf('element', 'string'),
]

const CHECKPOINT_COLUMNS: readonly SchemaElement[][] = [
  struct('txn', leaf('appId', 'string'), leaf('version', 'INT64'), leaf('lastUpdated', 'INT64')),
  struct(
    'add',
    leaf('path', 'string'),
    map('partitionValues'),
    leaf('size', 'INT64'),
    leaf('modificationTime', 'INT64'),
    leaf('dataChange', 'BOOLEAN'),
    map('tags'),
    leaf('stats', 'string'),
  ),
  struct(
    'remove',
    leaf('path', 'string'),
    leaf('deletionTimestamp', 'INT64'),
    leaf('dataChange', 'BOOLEAN'),
    leaf('extendedFileMetadata', 'BOOLEAN'),
    map('partitionValues'),
    leaf('size', 'INT64'),
  ),
  struct(
    'metaData',
    leaf('id', 'string'),
    leaf('name', 'string'),
    leaf('description', 'string'),
    struct('format', leaf('provider', 'string'), map('options')),
    leaf('schemaString', 'string'),
    list('partitionColumns'),
    map('configuration'),
    leaf('createdTime', 'INT64'),
  ),
  struct('protocol', leaf('minReaderVersion', 'INT32'), leaf('minWriterVersion', 'INT32'), list('readerFeatures'), list('writerFeatures')),
]
/** Of the actions that are read. */
const KINDS = ['add', 'remove', 'txn', 'metaData', 'protocol', 'sidecar'] as const
const ROWS_PER_GROUP = 10_000
