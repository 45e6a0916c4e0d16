import { zstdDecompressSync } from 'node:zlib'
import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from 'hyparquet'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { AddFile } from './delta-action.ts'
import { addChecksums, type ConstantColumn, type RowChecksum, type RowValue, TableChecksum } from './table-checksum.ts'
import { PARTITION_COLUMNS, type TableSchema } from './table-schema.ts'

/**
 * The checksum of a table, from the rows of its parts: columns that a part lacks are NULL in its rows.
 * @param onPart is told the rows of each part read
 * @throws ReplayError corrupt `part-missing`, `part-damaged`
 */
export async function checksumTable(
  store: ObjectStore,
  table: { readonly schema: TableSchema; readonly parts: ReadonlyMap<string, AddFile> },
  onPart: (rows: number) => void = () => {},
): Promise<RowChecksum> {
  const sums: RowChecksum[] = []
  for (const part of table.parts.values()) {
    const sum = await checksumPart(store, part, table.schema)
    sums.push(sum)
    onPart(sum.rows)
  }
  return addChecksums(sums)
}

/** The checksum of one part's rows, a row group at a time. @throws as `checksumTable` */
export async function checksumPart(store: ObjectStore, part: AddFile, schema: TableSchema): Promise<RowChecksum> {
  const place = { category: 'corrupt', path: `${store.uri}/${part.path}` } as const
  const checksum = new TableChecksum(schema.columns, constantsOf(part))
  const file = await openPart(store, part)
  try {
    const metadata = await parquetMetadataAsync(file)
    const names = schema.columns.map(({ name }) => name)
    const columns = metadata.schema.slice(1).flatMap(({ name }) => (names.includes(name) ? [name] : []))
    let rowStart = 0
    for (const group of metadata.row_groups) {
      const count = Number(group.num_rows)
      const values = new Map(columns.map((name) => [name, new Array<RowValue>(count)]))
      await parquetRead({
        file,
        metadata,
        columns,
        rowStart,
        rowEnd: rowStart + count,
        compressors: { ZSTD: decompress },
        parsers: EXACT,
        onChunk({ columnName, columnData, rowStart: at }) {
          const column = values.get(columnName)!
          for (let i = 0; i < columnData.length; i++) column[at - rowStart + i] = columnData[i] as RowValue
        },
      })
      checksum.addColumns(values, count)
      rowStart += count
    }
  } catch (cause) {
    if (cause instanceof ReplayError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReplayError('part-damaged', `the part cannot be read: ${reason}; run its partition again`, { ...place, cause })
  }
  return checksum.result()
}

/** The partition columns of a part's rows. */
export function constantsOf(part: Pick<AddFile, 'partitionValues'>): ConstantColumn[] {
  return PARTITION_COLUMNS.flatMap((name) => {
    const value = part.partitionValues[name]
    return value === undefined || value === null ? [] : [{ name, value }]
  })
}

/** Small parts are read at once, of larger ones what is asked for. */
async function openPart(store: ObjectStore, { path, size }: AddFile): Promise<AsyncBuffer> {
  const slice = async (start: number, end = size): Promise<ArrayBuffer> => {
    const object = await store.get(path, { range: { start, end } })
    if (object === null) {
      const message = 'the table has a part whose file is missing; run its partition again'
      throw new ReplayError('part-missing', message, { category: 'corrupt', path: `${store.uri}/${path}` })
    }
    const { buffer, byteOffset, length } = object.bytes
    return buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer
  }
  if (size > WHOLE_PART_BYTES) return { byteLength: size, slice }
  const whole = await slice(0)
  return { byteLength: size, slice: (start, end = size) => whole.slice(start, end) }
}

function decompress(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(zstdDecompressSync(bytes))
}

/** A Date has milliseconds only. */
const EXACT = { timestampFromMicroseconds: (micros: bigint) => micros }
const WHOLE_PART_BYTES = 4 << 20
