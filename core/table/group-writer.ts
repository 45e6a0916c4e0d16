import zlib from 'node:zlib'
import { giveBack } from '../large-piece.ts'
import { OutputFile, outputError } from '../store/output-file.ts'
import type { ColumnBuffer, ColumnSpec } from './column-buffer.ts'
import { type ColumnChunk, type DoubleEncoding, type EncodedChunk, encodeColumn } from './column-chunk.ts'
import { Page } from './page.ts'
import { putDataHeader, putDictionaryHeader, putFileMetadata, type WrittenChunk, type WrittenGroup } from './parquet-metadata.ts'

export interface GroupWriterOptions {
  /** The file to create or replace. It appears whole, at `close`; until then its bytes are in `<path>.tmp`. */
  readonly path: string
  readonly columns: readonly ColumnSpec[]
  /** Key-value metadata of the footer. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Waits for the disk at `close`; a file that is only copied from need not. @default true */
  readonly isDurable?: boolean
  /** What a large file has is on its way to the disk while more is written, for whoever waits for that. @default isDurable */
  readonly syncsSoon?: boolean
  /** Memory for bytes on their way to the file; what is in it is overwritten. @default its own */
  readonly out?: Page
}

export type ColumnBound = bigint | number | string | boolean

/** Encodes row groups, compresses them (zstd level 1) and writes them into a Parquet file, each at once. */
export class GroupWriter {
  readonly path: string
  /** Rows written. */
  rows = 0
  readonly #specs: readonly ColumnSpec[]
  readonly #metadata: Readonly<Record<string, string>>
  readonly #isDurable: boolean
  readonly #syncsSoon: boolean
  readonly #file: OutputFile
  readonly #groups: WrittenGroup[] = []
  /** By column; of floats alone. */
  readonly #doubles: DoubleEncoding[]
  /** By column: its pages did not get smaller when that was last tried. */
  readonly #resists: boolean[]
  readonly #header = new Page(256)
  readonly #out: Page
  /** Bytes of the file that have left `#out`, and how many it is when the disk is asked for them next. */
  #flushed = 0
  #syncAt = SYNC_BYTES
  #state: 'open' | 'done' = 'open'

  /** @throws ReplayError `output-failed`, `disk-full` */
  constructor({ path, columns, metadata = {}, isDurable = true, syncsSoon = isDurable, out = new Page(OUT_BYTES) }: GroupWriterOptions) {
    this.path = path
    this.#specs = columns
    this.#metadata = metadata
    this.#isDurable = isDurable
    this.#syncsSoon = syncsSoon
    this.#doubles = columns.map(() => 'BYTE_STREAM_SPLIT')
    this.#resists = columns.map(() => false)
    this.#file = new OutputFile({ path }, { whole: true })
    this.#out = out
    out.length = 0
    this.#append(MAGIC)
  }

  /** Writes the first `count` rows of the columns as a row group. @throws ReplayError `disk-full`, `output-failed` */
  write(columns: readonly ColumnBuffer[], count: number): void {
    this.#groups.push({ rows: count, chunks: columns.map((column, i) => this.#writeChunk(column, i, count)) })
    this.rows += count
  }

  /** The bounds of a column's values so far; null when there are none, or of a type without them. */
  bounds(name: string): { readonly min: ColumnBound; readonly max: ColumnBound } | null {
    const index = this.#specs.findIndex((column) => column.name === name)
    let [min, max]: (ColumnBound | undefined)[] = []
    for (const { chunks } of this.#groups) {
      const chunk = chunks[index]!
      if (chunk.min !== undefined && (min === undefined || chunk.min < min)) min = chunk.min
      if (chunk.max !== undefined && (max === undefined || chunk.max > max)) max = chunk.max
    }
    return min === undefined || max === undefined ? null : { min, max }
  }

