import { addChecksums, type RowValue, TableChecksum } from '../../../core/table/table-checksum.ts'

/** A row by column; what is not there is NULL. */
export type PlainRow = Readonly<Record<string, RowValue>>

/** The table checksum of rows, as text: `rows sum`. NaN and infinities are NULL. */
export function sumOfRows(columns: ConstructorParameters<typeof TableChecksum>[0], rows: readonly PlainRow[]): string {
  const checksum = new TableChecksum(columns)
  const values = new Map(columns.map(({ name }) => [name, rows.map((row) => storedOf(row[name]))]))
  checksum.addColumns(values, rows.length)
  const { rows: count, sum } = addChecksums([checksum.result()])
  return `${count} ${sum}`
}

/** Rows as sorted lines, for people to compare. */
export function linesOf(columns: readonly { readonly name: string }[], rows: readonly PlainRow[]): string[] {
  return rows.map((row) => columns.map(({ name }) => `${name}=${String(storedOf(row[name]))}`).join(' ')).sort()
}

function storedOf(value: RowValue | undefined): RowValue {
  return value === undefined || (typeof value === 'number' && !Number.isFinite(value)) ? null : value
}
