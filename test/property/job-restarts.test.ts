import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, type JobRun, runJob, tableSum } from '../../bench/made/job-run.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { readPlanHead } from '../../core/plan/run/plan-document.ts'
import { decodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readRunReceipts } from '../../core/plan/run/run-receipts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { carryOut, jobHistories } from '../support/job-history.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PLAIN_CASES } from '../support/plain/jobs.ts'
import { DAY_NS, FIRST_DAY_NS, smallArchives, writeSmallArchive } from '../support/small-archive.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-restarts')
/** Cases per job; `CHRONICLE_ROW_CASES=200` for a long run. */
const CASES = Number(process.env.CHRONICLE_ROW_CASES ?? 3)
const RANGE = { fromNs: FIRST_DAY_NS, toNs: FIRST_DAY_NS + 3n * DAY_NS }
const HOUR_NS = DAY_NS / 24n
let folders = 0

/** Restart points of all books of an archive. */
async function writeSnapshots(archive: FileStore, every: string): Promise<void> {
  await runJob({ archive, table: new MemoryStore(), job: 'snapshots', params: { every } })
}

async function receiptsOf(table: ObjectStore, { run }: JobRun): Promise<Receipt[]> {
  const receipts: Receipt[] = []
  for await (const { key } of table.list(runFiles(run).receipts)) receipts.push(...decodeReceipts((await table.get(key))!.bytes, key))
  return receipts
}

describe('snapshots change how a pass begins, never its rows', () => {
  const jobs = Object.entries(PLAIN_CASES).filter(([, { streams }]) => streams('book'))

  it.each(jobs)(
    'small archives, awkward times: %s',
    async (_, one) => {
      const loaded = await bundled(one.job)
      const intervals = fc.constantFrom('1ms', '1m', '1h', '6h')
      await fc.assert(
        fc.asyncProperty(smallArchives(), jobHistories, intervals, async (made, history, every) => {
          const folder = path.join(root, `archive-${folders++}`)
          try {
            fc.pre(writeSmallArchive(folder, made) && findLogs(folder).some(({ stream }) => stream === 'book'))
            const archive = new FileStore(folder)
            const [plain, table] = [new MemoryStore(), new MemoryStore()]
            await runJob({ archive, table: plain, job: one.job, params: one.params })
            await writeSnapshots(archive, every)
            await carryOut(history, { ...loaded, ...RANGE, archive, table, params: one.params })
            if ((await tableSum(table)) !== (await tableSum(plain))) expect(await tableLines(table)).toEqual(await tableLines(plain))
            expect(await tableSum(table)).toBe(await tableSum(plain))
          } finally {
            fs.rmSync(folder, { recursive: true, force: true })
          }
        }),
        { numRuns: CASES },
      )
    },
    60_000 + CASES * 5000,
  )
})

