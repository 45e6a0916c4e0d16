import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { FileStore } from '../../core/store/file-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { duckdbExtension } from '../support/duckdb-extension.ts'
import { FIRM_DAYS, ROWS_PER_DAY } from '../support/firm-run.ts'
import { duckdb } from '../support/parquet.ts'
import { printedByReaders, pythonWithReaders } from '../support/python-readers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** `CHRONICLE_FIRM_PARTITIONS=2032000` is a firm-wide year: 8,000 symbols; 20 GB of disk and some minutes. */
const symbols = Math.ceil(Number(process.env.CHRONICLE_FIRM_PARTITIONS ?? 200_000) / FIRM_DAYS)
const partitions = symbols * FIRM_DAYS
/** MiB of heap: no more for a year of a firm than the container gets, and little for less. */
const HEAP_MB = symbols < 1000 ? 512 : 3072
const MAX_RSS_MB = symbols < 1000 ? 1500 : 4096
const folder = temporaryFolder('firm')
const [first, second] = [1, 2].map((n) => `20240808T120000Z-0000000${n}`) as [string, string]

interface Step {
  readonly step: string
  readonly result: Record<string, unknown>
  readonly seconds: number
  readonly maxRssMb: number
}

/** A step of a run in a process of its own. */
function firm(step: string, ...rest: (string | number)[]): Step {
  const program = path.resolve(import.meta.dirname, '../process/children/firm-step.ts')
  const args = [`--max-old-space-size=${HEAP_MB}`, program, step, folder, ...rest.map(String)]
  const made = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Step
  console.log(`${step}: ${made.seconds.toFixed(1)} s, ${made.maxRssMb} MB`)
  expect(made.maxRssMb).toBeLessThan(MAX_RSS_MB)
  return made
}

describe(`a table of ${partitions} partitions`, () => {
  test('is planned, committed in part, found by the next plan, and resumed, in bounded memory', { timeout: 3_600_000 }, async () => {
    expect(firm('plan', symbols, first).result).toEqual({ run: partitions, cached: 0, stale: 0 })
    const made = Number(firm('make', first, 100, -1).result)
    expect(firm('commit', first).result).toMatchObject({ state: 'committed', version: 0, partitions: { done: made }, warning: null })
    expect(firm('plan', symbols, second).result).toEqual({ run: partitions - made, cached: made, stale: 0 })
    expect(Number(firm('make', first, 100, 0).result)).toBe(partitions - made)
    expect(firm('commit', first).result).toMatchObject({ state: 'committed', version: 1, added: { partitions: partitions - made } })
    expect(firm('plan', symbols, `${second.slice(0, -1)}3`).result).toEqual({ run: 0, cached: partitions, stale: 0 })
    // Tasks cut some months.
    const { parts } = await readTable(new FileStore(folder))
    expect(parts.size).toBeLessThan(12.5 * symbols)
    const log = fs.readdirSync(path.join(folder, '_delta_log'))
    for (const name of log) expect(fs.statSync(path.join(folder, '_delta_log', name)).size).toBeLessThan(100e6)
    if (partitions > 1_000_000) expect(log.some((name) => /\.checkpoint\.\d{10}\.\d{10}\.parquet$/.test(name))).toBe(true)
  })

  const [symbol, from, to] = ['sym-0007', '2024-03-01', '2024-03-31'] as const
  const expected = { rows: 21 * ROWS_PER_DAY, price: 21 * (ROWS_PER_DAY * 100 + 276 / 8) }

  test('answers by symbol and month: ours', { timeout: 600_000 }, () => {
    expect(firm('query', symbol, from.slice(0, 7)).result).toEqual([{ n: expected.rows, price: expected.price }])
  })

  const python = pythonWithReaders()
  test.skipIf(python === null)('answers by symbol and month: deltalake, PyArrow, Polars', { timeout: 600_000 }, () => {
    const script = path.join(import.meta.dirname, 'read_month.py')
    const found = JSON.parse(printedByReaders(python!, [script, folder, symbol, from, to])) as Record<string, object>
    console.log(JSON.stringify(found))
    for (const engine of ['deltalake_engine', 'pyarrow_dataset', 'polars_parts', 'polars_delta'])
      expect(found[engine]).toMatchObject(expected)
  })

  const extension = duckdbExtension('delta')
  test.skipIf(extension === null)('answers by symbol and month: DuckDB', { timeout: 600_000 }, async () => {
    const where = `symbol = '${symbol}' AND date BETWEEN '${from}' AND '${to}'`
    const startedMs = performance.now()
    const [row] = await duckdb(`LOAD '${extension}'; SELECT count(*) AS n, sum(price) AS p FROM delta_scan('${folder}') WHERE ${where}`)
    console.log(`DuckDB: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
    expect([Number(row!.n), Number(row!.p)]).toEqual([expected.rows, expected.price])
  })
})
