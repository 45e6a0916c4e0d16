import type { ColumnSpec, ColumnType } from './column-buffer.ts'
import type { ChunkEncoding, ColumnChunk } from './column-chunk.ts'
import type { Page } from './page.ts'
import { ThriftWriter } from './thrift-writer.ts'

/*
 * Page headers and footer of a Parquet file. Source: apache/parquet-format, parquet.thrift; the numbers of fields and enums
 * are from there.
 */

/** A column's pages in a row group: a dictionary where there are entries, and one data page. */
export interface WrittenChunk extends ColumnChunk {
  /** Offsets in the file. */
  readonly start: number
  readonly dataStart: number
  /** Bytes, headers included. */
  readonly compressedBytes: number
  readonly uncompressedBytes: number
}

export interface WrittenGroup {
  readonly rows: number
  /** By column. */
  readonly chunks: readonly WrittenChunk[]
}

export interface FileMetadata {
  readonly columns: readonly ColumnSpec[]
  readonly groups: readonly WrittenGroup[]
  readonly keyValues: Readonly<Record<string, string>>
}

/** `PageHeader` of a dictionary page. */
export function putDictionaryHeader(page: Page, sizes: PageSizes, entries: number): void {
  const thrift = new ThriftWriter(page)
  thrift.root(() => {
    putSizes(thrift, PAGE_TYPES.DICTIONARY_PAGE, sizes)
    thrift.struct(7, () => {
      thrift.i32(1, entries)
      thrift.i32(2, ENCODINGS.PLAIN)
    })
  })
}

export interface PageSizes {
  /** Bytes behind the header. */
  readonly compressed: number
  readonly uncompressed: number
}

export interface DataPage extends PageSizes {
  readonly rows: number
  readonly nulls: number
  readonly encoding: ChunkEncoding
  /** Bytes of the definition levels, which are never compressed. */
  readonly levelBytes: number
  readonly isCompressed: boolean
}

/** `PageHeader` of a data page of version 2. */
export function putDataHeader(page: Page, data: DataPage): void {
  const thrift = new ThriftWriter(page)
  thrift.root(() => {
    putSizes(thrift, PAGE_TYPES.DATA_PAGE_V2, data)
    thrift.struct(8, () => {
      thrift.i32(1, data.rows)
      thrift.i32(2, data.nulls)
      thrift.i32(3, data.rows)
      thrift.i32(4, ENCODINGS[data.encoding])
      thrift.i32(5, data.levelBytes)
      thrift.i32(6, 0)
      thrift.bool(7, data.isCompressed)
    })
  })
}

function putSizes(thrift: ThriftWriter, type: number, { uncompressed, compressed }: PageSizes): void {
  thrift.i32(1, type)
  thrift.i32(2, uncompressed)
  thrift.i32(3, compressed)
}

/** `FileMetaData`, without its length and the magic behind it. */
export function putFileMetadata(page: Page, { columns, groups, keyValues }: FileMetadata): void {
  const thrift = new ThriftWriter(page)
  const entries = Object.entries(keyValues)
  thrift.root(() => {
    thrift.i32(1, FORMAT_VERSION)
    thrift.structs(2, [null, ...columns], (column) => (column === null ? putRoot(thrift, columns.length) : putElement(thrift, column)))
    thrift.i64(
      3,
      groups.reduce((sum, { rows }) => sum + rows, 0),
    )
    thrift.structs(
      4,
      groups.map((group, ordinal) => ({ group, ordinal })),
      ({ group, ordinal }) => putGroup(thrift, columns, group, ordinal),
    )
    if (entries.length > 0) {
      thrift.structs(5, entries, ([key, value]) => {
        thrift.binary(1, key)
        thrift.binary(2, value)
      })
    }
    thrift.binary(6, CREATED_BY)
    // Without it the bounds of columns may not be used: values are in the order of their type.
    thrift.structs(7, columns, () => thrift.struct(1, () => {}))
  })
}

function putRoot(thrift: ThriftWriter, children: number): void {
  thrift.binary(4, 'root')
  thrift.i32(5, children)
}

function putElement(thrift: ThriftWriter, { name, type, nullable }: ColumnSpec): void {
  const { physical, converted } = TYPES[type]
  thrift.i32(1, physical)
  thrift.i32(3, nullable === true ? OPTIONAL : REQUIRED)
  thrift.binary(4, name)
  if (converted === undefined) return
  thrift.i32(6, converted)
  thrift.struct(10, () => {
    if (type === 'string') thrift.struct(1, () => {})
    else if (type === 'date') thrift.struct(6, () => {})
    else {
      thrift.struct(8, () => {
        thrift.bool(1, true)
        thrift.struct(2, () => thrift.struct(2, () => {}))
      })
    }
  })
}

function putGroup(thrift: ThriftWriter, columns: readonly ColumnSpec[], { rows, chunks }: WrittenGroup, ordinal: number): void {
  const sum = (of: (chunk: WrittenChunk) => number): number => chunks.reduce((total, chunk) => total + of(chunk), 0)
  thrift.structs(
    1,
    chunks.map((chunk, i) => ({ chunk, column: columns[i]! })),
    ({ chunk, column }) => {
      // Once the place of a copy of the metadata; there is none, which is said by 0.
      thrift.i64(2, 0)
      thrift.struct(3, () => putChunk(thrift, column, chunk, rows))
    },
  )
  thrift.i64(
    2,
    sum(({ uncompressedBytes }) => uncompressedBytes),
  )
  thrift.i64(3, rows)
  thrift.i64(5, chunks[0]!.start)
  thrift.i64(
    6,
    sum(({ compressedBytes }) => compressedBytes),
  )
  if (ordinal <= MAX_I16) thrift.i16(7, ordinal)
}

