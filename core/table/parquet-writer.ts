import { ReplayError } from '../errors.ts'
import { type ColumnBuffer, type ColumnSpec, VALUE_BYTES } from './column-buffer.ts'
import { type ColumnBound, GroupWriter, type GroupWriterOptions } from './group-writer.ts'
import { MAX_ROWS } from './kernel/column-encoder.ts'
import { RowGroupBuffers } from './row-group-buffers.ts'

export interface ParquetFileOptions extends Omit<GroupWriterOptions, 'out'> {
  /** Rows of a row group, at most 65,536. @default 65,536 */
  readonly maxGroupRows?: number
  /** Bytes of a row group before compression. @default 16 MiB */
  readonly maxGroupBytes?: number
  /** Sees the first `rows` rows of the columns before they are written as a row group. */
  readonly onGroup?: (columns: readonly ColumnBuffer[], rows: number) => void
  /** Those of a closed file of the same columns and limits, to be used again. @default its own */
  readonly buffers?: RowGroupBuffers | undefined
}

/**
 * Writes a Parquet file column by column, in bounded memory: the row group being filled and its encoded bytes.
 *
 * Fill row `file.row` of each of `file.columns`, then call `endRow()`; or fill up to `file.freeRows` rows from `file.row`
 * on and call `endRows(count)`. Columns may have other arrays afterwards. Full row groups are encoded, compressed and written at once.
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
  readonly #rowBytes: number
  readonly #maxGroupBytes: number
  readonly #strings: readonly ColumnBuffer[]
  readonly #groups: GroupWriter
  readonly #onGroup: ParquetFileOptions['onGroup']

  /** @throws ReplayError `parquet-columns`, `output-failed`, `disk-full` */
  constructor(options: ParquetFileOptions) {
    const { path, columns, maxGroupRows = MAX_ROWS, maxGroupBytes = MAX_GROUP_BYTES, onGroup, buffers, ...rest } = options
    requireColumns(columns)
    this.path = path
    this.#onGroup = onGroup
    this.#maxGroupBytes = maxGroupBytes
    this.#rowBytes = rowBytesOf(columns)
    this.buffers = buffers ?? new RowGroupBuffers(columns, Math.min(maxGroupRows, groupRowsOf(columns, maxGroupBytes)))
    this.columns = this.buffers.columns
    this.#strings = this.columns.filter(({ type }) => type === 'string')
    this.#groups = new GroupWriter({ ...rest, path, columns, out: this.buffers.out })
  }

  /** The column of this name. @throws ReplayError bug `parquet-columns` */
  column(name: string): ColumnBuffer {
    const column = this.columns.find((candidate) => candidate.name === name)
    if (column === undefined) throw new ReplayError('parquet-columns', `no column "${name}" in ${this.path}`, { category: 'bug' })
    return column
  }

  /** Finished rows. */
  get rows(): number {
    return this.#groups.rows + this.row
  }

  /** Rows that there is room for in the row group being filled; never 0. */
  get freeRows(): number {
    return this.buffers.rows - this.row
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
    if (this.freeRows === 0 && !this.buffers.grow()) this.#writeGroup(this.row)
  }

  /** Ends `count` ≤ `freeRows` rows. Their strings may carry the group beyond its bytes by what these rows added. */
  endRows(count: number): void {
    this.row += count
    const isFull = this.freeRows === 0 && !this.buffers.grow()
    if (isFull || this.#groupBytes() > this.#maxGroupBytes) this.#writeGroup(this.row)
  }

  /** The bounds of a column's values in the row groups written so far; null when there are none, or of a type without them. */
  bounds(name: string): { readonly min: ColumnBound; readonly max: ColumnBound } | null {
    return this.#groups.bounds(name)
  }

  /** Writes what is left and the footer, forces it to the disk, and gives the file its name. */
  async close(): Promise<void> {
    try {
      if (this.row > 0) this.#writeGroup(this.row)
    } catch (error) {
      this.abandon()
      throw error
    }
    await this.#groups.close()
  }

  /** Removes what was written. Harmless after `close`, and twice. */
  abandon(): void {
    this.row = 0
    this.#groups.abandon()
  }

  #groupBytes(): number {
    let bytes = this.row * this.#rowBytes
    for (const { dictionary } of this.#strings) bytes += dictionary.length
    return bytes
  }

  #writeGroup(count: number): void {
    this.#onGroup?.(this.columns, count)
    this.#groups.write(this.columns, count)
    const isCarried = count < this.row
    for (const column of this.columns) column.restart(isCarried ? count : null, this.row + 1)
    this.row = isCarried ? 1 : 0
  }
}

/** Rows that fit a row group; strings may make it fewer. */
function groupRowsOf(columns: readonly ColumnSpec[], maxGroupBytes = MAX_GROUP_BYTES): number {
  return Math.max(1, Math.min(MAX_ROWS, Math.floor(maxGroupBytes / rowBytesOf(columns))))
}

/** An upper bound of what a row takes encoded, its strings apart: value, level, and a share of block headers. */
function rowBytesOf(columns: readonly ColumnSpec[]): number {
  return columns.reduce((sum, { type }) => sum + VALUE_BYTES[type] + 0.25, 0)
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

const MAX_GROUP_BYTES = 16 * 2 ** 20
