import { ColumnBuffer, type ColumnSpec } from './column-buffer.ts'
import { Page } from './page.ts'

/** The memory that a Parquet file is made in. A file that is closed leaves it as it was, for the next one of the same columns. */
export class RowGroupBuffers {
  readonly columns: readonly ColumnBuffer[]
  /** Bytes on their way to the file. */
  readonly out = new Page(1 << 20)

  constructor(columns: readonly ColumnSpec[], capacity: number) {
    this.columns = columns.map((spec) => new ColumnBuffer(spec, capacity))
  }
}
