import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
function writeDay(archive: string, day: number): void {
  const date = `2024-03-${String(day).padStart(2, '0')}`
  const startNs = BigInt(Date.parse(`${date}T00:30:00Z`)) * 1_000_000n
  const messages = Array.from({ length: PER_DAY }, (_, i) => {
    const timestampNs = startNs + BigInt(i) * HOUR_NS
    const fields = { timestampNs, price: 100 + i, quantity: 1, isBuyerMaker: false, symbolHash: 7n }
    return { seq: BigInt(i), timestampNs, typeId: TYPE_TRADE, payload: tradeMessage(BigInt(i), timestampNs, fields).payload }
  })
  makeLog(path.join(archive, 'v1', 'x', 'btc', date, 'trades'), messages)
}

/** The first segment of a log of an archive. */
function segmentName(of: string): string {
  return fs.readdirSync(path.join(of, 'v1/x/btc/2024-03-02/trades')).find((name) => name.endsWith('.q'))!
}

let tables = 0

/** A copy of the table of the first three days. */
function copy(): string {
  const table = path.join(root, `table-${tables++}`)
  fs.cpSync(base, table, { recursive: true })
  return table
}

/** The other program: it lives as long as the tests. */
const deltalake =
  python === null ? null : spawn(python, [path.join(import.meta.dirname, 'maintain_table.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = deltalake === null ? null : createInterface({ input: deltalake.stdout })[Symbol.asyncIterator]()

/** Has the other program maintain a table; gives the rows that it counts then, or what it says against it. */
async function maintain(table: string, operations: string): Promise<number | string> {
  deltalake!.stdin.write(`${table}\t${operations}\n`)
  const { rows, error } = JSON.parse((await answers!.next()).value as string) as { rows?: number; error?: string }
  return rows ?? error!
}

const JOB = ['trades', '--slice', '6h', '--workers', '1']
const run = (table: string, to: string, ...more: string[]) =>
  runCli('run', ...JOB, '--archive', archive, '--table', table, '--to', to, '--json', ...more)
const plan = async (table: string, to: string, ...more: string[]) => {
  const { code, out, err } = await runCli('plan', ...JOB, '--archive', archive, '--table', table, '--to', to, '--json', ...more)
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
    for (let day = 1; day <= 5; day++) writeDay(archive, day)
    expect(await run(base, '2024-03-04')).toMatchObject({ code: 0 })
  })
  afterAll(() => {
    deltalake?.stdin.end()
  })

  test.each([
    ['compact'],
    ['compact z-order'],
    ['compact vacuum'],
    ['compact restore'],
    ['clean-log-whole'],
    ['change-feed clean-log drop-hint'],
    ['vacuum'],
    ['rename'],
    ['compact add-column'],
  ])('%s: what is there stays cached, what is missing comes once', async (operations) => {
    const table = copy()
    expect(await maintain(table, operations)).toBe(3 * PER_DAY)
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
    expect(await plan(table, '2024-03-04')).toMatchObject({ partitions: { run: 0, cached: 12, stale: 0 } })
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 96, distinct: 96 })
    expect(await maintain(table, 'count')).toBe(96)
  })

  test('compactions over and over: our own commit records what is known, and it outlives the log', async () => {
    const table = copy()
    await maintain(table, 'compact')
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await maintain(table, 'clean-log compact z-order')).toBe(96)
    expect(await plan(table, '2024-03-05')).toMatchObject({ partitions: { run: 0, cached: 16, stale: 0 } })
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
  })

  test('a compaction of which the log tells nothing any more', async () => {
    const table = copy()
    expect(await maintain(table, 'compact clean-log')).toBe(72)
    expect(await plan(table, '2024-03-04')).toMatchObject({ code: 2, err: expect.stringContaining('foreign-rows') })
    expect(await run(table, '2024-03-04')).toMatchObject({ code: 2, err: expect.stringContaining('--foreign replace') })
    expect(await run(table, '2024-03-04', '--foreign', 'replace')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
  })

  const CHANGES = [
    ['delete-rows', 63],
    ['delete-day', 48],
    ['delete-all', 0],
    ['update', 72],
    ['merge', 69],
    ['overwrite', 72],
    ['compact delete-rows', 63],
    ['delete-rows compact', 63],
    ['compact overwrite z-order', 72],
  ] as const

  test.each(CHANGES)('%s: rows that it changed are left to the user', async (operations, left) => {
    const table = copy()
    expect(await maintain(table, operations)).toBe(left)
    const { code, err } = await run(table, '2024-03-04')
    expect(code).toBe(2)
    expect(err).toMatch(/foreign-rows: .*(DELETE|UPDATE|MERGE|WRITE) by delta-rs.* \(version \d\).*--foreign keep.*--foreign replace/)
    expect((await count(table)).rows).toBe(left)
    expect(await plan(table, '2024-03-04', '--foreign', 'keep')).toMatchObject({ partitions: { run: 0, cached: 12, stale: 0 } })
    expect(await run(table, '2024-03-04', '--foreign', 'replace')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
    expect(await sumOf(table)).toBe(await sumOf(base))
    expect(await plan(table, '2024-03-04')).toMatchObject({ partitions: { run: 0, cached: 12, stale: 0 } })
  })

  test('what another program changed does not hold up the rest, and is remembered', async () => {
    const table = copy()
    await maintain(table, 'delete-rows')
    expect(await run(table, '2024-03-05', '--from', '2024-03-04')).toMatchObject({ code: 0 })
    await maintain(table, 'clean-log compact')
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 2, err: expect.stringContaining('DELETE by delta-rs') })
    const kept = await run(table, '2024-03-06', '--foreign', 'keep')
    expect(kept).toMatchObject({ code: 0, err: expect.stringContaining('DELETE by delta-rs') })
    expect((await count(table)).rows).toBe(63 + 2 * PER_DAY)
    expect(await run(table, '2024-03-06', '--foreign', 'replace')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
    expect(await maintain(table, 'count')).toBe(120)
  })

  test('append: rows of no run stay and are told, and nothing is written beside them unasked', async () => {
    const table = copy()
    expect(await maintain(table, 'append')).toBe(74)
    const nothing = await run(table, '2024-03-04')
    expect(nothing).toMatchObject({ code: 0, err: expect.stringMatching(/WRITE by delta-rs.* brought 2 rows of no run/) })
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 98, distinct: 96 })
    await maintain(table, 'delete-day append-later')
    const beside = await run(table, '2024-03-06')
    expect(beside).toMatchObject({ code: 2, err: expect.stringMatching(/foreign-rows: .*WRITE by delta-rs/) })
    expect(await run(table, '2024-03-06', '--foreign', 'replace')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
  })

  test('a partition of a packed part that has to be made anew takes the others of the part with it', async () => {
    const mine = path.join(root, 'changed-archive')
    fs.cpSync(archive, mine, { recursive: true, preserveTimestamps: true })
    const of = (command: string, table: string, ...more: string[]) =>
      runCli(command, ...JOB, '--archive', mine, '--table', table, '--json', ...more)
    const table = path.join(root, 'changed')
    expect(await of('run', table, '--to', '2024-03-04')).toMatchObject({ code: 0 })
    await maintain(table, 'compact')
    fs.utimesSync(path.join(mine, 'v1/x/btc/2024-03-02/trades', segmentName(mine)), new Date(), new Date(Date.now() + 5000))
    const partial = await of('plan', table, '--from', '2024-03-02', '--to', '2024-03-02T12:00:00Z')
    expect(partial).toMatchObject({ code: 2, err: expect.stringContaining('foreign-pack') })
    // The other program made one part of all the days, as rows are of an instrument's folder.
    const whole = await of('plan', table, '--to', '2024-03-04')
    expect(JSON.parse(whole.out)).toMatchObject({ partitions: { run: 0, cached: 0, stale: 12 } })
    expect(await of('run', table, '--to', '2024-03-04')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
    expect(await maintain(table, 'count')).toBe(72)
  })

  test('restore: what is taken out runs again, and once', async () => {
    const table = copy()
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(await maintain(table, 'restore')).toBe(72)
    expect(await plan(table, '2024-03-06')).toMatchObject({ partitions: { run: 8, cached: 12, stale: 0 } })
    expect(await run(table, '2024-03-06')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 120, distinct: 120 })
  })

  test.each([
    ['add-decimal', /table-schema: column fee has type "decimal/],
    ['constraint', /table-protocol: the table has constraints \(positive\)/],
  ])('%s is refused by name before anything runs', async (operation, message) => {
    const table = copy()
    expect(await maintain(table, operation)).toBe(72)
    const before = fs.readdirSync(path.join(table, '_chronicle/runs')).length
    const { code, err } = await run(table, '2024-03-05')
    expect([code, message.test(err), err]).toEqual([2, true, err])
    expect(fs.readdirSync(path.join(table, '_chronicle/runs'))).toHaveLength(before)
  })

  test('append-only: rows may come, and none be replaced', async () => {
    const table = copy()
    await maintain(table, 'append-only')
    expect(await run(table, '2024-03-05')).toMatchObject({ code: 0 })
    expect(await count(table)).toEqual({ rows: 96, distinct: 96 })
  })

  test('runs names the versions of others', async () => {
    const table = copy()
    await maintain(table, 'compact')
    const { out } = await runCli('runs', table, '--json')
    expect(JSON.parse(out)[0]).toMatchObject({ version: 1, run: null, operation: 'OPTIMIZE', engine: expect.stringContaining('delta-rs') })
    expect((await runCli('runs', table)).out).toContain('OPTIMIZE')
    expect((await runCli('report', table, '--out', path.join(root, 'report.html'))).code).toBe(0)
    expect((await runCli('vacuum', table, '--older-than', '0s')).code).toBe(0)
    expect(await count(table)).toEqual({ rows: 72, distinct: 72 })
  })
})
