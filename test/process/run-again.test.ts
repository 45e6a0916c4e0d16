import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun } from '../../core/plan/plan.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('run-again')
const archive = path.join(root, 'archive')
const DAYS = ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'] as const
const SYMBOL = 'btcusdt'
let places = 0

interface Counts {
  readonly run: number
  readonly cached: number
  readonly stale: number
  readonly failed: number
}

/** A job of one's own and its table; the code may be changed between runs. */
class Project {
  readonly folder = path.join(root, `project-${places++}`)
  readonly archive: string
  readonly table = path.join(this.folder, 'table')
  readonly job = path.join(this.folder, 'levels.ts')
  readonly options: readonly string[]

  constructor(options: readonly string[] = [], from = archive) {
    this.options = options
    this.archive = path.join(this.folder, 'archive')
    fs.cpSync(from, this.archive, { recursive: true, preserveTimestamps: true })
    this.write('book.bidPrice')
  }

  /** A job with a book, a window of ten minutes, and hours without a row. */
  write(value: string): void {
    fs.writeFileSync(
      this.job,
      `import { defineJob } from 'chronicle-replay'
export default defineJob({
  name: 'levels', streams: ['book', 'trades'], params: { every: '10m', depth: 1 }, trigger: (p) => ({ every: p.every }),
  warmUp: '10m', columns: { value: 'f64', imbalance: 'f64' },
  create: ({ depth }, { book }) => ({ row(out) { out.value = ${value}; out.imbalance = book.imbalance(depth) } }),
})\n`,
    )
  }

  async run(...more: string[]): Promise<{ partitions: Counts; rows: number; version: number; run: string | null }> {
    const { code, out, err } = await runCli('run', ...this.#words(more), '--json')
    expect(code, err).toBe(0)
    return JSON.parse(out) as Awaited<ReturnType<Project['run']>>
  }

  /** The reasons of a plan, as counts by text, from its JSON; its text for people says the same. */
  async reasons(...more: string[]): Promise<Record<string, number>> {
    const { code, out, err } = await runCli('plan', ...this.#words(more), '--json')
    expect(code, err).toBe(0)
    const { reasons } = JSON.parse(out) as { reasons: { state: string; reason: string; partitions: number }[] }
    const text = (await runCli('plan', ...this.#words(more))).out
    for (const { state, reason, partitions } of reasons) expect(text).toMatch(new RegExp(`${partitions} +${state} +${reason}`))
    return Object.fromEntries(reasons.map(({ state, reason, partitions }) => [`${state}: ${reason}`, partitions]))
  }

  get sum(): Promise<string> {
    return tableSum(new FileStore(this.table))
  }

  /** The sum of the same run into a new table. */
  async freshSum(...more: string[]): Promise<string> {
    const table = path.join(this.folder, `fresh-${places++}`)
    const words = [this.job, '--archive', this.archive, '--table', table, ...this.options, ...more]
    const { code, err } = await runCli('run', ...words)
    expect(code, err).toBe(0)
    return tableSum(new FileStore(table))
  }

  logOf(date: string, stream: string): string {
    return path.join(this.archive, 'v1/synthetic', SYMBOL, date, stream)
  }

  #words(more: readonly string[]): string[] {
    return [this.job, '--archive', this.archive, '--table', this.table, ...this.options, ...more]
  }
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 1, messages: 1600, days: DAYS.length, seed: 21, segmentBytes: 65_536 })
})

/** A correction: the log ends earlier. */
function shorten(folder: string): void {
  const bytes = fs.readFileSync(path.join(folder, '000000000.q'))
  const last = fs.readdirSync(folder).filter((name) => /^\d{9}\.q$/.test(name)).length - 1
  if (last > 0) for (const kind of ['q', 'idx']) fs.rmSync(path.join(folder, `${String(last).padStart(9, '0')}.${kind}`))
  else {
    // Only one segment: its last records are taken back, and its index with them.
    const offsets: number[] = []
    for (
      let at = 64;
      at + 64 <= bytes.length && bytes.readUInt32LE(at) !== 0;
      at = Math.ceil((at + 64 + bytes.readUInt32LE(at) - 1) / 64) * 64
    )
      offsets.push(at)
    bytes.fill(0, offsets[Math.floor(offsets.length / 2)]!)
    fs.writeFileSync(path.join(folder, '000000000.q'), bytes)
    fs.rmSync(path.join(folder, '000000000.idx'), { force: true })
  }
}

