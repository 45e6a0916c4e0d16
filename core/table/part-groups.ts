import zlib from 'node:zlib'
import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from 'hyparquet'
import { ReplayError } from '../errors.ts'
import { dateOfDay } from '../instant.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { RowValue } from './table-checksum.ts'

/** A part's file: key and bytes. */
export interface PartPlace {
  readonly path: string
  readonly size: number
}

/** The rows of a row group, as columns of values. */
export interface PartGroup {
  readonly rows: number
  readonly values: ReadonlyMap<string, readonly RowValue[]>
}

/**
 * The rows of a part, a row group at a time.
 * @param names the columns wanted; those that the part lacks are in no group
 * @throws ReplayError corrupt `part-missing`, `part-damaged`
 */
export async function* partGroups(store: ObjectStore, part: PartPlace, names: readonly string[]): AsyncGenerator<PartGroup> {
  try {
    const file = await openPart(store, part)
    const metadata = await parquetMetadataAsync(file)
    const columns = metadata.schema.slice(1).flatMap(({ name }) => (names.includes(name) ? [name] : []))
    let rowStart = 0
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows)
      const values = new Map(columns.map((name) => [name, new Array<RowValue>(rows)]))
      await parquetRead({
        file,
        metadata,
        columns,
        rowStart,
        rowEnd: rowStart + rows,
        compressors: { ZSTD: decompress },
        parsers: EXACT,
        onChunk({ columnName, columnData, rowStart: at }) {
          const column = values.get(columnName)!
          for (let i = 0; i < columnData.length; i++) column[at - rowStart + i] = columnData[i] as RowValue
        },
      })
      yield { rows, values }
      rowStart += rows
    }
  } catch (cause) {
    if (cause instanceof ReplayError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the part cannot be read: ${reason}; run its partition again`
    throw new ReplayError('part-damaged', message, { category: 'corrupt', path: `${store.uri}/${part.path}`, cause })
  }
}

/** Small parts are read at once, of larger ones what is asked for. */
async function openPart(store: ObjectStore, { path, size }: PartPlace): Promise<AsyncBuffer> {
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
  return new Uint8Array(zlib.zstdDecompressSync(bytes))
}

/** A Date has milliseconds only. */
const EXACT = { timestampFromMicroseconds: (micros: bigint) => micros, dateFromDays: dateOfDay }
const WHOLE_PART_BYTES = 4 << 20
