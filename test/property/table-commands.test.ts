import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { HOUR_NS, MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { commitParts, EVERY_TYPE, everyTypeRows, writePart } from '../../bench/made/made-table.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('table-commands')
const table = path.join(root, 'table')
const plain = path.join(root, 'plain')
const SCHEMA = { job: 'flow', columns: EVERY_TYPE }

beforeAll(async () => {
  const store = new FileStore(table)
  for (let n = 0; n < 2; n++) {
    const part = await writePart(table, EVERY_TYPE, everyTypeRows(10, 10 * n), { name: `part-${n}-abc-${madeRunId(n)}-1.parquet` })
    await commitParts(store, SCHEMA, [part], { run: madeRunId(n) })
  }
  await writePart(table, EVERY_TYPE, everyTypeRows(3), { name: `part-9-abc-${madeRunId(9)}-1.parquet` })
  await writePart(plain, EVERY_TYPE, everyTypeRows(4), { name: 'a.parquet' })
})

async function json(...argv: string[]): Promise<unknown> {
  const { code, out, err } = await runCli(...argv, '--json')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('commands of tables', () => {
  test('query: the committed parts, now and as of a run or a version', async () => {
    const count = 'select count(*) as n from t'
    expect(await json('query', table, count)).toEqual([{ n: 20 }])
    expect(await json('query', table, count, '--as-of', madeRunId(0))).toEqual([{ n: 10 }])
    expect(await json('query', table, count, '--as-of', `${table}/_chronicle/runs/${madeRunId(1)}`)).toEqual([{ n: 20 }])
    expect(await json('query', table, count, '--as-of', '0')).toEqual([{ n: 10 }])
    expect(await json('query', plain, count)).toEqual([{ n: 4 }])
  })

  test('checksum: as JSON and for people', async () => {
    const first = (await json('checksum', table, '--as-of', '0')) as { sum: string }
    expect(await json('checksum', table)).toEqual({ rows: 20, sum: expect.stringMatching(/^\d+$/), version: 1 })
    expect(first).toEqual({ rows: 10, sum: expect.stringMatching(/^\d+$/), version: 0 })
    expect((await runCli('checksum', table, '--as-of', '0')).out).toBe(`10 rows, sum ${first.sum}, version 0\n`)
  })

  test('runs: newest first', async () => {
    const rows = await json('runs', table)
    expect(rows).toMatchObject([1, 0].map((version) => ({ version, run: madeRunId(version), time: '2024-08-08T23:55:00.000Z' })))
    expect(await json('runs', table, '--limit', '1')).toHaveLength(1)
    expect((await runCli('runs', table)).out.split('\n')[1]).toContain(madeRunId(1))
  })

  test('runs of jobs say what they brought', async () => {
    const store = new FileStore(path.join(root, 'job'))
    const partitions = [0, 1, 2].map((cell) => ({ symbol: 'btcusdt', cell, variants: ['a'] }))
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions })
    await run.finish(
      new Map([
        [0, 5],
        [1, 0],
        [2, 6],
      ]),
    )
    await commitRun(store, run.head.run, { clock: () => 0, random: Math.random })
    const told = { version: 0, run: run.head.run, job: 'flow', partitions: 3, addedParts: 2, removedParts: 0, rows: 11 }
    const by = { operation: 'WRITE', engine: 'chronicle-replay' }
    expect(await json('runs', store.uri)).toEqual([{ ...told, ...by, time: '1970-01-01T00:00:00.000Z' }])
  })

  test('vacuum: only strays, only old ones', async () => {
    const copy = path.join(root, 'copy')
    fs.cpSync(table, copy, { recursive: true, preserveTimestamps: true })
    expect(await json('vacuum', copy)).toEqual({ files: 0, bytes: 0 })
    const dry = await runCli('vacuum', copy, '--older-than', '0s', '--dry-run')
    expect(dry.out).toMatch(/^venue=binance\/.*part-9-.*\nwould remove 1 files/)
    expect(await json('vacuum', copy, '--older-than', '0s', '--dry-run')).toMatchObject({ files: 1 })
    expect(await json('vacuum', copy, '--older-than', '0s')).toMatchObject({ files: 1 })
    expect(await json('vacuum', copy, '--older-than', '0s')).toEqual({ files: 0, bytes: 0 })
    expect(await json('checksum', copy)).toEqual(await json('checksum', table))
    expect(await runCli('vacuum', copy, '--older-than', 'soon')).toMatchObject({ code: 2 })
  })

  test('vacuum: lists of partitions without rows that newer ones replaced', async () => {
    const store = new FileStore(path.join(root, 'empty'))
    for (let n = 0; n < 3; n++) {
      const run = await MadeRun.create(store, { run: madeRunId(n), partitions: [{ symbol: 'btcusdt', cell: n, variants: ['a'] }] })
      await run.finish(new Map([[0, 0]]))
      await commitRun(store, run.head.run, { clock: Date.now, random: Math.random })
    }
    expect(await json('vacuum', store.uri, '--older-than', '0s')).toMatchObject({ files: 2 })
    const live = await readCommittedParts(store)
    for (let cell = 0n; cell < 3n; cell++) expect(live.of('binance', 'btcusdt', cell * HOUR_NS, (cell + 1n) * HOUR_NS)).toHaveLength(1)
  })

  test.each([
    ['checksum', plain],
    ['runs', plain],
    ['vacuum', plain],
    ['checksum', path.join(root, 'nowhere')],
  ])('%s of what is no table: one clear message', async (...argv) => {
    const { code, out, err } = await runCli(...argv)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(/^error not-a-table: .*run a job into it first/)
  })

  test('--as-of of what is no table, or never was', async () => {
    expect(await runCli('query', plain, 'from t', '--as-of', '0')).toMatchObject({ code: 2, err: expect.stringContaining('not-a-table') })
    expect(await runCli('query', table, 'from t', '--as-of', '7')).toMatchObject({ code: 2, err: expect.stringContaining('table-version') })
    expect(await runCli('query', table, 'from t', '--as-of', 'me')).toMatchObject({ code: 2, err: expect.stringContaining('runs') })
  })
})
