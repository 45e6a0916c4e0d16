import crypto from 'node:crypto'
import { ReplayError } from '../errors.ts'
import type { ColumnSpec, ColumnType } from './column-buffer.ts'

/** What a table holds: the rows of one job. */
export interface TableSchema {
  /** Name of the job whose rows these are. */
  readonly job: string
  /** Columns of the parts, in order; the partition columns are not among them. */
  readonly columns: readonly ColumnSpec[]
}

/** Columns that come from a part's folder, `venue=…/symbol=…/`, and begin every row; text. */
export const PARTITION_COLUMNS = ['venue', 'symbol'] as const

/**
 * Delta's `schemaString`: the partition columns, then the others.
 * @param known that of the table; what it says of columns stays
 */
export function schemaStringOf(schema: TableSchema, known?: string): string {
  const before = known === undefined ? [] : (JSON.parse(known) as { fields: { name: string }[] }).fields
  const partitions = PARTITION_COLUMNS.map((name) => ({ name, type: 'string', nullable: true, metadata: {} }))
  const columns = schema.columns.map(({ name, type, nullable }) => ({
    name,
    type: DELTA_TYPES[type],
    nullable: nullable === true,
    metadata: {},
  }))
  const added = [...partitions, ...columns].filter(({ name }) => !before.some((field) => field.name === name))
  return JSON.stringify({ type: 'struct', fields: [...before, ...added] })
}

/** The columns of a `schemaString`. @throws ReplayError input `table-schema` when a column is of a type that jobs do not have */
export function parseSchemaString(text: string, path: string): ColumnSpec[] {
  const { fields } = JSON.parse(text) as { fields: { name: string; type: unknown; nullable: boolean }[] }
  const columns: ColumnSpec[] = []
  for (const { name, type, nullable } of fields) {
    if (PARTITION_COLUMNS.some((partition) => partition === name)) continue
    const known = (Object.keys(DELTA_TYPES) as ColumnType[]).find((each) => DELTA_TYPES[each] === type)
    if (known === undefined) {
      const message = `column ${name} has type ${JSON.stringify(type)}, expected one of ${Object.values(DELTA_TYPES).join(', ')}; another program made or changed the table: take the column out, or use another table`
      throw new ReplayError('table-schema', message, { category: 'input', path })
    }
    columns.push({ name, type: known, nullable })
  }
  return columns
}

/**
 * The schema of the table after rows of `wanted` were added to it. New columns are appended and nullable, as earlier rows lack them.
 * @param others columns that another program added: rows lack them where they may be NULL
 * @returns `table` itself when nothing changes
 * @throws ReplayError input `table-job`, `table-schema`: another job, a column that went, or has another type, or may now be NULL
 */
export function mergeSchemas(table: TableSchema, wanted: TableSchema, path: string, others: ReadonlySet<string> = NO_OTHERS): TableSchema {
  if (wanted.job !== table.job) {
    const message = `the table holds rows of the job "${table.job}", found rows of "${wanted.job}"; give each job a table of its own`
    throw new ReplayError('table-job', message, { category: 'input', path })
  }
  const wrong = (reason: string): ReplayError =>
    new ReplayError('table-schema', `${reason}; a table has one schema, to which columns can only be added: use another table`, {
      category: 'input',
      path,
    })
  for (const { name, type, nullable } of table.columns) {
    const other = wanted.columns.find((column) => column.name === name)
    if (other === undefined && nullable === true && others.has(name)) continue
    if (other === undefined) throw wrong(`the table has a column ${name} (${type}), which the rows lack`)
    if (other.type !== type) throw wrong(`column ${name} is ${type} in the table and ${other.type} in the rows`)
    if (other.nullable === true && nullable !== true) throw wrong(`column ${name} is never NULL in the table, but may be in the rows`)
  }
  const added = wanted.columns.filter(({ name }) => !table.columns.some((column) => column.name === name))
  if (added.length === 0) return table
  if (added.some(({ name }) => name === 'ts') && table.columns.some(({ name }) => name === 'ts_ns')) {
    throw wrong('the table is of a version of this program in which ts_ns of a bar was its start, now it is its end')
  }
  return { job: table.job, columns: [...table.columns, ...added.map((column) => ({ ...column, nullable: true }))] }
}

/**
 * Names a set of columns, for the tag `columns` of parts: parts with the same one have the same columns, so that a query need
 * not open them all to know.
 */
export function columnsTag(schema: TableSchema): string {
  return crypto.hash('sha256', JSON.stringify(schema.columns.map(({ name, type }) => [name, type])), 'hex').slice(0, 16)
}

const NO_OTHERS: ReadonlySet<string> = new Set()
const DELTA_TYPES: Readonly<Record<ColumnType, string>> = {
  f64: 'double',
  i64: 'long',
  i32: 'integer',
  bool: 'boolean',
  string: 'string',
  timestamp_us: 'timestamp',
  date: 'date',
}
