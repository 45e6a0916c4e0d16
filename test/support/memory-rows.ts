import type { RowTarget } from '../../core/features/rows/row-target.ts'
import { RowBlock, type RowColumn } from '../../core/features/rows/row-target.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'

/** A row as an object: i64 as bigint, NULL as null. */
export type MemoryRow = Record<string, number | bigint | boolean | null>

/** A row target that keeps the rows. */
export class MemoryRows implements RowTarget {
  readonly rows: MemoryRow[] = []
  readonly row = 0
  readonly specs: readonly ColumnSpec[]
  readonly #block: RowBlock

  constructor(specs: readonly ColumnSpec[]) {
    this.specs = specs
    this.#block = new RowBlock(specs, 1)
  }

  get columns(): readonly RowColumn[] {
    return this.#block.columns
  }

  endRow(): void {
    const row: MemoryRow = {}
    for (const [i, { name, type }] of this.specs.entries()) {
      const { f64, words, i32, bools, valid } = this.#block.columns[i]!
      if (valid !== null && valid[0] === 0) row[name] = null
      else if (type === 'f64') row[name] = f64[0]!
      else if (type === 'i32') row[name] = i32[0]!
      else if (type === 'bool') row[name] = bools[0] === 1
      else row[name] = BigInt.asIntN(64, (BigInt(words[1]!) << 32n) | BigInt(words[0]!))
    }
    this.rows.push(row)
    this.#block.clear()
  }

  async close(): Promise<void> {}

  abandon(): void {}
}
