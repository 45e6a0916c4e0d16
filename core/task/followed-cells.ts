import { dayOfDate } from '../instant.ts'
import type { PlanColumn } from '../job/row-schema.ts'
import type { ColumnBuffer } from '../table/column-buffer.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import type { FollowedValue } from './follow-pass.ts'
import { PartFile } from './part-file.ts'

export interface FollowedCellsOptions {
  readonly venue: string
  readonly symbol: string
  /** As of the rows. */
  readonly columns: readonly PlanColumn[]
  /** Length of a cell, nanoseconds. */
  readonly sliceNs: bigint
  /** Rows of what is before are left out: nanoseconds since the epoch, a multiple of the slice. */
  readonly fromNs: bigint
  /** Folder for files that are being written. */
  readonly scratch: string
}

/** Rows of an instrument that is followed, in a file for each cell of the grid. */
export class FollowedCells {
  readonly #options: FollowedCellsOptions
  readonly #sliceMicros: number
  readonly #parts = new Map<number, PartFile>()
  readonly #spare: RowGroupBuffers[] = []
  /** Of the cell that the last row was of. */
  #part: PartFile | null = null
  #cell = -1
  #columns: readonly { readonly at: number; readonly column: ColumnBuffer }[] = []

  constructor(options: FollowedCellsOptions) {
    this.#options = options
    this.#sliceMicros = Number(options.sliceNs / 1000n)
  }

  /** @param micros a time of the cell that the row is of */
  add(row: readonly FollowedValue[], micros: number): void {
    const cell = Math.floor(micros / this.#sliceMicros)
    if (BigInt(cell) * this.#options.sliceNs < this.#options.fromNs) return
    if (cell !== this.#cell || this.#part === null) this.#enter(cell)
    const { file } = this.#part!
    for (const { at, column } of this.#columns) putValue(column, file.row, row[at]!)
    file.endRow()
  }

  /** The rows of a cell that is over; null: it has none. The caller finishes or abandons the file. */
  take(startNs: bigint): PartFile | null {
    const cell = Number(startNs / this.#options.sliceNs)
    const part = this.#parts.get(cell) ?? null
    this.#parts.delete(cell)
    if (cell === this.#cell) this.#part = null
    return part
  }

  abandon(): void {
    for (const part of this.#parts.values()) part.abandon()
    this.#parts.clear()
  }

  #enter(cell: number): void {
    const { venue, symbol, columns, sliceNs, scratch } = this.#options
    const startNs = BigInt(cell) * sliceNs
    const known = this.#parts.get(cell)
    const part = known ?? new PartFile({ partition: { index: cell, venue, symbol, startNs }, columns, scratch, spare: this.#spare })
    this.#parts.set(cell, part)
    this.#part = part
    this.#cell = cell
    this.#columns = columns.flatMap(({ name }, at) => {
      const column = part.file.columns.find((one) => one.name === name)
      return column === undefined ? [] : [{ at, column }]
    })
  }
}

function putValue(column: ColumnBuffer, row: number, value: FollowedValue): void {
  if (value === null || (typeof value === 'number' && value - value !== 0)) return
  if (column.type === 'date') column.setI32(row, dayOfDate(value as string))
  else if (typeof value === 'string') column.setString(row, value)
  else if (typeof value === 'boolean') column.setBool(row, value)
  else if (column.type === 'f64') column.setF64(row, Number(value))
  else if (column.type === 'i32') column.setI32(row, Number(value))
  else column.setI64(row, BigInt(value))
}
