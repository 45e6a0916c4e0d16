import { cellText, tableText } from './output.ts'

type Cell = string | number | null

/**
 * Rows with many columns as several tables below each other, each as wide as a line may be and with the keys in front; numbers have
 * seven digits. A key and a column that are wider by themselves are not cut.
 * @param keys columns that say what a row is of
 * @param maxWidth characters of a line
 */
export function wrappedTable(rows: readonly Readonly<Record<string, Cell | boolean>>[], keys: readonly string[], maxWidth: number): string {
  const columns = Object.keys(rows[0] ?? {}).map((name) => {
    const cells = rows.map((row) => shortCell(row[name]!))
    return { name, cells, width: Math.max(...[name, ...cells].map((cell) => cellText(cell).length)) }
  })
  const front = columns.filter(({ name }) => keys.includes(name))
  const frontWidth = front.reduce((sum, { width }) => sum + width + GAP, 0)
  const tables: (typeof columns)[] = []
  let left = 0
  for (const column of columns) {
    if (front.includes(column)) continue
    if (tables.length === 0 || column.width > left) {
      tables.push([...front])
      left = maxWidth - frontWidth
    }
    tables.at(-1)!.push(column)
    left -= column.width + GAP
  }
  return tables
    .map((table) =>
      tableText(
        table.map(({ name }) => name),
        rows.map((_, i) => table.map(({ cells }) => cells[i]!)),
      ),
    )
    .join('\n')
}

/** Between the columns of `tableText`. */
const GAP = 2

function shortCell(value: Cell | boolean): Cell {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(7))
  return value === null ? null : String(value)
}
