import zlib from 'node:zlib'
import type { ByteWriter } from 'hyparquet-writer'
import { ReplayError } from '../errors.ts'
import { OutputFile, outputError } from '../store/output-file.ts'
import type { ColumnBuffer, ColumnSpec, ColumnType } from './column-buffer.ts'
import { type ColumnChunk, type DoubleEncoding, encodeColumn, MAX_ROWS } from './column-chunk.ts'
import { Page } from './page.ts'
import { putDataHeader, putDictionaryHeader, putFileMetadata, type WrittenChunk, type WrittenGroup } from './parquet-metadata.ts'
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
  readonly #specs: readonly ColumnSpec[]
  readonly #metadata: Readonly<Record<string, string>>
  readonly #groups: WrittenGroup[] = []
  readonly #header = new Page(256)
  readonly #file: OutputFile
  readonly #writer: ByteWriter
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
    this.#specs = columns
    this.#metadata = metadata
    this.#file = new OutputFile({ path }, { whole: true })
    this.#writer.appendBytes(MAGIC)
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
    for (const { chunks } of this.#groups) {
      const chunk = chunks[index]!
      if (chunk.min !== undefined && (min === undefined || chunk.min < min)) min = chunk.min
      if (chunk.max !== undefined && (max === undefined || chunk.max > max)) max = chunk.max
    }
    return min === undefined || max === undefined ? null : { min, max }
  }

  /** Writes what is left and the footer, forces it to the disk, and gives the file its name. */
  async close(): Promise<void> {
    if (this.#state === 'done') return
    try {
      if (this.row > 0) this.#writeGroup(this.row)
      this.#writeFooter()
      this.#flush(0)
      if (this.#isDurable) this.#file.sync()
      this.#file.close()
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
    this.#file.abandon()
  }

  #groupBytes(): number {
    let bytes = this.row * this.#rowBytes
    for (const { dictionary } of this.#strings) bytes += dictionary.length
    return bytes
  }

  #writeGroup(count: number): void {
    this.#onGroup?.(this.columns, count)
    this.#groups.push({ rows: count, chunks: this.columns.map((_, i) => this.#writeChunk(i, count)) })
    this.#writtenRows += count
    const isCarried = count < this.row
    for (const column of this.columns) column.restart(isCarried ? count : null)
    this.row = isCarried ? 1 : 0
  }

  #writeChunk(i: number, count: number): WrittenChunk {
    const column = this.columns[i]!
    const start = this.#writer.offset
    const chunk = this.#encode(column, i, count)
    let uncompressedBytes = 0
    if (chunk.dictionaryEntries > 0) uncompressedBytes += this.#writeDictionary(column, chunk.dictionaryEntries)
    const dataStart = this.#writer.offset
    uncompressedBytes += this.#writeData(chunk, count)
    this.#flush(1 << 20)
    return { ...chunk, start, dataStart, uncompressedBytes, compressedBytes: this.#writer.offset - start }
  }

  /** Fills `#levels` and `#data`. Floats: now and then both encodings are tried on some rows, and the smaller is kept until the next time. */
  #encode(column: ColumnBuffer, i: number, count: number): ColumnChunk {
    const encode = (doubles: DoubleEncoding, rows: number) => {
      this.#levels.length = 0
      this.#data.length = 0
      return encodeColumn(column, rows, doubles, this.#levels, this.#data)
    }
    if (column.type === 'f64' && this.#groups.length % GROUPS_PER_TRIAL === 0) {
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
    const headerBytes = this.#putHeader((page) =>
      putDictionaryHeader(page, { compressed: compressed.length, uncompressed: plain.length }, entries),
    )
    this.#writer.appendBytes(compressed)
    return headerBytes + plain.length
  }

  #writeData(chunk: ColumnChunk, count: number): number {
    const levels = this.#levels.written()
    const plain = this.#data.written()
    const smaller = compress(plain)
    const isCompressed = smaller.length < plain.length
    const data = isCompressed ? smaller : plain
    const headerBytes = this.#putHeader((page) =>
      putDataHeader(page, {
        ...{ rows: count, nulls: chunk.nulls, encoding: chunk.encoding, isCompressed, levelBytes: levels.length },
        compressed: levels.length + data.length,
        uncompressed: levels.length + plain.length,
      }),
    )
    this.#writer.appendBytes(levels)
    this.#writer.appendBytes(data)
    return headerBytes + levels.length + plain.length
  }

  /** @returns bytes of the header */
  #putHeader(put: (page: Page) => void): number {
    this.#header.length = 0
    put(this.#header)
    this.#writer.appendBytes(this.#header.written())
    return this.#header.length
  }

  #writeFooter(): void {
    const { offset } = this.#writer
    const footer = new Page(1 << 12)
    putFileMetadata(footer, { columns: this.#specs, groups: this.#groups, keyValues: this.#metadata })
    this.#writer.appendBytes(footer.written())
    this.#writer.appendUint32(this.#writer.offset - offset)
    this.#writer.appendBytes(MAGIC)
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

function compress(bytes: Uint8Array): Uint8Array {
  return zlib.zstdCompressSync(bytes, { chunkSize: COMPRESSED_CHUNK_BYTES, params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } })
}

const MAGIC = Buffer.from('PAR1')
const WIDTHS: Record<ColumnType, number> = { f64: 8, i64: 8, i32: 4, bool: 1, string: 4, timestamp_us: 8 }
/** Node collects what it compressed in pieces of this size; its own 16 KiB make many of a page. */
const COMPRESSED_CHUNK_BYTES = 1 << 17
const GROUPS_PER_TRIAL = 64
const TRIAL_ROWS = 4096