describe('restarts in a generated archive without daily snapshots', () => {
  const sizes = { symbols: 1, messages: 3000, days: 3, segmentBytes: 65_536, dailySnapshot: false, stepBack: 0.02 }
  const last = { fromNs: FIRST_DAY_NS + 2n * DAY_NS + 12n * HOUR_NS, toNs: FIRST_DAY_NS + 3n * DAY_NS, slice: '1h' }
  const example = { job: 'book-features', params: { every: '5m', depth: 3 } }

  const lastRun = async (archive: FileStore, table: ObjectStore, own = {}): Promise<JobRun> =>
    runJob({ archive, table, ...example, ...last, ...own })

  /** Not copied: snapshots are of files of a certain version. */
  const madeArchive = async (): Promise<FileStore> => {
    const archive = new FileStore(path.join(root, `generated-${folders++}`))
    await generateArchive(archive.uri, { ...sizes, seed: 5 })
    return archive
  }
  let withSnapshots: FileStore
  const whole = new MemoryStore()
  let wholeRun: JobRun

  beforeAll(async () => {
    withSnapshots = await madeArchive()
    wholeRun = await lastRun(withSnapshots, whole)
    await writeSnapshots(withSnapshots, '1h')
    expect(fs.globSync('v1/**/snapshot_*.bin', { cwd: withSnapshots.uri }).length).toBeGreaterThan(50)
  })

  it('reads only what lies between, and says where it began', async () => {
    const short = new MemoryStore()
    const begins = async (table: ObjectStore, run: JobRun): Promise<(string | undefined)[]> =>
      (await receiptsOf(table, run)).map(({ began }) => began?.with)
    const second = await lastRun(withSnapshots, short)
    expect(new Set(await begins(whole, wholeRun))).toEqual(new Set(['folder']))
    expect(new Set(await begins(short, second))).toEqual(new Set(['snapshot']))
    expect(await tableSum(short)).toBe(await tableSum(whole))
    const read = async (table: ObjectStore, run: JobRun): Promise<number> =>
      (await receiptsOf(table, run)).reduce((sum, { messages }) => sum + messages.warmUp + messages.read, 0)
    expect(await read(short, second)).toBeLessThan((await read(whole, wholeRun)) / 3)
    // Which snapshot was used is in no fingerprint: rows made without any are as good.
    expect((await lastRun(withSnapshots, whole)).planned).toMatchObject({ run: 0, cached: 12, stale: 0 })
  })

  it('takes the state of each task from the nearest snapshot, however the run is cut', async () => {
    const cut = new MemoryStore()
    const run = await lastRun(withSnapshots, cut, { minTasks: 12 })
    expect(run.tasks.length).toBeGreaterThan(6)
    expect(await tableSum(cut)).toBe(await tableSum(whole))
    const { done } = await readRunReceipts(cut, await readPlanHead(cut, run.run))
    expect(done.size).toBe(12)
  })

  it('never uses a snapshot of an earlier day that was corrected since', async () => {
    const archive = await madeArchive()
    await writeSnapshots(archive, '1h')
    const table = new MemoryStore()
    await lastRun(archive, table)
    const before = await tableSum(table)
    // The first day, once more: other prices, other levels left over for the days behind it.
    const other = path.join(root, 'other')
    await generateArchive(other, { ...sizes, seed: 6 })
    const [day] = fs.globSync('v1/*/*/2024-01-01/book', { cwd: archive.uri })
    const [from] = fs.globSync('v1/*/*/2024-01-01/book', { cwd: other })
    for (const name of fs.readdirSync(path.join(archive.uri, day!)).filter((each) => each !== 'snapshots')) {
      fs.rmSync(path.join(archive.uri, day!, name))
    }
    fs.cpSync(path.join(other, from!), path.join(archive.uri, day!), { recursive: true })
    const again = await lastRun(archive, table)
    expect(again.planned).toMatchObject({ run: 0, cached: 0, stale: 12 })
    expect(new Set((await receiptsOf(table, again)).map(({ began }) => began?.with))).toEqual(new Set(['folder']))
    const fresh = new MemoryStore()
    const unspoiled = new FileStore(path.join(root, 'unspoiled'))
    fs.cpSync(archive.uri, unspoiled.uri, { recursive: true, filter: (file) => path.basename(file) !== 'snapshots' })
    await lastRun(unspoiled, fresh)
    expect(await tableSum(table)).toBe(await tableSum(fresh))
    expect(await tableSum(table)).not.toBe(before)
  })

  it('passes over snapshots that are damaged or without a sidecar', async () => {
    const archive = await madeArchive()
    await writeSnapshots(archive, '1h')
    for (const [i, name] of fs.globSync('v1/**/snapshot_*.bin', { cwd: archive.uri }).sort().entries()) {
      const file = path.join(archive.uri, name)
      if (i % 3 === 0) fs.truncateSync(file, 100)
      if (i % 3 === 1) fs.rmSync(file.replace(/bin$/, 'json'))
    }
    const table = new MemoryStore()
    const run = await lastRun(archive, table)
    expect((await receiptsOf(table, run)).some(({ began }) => began?.with === 'snapshot')).toBe(true)
    expect(await tableSum(table)).toBe(await tableSum(whole))
  })
})
