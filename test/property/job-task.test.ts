import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { progressText } from '../../cli/run-report.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun } from '../../core/plan/plan.ts'
import { readPlanHead } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readRunReceipts } from '../../core/plan/run/run-receipts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { type RunTaskOptions, runTask, type TaskProgress } from '../../core/task/task.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-task')
const RUN = '20240808T120000Z-00000001'
const TASK = '000000'
let tables = 0

/** A table with a run of one task: 8 cells of 6 hours. */
async function plannedTable(archive: FileStore, job: string, params: ParamGrid = {}): Promise<FileStore> {
  const table = new FileStore(path.join(root, `table-${tables++}`))
  const bundle = await bundleJob(job)
  const code = { bundle: bundle.hash, engine: 'engine' }
  const plan = await planRun({
    archive,
    outline: outlineJob(await loadJob(bundle.code, job), params),
    code,
    run: RUN,
    createdMs: 1,
    slice: '6h',
  })
  await writePlan(table, plan, bundle.code)
  return table
}

function moduleOf(name: string, body: string): string {
  const file = path.join(root, `${name}.ts`)
  fs.writeFileSync(
    file,
    `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: '${name}', streams: ['trades'], columns: { price: 'f64', id: 'i64' }, create() { ${body} } })\n`,
  )
  return file
}

