import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type JobRun, type JobRunOptions, runJob, tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-gone')
const job = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', `${name}.ts`)
let folders = 0

describe('rows whose input is gone from the archive', () => {
  let archive: FileStore
  let table: MemoryStore

  beforeEach(async () => {
    archive = new FileStore(path.join(root, `archive-${folders++}`))
    table = new MemoryStore()
    await generateArchive(archive.uri, { symbols: 2, messages: 1200, days: 3, seed: 2, segmentBytes: 65_536, dailySnapshot: false })
  })

  const run = (own: Partial<JobRunOptions> = {}): Promise<JobRun> => runJob({ archive, table, job: job('filled-bars'), params: {}, ...own })
  const remove = (pattern: string): void => {
    const found = fs.globSync(`v1/synthetic/${pattern}`, { cwd: archive.uri })
    expect(found.length).toBeGreaterThan(0)
    for (const folder of found) fs.rmSync(path.join(archive.uri, folder), { recursive: true })
  }
  /** The same as a table made now. */
  const expectFresh = async (own: Partial<JobRunOptions> = {}): Promise<void> => {
    const fresh = new MemoryStore()
    await run({ ...own, table: fresh })
    expect(await tableSum(table)).toBe(await tableSum(fresh))
    expect((await run(own)).planned).toMatchObject({ run: 0, stale: 0 })
  }

  it.each(['1d', '6h'])('a day in the middle, and the last one, in slices of %s', async (slice) => {
    await run({ slice })
    remove('*/2024-01-02')
    const middle = await run({ slice })
    expect(middle.planned.stale).toBeGreaterThanOrEqual(2)
    expect(middle.commit).toMatchObject({ state: 'committed' })
    await expectFresh({ slice })
    remove('*/2024-01-03')
    expect((await run({ slice })).planned).toMatchObject({ run: 0, stale: slice === '1d' ? 2 : 8 })
    await expectFresh({ slice })
    expect([...(await readTable(table)).parts.keys()].filter((key) => !key.includes('/part-20240101T'))).toEqual([])
  })

  it('an instrument of which nothing else remains, asked for by name or not', async () => {
    const [symbol, other] = fs.readdirSync(path.join(archive.uri, 'v1/synthetic')).sort() as [string, string]
    await run()
    remove(symbol)
    expect((await run({ symbols: [other] })).planned).toMatchObject({ run: 0, stale: 0 })
    expect((await run({ symbols: [symbol], fromNs: 1_704_067_200_000_000_000n, toNs: 1_704_153_600_000_000_000n })).planned).toMatchObject({
      stale: 1,
    })
    expect((await run({ symbols: [symbol] })).planned).toMatchObject({ run: 0, cached: 0, stale: 2 })
    await expectFresh()
    await expect(run({ symbols: [symbol] })).rejects.toMatchObject({ code: 'symbol-unknown' })
  })

  it('comes back with the day', async () => {
    await run()
    const whole = await tableSum(table)
    const copy = path.join(root, 'kept')
    fs.cpSync(archive.uri, copy, { recursive: true })
    remove('*/2024-01-02')
    await run()
    fs.cpSync(path.join(copy, 'v1'), path.join(archive.uri, 'v1'), { recursive: true, force: false })
    await run()
    expect(await tableSum(table)).toBe(whole)
  })

  it('keeps rows that came from another archive, and refuses an empty one', async () => {
    await run()
    const before = await tableSum(table)
    const second = new FileStore(path.join(root, `archive-${folders++}`))
    await generateArchive(second.uri, { symbols: 1, messages: 600, days: 1, seed: 2, segmentBytes: 65_536, from: '2024-02-01' })
    expect((await run({ archive: second })).planned).toMatchObject({ run: 1, stale: 0 })
    expect((await run()).planned).toMatchObject({ run: 0, stale: 0 })
    expect(Number((await tableSum(table)).split(' ')[0])).toBeGreaterThan(Number(before.split(' ')[0]))
    fs.rmSync(path.join(archive.uri, 'v1'), { recursive: true })
    await expect(run()).rejects.toMatchObject({ code: 'archive-empty' })
  })

  it('is listed by plan --json with every other partition', async () => {
    const folder = path.join(root, `table-${folders++}`)
    const options = ['trades', '--archive', archive.uri, '--table', folder, '--json']
    expect((await runCli('run', ...options)).code).toBe(0)
    remove('*/2024-01-02')
    const { code, out } = await runCli('plan', ...options)
    expect(code).toBe(0)
    const { cells, partitions } = JSON.parse(out) as { cells: Record<string, string>[]; partitions: object }
    expect(partitions).toEqual({ run: 0, cached: cells.length - 2, stale: 2 })
    const gone = cells.filter(({ state }) => state === 'stale')
    expect(gone).toEqual(
      [...new Set(cells.map(({ symbol }) => symbol))].map((symbol) => {
        const day = { from: '2024-01-02T00:00:00Z', to: '2024-01-03T00:00:00Z' }
        return { venue: 'synthetic', symbol, state: 'stale', reason: 'input gone', ...day }
      }),
    )
    expect(cells.find(({ state }) => state === 'cached')).toMatchObject({ reason: 'in the table' })
  })
})

describe('what a job tells at the end of a day', () => {
  it('is of the whole day, however short the slices and however few of them run', async () => {
    const archive = new FileStore(path.join(root, `archive-${folders++}`))
    await generateArchive(archive.uri, { symbols: 1, messages: 1200, days: 2, seed: 3, segmentBytes: 65_536 })
    const [day, hours] = [new MemoryStore(), new MemoryStore()]
    await runJob({ archive, table: day, job: job('day-sum') })
    for (let hour = 23; hour >= 0; hour -= 2) {
      const startNs = 1_704_067_200_000_000_000n + BigInt(hour) * 3_600_000_000_000n
      for (const fromNs of [startNs, startNs - 3_600_000_000_000n]) {
        await runJob({ archive, table: hours, job: job('day-sum'), slice: '1h', fromNs, toNs: fromNs + 3_600_000_000_000n })
      }
    }
    await runJob({ archive, table: hours, job: job('day-sum'), slice: '1h', minTasks: 10 })
    expect(await tableSum(hours)).toBe(await tableSum(day))
  })
})
