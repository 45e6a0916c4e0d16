import fs from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { type JobRun, type JobRunOptions, runJob, tableSum } from '../../bench/made/job-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { optimizeTable } from '../../core/commit/optimize.ts'
import { cellDate } from '../../core/plan/cells.ts'
import { readPlanHead } from '../../core/plan/run/plan-document.ts'
import { encodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readRunReceipts } from '../../core/plan/run/run-receipts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import type { AddFile } from '../../core/table/delta-action.ts'
import { readActions, readTableAsOf } from '../../core/table/delta-history.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { checksumPart, checksumTable } from '../../core/table/part-checksum.ts'
import { MemoryStore } from '../support/memory-store.ts'
import type { PlainRow } from '../support/plain/rows.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY_NS = 86_400_000_000_000n
/** 2024-01-30: two days of a month, and two of the next. */
const FIRST_NS = 1_706_572_800_000_000_000n
const DAYS = 4
const root = temporaryFolder('part-packs')
let folders = 0

describe('parts with the rows of several partitions', () => {
  let archive: FileStore
  let table: MemoryStore
  /** Symbols, in order. */
  let symbols: readonly string[]

  beforeEach(async () => {
    archive = new FileStore(path.join(root, `archive-${folders++}`))
    table = new MemoryStore()
    const size = { symbols: 2, messages: 1500, days: DAYS, seed: 3, dailySnapshot: true }
    await generateArchive(archive.uri, { ...size, from: '2024-01-30', segmentBytes: 65_536 })
    symbols = fs.readdirSync(path.join(archive.uri, 'v1/synthetic')).sort()
  })

  const run = (own: Partial<JobRunOptions> = {}): Promise<JobRun> => runJob({ archive, table, job: 'trades', ...days(0, DAYS), ...own })
  const days = (from: number, to: number) => ({ fromNs: FIRST_NS + BigInt(from) * DAY_NS, toNs: FIRST_NS + BigInt(to) * DAY_NS })
  const optimize = (targetBytes?: number) =>
    optimizeTable(table, { clock: Date.now, random: Math.random, ...(targetBytes !== undefined && { targetBytes }) })
  const parts = async (): Promise<AddFile[]> => [...(await readTable(table)).parts.values()]
  /** The trades of a day of an instrument are other ones from now on. */
  const change = async (symbol: string, date: string): Promise<void> => {
    const other = path.join(root, `other-${folders++}`)
    await generateArchive(other, { symbols: 2, messages: 1500, days: DAYS, seed: 4, from: '2024-01-30', segmentBytes: 65_536 })
    const folder = path.join(`v1/synthetic/${symbol}`, date, 'trades')
    fs.rmSync(path.join(archive.uri, folder), { recursive: true })
    fs.cpSync(path.join(other, folder), path.join(archive.uri, folder), { recursive: true })
  }
  /** The rows are those of a table made now, parts say the truth of themselves, and a further run has nothing to do. */
  const expectSound = async (): Promise<void> => {
    const fresh = new MemoryStore()
    await run({ table: fresh })
    expect(await tableSum(table)).toBe(await tableSum(fresh))
    const { schema } = await readTable(table)
    for (const part of await parts()) {
      const { rows, sum } = await checksumPart(table, part, schema)
      expect([part.path, JSON.parse(part.stats!).numRecords, part.tags!.sum]).toEqual([part.path, rows, String(sum)])
    }
    expect((await run()).planned).toMatchObject({ run: 0, stale: 0, cached: 2 * DAYS })
  }

  it('are one for an instrument and month, with a row group for each partition', async () => {
    await run({ check: undefined })
    const paths = (await parts()).map(({ path: key }) => key.replace(/-[0-9a-f]{32}-.*/, '')).sort()
    expect(paths).toEqual(
      symbols.flatMap((symbol) => ['20240130', '20240201'].map((first) => `venue=synthetic/symbol=${symbol}/part-${first}T000000-86400s`)),
    )
    await expectSound()
  })

  it.each(['best-price', 'every-third'])('say of each row the day that its cell is of: %s', async (name) => {
    // Rows come from the kernel many at a time, or one by one where JavaScript has its part in them.
    await run({ job: path.resolve(import.meta.dirname, `../support/jobs/${name}.ts`), slice: '6h' })
    const rows = await tableRows(table)
    expect(rows.length).toBeGreaterThan(400)
    const inCell = ({ date, ts_ns: at, is_end: isEnd }: PlainRow): boolean => isEnd === true || date === cellDate(at as bigint)
    expect(rows.filter((row) => !inCell(row)).slice(0, 3)).toEqual([])
  })

  it('keep a partition that is checked apart', async () => {
    const { commit } = await run({ check: 1 })
    expect(commit!.added.parts).toBeGreaterThan(4)
    await expectSound()
  })

  it('are copied without a partition that another run makes anew', async () => {
    await run()
    const before = await parts()
    await change(symbols[0]!, '2024-01-31')
    const { planned, commit } = await run()
    expect(planned).toMatchObject({ run: 0, stale: 1 })
    expect(commit).toMatchObject({ state: 'committed', added: { partitions: 1, parts: 2 }, removed: { parts: 1 } })
    const after = await parts()
    expect(after.filter(({ path: key }) => before.some((part) => part.path === key))).toHaveLength(3)
    await expectSound()
    // As the first run left it.
    const first = await readTableAsOf(table, '0')
    expect([...first.parts.keys()].sort()).toEqual(before.map(({ path: key }) => key).sort())
    expect((await checksumTable(table, first)).rows).toBeGreaterThan(0)
  })

  it('of daily runs are packed by optimize, whose versions change no data', async () => {
    const runs: JobRun[] = []
    for (let day = 0; day < DAYS; day++) runs.push(await run(days(day, day + 1)))
    expect(runs.map(({ planned }) => planned.run)).toEqual(Array(DAYS).fill(2))
    expect(await parts()).toHaveLength(2 * DAYS)
    const sums = await Promise.all(runs.map(async (made) => checksumTable(table, await readTableAsOf(table, made.run))))

    const result = await optimize()

    expect(result).toEqual({ removed: 2 * DAYS, added: 4, version: DAYS, warning: null })
    const actions = (await readActions(table, DAYS))!
    expect(actions[0]).toMatchObject({ commitInfo: { operation: 'OPTIMIZE' } })
    for (const action of actions) {
      if ('add' in action) expect(action.add.dataChange).toBe(false)
      if ('remove' in action) expect(action.remove.dataChange).toBe(false)
    }
    await expectSound()
    expect(await optimize()).toMatchObject({ removed: 0, added: 0, version: DAYS })
    for (const [i, made] of runs.entries()) expect(await checksumTable(table, await readTableAsOf(table, made.run))).toEqual(sums[i])
    // One day of a packed part is made anew, and the others are not.
    await change(symbols[1]!, '2024-02-02')
    expect((await run()).planned).toMatchObject({ run: 0, stale: 1 })
    await expectSound()
  })

  it('are no larger than asked for', async () => {
    for (let day = 0; day < DAYS; day++) await run(days(day, day + 1))
    const sizes = (await parts()).map(({ size }) => size)
    // Too small for two days: nothing becomes one.
    expect(await optimize(Math.min(...sizes))).toMatchObject({ removed: 0 })
    await expectSound()
  })

  it('go with whichever commit comes first, where runs and optimize race', async () => {
    for (let day = 0; day < DAYS - 1; day++) await run(days(day, day + 1))
    await change(symbols[0]!, '2024-01-31')
    const [made, packed] = await Promise.all([run(), optimize()])
    expect(made.commit).toMatchObject({ state: 'committed', heldBack: [] })
    expect(packed.removed).toBeGreaterThan(0)
    await expectSound()
  })

  it('count for the partitions alone whose receipts win', async () => {
    // A first attempt has told of one day only, and its part holds two.
    const { run: id } = await run({ table })
    const head = await readPlanHead(table, id)
    const { done } = await readRunReceipts(table, head)
    expect([...done.values()].filter(({ part, checksum }) => part!.rows > checksum.rows)).toHaveLength(2 * DAYS)
    const again = new MemoryStore()
    for (const [key, object] of table.objects) if (!/_delta_log|_chronicle\/(cells|empty)/.test(key)) again.objects.set(key, object)
    for (const key of [...again.objects.keys()].filter((each) => each.includes('/receipts/'))) {
      const receipts = Buffer.from(again.objects.get(key)!.bytes)
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Receipt)
      const kept = receipts.filter((_, i) => i % 2 === 1)
      again.objects.set(key, { bytes: encodeReceipts(kept), etag: 'x', modifiedMs: 0 })
    }
    await again.put(runFiles(id).plan, Buffer.from(JSON.stringify({ ...head, tolerance: 1 })))
    table = again
    const result = await commitRun(table, id, { clock: Date.now, random: Math.random })
    expect(result).toMatchObject({ state: 'committed', added: { partitions: DAYS }, partitions: { missing: DAYS } })
    expect((await run()).planned).toMatchObject({ run: DAYS, cached: DAYS })
    await expectSound()
  })
})
