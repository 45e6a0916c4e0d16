import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, everyTypeRows, type Row, writePart } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { lockedJava } from '../support/locked-maven.ts'
import { duckdb } from '../support/parquet.ts'
import { PARQUET_SHAPES, type ParquetShape, shapeText, writeShape } from '../support/parquet-shapes.ts'
import { printedByReaders, pythonWithReaders } from '../support/python-readers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const python = pythonWithReaders()
const java = lockedJava('Java reader', path.join(import.meta.dirname, 'maven.lock'))
const folder = temporaryFolder('parquet-engines')
const table = path.join(folder, 'table')
/** Of Arrow C++, of Rust's Parquet crate alone and below DataFusion, and Polars' own, whole and streaming. */
const PYTHON_ENGINES = ['pyarrow_whole', 'pyarrow_dataset', 'arro3', 'datafusion', 'polars_whole', 'polars_streaming']
/** Apache's own in Java, which Spark builds on. */
const JAVA_ENGINES = ['parquet_java']
/** deltalake's own engine, before and after it has rewritten every row; Polars. */
const TABLE_ENGINES = ['deltalake_engine', 'deltalake_rewritten', 'polars_delta']
const PLACES = [
  { symbol: '000001', date: '2024-08-01' },
  { symbol: 'btcusdt', date: '2024-08-01' },
  { symbol: 'btcusdt', date: '2024-08-02' },
]

type Cell = string | boolean | null
type Found = Readonly<Record<string, Readonly<Record<string, readonly (readonly Cell[])[] | string>>>>

const textsOf = ({ columns, rows }: Pick<ParquetShape, 'columns' | 'rows'>): Cell[][] =>
  rows.map((row) => columns.map(({ name, type }) => shapeText(row[name], type)))

const COLUMNS = [...EVERY_TYPE, ...['venue', 'symbol'].map((name) => ({ name, type: 'string' as const }))]

/** Three parts in three partitions; values that readers get wrong among them. */
async function writeTable(): Promise<Row[]> {
  const store = new FileStore(table)
  const all: Row[] = []
  for (const [n, place] of PLACES.entries()) {
    const rows = everyTypeRows(50, 50 * n).map((row, i) =>
      i % 10 === 3 ? { ...row, price: [Number.NaN, -0, Number.POSITIVE_INFINITY][n]! } : row,
    )
    const part = await writePart(table, EVERY_TYPE, rows, { ...place, name: `part-${n}.parquet` })
    await commitParts(store, { job: 'flow', columns: EVERY_TYPE }, [part], { run: `run-${n}` })
    all.push(...rows.map((row) => ({ ...row, venue: 'binance', ...place })))
  }
  return all
}

function readWithPython(paths: readonly string[]): Found {
  if (python === null) return {}
  const script = path.join(import.meta.dirname, 'read_parquet.py')
  return JSON.parse(printedByReaders(python, [script, ...paths])) as Found
}

function readWithJava(paths: readonly string[]): Found {
  return java === null ? {} : (JSON.parse(java(path.join(import.meta.dirname, 'ReadParquet.java'), paths)) as Found)
}

describe('engines of different make read the same values', () => {
  const paths = new Map<string, string>()
  let rows: Row[]
  let found: Found

  beforeAll(async () => {
    for (const shape of PARQUET_SHAPES) paths.set(shape.name, await writeShape(folder, shape))
    rows = await writeTable()
    const files = [...paths.values()]
    found = { ...readWithPython([...files, table]), ...readWithJava(files) }
  })

  const readEveryShape = (engine: string): void => {
    test.each(PARQUET_SHAPES.map((shape) => [shape.name, shape] as const))('%s', (name, shape) => {
      expect(found[engine]![paths.get(name)!]).toEqual(textsOf(shape))
    })
  }
  describe.skipIf(python === null).each(PYTHON_ENGINES)('%s', readEveryShape)
  describe.skipIf(java === null).each(JAVA_ENGINES)('%s', readEveryShape)

  describe('duckdb', () => {
    test.each(PARQUET_SHAPES.map((shape) => [shape.name, shape] as const))('%s', async (name, { columns, rows: written }) => {
      const read = await duckdb(`select * from '${paths.get(name)}'`)
      const plain = read.map((row) =>
        Object.fromEntries(
          columns.map(({ name: column, type }) => {
            const value = row[column]
            return [column, (type === 'timestamp_us' && value !== null ? (value as { micros: bigint }).micros : value) as Row[string]]
          }),
        ),
      )
      expect(textsOf({ columns, rows: plain })).toEqual(textsOf({ columns, rows: written }))
    })
  })

  test.skipIf(python === null).each(TABLE_ENGINES)('%s: a Delta table', (engine) => {
    const read = found[engine]![table]!
    if (typeof read === 'string') throw new Error(read)
    // Where partition columns stand is the engine's own choice: they are compared by their values.
    const order = (cells: readonly Cell[]): string => JSON.stringify([...cells].map(String).sort())
    expect(read.map(order)).toEqual(textsOf({ columns: COLUMNS, rows }).map(order))
  })
})
