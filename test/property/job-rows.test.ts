import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, runJob, tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { type GenerateOptions, generateArchive } from '../../core/synthetic/archive.ts'
import { carryOut, type JobHistory, jobHistories } from '../support/job-history.ts'
import { runInThreads } from '../support/job-runs.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PLAIN_CASES } from '../support/plain/jobs.ts'
import { type PlainTable, plainTable } from '../support/plain/table.ts'
import { DAY_NS, FIRST_DAY_NS, type SmallArchive, type SmallMessage, smallArchives, writeSmallArchive } from '../support/small-archive.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-rows')
/** Cases per job; `CHRONICLE_ROW_CASES=200` for a long run. */
const CASES = Number(process.env.CHRONICLE_ROW_CASES ?? 2)
const TIMEOUT_MS = 60_000 + CASES * 5000
/** Time is left to tell of a failure that could be made smaller still. */
const LIMITS = { interruptAfterTimeLimit: 0.9 * TIMEOUT_MS, markInterruptAsFailure: true }
const RANGE = { fromNs: FIRST_DAY_NS, toNs: FIRST_DAY_NS + 3n * DAY_NS }
const jobs = Object.entries(PLAIN_CASES)
let folders = 0

const at = (stream: SmallMessage['stream'], hours: number, more: Partial<SmallMessage> = {}): SmallMessage => {
  const atNs = BigInt(hours * 3600) * 1_000_000_000n
  return { stream, atNs, backNs: 0n, skewNs: 0n, kind: 'diff', isGap: false, values: [1, 2, 3, 4], ...more }
}
const archiveOf = (messages: readonly SmallMessage[], more: Partial<SmallArchive> = {}): SmallArchive => {
  return { messages, snapshots: 'daily', hasHole: false, hasSnapshotIds: true, restartPoints: null, ...more }
}
/** Archives that once had other rows than those of a plain pass. */
const FOUND: readonly SmallArchive[] = [
  // A day's snapshot comes behind its first trades, which see the book of the day before.
  archiveOf([at('book', 1), at('trades', 24), at('trades', 25), at('book', 26), at('trades', 30)]),
  // No message lies in the bars of the day beside, which the exchange's clock reaches into.
  archiveOf([at('trades', 0, { skewNs: -700_000_000n }), at('trades', 12)]),
  archiveOf([at('trades', 0, { skewNs: 6_000_000_000n }), at('trades', 30)]),
  // A side without levels has no size.
  archiveOf([at('book', 0, { values: [0, 0, 0, 0] }), at('book', 5, { values: [0, 0, 0, 0] })]),
  // Update ids are missing over midnight, and the snapshot behind it has none.
  archiveOf([at('book', 0), at('book', 1), at('book', 48, { isGap: true }), at('book', 49)], { hasSnapshotIds: false }),
  // A gap that is open at midnight ends with the first message of the day.
  archiveOf([at('book', 1), at('book', 2, { isGap: true }), at('trades', 3), at('book', 24), at('book', 25), at('trades', 25)]),
]
const PLAIN_HISTORY: JobHistory = {
  slice: '6h',
  runs: [{ from: 0, to: 1000, taskBytes: 500, minTasks: 12, isReversed: true, faults: [], duplicate: 'none', knowsFacts: false }],
  isConcurrent: false,
  weights: [0, 0],
}

async function expectRows(table: ObjectStore, expected: PlainTable): Promise<void> {
  const sum = await tableSum(table)
  if (sum !== expected.sum) expect(differences(await tableLines(table), expected.lines())).toEqual([])
  expect(sum).toBe(expected.sum)
}

describe('any slices, tasks, kills, attempts and order of commits give the rows of one plain pass', () => {
  it.each(jobs)(
    'small archives, awkward times: %s',
    async (_, one) => {
      const loaded = await bundled(one.job)
      await fc.assert(
        fc.asyncProperty(smallArchives(), jobHistories, async (made, history) => {
          const folder = path.join(root, `archive-${folders++}`)
          try {
            fc.pre(writeSmallArchive(folder, made) && hasAny(folder, one.streams))
            if (made.restartPoints !== null) await writeRestartPoints(folder, made.restartPoints)
            const table = new MemoryStore()
            const { left } = await carryOut(history, { ...loaded, ...RANGE, archive: new FileStore(folder), table, params: one.params })
            const expected = plainTable(folder, one, loaded.job)
            // What a book does without on days that lack one the plain reading does not know: then it is that of one pass.
            if (!expected.lacksBook || !one.streams('book')) await expectRows(table, expected)
            else {
              const whole = new MemoryStore()
              await carryOut(PLAIN_HISTORY, { ...loaded, ...RANGE, archive: new FileStore(folder), table: whole, params: one.params })
              expect(await tableSum(table)).toBe(await tableSum(whole))
            }
            expect(left).toMatchObject({ run: 0, stale: 0 })
          } finally {
            fs.rmSync(folder, { recursive: true, force: true })
          }
        }),
        { ...LIMITS, numRuns: CASES + FOUND.length, examples: FOUND.map((made) => [made, PLAIN_HISTORY]) },
      )
    },
    TIMEOUT_MS,
  )
})

