import type { EngineMoment } from '../features/columns/column.ts'
import { RowBlock, type RowColumn } from '../features/rows/row-target.ts'
import { dayOfDate } from '../instant.ts'
import type { ParamValue } from '../job/job-definition.ts'
import type { Variant } from '../job/variants.ts'
import { NO_PART } from '../plan/run/receipt.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'
import type { ColumnBuffer, ColumnSpec } from '../table/column-buffer.ts'
import { JOB_COLUMN } from './job-column.ts'
import type { VariantRows } from './job-engines.ts'
import { type CellResult, PartFile, type PartOptions } from './part-file.ts'
import { RowNumbers } from './row-numbers.ts'
import type { RowValues } from './row-values.ts'

/** Of a cell without rows. */
export const NO_ROWS: CellResult = { ...NO_PART, packed: null }

/** The cell of a partition in a pass; its file begins with the first row. */
export class PassCell {
  readonly partition: PlannedPartition
  /** Microseconds. */
  readonly startMicros: number
  readonly endMicros: number
  /** The instrument has folders of the cell's day. By the exchange's clock messages may lie in a cell of another. */
  readonly isOfDay: boolean
  part: PartFile | null = null
  readonly #options: Omit<PartOptions, 'partition'>

  constructor(partition: PlannedPartition, isOfDay: boolean, options: Omit<PartOptions, 'partition'>) {
    this.isOfDay = isOfDay
    this.partition = partition
    this.startMicros = Number(partition.startNs / 1000n)
    this.endMicros = Number(partition.endNs / 1000n)
    this.#options = options
  }

  open(): PartFile {
    this.part ??= new PartFile({ partition: this.partition, ...this.#options })
    return this.part
  }
}

export interface CellRowsOptions {
  /** By time; times between them are nobody's. */
  readonly cells: readonly PassCell[]
  readonly variant: Variant
  readonly values: RowValues
}

/**
 * Takes the rows of one variant from the features engine, completes them, and puts each into the file of the cell that its
 * time lies in. The file is shared by the variants that run together.
 */
export class CellRows implements VariantRows {
  columns: readonly RowColumn[] = []
  readonly #specs: readonly ColumnSpec[]
  readonly #options: CellRowsOptions
  /** Columns that the table has not (a job without a book has no `gap`): written, and forgotten. */
  readonly #scratch = new Map<string, RowColumn>()
  #cell = 0
  #part: PartFile | null = null
  #jobColumns: readonly ColumnBuffer[] = []
  #params: readonly { readonly column: ColumnBuffer; readonly value: ParamValue }[] = []
  #rowColumn: ColumnBuffer | null = null
  #variantColumn: ColumnBuffer | null = null
  #dateColumn: ColumnBuffer | null = null
  #day = 0
  readonly #numbers = new RowNumbers()
  #isBar = false

  /** @param specs what the engine fills */
  constructor(specs: readonly ColumnSpec[], options: CellRowsOptions) {
    this.#specs = specs
    this.#options = options
  }

  watch(moment: EngineMoment): void {
    this.#numbers.moment = moment
  }

  get row(): number {
    return this.#part!.file.row
  }

  enter(micros: number, isBar: boolean, hasMessage: boolean): boolean {
    this.#isBar = isBar
    const { cells } = this.#options
    while (this.#cell < cells.length && micros >= cells[this.#cell]!.endMicros) {
      this.#cell++
      this.#part = null
    }
    const cell = cells[this.#cell]
    if (cell === undefined || micros < cell.startMicros) return false
    // How many cells lie beside a day depends on the slice: what fills them must not.
    if (!hasMessage && !cell.isOfDay) return false
    if (this.#part === null) this.#begin(cell)
    return true
  }

  endRow(): void {
    const { file } = this.#part!
    const { row } = file
    const { values, variant } = this.#options
    if (values.isBroken) {
      // What was filled in is NULL again for the row that comes in its place.
      for (const { valid } of file.columns) if (valid !== null) valid[row] = 0
      values.loseRow()
      return
    }
    this.#rowColumn!.i32[row] = this.#numbers.next(this.#isBar)
    const variantColumn = this.#variantColumn!
    variantColumn.i32[row] = variantColumn.code(variant.id)
    this.#dateColumn!.i32[row] = this.#day
    for (let i = 0; i < this.#params.length; i++) putParam(this.#params[i]!.column, row, this.#params[i]!.value)
    if (!values.isEmpty) for (let i = 0; i < this.#jobColumns.length; i++) values.put(i, this.#jobColumns[i]!, row)
    file.endRow()
  }

  /** Files are finished by the pass. */
  async close(): Promise<void> {}

  abandon(): void {}

  get freeRows(): number {
    return this.#part!.file.freeRows
  }

  /** Of jobs that set nothing themselves. */
  endRows(count: number): void {
    const { file } = this.#part!
    const { row } = file
    const { variant } = this.#options
    this.#rowColumn!.i32.fill(0, row, row + count)
    this.#dateColumn!.i32.fill(this.#day, row, row + count)
    const variantColumn = this.#variantColumn!
    variantColumn.i32.fill(variantColumn.code(variant.id), row, row + count)
    for (const { column, value } of this.#params) for (let i = 0; i < count; i++) putParam(column, row + i, value)
    file.endRows(count)
  }

  #begin(cell: PassCell): void {
    const part = cell.open()
    const { file } = part
    const { values, variant } = this.#options
    const capacity = file.buffers.maxRows
    this.#part = part
    this.columns = this.#specs.map((spec) => file.columns.find(({ name }) => name === spec.name) ?? this.#scratchOf(spec, capacity))
    this.#rowColumn = file.column('row')
    this.#variantColumn = file.column('variant')
    this.#dateColumn = file.column('date')
    this.#day = dayOfDate(cell.partition.date)
    this.#params = Object.entries(variant.params).map(([name, value]) => ({ column: file.column(name), value }))
    this.#jobColumns = values.names.map((name) => file.column(name))
  }

  #scratchOf(spec: ColumnSpec, capacity: number): RowColumn {
    const known = this.#scratch.get(spec.name)
    if (known !== undefined) return known
    const [made] = new RowBlock([spec.name === JOB_COLUMN ? { ...spec, nullable: true } : spec], capacity).columns
    this.#scratch.set(spec.name, made!)
    return made!
  }
}

function putParam(column: ColumnBuffer, row: number, value: ParamValue): void {
  if (typeof value === 'string') column.setString(row, value)
  else if (typeof value === 'boolean') column.setBool(row, value)
  else column.setF64(row, value)
}
