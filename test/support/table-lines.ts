import type { ObjectStore } from '../../core/store/object-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { rowsOfParquet } from './parquet.ts'
import { linesOf, type PlainRow } from './plain/rows.ts'

/** Every row of a table as a line, sorted, as `linesOf` writes them. */
export async function tableLines(table: ObjectStore): Promise<string[]> {
  const { schema } = await readTable(table)
  return linesOf([...['venue', 'symbol'].map((name) => ({ name })), ...schema.columns], await tableRows(table))
}

/** Every row of a table, part by part. */
export async function tableRows(table: ObjectStore): Promise<PlainRow[]> {
  const { parts } = await readTable(table)
  const rows: PlainRow[] = []
  for (const { path, partitionValues } of parts.values()) {
    const { bytes } = (await table.get(path))!
    const read = await rowsOfParquet(bytes.slice().buffer as ArrayBuffer)
    for (const row of read) {
      const date = row.date instanceof Date ? { date: row.date.toISOString().slice(0, 10) } : {}
      rows.push({ ...row, ...date, ...partitionValues } as PlainRow)
    }
  }
  return rows
}