describe('generated archives: three days, three streams, clock skew, times that step back, gaps', () => {
  const ARCHIVES: Record<string, Partial<GenerateOptions>> = {
    'a missing day and no daily snapshot': { dailySnapshot: false, gaps: 2 },
    'daily snapshots': { dailySnapshot: true, gaps: 4 },
    'restart points and no daily snapshot': { dailySnapshot: false, gaps: 1 },
  }
  const archives: Record<string, FileStore> = {}

  beforeAll(async () => {
    for (const [name, options] of Object.entries(ARCHIVES)) {
      const folder = path.join(root, `generated-${folders++}`)
      await generateArchive(folder, { symbols: 2, messages: 900, seed: 11, days: 3, segmentBytes: 65_536, stepBack: 0.05, ...options })
      archives[name] = new FileStore(folder)
    }
    await writeRestartPoints(archives['restart points and no daily snapshot']!.uri, '2h')
    const [hole] = fs.globSync('v1/synthetic/*/2024-01-02', { cwd: archives['a missing day and no daily snapshot']!.uri }).sort()
    fs.rmSync(path.join(archives['a missing day and no daily snapshot']!.uri, hole!), { recursive: true })
  })

  it.each(Object.keys(ARCHIVES).flatMap((name) => jobs.map(([job, one]) => [name, job, one] as const)))(
    '%s: %s',
    async (name, _, one) => {
      const archive = archives[name]!
      const loaded = await bundled(one.job)
      const expected = plainTable(archive.uri, one, loaded.job)
      await fc.assert(
        fc.asyncProperty(jobHistories, async (history) => {
          const table = new MemoryStore()
          await carryOut(history, { ...loaded, ...RANGE, archive, table, params: one.params })
          await expectRows(table, expected)
        }),
        { ...LIMITS, numRuns: Math.ceil(CASES / 6) },
      )
    },
    TIMEOUT_MS,
  )

  it.each(['state of the bucket', 'bars by exchange time', 'every handler'])(
    'in worker threads that are stopped and gone on from: %s',
    async (job) => {
      const one = PLAIN_CASES[job]!
      const archive = archives['a missing day and no daily snapshot']!
      const loaded = await bundled(one.job)
      const expected = plainTable(archive.uri, one, loaded.job)
      const histories = fc.record({
        slice: fc.constantFrom('1d', '6h', '1h'),
        workers: fc.integer({ min: 1, max: 3 }),
        minTasks: fc.integer({ min: 1, max: 12 }),
        stopsMs: fc.array(fc.nat(400), { maxLength: 1 }),
      })
      await fc.assert(
        fc.asyncProperty(histories, async ({ stopsMs, workers, ...options }) => {
          const table = new FileStore(path.join(root, `table-${folders++}`))
          await runInThreads({
            ...loaded,
            ...options,
            archive,
            table,
            params: one.params,
            workers: Math.min(workers, os.cpus().length + 1),
            stopsMs,
          })
          await expectRows(table, expected)
        }),
        { numRuns: Math.ceil(CASES / 4) },
      )
    },
    TIMEOUT_MS,
  )
})

async function writeRestartPoints(folder: string, every: string): Promise<void> {
  const archive = new FileStore(folder)
  if (!hasAny(folder, (stream) => stream === 'book')) return
  const { tasks } = await runJob({ archive, table: new MemoryStore(), job: 'snapshots', params: { every } })
  expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
}

/** Lines of the table that should not be there, and lines that should. */
function differences(found: readonly string[], expected: readonly string[]): string[] {
  const [here, there] = [new Set(found), new Set(expected)]
  const [extra, missing] = [found.filter((line) => !there.has(line)), expected.filter((line) => !here.has(line))]
  return [...extra.slice(0, 5).map((line) => `found    ${line}`), ...missing.slice(0, 5).map((line) => `expected ${line}`)]
}

function hasAny(folder: string, wants: (stream: string) => boolean): boolean {
  return fs.globSync('v1/*/*/*/*', { cwd: folder }).some((log) => wants(path.basename(log)))
}