describe('runTask', () => {
  const archive = new FileStore(path.join(root, 'archive'))
  const task = (table: FileStore, more: Partial<RunTaskOptions> = {}): ReturnType<typeof runTask> =>
    runTask({ table, archive, run: RUN, task: TASK, attempt: 'a1', clock: () => 5, ...more })
  const commit = (table: FileStore): ReturnType<typeof commitRun> => commitRun(table, RUN, { clock: () => 5, random: Math.random })

  beforeAll(async () => {
    await generateArchive(archive.uri, { symbols: 1, messages: 3000, seed: 3, segmentBytes: 65_536 })
  })

  it('gives a receipt for each partition, also those without rows, and refuses a second attempt of its name', async () => {
    const emitFirst = 'let n = 0; return { trade(t, out) { if (n++ === 0) { out.price = t.price; out.emit() } } }'
    const table = await plannedTable(archive, moduleOf('first', emitFirst))
    expect(await task(table)).toMatchObject({ done: 8, failed: [], left: 0, rows: 1 })
    const { done } = await readRunReceipts(table, await readPlanHead(table, RUN))
    expect([...done.values()].map(({ part }) => part !== null)).toEqual([true, false, false, false, false, false, false, false])
    expect(await commit(table)).toMatchObject({ state: 'committed', added: { partitions: 8, parts: 1, rows: 1 } })
    await expect(task(table)).rejects.toMatchObject({ code: 'attempt-exists' })
  })

  it('goes on behind a partition that fails, and runs only what it is told to', async () => {
    const day = 'const start = 1704067200000000000n; const cell = (t) => Number((t.timestampNs - start) / 21600000000000n)'
    const throwing = `${day}; return { trade(t, out) { if (cell(t) === 2) throw new Error('two'); out.price = t.price; out.emit() } }`
    const table = await plannedTable(archive, moduleOf('throwing', throwing))
    const result = await task(table)
    expect(result).toMatchObject({ done: 7, failed: [{ partition: 2, error: { code: 'job-threw', category: 'input' } }] })
    expect(result.failed[0]!.error!.message).toContain('two')
    expect(await commit(table)).toMatchObject({ state: 'refused', missing: [{ partition: 2 }] })
    expect(await task(table, { attempt: 'a2', only: new Set([2]) })).toMatchObject({ done: 0, failed: [{ partition: 2 }] })
  })

  it('tells how much of the planned bytes it has come through, while it is within a pass as well', async () => {
    const table = await plannedTable(archive, 'trades')
    const { missing } = await readRunReceipts(table, await readPlanHead(table, RUN))
    const total = missing.reduce((sum, { bytes }) => sum + bytes, 0)
    const heard: TaskProgress[] = []
    await task(table, { onProgress: (progress) => heard.push(progress) })
    const planned = heard.map(({ plannedBytes }) => plannedBytes)
    expect(planned).toEqual([...planned].sort((a, b) => a - b))
    expect(planned.at(-1)).toBeCloseTo(total, 3)
    expect(planned.some((bytes) => bytes > 0 && bytes < total)).toBe(true)
    const run = { done: 0, partitions: 8, messages: 10, bytes: 1000, plannedTotal: 4000, elapsedMs: 2000 }
    expect(progressText({ ...run, plannedBytes: 1000 })).toMatch(/^0 of 8 partitions \(25 % of 4\.00 kB\), .* ETA 6 s$/)
    expect(progressText({ ...run, plannedBytes: 0 })).toMatch(/ETA \?$/)
  })

  it('says what a job set that is no value of its column', async () => {
    const table = await plannedTable(archive, moduleOf('wrong', 'return { trade(_, out) { out.id = 2n ** 63n; out.emit() } }'))
    expect((await task(table)).failed[0]!.error).toMatchObject({ code: 'u64-range', message: expect.stringContaining('column id') })
    const text = await plannedTable(archive, moduleOf('text', "return { trade(_, out) { out.price = 'much'; out.emit() } }"))
    expect((await task(text)).failed[0]!.error).toMatchObject({ code: 'job-value' })
  })

  it('refuses inputs that changed since they were planned, before and while it reads', async () => {
    const copy = new FileStore(path.join(root, 'changed'))
    fs.cpSync(archive.uri, copy.uri, { recursive: true })
    const segment = path.join(copy.uri, fs.globSync('v1/*/*/*/trades/*.q', { cwd: copy.uri }).sort()[0]!)
    const table = await plannedTable(copy, 'trades')
    fs.utimesSync(segment, 1, 1)
    const { done, failed } = await task(table, { archive: copy })
    expect(failed[0]!.error).toMatchObject({ code: 'input-changed', category: 'input' })
    expect(done).toBeLessThan(8)
    const meanwhile = await plannedTable(copy, 'trades')
    const touched = await task(meanwhile, { archive: copy, onProgress: () => fs.utimesSync(segment, 2, 2) })
    expect(touched).toMatchObject({ done: 0, rows: 0 })
    expect(new Set(touched.failed.map(({ error }) => error!.code))).toEqual(new Set(['input-changed']))
    // Known before the pass begins, it is of no matter to the other day; and it is no failure that a commit would refuse.
    const before = await plannedTable(copy, 'trades')
    fs.utimesSync(segment, 3, 3)
    const left = await task(before, { archive: copy })
    expect(left.failed.map(({ error, date }) => [error!.code, date])).toEqual(Array(4).fill(['input-changed', '2024-01-01']))
    expect(await commit(before)).toMatchObject({ state: 'committed', partitions: { done: 4, missing: 4 } })
  })

  it('gives up the current partition at a signal, keeps the others, and a further attempt completes the table', async () => {
    const whole = await plannedTable(archive, 'trades')
    await task(whole)
    await commit(whole)
    const table = await plannedTable(archive, 'trades')
    const stop = new AbortController()
    const slow = { onProgress: () => stop.abort(), signal: stop.signal }
    const first = await task(table, slow)
    expect(first.done + first.left).toBe(8)
    expect(first.left).toBeGreaterThan(0)
    expect(await commit(table)).toMatchObject({ state: 'refused' })
    const { missing } = await readRunReceipts(table, await readPlanHead(table, RUN))
    await task(table, { attempt: 'a2', only: new Set(missing.map(({ partition }) => partition)) })
    expect(await commit(table)).toMatchObject({ state: 'committed' })
    expect(await tableSum(table)).toBe(await tableSum(whole))
  })

  it.each(['bars', 'snapshots'])('lets timers and signals of its process have their turn while it reads files: %s', async (job) => {
    const long = new FileStore(path.join(root, `long-${job}`))
    await generateArchive(long.uri, { symbols: 1, messages: 400_000, seed: 3, days: 1 })
    const stop = new AbortController()
    const onProgress = () => setTimeout(() => stop.abort(), 0)
    const { left } = await task(await plannedTable(long, job), { archive: long, onProgress, signal: stop.signal })
    expect(left).toBeGreaterThan(0)
  })

  it('writes restart points with the snapshots job, and the receipts tell what day folders begin with', async () => {
    const copy = new FileStore(path.join(root, 'snapshots'))
    fs.cpSync(archive.uri, copy.uri, { recursive: true })
    const table = await plannedTable(copy, 'snapshots', { every: '1h' })
    expect(await task(table, { archive: copy })).toMatchObject({ done: 8, failed: [], rows: 0 })
    expect(fs.globSync('v1/*/*/*/book/snapshots/**/*.bin', { cwd: copy.uri }).length).toBeGreaterThan(20)
    const { facts } = await readRunReceipts(table, await readPlanHead(table, RUN))
    expect([...facts.all()].flatMap(({ begins }) => begins ?? [])).toEqual(['snapshot', 'snapshot'])
    expect(await commit(table)).toMatchObject({ state: 'committed', added: { partitions: 8, parts: 0 } })
  })

  it('refuses a damaged bundle, another engine, a cancelled run, a task that is not there', async () => {
    const table = await plannedTable(archive, 'trades')
    await expect(task(table, { engine: 'other' })).rejects.toMatchObject({ code: 'engine-differs' })
    await expect(task(table, { task: '000009' })).rejects.toMatchObject({ code: 'task-unknown' })
    await table.put(runFiles(RUN).cancel, new Uint8Array())
    await expect(task(table)).rejects.toMatchObject({ code: 'run-cancelled' })
    await table.put(runFiles(RUN).bundle, new TextEncoder().encode('module.exports = 1'))
    await expect(task(table)).rejects.toMatchObject({ code: 'bundle-damaged', category: 'corrupt' })
  })
})