function putChunk(thrift: ThriftWriter, { name, type, nullable }: ColumnSpec, chunk: WrittenChunk, rows: number): void {
  const hasDictionary = chunk.dictionaryEntries > 0
  const encodings = new Set([
    ...(hasDictionary ? [ENCODINGS.PLAIN] : []),
    ...(nullable === true ? [ENCODINGS.RLE] : []),
    ENCODINGS[chunk.encoding],
  ])
  const pages = [
    ...(hasDictionary ? [{ page: PAGE_TYPES.DICTIONARY_PAGE, encoding: ENCODINGS.PLAIN }] : []),
    { page: PAGE_TYPES.DATA_PAGE_V2, encoding: ENCODINGS[chunk.encoding] },
  ]
  thrift.i32(1, TYPES[type].physical)
  thrift.i32s(2, [...encodings])
  thrift.binaries(3, [name])
  thrift.i32(4, ZSTD)
  thrift.i64(5, rows)
  thrift.i64(6, chunk.uncompressedBytes)
  thrift.i64(7, chunk.compressedBytes)
  thrift.i64(9, chunk.dataStart)
  if (hasDictionary) thrift.i64(11, chunk.start)
  thrift.struct(12, () => putStatistics(thrift, type, chunk))
  thrift.structs(13, pages, ({ page, encoding }) => {
    thrift.i32(1, page)
    thrift.i32(2, encoding)
    thrift.i32(3, 1)
  })
}

function putStatistics(thrift: ThriftWriter, type: ColumnType, { nulls, min, max }: ColumnChunk): void {
  const greatest = max === undefined ? null : type === 'string' ? boundAbove(String(max)) : boundBytes(type, max)
  const least = min === undefined ? null : type === 'string' ? boundBelow(String(min)) : boundBytes(type, min)
  thrift.i64(3, nulls)
  if (greatest !== null) thrift.binary(5, greatest)
  if (least !== null) thrift.binary(6, least)
  if (greatest !== null) thrift.bool(7, type !== 'string' || isShort(String(max)))
  if (least !== null) thrift.bool(8, type !== 'string' || isShort(String(min)))
}

function boundBytes(type: ColumnType, value: bigint | number | string | boolean): Uint8Array {
  if (type === 'bool') return Uint8Array.of(value === true ? 1 : 0)
  const view = new DataView(new ArrayBuffer(type === 'i32' || type === 'date' ? 4 : 8))
  if (type === 'i32' || type === 'date') view.setInt32(0, Number(value), true)
  else if (type === 'f64') view.setFloat64(0, Number(value), true)
  else view.setBigInt64(0, BigInt(value), true)
  return new Uint8Array(view.buffer)
}

function isShort(text: string): boolean {
  return Buffer.byteLength(text) <= MAX_BOUND_BYTES
}

/** A text itself, or what its characters begin with. */
function boundBelow(text: string): string {
  if (isShort(text)) return text
  let [bytes, short] = [0, '']
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_BOUND_BYTES) break
    short += character
  }
  return short
}

/** A text itself, or a short one that is greater; null when there is none. */
function boundAbove(text: string): string | null {
  if (isShort(text)) return text
  const characters = [...boundBelow(text)]
  while (characters.length > 0) {
    const code = characters.pop()!.codePointAt(0)!
    // The next one may be longer by a byte; between the two lie half characters, which no text has.
    const next = code === BEFORE_SURROGATES ? BEHIND_SURROGATES : code + 1
    if (next <= LAST_CODE_POINT) return characters.join('') + String.fromCodePoint(next)
  }
  return null
}

// Nanoseconds marked as UTC lose digits in some readers: hence plain INT64 for everything but `timestamp_us`.
const TYPES: Readonly<Record<ColumnType, { readonly physical: number; readonly converted?: number }>> = {
  bool: { physical: 0 },
  i32: { physical: 1 },
  i64: { physical: 2 },
  f64: { physical: 5 },
  string: { physical: 6, converted: 0 },
  timestamp_us: { physical: 2, converted: 10 },
  date: { physical: 1, converted: 6 },
}
const ENCODINGS: Readonly<Record<ChunkEncoding, number>> = {
  PLAIN: 0,
  RLE: 3,
  DELTA_BINARY_PACKED: 5,
  RLE_DICTIONARY: 8,
  BYTE_STREAM_SPLIT: 9,
}
const PAGE_TYPES = { DICTIONARY_PAGE: 2, DATA_PAGE_V2: 3 } as const
const REQUIRED = 0
const OPTIONAL = 1
const ZSTD = 6
const FORMAT_VERSION = 2
/** In the form that readers take apart; the version is that of the files, not of the program. */
export const CREATED_BY = 'chronicle-replay version 1.0.0'
const MAX_I16 = 32_767
/** Longer bounds of text are cut. */
const MAX_BOUND_BYTES = 64
const BEFORE_SURROGATES = 0xd7ff
const BEHIND_SURROGATES = 0xe000
const LAST_CODE_POINT = 0x10ffff
