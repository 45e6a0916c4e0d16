import zlib from 'node:zlib'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead, type SchemaElement } from 'hyparquet'
import { ReplayError } from '../errors.ts'
import { dateOfDay } from '../instant.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ColumnSpec, ColumnType } from './column-buffer.ts'
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

/** A part's file that is open for reading. */
export interface OpenPart {
  /** All that the file has, in its order; only of parts that this library wrote. @throws ReplayError corrupt `part-damaged` */
  columns(): Promise<ColumnSpec[]>
  /** Row groups. */
  readonly groups: number
  /** The rows of one of them. @throws ReplayError corrupt `part-missing`, `part-damaged` */
  read(group: number): Promise<PartGroup>
}

/**
 * The rows of a part, a row group at a time.
 * @param names the columns wanted; those that the part lacks are in no group
 * @throws ReplayError corrupt `part-missing`, `part-damaged`
 */
export async function* partGroups(store: ObjectStore, part: PartPlace, names: readonly string[]): AsyncGenerator<PartGroup> {
  const open = await openPartRows(store, part, names)
  for (let group = 0; group < open.groups; group++) yield await open.read(group)
}

/** @param names as of `partGroups` @default all columns @throws as `partGroups` */
export async function openPartRows(store: ObjectStore, part: PartPlace, names?: readonly string[]): Promise<OpenPart> {
  const reading = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read()
    } catch (cause) {
      if (cause instanceof ReplayError) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `the part cannot be read: ${reason}; run its partition again`
      throw new ReplayError('part-damaged', message, { category: 'corrupt', path: `${store.uri}/${part.path}`, cause })
    }
  }
  const [file, metadata] = await reading(async () => {
    const file = await openFile(store, part)
    return [file, await parquetMetadataAsync(file)] as const
  })
  const starts = [0]
  for (const { num_rows: rows } of metadata.row_groups) starts.push(starts.at(-1)! + Number(rows))
  const all = metadata.schema.slice(1)
  const wanted = all.flatMap(({ name }) => (names === undefined || names.includes(name) ? [name] : []))
  return {
    columns: () => reading(async () => all.map(columnOf)),
    groups: metadata.row_groups.length,
    read: (group) => reading(() => readGroup(file, metadata, [starts[group]!, starts[group + 1]!], wanted)),
  }
}

/** @param rows of the file, from the first to behind the last one, which are those of a row group */
async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  [rowStart, rowEnd]: readonly [number, number],
  columns: string[],
): Promise<PartGroup> {
  const rows = rowEnd - rowStart
  const values = new Map(columns.map((name) => [name, new Array<RowValue>(rows)]))
  await parquetRead({
    file,
    metadata,
    columns,
    rowStart,
    rowEnd,
    compressors: { ZSTD: decompress },
    parsers: EXACT,
    onChunk({ columnName, columnData, rowStart: at }) {
      const column = values.get(columnName)!
      for (let i = 0; i < columnData.length; i++) column[at - rowStart + i] = columnData[i] as RowValue
    },
  })
  return { rows, values }
}

function columnOf({ name, type, converted_type: converted, repetition_type: repetition }: SchemaElement): ColumnSpec {
  const found = TYPES[`${type} ${converted ?? ''}`.trim()]
  if (found === undefined) throw new RangeError(`column ${name} is of a type that tables do not have`)
  return { name, type: found, nullable: repetition === 'OPTIONAL' }
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  ...{ DOUBLE: 'f64', INT64: 'i64', INT32: 'i32', BOOLEAN: 'bool', 'BYTE_ARRAY UTF8': 'string' },
  ...{ 'INT64 TIMESTAMP_MICROS': 'timestamp_us', 'INT32 DATE': 'date' },
}

/** Small parts are read at once, of larger ones what is asked for. */
async function openFile(store: ObjectStore, { path, size }: PartPlace): Promise<AsyncBuffer> {
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
