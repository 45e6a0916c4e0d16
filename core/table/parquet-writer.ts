import { renameSync, rmSync } from 'node:fs'
import { constants, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk as ChunkMetadata, SchemaElement } from 'hyparquet'
import { type ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'
import { ReplayError } from '../errors.ts'
import { OutputFile, outputError } from '../pipeline/output-file.ts'
import type { ColumnBuffer, ColumnSpec, ColumnType } from './column-buffer.ts'
import { type ColumnChunk, type DoubleEncoding, encodeColumn, MAX_ROWS } from './column-chunk.ts'
import type { Page } from './page.ts'
import { RowGroupBuffers } from './row-group-buffers.ts'

export interface ParquetFileOptions {
  /** The file to create or replace. It appears whole, at `close`; until then its bytes are in `<path>.tmp`. */
  readonly path: string
  readonly columns: readonly ColumnSpec[]
  /** Rows of a row group, at most 65,536. @default 65,536 */
  readonly maxGroupRows?: number
  /** Bytes of a row group before compression. @default 16 MiB */
  readonly maxGroupBytes?: number
  /** Key-value metadata of the footer. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Sees the first `rows` rows of the columns before they are written as a row group. */
  readonly onGroup?: (columns: readonly ColumnBuffer[], rows: number) => void
  /** Those of a closed file of the same columns and limits, to be used again. @default its own */
  readonly buffers?: RowGroupBuffers | undefined
  /** Waits for the disk at `close`; a file that is only copied from need not. @default true */
  readonly isDurable?: boolean
}

export type ColumnBound = bigint | number | string | boolean

/**
 * Writes a Parquet file column by column, in bounded memory: the row group being filled and its encoded bytes.
 *
 * Fill row `file.row` of each of `file.columns`, then call `endRow()`; or fill up to `file.freeRows` rows from `file.row`
 * on and call `endRows(count)`. Full row groups are encoded, compressed (zstd level 1) and written at once.
 *
 * hyparquet-writer makes the page headers and the footer. The pages are encoded here, because its encoders take a BigInt
 * per 64-bit value and a boxed array per nullable column.
 * A file on which a call has thrown is of no use any more: `abandon` it.
 */
export class ParquetFile {
  readonly path: string
  readonly columns: readonly ColumnBuffer[]
  /** Free for another file once this one is closed. */
  readonly buffers: RowGroupBuffers
  /** The row to fill next, in the columns' arrays. */
  row = 0
  #writtenRows = 0
  readonly #rowBytes: number
  readonly #maxGroupBytes: number
  readonly #strings: readonly ColumnBuffer[]
  readonly #elements: readonly SchemaElement[]
  readonly #file: OutputFile
  readonly #writer: ByteWriter
  readonly #parquet: ParquetWriter
  readonly #onGroup: ParquetFileOptions['onGroup']
  readonly #doubles: DoubleEncoding[]
  readonly #levels: Page
  readonly #data: Page
  readonly #isDurable: boolean
  #state: 'open' | 'done' = 'open'

  /** @throws ReplayError `parquet-columns`, `output-failed`, `disk-full` */
  constructor(options: ParquetFileOptions) {
    const { path, columns, maxGroupRows = MAX_ROWS, maxGroupBytes = 16 * 2 ** 20, metadata = {}, isDurable = true } = options
    requireColumns(columns)
    this.path = path
    this.#onGroup = options.onGroup
    this.#isDurable = isDurable
    this.#maxGroupBytes = maxGroupBytes
    // An upper bound of what a row takes encoded, its strings apart: value, level, and a share of block headers.
    this.#rowBytes = columns.reduce((sum, { type }) => sum + WIDTHS[type] + 0.25, 0)
    const capacity = Math.max(1, Math.min(maxGroupRows, MAX_ROWS, Math.floor(maxGroupBytes / this.#rowBytes)))
    this.buffers = options.buffers ?? new RowGroupBuffers(columns, capacity)
    this.buffers.restart()
    this.columns = this.buffers.columns
    this.#levels = this.buffers.levels
    this.#data = this.buffers.data
    this.#writer = this.buffers.writer
    this.#strings = this.columns.filter(({ type }) => type === 'string')
    this.#doubles = columns.map(() => 'BYTE_STREAM_SPLIT')
    this.#elements = columns.map(schemaElement)
    this.#file = new OutputFile({ path: this.#temporaryPath })
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: [{ name: 'root', num_children: columns.length }, ...this.#elements],
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      createdBy: 'chronicle-replay',
    })
  }

  /** The column of this name. @throws ReplayError bug `parquet-columns` */
  column(name: string): ColumnBuffer {
    const column = this.columns.find((candidate) => candidate.name === name)
    if (column === undefined) throw new ReplayError('parquet-columns', `no column "${name}" in ${this.path}`, { category: 'bug' })
    return column
  }

  /** Finished rows. */
  get rows(): number {
    return this.#writtenRows + this.row
  }

  /** Rows that fit the row group being filled; never 0. */
  get freeRows(): number {
    return this.columns[0]!.capacity - this.row
  }

  /** Ends row `row`. @throws ReplayError `row-too-large`, `disk-full`, `output-failed` */
  endRow(): void {
    this.row++
    if (this.#groupBytes() > this.#maxGroupBytes) {
      // The row that is too much begins the next group.
      if (this.row > 1) this.#writeGroup(this.row - 1)
      if (this.#groupBytes() > this.#maxGroupBytes) {
        const message = `a row takes more than the ${this.#maxGroupBytes} bytes of a row group; raise maxGroupBytes`
        throw new ReplayError('row-too-large', message, { category: 'input', path: this.path })
      }
    }
    if (this.freeRows === 0) this.#writeGroup(this.row)
  }

  /** Ends `count` ≤ `freeRows` rows. Their strings may carry the group beyond its bytes by what these rows added. */
  endRows(count: number): void {
    this.row += count
    if (this.freeRows === 0 || this.#groupBytes() > this.#maxGroupBytes) this.#writeGroup(this.row)
  }

  /** The bounds of a column's values in the row groups written so far; null when there are none, or of a type without them. */
  bounds(name: string): { readonly min: ColumnBound; readonly max: ColumnBound } | null {
    const index = this.columns.findIndex((column) => column.name === name)
    let [min, max]: (ColumnBound | undefined)[] = []
    for (const { columns } of this.#parquet.row_groups) {
      const { min_value, max_value } = (columns[index]!.meta_data!.statistics ?? {}) as { min_value?: ColumnBound; max_value?: ColumnBound }
      if (min_value !== undefined && (min === undefined || min_value < min)) min = min_value
      if (max_value !== undefined && (max === undefined || max_value > max)) max = max_value
    }
    return min === undefined || max === undefined ? null : { min, max }
  }

  /** Writes what is left and the footer, forces it to the disk, and gives the file its name. */
  async close(): Promise<void> {
    if (this.#state === 'done') return
    try {
      if (this.row > 0) this.#writeGroup(this.row)
      this.#parquet.finish()
      this.#flush(0)
      if (this.#isDurable) this.#file.sync()
      this.#file.close()
      renameSync(this.#temporaryPath, this.path)
    } catch (error) {
      this.abandon()
      throw error instanceof ReplayError ? error : outputError(error, this.path)
    }
    this.#state = 'done'
  }

  /** Removes what was written. Harmless after `close`, and twice. */
  abandon(): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#file.close()
    rmSync(this.#temporaryPath, { force: true })
  }

  get #temporaryPath(): string {
    return `${this.path}.tmp`
  }

  #groupBytes(): number {
    let bytes = this.row * this.#rowBytes
    for (const { dictionary } of this.#strings) bytes += dictionary.length
    return bytes
  }

  #writeGroup(count: number): void {
    this.#onGroup?.(this.columns, count)
    const { offset } = this.#writer
    const columns = this.columns.map((_, i) => this.#writeChunk(i, count))
    this.#parquet.row_groups.push({
      columns,
      total_byte_size: columns.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n),
      num_rows: BigInt(count),
      total_compressed_size: BigInt(this.#writer.offset - offset),
    })
    this.#parquet.num_rows += BigInt(count)
    this.#writtenRows += count
    const isCarried = count < this.row
    for (const column of this.columns) column.restart(isCarried ? count : null)
    this.row = isCarried ? 1 : 0
  }

  #writeChunk(i: number, count: number): ChunkMetadata {
    const column = this.columns[i]!
    const start = this.#writer.offset
    const chunk = this.#encode(column, i, count)
    let bytes = 0
    if (chunk.dictionaryEntries > 0) bytes += this.#writeDictionary(column, chunk.dictionaryEntries)
    const dataStart = this.#writer.offset
    bytes += this.#writeData(chunk, count)
    this.#flush(1 << 20)
    const { min, max, nulls, encoding } = chunk
    return {
      file_offset: BigInt(start),
      meta_data: {
        type: this.#elements[i]!.type!,
        encodings: encoding === 'RLE_DICTIONARY' ? ['PLAIN', encoding] : [encoding],
        path_in_schema: [column.name],
        codec: 'ZSTD',
        num_values: BigInt(count),
        total_compressed_size: BigInt(this.#writer.offset - start),
        total_uncompressed_size: BigInt(bytes),
        data_page_offset: BigInt(dataStart),
        ...(chunk.dictionaryEntries > 0 && { dictionary_page_offset: BigInt(start) }),
        statistics: {
          null_count: BigInt(nulls),
          ...(min !== undefined && { min_value: min }),
          ...(max !== undefined && { max_value: max }),
        },
      },
    }
  }

  /** Fills `#levels` and `#data`. Floats: now and then both encodings are tried on some rows, and the smaller is kept until the next time. */
  #encode(column: ColumnBuffer, i: number, count: number): ColumnChunk {
    const encode = (doubles: DoubleEncoding, rows: number) => {
      this.#levels.length = 0
      this.#data.length = 0
      return encodeColumn(column, rows, doubles, this.#levels, this.#data)
    }
    if (column.type === 'f64' && this.#parquet.row_groups.length % GROUPS_PER_TRIAL === 0) {
      const sizes = (['PLAIN', 'BYTE_STREAM_SPLIT'] as const).map((doubles) => {
        encode(doubles, Math.min(count, TRIAL_ROWS))
        return compress(this.#data.written()).length
      })
      this.#doubles[i] = sizes[0]! <= sizes[1]! ? 'PLAIN' : 'BYTE_STREAM_SPLIT'
    }
    return encode(this.#doubles[i]!, count)
  }

  /** @returns bytes before compression, header included */
  #writeDictionary(column: ColumnBuffer, entries: number): number {
    const plain = column.dictionary.bytes.subarray(0, column.starts[entries])
    const compressed = compress(plain)
    const start = this.#writer.offset
    writePageHeader(this.#writer, {
      type: 'DICTIONARY_PAGE',
      uncompressed_page_size: plain.length,
      compressed_page_size: compressed.length,
      dictionary_page_header: { num_values: entries, encoding: 'PLAIN' },
    })
    const headerBytes = this.#writer.offset - start
    this.#writer.appendBytes(compressed)
    return headerBytes + plain.length
  }

  #writeData(chunk: ColumnChunk, count: number): number {
    const levels = this.#levels.written()
    const plain = this.#data.written()
    const smaller = compress(plain)
    const isCompressed = smaller.length < plain.length
    const data = isCompressed ? smaller : plain
    const start = this.#writer.offset
    writePageHeader(this.#writer, {
      type: 'DATA_PAGE_V2',
      uncompressed_page_size: levels.length + plain.length,
      compressed_page_size: levels.length + data.length,
      data_page_header_v2: {
        num_values: count,
        num_nulls: chunk.nulls,
        num_rows: count,
        encoding: chunk.encoding,
        definition_levels_byte_length: levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: isCompressed,
      },
    })
    const headerBytes = this.#writer.offset - start
    this.#writer.appendBytes(levels)
    this.#writer.appendBytes(data)
    return headerBytes + levels.length + plain.length
  }

  /** Hands the writer's bytes to the file when there are more than `limit`. */
  #flush(limit: number): void {
    if (this.#writer.index <= limit) return
    this.#file.write(this.#writer.getBytes())
    this.#writer.index = 0
  }
}

function requireColumns(columns: readonly ColumnSpec[]): void {
  const names = new Set(columns.map(({ name }) => name))
  if (columns.length === 0 || names.size !== columns.length) {
    throw new ReplayError(
      'parquet-columns',
      `expected columns with different names, found [${columns.map(({ name }) => name).join(', ')}]`,
      {
        category: 'input',
      },
    )
  }
}

function schemaElement({ name, type, nullable }: ColumnSpec): SchemaElement {
  return { name, repetition_type: nullable === true ? 'OPTIONAL' : 'REQUIRED', ...ELEMENTS[type] }
}

function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, { chunkSize: COMPRESSED_CHUNK_BYTES, params: { [constants.ZSTD_c_compressionLevel]: 1 } })
}

// Nanoseconds marked as UTC lose digits in DuckDB, and hyparquet-writer's logical INTEGER makes a footer nobody reads:
// hence plain INT64 for everything but `timestamp_us`.
const ELEMENTS: Record<ColumnType, Omit<SchemaElement, 'name'>> = {
  f64: { type: 'DOUBLE' },
  i64: { type: 'INT64' },
  i32: { type: 'INT32' },
  bool: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  timestamp_us: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
}
const WIDTHS: Record<ColumnType, number> = { f64: 8, i64: 8, i32: 4, bool: 1, string: 4, timestamp_us: 8 }
/** Node collects what it compressed in pieces of this size; its own 16 KiB make many of a page. */
const COMPRESSED_CHUNK_BYTES = 1 << 17
const GROUPS_PER_TRIAL = 64
const TRIAL_ROWS = 4096