  /** Writes the footer, forces the file to the disk, and gives it its name. */
  async close(): Promise<void> {
    if (this.#state === 'done') return
    try {
      this.#writeFooter()
      this.#flush(0)
      if (this.#isDurable) await this.#file.sync()
      else await this.#file.rest()
      this.#file.close()
    } catch (error) {
      this.abandon()
      throw outputError(error, this.path)
    }
    this.#state = 'done'
  }

  /** Removes what was written. Harmless after `close`, and twice. */
  abandon(): void {
    if (this.#state === 'done') return
    this.#state = 'done'
    this.#file.abandon()
  }

  get #offset(): number {
    return this.#flushed + this.#out.length
  }

  #writeChunk(column: ColumnBuffer, i: number, count: number): WrittenChunk {
    const start = this.#offset
    const { tried, levels, data, ...chunk } = this.#encode(column, i, count)
    let uncompressedBytes = 0
    if (chunk.dictionaryEntries > 0) uncompressedBytes += this.#writeDictionary(column, chunk.dictionaryEntries)
    const dataStart = this.#offset
    const smaller = this.#smaller(data, i, tried)
    uncompressedBytes += this.#writeData(chunk, levels, data, smaller, count)
    this.#flush(OUT_BYTES)
    return { ...chunk, start, dataStart, uncompressedBytes, compressedBytes: this.#offset - start }
  }

  /**
   * Floats: now and then both encodings are tried, and one is kept until the next time. Of the whole page, as zstd counts the bytes of a
   * block: of fewer rows, in which it has more columns of bytes, floats that are taken apart seem up to a sixth larger than they are.
   * `tried` is what it came to.
   */
  #encode(column: ColumnBuffer, i: number, count: number): EncodedChunk & { readonly tried: Uint8Array | null } {
    if (column.type !== 'f64' || !this.#isTrial) return { ...encodeColumn(column, count, this.#doubles[i]!), tried: null }
    const split = compress(encodeColumn(column, count, 'BYTE_STREAM_SPLIT').data)
    const chunk = encodeColumn(column, count, 'PLAIN')
    const plain = compress(chunk.data)
    const isSplit = split.length <= plain.length * SPLIT_TOLERANCE
    this.#doubles[i] = isSplit ? 'BYTE_STREAM_SPLIT' : 'PLAIN'
    giveBack(isSplit ? plain : split)
    return isSplit ? { ...encodeColumn(column, count, 'BYTE_STREAM_SPLIT'), tried: split } : { ...chunk, tried: plain }
  }

  get #isTrial(): boolean {
    return this.#groups.length % GROUPS_PER_TRIAL === 0
  }

  /** @returns bytes before compression, header included */
  #writeDictionary(column: ColumnBuffer, entries: number): number {
    const plain = column.dictionary.bytes.subarray(0, column.starts[entries])
    const compressed = compress(plain)
    const headerBytes = this.#putHeader((page) =>
      putDictionaryHeader(page, { compressed: compressed.length, uncompressed: plain.length }, entries),
    )
    this.#append(compressed)
    giveBack(compressed)
    return headerBytes + plain.length
  }

  /** @param smaller the page compressed, or null @returns bytes before compression, header included */
  #writeData(chunk: ColumnChunk, levels: Uint8Array, plain: Uint8Array, smaller: Uint8Array | null, count: number): number {
    const data = smaller ?? plain
    const headerBytes = this.#putHeader((page) =>
      putDataHeader(page, {
        ...{ rows: count, nulls: chunk.nulls, encoding: chunk.encoding, isCompressed: smaller !== null, levelBytes: levels.length },
        compressed: levels.length + data.length,
        uncompressed: levels.length + plain.length,
      }),
    )
    this.#append(levels)
    this.#append(data)
    if (smaller !== null) giveBack(smaller)
    return headerBytes + levels.length + plain.length
  }

  /** A page compressed, or null where that does not make it smaller, as it is with most differences of times. @param tried what it came to, if known */
  #smaller(plain: Uint8Array, i: number, tried: Uint8Array | null): Uint8Array | null {
    if (plain.length < LEAST_COMPRESSED_BYTES || (this.#resists[i]! && !this.#isTrial)) return null
    const compressed = tried ?? compress(plain)
    this.#resists[i] = compressed.length >= plain.length
    if (!this.#resists[i]) return compressed
    giveBack(compressed)
    return null
  }

  /** @returns bytes of the header */
  #putHeader(put: (page: Page) => void): number {
    this.#header.length = 0
    put(this.#header)
    this.#append(this.#header.written())
    return this.#header.length
  }

  #writeFooter(): void {
    const footer = new Page(1 << 12)
    putFileMetadata(footer, { columns: this.#specs, groups: this.#groups, keyValues: this.#metadata })
    this.#append(footer.written())
    this.#out.reserve(4)
    this.#out.putUint32(footer.length)
    this.#append(MAGIC)
  }

  #append(bytes: Uint8Array): void {
    this.#out.reserve(bytes.length)
    this.#out.putBytes(bytes)
  }

  /** Hands bytes to the file when there are more than `limit`. */
  #flush(limit: number): void {
    if (this.#out.length <= limit) return
    this.#file.write(this.#out.written())
    this.#flushed += this.#out.length
    this.#out.length = 0
    if (this.#syncsSoon && this.#flushed >= this.#syncAt) {
      this.#syncAt = this.#flushed + SYNC_BYTES
      this.#file.syncSoon()
    }
  }
}

function compress(bytes: Uint8Array): Uint8Array {
  // What it needs at most, as zstd says: Node takes memory for a whole piece, however small a page is, and joins what lies in several. Less
  // than half of what it shares out it would take of that, which is held by all the others that lie in it.
  const chunkSize = Math.max(bytes.length + (bytes.length >>> 8) + 128, Buffer.poolSize >>> 1)
  return zlib.zstdCompressSync(bytes, { chunkSize, params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } })
}

const MAGIC = Buffer.from('PAR1')
const OUT_BYTES = 1 << 20
const SYNC_BYTES = 8 << 20
/** A frame of zstd has about so many bytes beside its contents. */
const LEAST_COMPRESSED_BYTES = 16
const GROUPS_PER_TRIAL = 64
/** zstd takes floats apart two to five times as fast as whole ones where neither gets much smaller. */
const SPLIT_TOLERANCE = 1.05
