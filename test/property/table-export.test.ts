import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { commitParts, EVERY_TYPE, everyTypeRows, writePart } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { duckdb } from '../support/parquet.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('export')
const table = path.join(folder, 'table')
const nameOf = (letter: string): string => `part-x-y-20240101T000000Z-0000000${letter}-a.parquet`

/** Rows and their times, by a reader that takes what Parquet it finds. */
async function plainRows(root: string): Promise<unknown> {
  const [row] = await duckdb(
    `SELECT count(*)::INTEGER AS n, count(DISTINCT symbol)::INTEGER AS symbols, sum(ts_ns)::VARCHAR AS sum FROM read_parquet('${root}/**/*.parquet', hive_partitioning = true)`,
  )
  return row
}

describe('export', () => {
  test('gives plain readers each row once, which the table itself does not', async () => {
    const store = new FileStore(table)
    const first = await writePart(table, EVERY_TYPE, everyTypeRows(10), { name: nameOf('a') })
    const odd = await writePart(table, EVERY_TYPE, everyTypeRows(4, 10), { name: nameOf('b'), symbol: 'a/b 100%' })
    await commitParts(store, { job: 'flow', columns: EVERY_TYPE }, [first, odd])
    const again = await writePart(table, EVERY_TYPE, everyTypeRows(10), { name: nameOf('c') })
    await commitParts(store, { job: 'flow', columns: EVERY_TYPE }, [again], { removes: [first.path] })
    const sum = String(everyTypeRows(14).reduce((all, { ts_ns }) => all + (ts_ns as bigint), 0n))
    expect(await plainRows(table)).toMatchObject({ n: 24 })

    const plain = path.join(folder, 'plain')
    const { code, out } = await runCli('export', table, plain, '--json')
    expect([code, JSON.parse(out)]).toEqual([0, { files: 2, bytes: odd.size + again.size, version: 1 }])
    expect(await plainRows(plain)).toEqual({ n: 14, symbols: 2, sum })

    const before = path.join(folder, 'before')
    expect((await runCli('export', table, before, '--as-of', '0')).code).toBe(0)
    expect(await plainRows(before)).toEqual({ n: 14, symbols: 2, sum })
  })

  test('is refused where something is already', async () => {
    const { code, err } = await runCli('export', table, path.join(folder, 'plain'))
    expect(code).toBe(2)
    expect(err).toMatch(/export-not-empty.*expected an empty place to export to, found venue=binance/s)
  })

  test('vacuum at once leaves a table that plain readers read right', async () => {
    const { code } = await runCli('vacuum', table, '--older-than', '0s')
    expect(code).toBe(0)
    expect(await plainRows(table)).toMatchObject({ n: 14 })
  })
})
