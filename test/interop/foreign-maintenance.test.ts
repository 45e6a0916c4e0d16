import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { TYPE_TRADE } from '../../core/protocol/message-type.ts'
import { tradeMessage } from '../support/batches.ts'
import { makeLog } from '../support/made-log.ts'
import { pythonWithReaders } from '../support/python-readers.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const python = pythonWithReaders()
const root = temporaryFolder('foreign-maintenance')
const archive = path.join(root, 'archive')
const base = path.join(root, 'base')
const HOUR_NS = 3_600_000_000_000n
const PER_DAY = 24

/** Days of a trade an hour, at half past, prices from 100 on. */
function writeDay(day: number): void {
  const date = `2024-03-${String(day).padStart(2, '0')}`
  const startNs = BigInt(Date.parse(`${date}T00:30:00Z`)) * 1_000_000n
  const messages = Array.from({ length: PER_DAY }, (_, i) => {
    const timestampNs = startNs + BigInt(i) * HOUR_NS
    const fields = { timestampNs, price: 100 + i, quantity: 1, isBuyerMaker: false, symbolHash: 7n }
    return { seq: BigInt(i), timestampNs, typeId: TYPE_TRADE, payload: tradeMessage(BigInt(i), timestampNs, fields).payload }
  })
  makeLog(path.join(archive, 'v1', 'x', 'btc', date, 'trades'), messages)
}

let tables = 0

/** A copy of the table of the first three days. */
function copy(): string {
  const table = path.join(root, `table-${tables++}`)
  fs.cpSync(base, table, { recursive: true })
  return table
}

