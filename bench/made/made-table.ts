import { mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { dayOfDate } from '../../core/instant.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import type { ColumnBuffer, ColumnSpec } from '../../core/table/column-buffer.ts'
import type { AddFile } from '../../core/table/delta-action.ts'
import { type CommitOptions, type CommitOutcome, commitTable } from '../../core/table/delta-commit.ts'
import { ParquetFile } from '../../core/table/parquet-writer.ts'
import { partitionFolder } from '../../core/table/partition-path.ts'
import { columnsTag, type TableSchema } from '../../core/table/table-schema.ts'

/** A column of every type, nullable ones too; the names out of order. */
export const EVERY_TYPE: readonly ColumnSpec[] = [
  { name: 'date', type: 'date' },
  { name: 'ts_ns', type: 'i64' },
  { name: 'seq', type: 'i64', nullable: true },
  { name: 'row', type: 'i32' },
  { name: 'variant', type: 'string' },
  { name: 'price', type: 'f64', nullable: true },
  { name: 'gap', type: 'bool', nullable: true },
  { name: 'note', type: 'string', nullable: true },
]

export type Row = Readonly<Record<string, bigint | number | boolean | string | null>>

/** Rows with 64-bit values that no double holds, and NULLs in turn. */
export function everyTypeRows(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    return {
      date: '2024-08-08',
      ts_ns: 1_723_161_255_088_169_167n + BigInt(n) * 1_000_000_007n,
      seq: n % 5 === 0 ? null : 2n ** 62n + BigInt(n),
      row: n % 3,
      variant: `v${n % 2}`,
      price: n % 4 === 0 ? null : n / 7,
      gap: n % 6 === 0 ? null : n % 2 === 0,
      note: n % 7 === 0 ? null : `é"${n}`,
    }
  })
}

export interface PartPlace {
  readonly venue?: string
  readonly symbol?: string
  readonly date?: string
  readonly name: string
}

/** Writes a part into a table's folder and gives the action that would add it. */
export async function writePart(root: string, columns: readonly ColumnSpec[], rows: readonly Row[], place: PartPlace): Promise<AddFile> {
  const { venue = 'binance', symbol = 'btcusdt', date = '2024-08-08', name } = place
  const key = partitionFolder({ venue, symbol }) + name
  const path = join(root, key)
  mkdirSync(dirname(path), { recursive: true })
  const file = new ParquetFile({ path, columns })
  for (const row of rows) {
    for (const column of file.columns) setValue(column, file.row, column.name === 'date' ? date : (row[column.name] ?? null))
    file.endRow()
  }
  await file.close()
  return {
    path: key,
    partitionValues: { venue, symbol },
    size: statSync(path).size,
    modificationTime: 1_723_161_255_088,
    dataChange: true,
    stats: statsOf(rows),
    tags: { columns: columnsTag({ job: '', columns }) },
  }
}

/** As commits write them: bounds of times as exact digits. */
function statsOf(rows: readonly Row[]): string {
  const times = rows.flatMap(({ ts_ns: tsNs }) => (typeof tsNs === 'bigint' ? [tsNs] : [])).sort((a, b) => (a < b ? -1 : 1))
  if (times.length === 0) return `{"numRecords":${rows.length}}`
  const [min, max] = [times[0], times.at(-1)]
  return `{"numRecords":${rows.length},"minValues":{"ts_ns":${min}},"maxValues":{"ts_ns":${max}},"nullCount":{"ts_ns":0}}`
}

export function setValue(column: ColumnBuffer, row: number, value: Row[string]): void {
  if (value === null) return
  if (typeof value === 'bigint') column.setI64(row, value)
  else if (typeof value === 'boolean') column.setBool(row, value)
  else if (column.type === 'date') column.setI32(row, dayOfDate(String(value)))
  else if (typeof value === 'string') column.setString(row, value)
  else if (column.type === 'f64') column.setF64(row, value)
  else column.setI32(row, value)
}

/** Commits parts as the next version, with a clock and a random source of the test. */
export async function commitParts(
  store: ObjectStore,
  schema: TableSchema,
  adds: readonly AddFile[],
  options: Partial<CommitOptions> & { readonly removes?: readonly string[] } = {},
): Promise<CommitOutcome> {
  const { removes = [], ...rest } = options
  return commitTable(store, {
    run: `run-${Math.random()}`,
    decide: (state) => ({ schema, adds, removes: removes.map((key) => state!.parts.get(key)!), info: {} }),
    clock: () => 1_723_161_300_000,
    random: Math.random,
    pause: () => Promise.resolve(),
    ...rest,
  })
}

/** An AddFile of a part whose file nobody reads. */
export function madeAdd(name: string, tags: Readonly<Record<string, string>> = {}): AddFile {
  const partitionValues = { venue: 'binance', symbol: 'btcusdt' }
  const path = `venue=binance/symbol=btcusdt/${name}`
  return { path, partitionValues, size: 100, modificationTime: 1, dataChange: true, stats: '{"numRecords":1}', tags }
}