describe('running again', () => {
  it('changing nothing runs nothing, partitions without rows included', async () => {
    const project = new Project(['--slice', '1h'])
    const first = await project.run()
    expect(first.partitions).toEqual({ run: 24 * DAYS.length, cached: 0, stale: 0, failed: 0 })
    const before = await project.sum
    expect(await project.run()).toMatchObject({
      run: null,
      partitions: { run: 0, cached: 24 * DAYS.length, stale: 0 },
      rows: 0,
      version: 0,
    })
    expect(await project.reasons()).toEqual({ 'cached: in the table': 24 * DAYS.length })
    const { err } = await runCli('run', project.job, '--archive', project.archive, '--table', project.table, '--slice', '1h')
    expect(err).toContain(`nothing to do: ${24 * DAYS.length} partitions are in version 0`)
    expect(await project.sum).toBe(before)
  })

  it('a day whose input changed runs again, and what its state and window reach', async () => {
    const project = new Project()
    await project.run()
    // The second run knows that every day begins with a snapshot, and records it.
    project.write('book.askPrice')
    await project.run()
    shorten(project.logOf(DAYS[1], 'trades'))
    // Each day's window of ten minutes begins in the day before, which is where its book comes from.
    expect(await project.reasons()).toEqual({ 'stale: input changed': 2, 'cached: in the table': 2 })
    const again = await project.run()
    expect(again).toMatchObject({ partitions: { run: 0, cached: 2, stale: 2, failed: 0 } })
    expect(await project.sum).toBe(await project.freshSum())
  })

  it('a late correction of an early day leaves no row of the old one, whatever was learnt of the archive since', async () => {
    for (const stream of ['book', 'trades']) {
      const project = new Project(['--slice', '6h'])
      await project.run()
      project.write('book.askPrice')
      await project.run()
      expect((await runCli('snapshot', project.archive, '--every', '1h')).code).toBe(0)
      shorten(project.logOf(DAYS[0], stream))
      expect((await project.reasons())['stale: input changed']).toBeGreaterThanOrEqual(4)
      await project.run()
      expect(await project.sum).toBe(await project.freshSum())
    }
  })

  it('changed code replaces the rows of what it touches', async () => {
    const project = new Project()
    await project.run()
    const before = await project.sum
    project.write('book.askPrice')
    expect(await project.reasons()).toEqual({ 'stale: code changed': 4 })
    expect(await project.reasons('--from', DAYS[1], '--to', DAYS[2])).toEqual({ 'stale: code changed': 1 })
    const one = await project.run('--from', DAYS[1], '--to', DAYS[2])
    expect(one.partitions).toEqual({ run: 0, cached: 0, stale: 1, failed: 0 })
    expect(await project.sum).not.toBe(before)
    expect(await project.reasons()).toEqual({ 'stale: code changed': 3, 'cached: in the table': 1 })
    await project.run()
    expect(await project.sum).toBe(await project.freshSum())
    // A comment is no code.
    fs.appendFileSync(project.job, '// nothing\n')
    expect(await project.reasons()).toEqual({ 'cached: in the table': 4 })
  })

  it('another engine makes everything stale, and says so', async () => {
    const project = new Project()
    await project.run()
    const table = new FileStore(project.table)
    const [bundle, live] = [await bundleJob(project.job), await readCommittedParts(table)]
    const outline = outlineJob(await loadJob(bundle.code, project.job), {}, live)
    const planned = { archive: new FileStore(project.archive), outline, live, run: '20240808T120000Z-00000001', createdMs: 1 }
    const { head } = await planRun({ ...planned, code: { bundle: bundle.hash, engine: 'another' } })
    expect(head.reasons.map(({ state, reason, partitions }) => [state, reason, partitions])).toEqual([['stale', 'engine changed', 4]])
    const both = await planRun({ ...planned, code: { bundle: 'other', engine: 'another' } })
    expect(both.head.reasons).toMatchObject([{ state: 'stale', reason: 'code changed, engine changed' }])
  })

  it('a new parameter value adds its variant and leaves the others', async () => {
    const project = new Project()
    await project.run()
    const parts = (): string[] => fs.globSync('venue=*/**/*.parquet', { cwd: project.table })
    const before = parts()
    expect(await project.reasons('--param', 'depth=1,3')).toEqual({ 'run: new parameters': 4 })
    expect(await project.run('--param', 'depth=1,3')).toMatchObject({ partitions: { run: 4, cached: 0, stale: 0 } })
    expect(parts()).toEqual(expect.arrayContaining(before))
    expect(await project.reasons('--param', 'depth=1,3')).toEqual({ 'cached: in the table': 4 })
    expect(await project.sum).toBe(await project.freshSum('--param', 'depth=1,3'))
  })

  it('a partial run is committed within its tolerance; resume adds what is missing, once', async () => {
    const project = new Project(['--symbols', SYMBOL])
    const marker = path.join(project.folder, 'mended')
    fs.writeFileSync(
      project.job,
      `import { existsSync } from 'node:fs'
import { defineJob } from 'chronicle-replay'
export default defineJob({
  name: 'flaky', streams: ['trades'], tolerance: 0.5, columns: { price: 'f64' },
  create: () => ({ trade(t, out) {
    if (t.timestampNs / 86400000000000n === 19724n && !existsSync(${JSON.stringify(marker)})) throw new Error('the disk is away')
    out.price = t.price
    out.emit()
  } }),
})\n`,
    )
    const words = ['run', project.job, '--archive', project.archive, '--table', project.table]
    const partial = await runCli(...words, '--json')
    expect(partial.code, partial.err).toBe(4)
    const told = JSON.parse(partial.out) as { run: string; partitions: Counts; version: number }
    expect(told).toMatchObject({ state: 'committed', version: 0, partitions: { run: 4, failed: 1 }, failures: [{ code: 'job-threw' }] })
    const uri = `${project.table}/_chronicle/runs/${told.run}`
    expect(partial.err).toContain(`chronicle-replay resume ${uri}`)

    const stillAway = await runCli('resume', uri, '--json')
    expect(stillAway.code).toBe(4)
    expect(JSON.parse(stillAway.out)).toMatchObject({ state: 'unchanged', resumed: [{ code: 'job-threw', partitions: 1 }] })

    fs.writeFileSync(marker, '')
    const resumed = await runCli('resume', uri, '--json')
    expect(resumed.code, resumed.err).toBe(0)
    expect(resumed.err).toContain('1 partition: job-threw: job flaky threw: Error: the disk is away')
    expect(JSON.parse(resumed.out)).toMatchObject({ run: told.run, state: 'committed', version: 1, partitions: { failed: 0 } })
    const before = await project.sum
    expect(before).toBe(await project.freshSum())
    const again = await runCli('resume', uri)
    expect(again.err).toContain('0 of 4 partitions are left to run')
    expect(await project.sum).toBe(before)
    expect(JSON.parse((await runCli('runs', project.table, '--json')).out)).toMatchObject([
      { version: 1, run: told.run, partitions: 1 },
      { version: 0, run: told.run, partitions: 3 },
    ])
  })
})