/** Has another program maintain a table; gives the rows that it counts then. */
function maintain(table: string, ...operations: string[]): number {
  const script = path.join(import.meta.dirname, 'maintain_table.py')
  return JSON.parse(
    execFileSync(python!, [script, table, ...operations], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  ) as number
}

const JOB = ['trades', '--archive', archive, '--slice', '6h', '--workers', '1']
const run = (table: string, to: string, ...more: string[]) => runCli('run', ...JOB, '--table', table, '--to', to, '--json', ...more)
const plan = async (table: string, to: string, ...more: string[]) => {
  const { code, out, err } = await runCli('plan', ...JOB, '--table', table, '--to', to, '--json', ...more)
  return { code, err, partitions: code === 0 ? (JSON.parse(out) as { partitions: unknown }).partitions : null }
}

/** Rows, and rows that differ, as our own query has them; `checksum` has to count the same. */
async function count(table: string): Promise<{ rows: number; distinct: number }> {
  const { out } = await runCli('query', table, 'select count(*) as n, count(distinct (ts_ns, seq)) as d from t', '--format', 'json')
  const [{ n, d }] = JSON.parse(out) as [{ n: number; d: number }]
  const { out: sums } = await runCli('checksum', table, '--json')
  expect(JSON.parse(sums)).toMatchObject({ rows: n })
  return { rows: n, distinct: d }
}

async function sumOf(table: string): Promise<string> {
  return (JSON.parse((await runCli('checksum', table, '--json')).out) as { sum: string }).sum
}

describe.skipIf(python === null)('a table that another program maintains', () => {
  beforeAll(async () => {
    for (let day = 1; day <= 5; day++) writeDay(day)
    expect(await run(base, '2024-03-04')).toMatchObject({ code: 0 })
  })

  test.each([
    ['compact'],
    ['z-order'],
    ['compact z-order'],
    ['compact vacuum'],
    ['compact restore'],
    ['compact clean-log'],
    ['checkpoint'],
    ['clean-log'],
    ['clean-log drop-hint'],
    ['vacuum'],
    ['change-feed'],
    ['rename'],
    ['add-column'],
    ['compact add-column'],
  ])('%s: what is there stays cached, what is missing comes once', async (operations) => {
    const table = copy()
    expect(maintain(table, ...operations.split(' '))).toBe(3 * PER_DAY)
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
    if (operations === 'compact clean-log') {
      // Nobody knows any more what is in the parts: refused by name, and made anew when the user says so.
      expect(await plan(table, '2024-03-04')).toMatchObject({ code: 2, err: expect.stringContaining('foreign-rows') })
      expect(await run(table, '2024-03-04')).toMatchObject({ code: 2, err: expect.stringContaining('--foreign replace') })
      expect(await run(table, '2024-03-04', '--foreign', 'replace')).toMatchObject({ code: 0 })
    }
    expect(await plan(table, '2024-03-04')).toMatchObject({ partitions: { run: 0, cached: 12, stale: 0 } })
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 96, distinct: 96 })
    // Our own commit has recorded what is known; another compaction goes over old and new.
    expect(maintain(table, 'compact', 'z-order')).toBe(96)
    expect(await plan(table, '2024-03-05')).toMatchObject({ partitions: { run: 0, cached: 16, stale: 0 } })
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
    expect(maintain(table, 'count')).toBe(120)
  })

  test.each([
    ['delete-rows', 63],
    ['delete-day', 48],
    ['delete-all', 0],
    ['update', 72],
    ['merge', 69],
    ['overwrite', 72],
    ['compact delete-rows', 63],
    ['delete-rows compact', 63],
    ['compact overwrite z-order', 72],
  ] as const)('%s: rows that it changed are left to the user', async (operations, left) => {
    const sum = await sumOf(base)
    const table = copy()
    expect(maintain(table, ...operations.split(' '))).toBe(left)
    expect((await count(table)).rows).toBe(left)
    const refused = await run(table, '2024-03-04')
    expect(refused.code).toBe(2)
    expect(refused.err).toMatch(
      /foreign-rows: .*(DELETE|UPDATE|MERGE|WRITE) by delta-rs.* \(version \d\).*--foreign keep.*--foreign replace/,
    )
    expect((await count(table)).rows).toBe(left)
    // What it left alone is not held up.
    expect(await run(table, '2024-03-05', '--from', '2024-03-04')).toMatchObject({ code: 0 })
    expect((await count(table)).rows).toBe(left + PER_DAY)
    expect(await plan(table, '2024-03-05', '--foreign', 'keep')).toMatchObject({ partitions: { run: 0, cached: 16, stale: 0 } })
    expect(await run(table, '2024-03-06', '--foreign', 'keep')).toMatchObject({ code: 0 })
    expect((await count(table)).rows).toBe(left + 2 * PER_DAY)
    expect(await run(table, '2024-03-04', '--foreign', 'replace')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
    expect(await plan(table, '2024-03-06')).toMatchObject({ partitions: { run: 0, cached: 20, stale: 0 } })
    const whole = path.join(root, `whole-${tables++}`)
    expect(await run(whole, '2024-03-06')).toMatchObject({ code: 0 })
    expect([await sumOf(table), sum]).toEqual([await sumOf(whole), await sumOf(base)])
    expect(maintain(table, 'count')).toBe(120)
  })

  test('append: rows of no run stay, are told, and stand in the way of those that would come beside them', async () => {
    const table = copy()
    expect(maintain(table, 'append')).toBe(74)
    const nothing = await run(table, '2024-03-04')
    expect(nothing).toMatchObject({ code: 0, err: expect.stringMatching(/WRITE by delta-rs.* brought 2 rows of no run/) })
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 98, distinct: 96 })
    const other = ['--param', 'sample=2']
    const asked = await runCli('plan', 'bars', '--archive', archive, '--table', table, ...other)
    expect(asked.code).toBe(2)
  })

  test('a partition of a packed part that has to be made anew takes the others of the part with it', async () => {
    const table = copy()
    maintain(table, 'compact')
    const day = path.join(archive, 'v1', 'x', 'btc', '2024-03-02', 'trades')
    const kept = fs.readdirSync(day).map((name) => [path.join(day, name), fs.readFileSync(path.join(day, name))] as const)
    try {
      fs.rmSync(day, { recursive: true })
      writeDay(2)
      for (const name of fs.readdirSync(day)) fs.utimesSync(path.join(day, name), new Date(), new Date(Date.now() + 5000))
      const partial = await plan(table, '2024-03-02T12:00:00Z', '--from', '2024-03-02')
      expect(partial).toMatchObject({ code: 2, err: expect.stringContaining('foreign-pack') })
      expect(await plan(table, '2024-03-04')).toMatchObject({ partitions: { run: 0, cached: 8, stale: 4 } })
      expect(await run(table, '2024-03-04')).toMatchObject({ code: 0 })
      expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
      expect(maintain(table, 'count')).toBe(72)
    } finally {
      fs.rmSync(day, { recursive: true })
      fs.mkdirSync(day)
      for (const [file, bytes] of kept) fs.writeFileSync(file, bytes)
    }
  })

  test('restore: what is taken out runs again, and once', async () => {
    const table = copy()
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(maintain(table, 'restore')).toBe(72)
    expect(await plan(table, '2024-03-06')).toMatchObject({ partitions: { run: 8, cached: 12, stale: 0 } })
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
  })

  test.each([
    ['add-decimal', /table-schema: column fee has type "decimal/],
    ['constraint', /table-protocol: the table has constraints \(positive\)/],
  ])('%s is refused by name before anything runs', async (operation, message) => {
    const table = copy()
    try {
      maintain(table, operation)
    } catch (error) {
      // Newer versions of the other program may refuse it themselves.
      expect(String(error)).toContain('deltalake')
      return
    }
    const before = fs.readdirSync(path.join(table, '_chronicle/runs')).length
    const { code, err } = await run(table, '2024-03-05')
    expect([code, message.test(err), err]).toEqual([2, true, err])
    expect(fs.readdirSync(path.join(table, '_chronicle/runs'))).toHaveLength(before)
  })

  test('append-only: rows may come, and none be replaced', async () => {
    const table = copy()
    maintain(table, 'append-only')
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 96, distinct: 96 })
  })

  test('runs names the versions of others', async () => {
    const table = copy()
    maintain(table, 'compact')
    const { out } = await runCli('runs', table, '--json')
    expect(JSON.parse(out)[0]).toMatchObject({ version: 1, run: null, operation: 'OPTIMIZE', engine: expect.stringContaining('delta-rs') })
    expect((await runCli('runs', table)).out).toContain('OPTIMIZE')
    expect((await runCli('report', table, '--out', path.join(root, 'report.html'))).code).toBe(0)
    expect((await runCli('vacuum', table, '--older-than', '0s')).code).toBe(0)
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
  })
})
