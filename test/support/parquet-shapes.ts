import { join } from 'node:path'
import { type Row, setValue } from '../../bench/made/made-table.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'
import { ParquetFile } from '../../core/table/parquet-writer.ts'

/** A Parquet file of one shape, and what is in it. */
export interface ParquetShape {
  readonly name: string
  readonly columns: readonly ColumnSpec[]
  readonly rows: readonly Row[]
  readonly maxGroupRows?: number
  readonly metadata?: Readonly<Record<string, string>>
}

const TYPES: readonly ColumnSpec[] = [
  { name: 'f', type: 'f64' },
  { name: 'i', type: 'i64' },
  { name: 'n', type: 'i32' },
  { name: 'b', type: 'bool' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp_us' },
]
const EVERY: readonly ColumnSpec[] = [...TYPES, ...TYPES.map((spec) => ({ ...spec, name: `${spec.name}_null`, nullable: true }))]

const FLOATS = [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 1.7976931348623157e308, 0.1, -2.5]
const LONGS = [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 1_723_161_255_088_169_167n, 2n ** 53n + 1n, 1_723_161_255_088_169_168n]
const INTS = [0, -1, 2 ** 31 - 1, -(2 ** 31), 7]
const TEXTS = ['', 'BTC-USD', 'é', '币安人生USDT', '😀', 'z'.repeat(100), '\u{10ffff}'.repeat(30), 'NULL', '"\n']
const MICROS = [0n, -1n, 1_723_161_255_088_169n, 253_402_300_799_999_999n]

/** Values that readers get wrong, in turn; of the nullable columns every third is NULL. */
function everyRow(n: number): Row {
  const [f, i, s] = [FLOATS[n % FLOATS.length]!, LONGS[n % LONGS.length]!, TEXTS[n % TEXTS.length]!]
  const [whole, t, b] = [INTS[n % INTS.length]!, MICROS[n % MICROS.length]!, n % 4 < 2]
  const value = { f, i, n: whole, b, s, t }
  const optional = Object.entries(value).map(([name, each], at) => [`${name}_null`, (n + at) % 3 === 0 ? null : each])
  return { ...value, ...Object.fromEntries(optional) }
}

const rowsOf = (count: number): Row[] => Array.from({ length: count }, (_, n) => everyRow(n))
const allNull = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name.endsWith('_null') ? null : value]))

/** All shapes that parts and sinks come in. */
export const PARQUET_SHAPES: readonly ParquetShape[] = [
  { name: 'no-rows', columns: EVERY, rows: [] },
  { name: 'no-rows-metadata', columns: EVERY, rows: [], metadata: { job: 'flow', empty: '' } },
  { name: 'one-row', columns: EVERY, rows: rowsOf(2).slice(1) },
  { name: 'every-type', columns: EVERY, rows: rowsOf(90) },
  { name: 'null-columns', columns: EVERY, rows: rowsOf(40).map(allNull) },
  { name: 'one-null-row', columns: EVERY, rows: rowsOf(1).map(allNull) },
  { name: 'nan-only', columns: [{ name: 'f', type: 'f64' }], rows: [{ f: Number.NaN }, { f: Number.NaN }] },
  { name: 'many-groups', columns: EVERY, rows: rowsOf(100), maxGroupRows: 3, metadata: { key: 'é' } },
  {
    name: 'many-columns',
    columns: Array.from({ length: 40 }, (_, c) => ({ name: `c${c}`, type: 'i64' as const, nullable: c % 2 === 0 })),
    rows: Array.from({ length: 20 }, (_, n) =>
      Object.fromEntries(Array.from({ length: 40 }, (__, c) => [`c${c}`, c % 4 === 0 && n % 2 === 0 ? null : BigInt(n * c) ** 3n])),
    ),
  },
  {
    name: 'long-pages',
    columns: [
      { name: 'i', type: 'i64' },
      { name: 'f', type: 'f64', nullable: true },
      { name: 'n', type: 'i32', nullable: true },
      { name: 'b', type: 'bool', nullable: true },
      { name: 'one', type: 'string' },
      { name: 'few', type: 'string', nullable: true },
      { name: 'each', type: 'string' },
    ],
    rows: Array.from({ length: 5000 }, (_, n) => ({
      i: 1_723_161_255_088_169_167n + BigInt(n) ** 4n,
      f: n % 11 === 0 ? null : n / 7,
      n: n % 13 === 0 ? null : (n * 7919) % 1000,
      b: n % 17 === 0 ? null : n % 100 < 50,
      one: 'same',
      few: n % 19 === 0 ? null : `v${n % 300}`,
      each: `text ${n}`,
    })),
  },
]

/** Writes the file of a shape into a folder and gives its path. */
export async function writeShape(folder: string, { name, columns, rows, ...options }: ParquetShape): Promise<string> {
  const path = join(folder, `${name}.parquet`)
  const file = new ParquetFile({ path, columns, ...options })
  for (const row of rows) {
    for (const column of file.columns) setValue(column, file.row, row[column.name] ?? null)
    file.endRow()
  }
  await file.close()
  return path
}

/** As the readers print a value: integers and microseconds as digits, floats by their bits (every NaN is one). */
export function shapeText(value: Row[string] | undefined, type: ColumnSpec['type']): string | boolean | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string') return value
  if (type !== 'f64') return String(value)
  if (Number.isNaN(value)) return 'nan'
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, Number(value))
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}
