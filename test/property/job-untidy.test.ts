import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Receipt } from '../../core/job/receipt.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { bundled, carryOut, jobHistories, type LoadedJob } from '../support/job-history.ts'
import { type JobRun, runJob, tableSum } from '../support/job-runs.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PLAIN_CASES, type PlainCase } from '../support/plain/jobs.ts'
import { type PlainTable, plainTable } from '../support/plain/table.ts'
import { DAY_NS, FIRST_DAY_NS } from '../support/small-archive.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { kindsOf, type UntidyPlan, type UntidyTruth, untidyArchives, writeUntidyArchive } from '../support/untidy-archive.ts'

const root = temporaryFolder('job-untidy')
/** Archives in all; `CHRONICLE_UNTIDY_CASES=2000` for a long run, `CHRONICLE_UNTIDY_SEED` for the same ones again. */
const CASES = Number(process.env.CHRONICLE_UNTIDY_CASES ?? 40)
const SEED = Number(process.env.CHRONICLE_UNTIDY_SEED ?? Date.now() % 2 ** 31)
const TIMEOUT_MS = 60_000 + CASES * 3000
/** Of all that folders of the three days can reach. */
const RANGE = { fromNs: FIRST_DAY_NS - 2n * DAY_NS, toNs: FIRST_DAY_NS + 5n * DAY_NS }
let folders = 0

const ways = fc.record({
  slice: fc.constantFrom('1d', '6h', '1h'),
  minTasks: fc.integer({ min: 1, max: 40 }),
  isReversed: fc.boolean(),
  onCorrupt: fc.constantFrom('abort', 'skip'),
})
type Way = typeof ways extends fc.Arbitrary<infer W> ? W : never

/** How often what was met. */
const met = new Map<string, number>()
let cases = 0

afterAll(() => {
  const counts = [...met].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind}: ${count}`)
  console.info(`untidy archives: seed ${SEED}, ${cases} cases; ${counts.join(', ')}`)
})

describe('an untidy archive: the rows of one plain pass, and a word on every message that is in none', () => {
  it(
    'whatever slices, tasks, kills and error strategies, when nothing is lost',
    async () => {
      const job = fc.constantFrom(...Object.keys(PLAIN_CASES))
      await fc.assert(
        fc.asyncProperty(
          untidyArchives(),
          job,
          fc.array(ways, { minLength: 2, maxLength: 2 }),
          jobHistories,
          async (plan, name, list, history) => {
            await withArchive(plan, async (folder, truth) => {
              const one = PLAIN_CASES[name]!
              const own = truth.records.filter(({ stream }) => one.streams(stream))
              fc.pre(own.length > 0)
              const loaded = await loadedOf(one)
              const expected = plainTable(folder, one, loaded.job)
              expectTruth(expected, own, loaded)
              for (const way of list) await expectWay(way, folder, one, loaded, expected)
              const table = new MemoryStore()
              const { left } = await carryOut(history, { ...loaded, ...RANGE, archive: new FileStore(folder), table, params: one.params })
              await expectRows(table, expected)
              expect(left).toMatchObject({ run: 0, stale: 0 })
              note(plan, name)
            })
          },
        ),
        { numRuns: CASES, seed: SEED },
      )
    },
    TIMEOUT_MS,
  )
})

const loadedJobs = new Map<string, LoadedJob>()

async function loadedOf({ job }: PlainCase): Promise<LoadedJob> {
  const loaded = loadedJobs.get(job) ?? (await bundled(job))
  loadedJobs.set(job, loaded)
  return loaded
}

async function withArchive(plan: UntidyPlan, check: (folder: string, truth: UntidyTruth) => Promise<void>): Promise<void> {
  const folder = path.join(root, `archive-${folders++}`)
  try {
    const truth = writeUntidyArchive(folder, plan)
    fc.pre(truth !== null)
    await check(folder, truth!)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** The plain reading has met every message that the generator put there, and each time that no clock has. */
function expectTruth({ tally }: PlainTable, own: UntidyTruth['records'], { job }: LoadedJob): void {
  expect(tally.read).toBe(own.length)
  const clear = own.filter(({ isClear }) => isClear).length
  const told = (tally.leftOut['wild-time'] ?? 0) + (tally.noted['time-corrected'] ?? 0)
  expect(told).toBeGreaterThanOrEqual(clear)
  void job
}

async function expectWay(way: Way, folder: string, one: PlainCase, loaded: LoadedJob, expected: PlainTable): Promise<void> {
  const { isReversed, ...rest } = way
  const table = new MemoryStore()
  const options = { archive: new FileStore(folder), job: one.job, loaded, params: one.params, table, ...rest }
  const made = await runJob({ ...options, order: (tasks) => (isReversed ? tasks.reverse() : tasks) })
  expect(made.tasks.flatMap(({ failed }) => failed)).toEqual([])
  await expectRows(table, expected)
  expect(tallyOf(made)).toEqual(expected.tally)
  expect((await runJob(options)).planned).toMatchObject({ run: 0, stale: 0 })
}

function tallyOf({ tasks }: JobRun): PlainTable['tally'] {
  const receipts: Receipt[] = tasks.flatMap((task) => task.receipts)
  const tally: PlainTable['tally'] = { read: 0, leftOut: {}, noted: {} }
  for (const { messages } of receipts) {
    tally.read += messages.read
    const { leftOut = {}, noted = {} } = messages as Partial<PlainTable['tally']>
    add(tally.leftOut, leftOut)
    add(tally.noted, noted)
  }
  return tally
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count
}

async function expectRows(table: MemoryStore, expected: PlainTable): Promise<void> {
  const sum = await tableSum(table)
  if (sum !== expected.sum) {
    const [found, wanted] = [await tableLines(table), expected.lines()]
    const [here, there] = [new Set(found), new Set(wanted)]
    const extra = found.filter((line) => !there.has(line)).slice(0, 5)
    const missing = wanted.filter((line) => !here.has(line)).slice(0, 5)
    expect([...extra.map((line) => `found    ${line}`), ...missing.map((line) => `expected ${line}`)]).toEqual([])
  }
  expect(sum).toBe(expected.sum)
}

function note(plan: UntidyPlan, job: string): void {
  cases++
  for (const kind of [...kindsOf(plan), `job ${job}`]) met.set(kind, (met.get(kind) ?? 0) + 1)
}
