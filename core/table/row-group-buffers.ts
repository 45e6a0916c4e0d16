import { ColumnBuffer, type ColumnSpec } from './column-buffer.ts'
import { Page } from './page.ts'

/** Rows that there is room for at first: many files have no more, and room for all of a row group is cleared memory of megabytes. */
const FIRST_ROWS = 1024
const GROWTH = 4

/** The memory that a Parquet file is made in. A file that is closed leaves it as it was, for the next one of the same columns. */
export class RowGroupBuffers {
  readonly columns: readonly ColumnBuffer[]
  /** Rows of a group, at most. */
  readonly maxRows: number
  /** Bytes on their way to the file. */
  readonly out = new Page(1 << 20)

  constructor(columns: readonly ColumnSpec[], maxRows: number) {
    this.maxRows = maxRows
    this.columns = columns.map((spec) => new ColumnBuffer(spec, Math.min(FIRST_ROWS, maxRows)))
  }

  /** Rows that there is room for now. */
  get rows(): number {
    return this.columns[0]!.capacity
  }

  /** Makes room for more rows; false: there are as many as a group has. */
  grow(): boolean {
    const rows = Math.min(GROWTH * this.rows, this.maxRows)
    if (rows === this.rows) return false
    for (const column of this.columns) column.reserve(rows)
    return true
  }
}
