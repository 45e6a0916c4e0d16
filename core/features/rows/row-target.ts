import type { ColumnBuffer, ColumnSpec } from '../../table/column-buffer.ts'

/** The arrays of one column that rows are written into; those of another type than the column's have no length. */
export type RowColumn = Pick<ColumnBuffer, 'f64' | 'words' | 'i32' | 'bools' | 'valid'>

/**
 * Where rows go: fill row `row` of each of `columns`, then call `endRow`. `ParquetFile` is one.
 * Values of nullable columns start as NULL (`valid` 0).
 */
export interface RowTarget {
  /** May be other arrays after each `endRow`. */
  readonly columns: readonly RowColumn[]
  /** The row to fill next. */
  readonly row: number
  endRow(): void
  /**
   * Of a target that takes rows together: rows from `row` on that fit, never 0, and what ends `count` ≤ `freeRows` of them in place of
   * as many calls of `endRow`. They are rows of messages, one each.
   */
  readonly freeRows?: number
  endRows?(count: number): void
  /**
   * Called before a row is filled, with its time by the engine's clock in microseconds: of a bar its start, else the latest so
   * far; `hasMessage`: false for a bar without messages and the end of a day. Before rows that are taken together once, with a time
   * in the same cell of the engine's. False: the row is not wanted, and is treated as one of the warm-up. `columns` and `row` may be others afterwards.
   */
  enter?(micros: number, isBar: boolean, hasMessage: boolean): boolean
  /** Finishes the output. */
  close(): Promise<void>
  /** Removes it. */
  abandon(): void | Promise<void>
}

/** Makes the target for rows of these columns. */
export type RowTargetFactory = (columns: readonly ColumnSpec[]) => RowTarget

/** A set of row arrays of its own. */
export class RowBlock {
  readonly columns: readonly RowColumn[]

  /** @param columns what they are, or arrays that are there already */
  constructor(columns: readonly (ColumnSpec | RowColumn)[], capacity: number) {
    this.columns = columns.map((column) => ('f64' in column ? column : rowColumn(column, capacity)))
  }

  /** Makes all values NULL again. */
  clear(): void {
    for (const { valid } of this.columns) valid?.fill(0)
  }
}

function rowColumn({ type, nullable }: ColumnSpec, capacity: number): RowColumn {
  return {
    f64: new Float64Array(type === 'f64' ? capacity : 0),
    words: new Uint32Array(type === 'i64' || type === 'timestamp_us' ? 2 * capacity : 0),
    i32: new Int32Array(type === 'i32' || type === 'date' ? capacity : 0),
    bools: new Uint8Array(type === 'bool' ? capacity : 0),
    valid: nullable === true ? new Uint8Array(capacity) : null,
  }
}
