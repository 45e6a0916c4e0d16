import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, everyTypeRows, type Row, writePart } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { checkpointKey, LAST_CHECKPOINT, versionKey } from '../../core/table/delta-log.ts'
import { openTable } from '../../core/table/table-query.ts'
import { duckdbExtension } from '../support/duckdb-extension.ts'
import { duckdb } from '../support/parquet.ts'
import { printedByReaders, pythonWithReaders } from '../support/python-readers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const python = pythonWithReaders()
const deltaFile = duckdbExtension('delta')

interface Described {
  readonly version: number
  readonly name: string
  readonly partitions: readonly string[]
  readonly types: Readonly<Record<string, string>>
  readonly parts: readonly string[]
  readonly partRows: number
  readonly rows: readonly Readonly<Record<string, string | boolean | null>>[]
  readonly sums: Readonly<Record<string, string>>
  readonly nulls: Readonly<Record<string, number>>
  /** Rows found by asking for the `ts_ns` of each. */
  readonly found: number
  readonly runs: readonly (string | null)[]
}

const VERSIONS = 13
const PER_VERSION = 7
const WIDER = [...EVERY_TYPE, { name: 'extra', type: 'i64', nullable: true } as const]

/** Versions that each bring a part; the fifth takes out the second's; the last three have a column more. */
async function makeTable(root: string): Promise<Row[]> {
  const store = new FileStore(root)
  const live: Row[][] = []
  const keys: string[] = []
  for (let n = 0; n < VERSIONS; n++) {
    const columns = n < VERSIONS - 3 ? EVERY_TYPE : WIDER
    const [symbol, date] = [n % 2 === 0 ? '000001' : 'btcusdt', `2024-08-0${1 + (n % 3)}`]
    const rows = everyTypeRows(PER_VERSION, n * PER_VERSION).map((row) => (columns === WIDER ? { ...row, extra: 2n ** 63n - 1n } : row))
    const part = await writePart(root, columns, rows, { name: `part ${n} 100%.parquet`, symbol, date })
    keys.push(part.path)
    await commitParts(store, { job: 'flow', columns }, [part], { run: `run-${n}`, removes: n === 4 ? [keys[1]!] : [] })
    live.push(rows.map((row) => ({ ...row, venue: 'binance', symbol, date, extra: row.extra ?? null })))
  }
  return live.filter((_, n) => n !== 1).flat()
}

/** As the Python side writes a value. */
function textOf(value: Row[string], type: string): string | boolean | null {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  return type === 'f64' ? hexOf(Number(value)) : String(value)
}

describe.skipIf(python === null)('deltalake, PyArrow and DuckDB read the same as we wrote', () => {
  const root = path.join(temporaryFolder('interop'), 'table')
  const folders = { whole: root, fromJson: `${root}-json`, fromCheckpoint: `${root}-checkpoint` }
  let expected: Row[]
  let described: Described[]

  beforeAll(async () => {
    expected = await makeTable(root)
    for (const folder of [folders.fromJson, folders.fromCheckpoint]) fs.cpSync(root, folder, { recursive: true })
    for (const key of [LAST_CHECKPOINT, checkpointKey(10)]) fs.rmSync(path.join(folders.fromJson, key))
    for (let n = 0; n <= 10; n++) fs.rmSync(path.join(folders.fromCheckpoint, versionKey(n)))
    const script = path.join(import.meta.dirname, 'read_table.py')
    described = JSON.parse(printedByReaders(python!, [script, ...Object.values(folders)])) as Described[]
  })

  test.each(Object.keys(folders))('%s: rows, exact 64-bit values, NULLs, types, history', (name) => {
    const found = described[Object.keys(folders).indexOf(name)]!
    expect(found).toMatchObject({
      version: VERSIONS - 1,
      name: 'flow',
      partitions: ['venue', 'symbol'],
      partRows: expected.length,
      found: expected.length,
    })
    expect(found.types).toMatchObject({
      ts_ns: 'int64',
      seq: 'int64',
      row: 'int32',
      price: 'double',
      gap: 'bool',
      extra: 'int64',
      date: 'date32[day]',
    })
    const types: Record<string, string> = Object.fromEntries(WIDER.map((column) => [column.name, column.type]))
    const texts = expected.map((row) =>
      Object.fromEntries(Object.entries(row).map(([column, value]) => [column, textOf(value, types[column] ?? 'string')])),
    )
    expect(found.rows).toEqual(texts)
    const sumOf = (column: string) => expected.reduce((sum, row) => sum + BigInt(row[column] ?? 0), 0n)
    expect(found.sums).toEqual({ ts_ns: String(sumOf('ts_ns')), seq: String(sumOf('seq')) })
    for (const { name: column } of WIDER)
      expect([column, found.nulls[column]]).toEqual([column, expected.filter((row) => row[column] === null).length])
    const runs = Array.from({ length: VERSIONS }, (_, n) => `run-${VERSIONS - 1 - n}`)
    expect(found.runs).toEqual(name === 'fromCheckpoint' ? runs.slice(0, VERSIONS - 11) : runs)
  })

  test.each(Object.values(folders))('DuckDB over the parts that deltalake names, and our own query: %#', async (folder) => {
    const found = described[Object.values(folders).indexOf(folder)]!
    const sql =
      'count(*) AS n, sum(ts_ns)::VARCHAR AS ts_ns, sum(seq)::VARCHAR AS seq, count(seq) AS seqs, count(extra) AS extras, sum(price)::VARCHAR AS price'
    const list = found.parts.map((part) => `'${part.replaceAll("'", "''")}'`).join(', ')
    const [theirs] = await duckdb(`SELECT ${sql} FROM (SELECT * FROM read_parquet([${list}], union_by_name = true) ORDER BY ts_ns)`)
    const query = await openTable(new FileStore(folder), { threads: 1 })
    const [ours] = await query.rows(`SELECT ${sql} FROM (SELECT * FROM t ORDER BY ts_ns)`)
    await query.close()
    const numbers = Object.fromEntries(
      Object.entries(theirs!).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    )
    expect(ours).toEqual(numbers)
    expect(ours).toMatchObject({ n: expected.length, ...found.sums, seqs: expected.length - found.nulls.seq!, extras: 3 * PER_VERSION })
  })

  test.skipIf(deltaFile === null).each(Object.values(folders))("DuckDB's own reader of Delta tables: %#", async (folder) => {
    const load = `LOAD '${deltaFile}'`
    const theirs = await duckdb(`${load}; SELECT * REPLACE (date::VARCHAR AS date) FROM delta_scan('${folder}') ORDER BY ts_ns`)
    expect(theirs).toEqual(expected)
    // By the bounds in the log, which say where a row cannot be.
    const { ts_ns: last } = expected.at(-1)!
    expect(await duckdb(`${load}; SELECT row FROM delta_scan('${folder}') WHERE ts_ns = ${last}`)).toEqual([{ row: expected.at(-1)!.row }])
  })
})

/** Python's float.hex(). */
function hexOf(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0x0.0p+0' : '0x0.0p+0'
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn) - 1023
  const sign = value < 0 ? '-' : ''
  return `${sign}0x1.${(bits & 0xfffffffffffffn).toString(16).padStart(13, '0')}p${exponent < 0 ? '' : '+'}${exponent}`
}
