import { ByteWriter } from 'hyparquet-writer'
import { ColumnBuffer, type ColumnSpec } from './column-buffer.ts'
import { Page } from './page.ts'

/** The memory that a Parquet file is made in. A file that is closed leaves it as it was, for the next one of the same columns. */
export class RowGroupBuffers {
  readonly columns: readonly ColumnBuffer[]
  /** Definition levels of the page being encoded. */
  readonly levels = new Page()
  /** Its values. */
  readonly data = new Page(1 << 20)
  /** Bytes on their way to the file. */
  readonly writer = new ByteWriter(1 << 20)

  constructor(columns: readonly ColumnSpec[], capacity: number) {
    this.columns = columns.map((spec) => new ColumnBuffer(spec, capacity))
  }

  /** Begins a file; the columns have no rows at the end of the one before. */
  restart(): void {
    this.writer.offset = 0
    this.writer.index = 0
  }
}
