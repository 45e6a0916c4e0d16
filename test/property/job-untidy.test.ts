import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { bundled, type JobRun, type JobRunOptions, type LoadedJob, runJob, tableSum } from '../../bench/made/job-run.ts'
import { dayOfDate } from '../../core/instant.ts'
import { verifyLog } from '../../core/log/checking/verify.ts'
import type { ArchiveFacts } from '../../core/plan/archive/archive-facts.ts'
import { readArchiveIndex } from '../../core/plan/archive/archive-index.ts'
import type { Receipt } from '../../core/plan/run/receipt.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { carryOut, type JobHistory, jobHistories } from '../support/job-history.ts'
import { runInThreads, runKnowing } from '../support/job-runs.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { PLAIN_CASES, type PlainCase } from '../support/plain/jobs.ts'
import { type PlainTable, plainTable } from '../support/plain/table.ts'
import { DAY_NS, FIRST_DAY_NS } from '../support/small-archive.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  foldersOf,
  kindsOf,
  ODD_NAMES,
  type UntidyPlan,
  type UntidyTruth,
  untidyArchives,
  writeUntidyArchive,
} from '../support/untidy-archive.ts'

const root = temporaryFolder('job-untidy')
/** Archives in all; `CHRONICLE_UNTIDY_CASES=2000` for a long run, `CHRONICLE_UNTIDY_SEED` for the same ones again. */
const CASES = Number(process.env.CHRONICLE_UNTIDY_CASES ?? 15)
const SEED = Number(process.env.CHRONICLE_UNTIDY_SEED ?? Date.now() % 2 ** 31)
const TIMEOUT_MS = 60_000 + CASES * 5000
/** Time is left to tell of a failure that could be made smaller still. */
const LIMITS = { seed: SEED, interruptAfterTimeLimit: 0.9 * TIMEOUT_MS, markInterruptAsFailure: true }
/** Most of them need care in paths. */
const NAMES = ['a', 'b', 'c', ...ODD_NAMES]
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
  const job = fc.constantFrom(...Object.keys(PLAIN_CASES))
  const someWays = fc.array(ways, { minLength: 1, maxLength: 3 })

  it(
    'whatever slices, tasks, kills and error strategies, where nothing is lost',
    async () => {
      const histories = fc.option(jobHistories, { freq: 1 })
      await fc.assert(
        fc.asyncProperty(untidyArchives({ names: NAMES }), job, someWays, histories, async (plan, name, list, history) => {
          await withCase(plan, name, async (one, own) => {
            expectTruth(one.expected, own)
            let facts: ArchiveFacts | undefined
            for (const way of list) facts = (await expectWay(one, way)) ?? facts
            if (history !== null) await expectHistory(one, history, facts)
          })
        }),
        { ...LIMITS, numRuns: Math.ceil((2 * CASES) / 3) },
      )
    },
    TIMEOUT_MS,
  )

  it(
    'whatever slices and tasks, where segments are missing or there twice',
    async () => {
      await fc.assert(
        fc.asyncProperty(untidyArchives({ hasLosses: true, names: NAMES }), job, someWays, async (plan, name, list) => {
          await withCase(plan, name, async (one, own) => {
            expectTruth(one.expected, own)
            if (isDamaged(one.expected)) expect((await runWay(one, { ...list[0]!, onCorrupt: 'abort' })).commit?.state).toBe('refused')
            await expectVerified(one, list[0]!)
            for (const way of list) {
              const { made, table } = await madeWhole(one, { ...way, onCorrupt: 'skip' })
              await expectRows(table, one)
              expectTally(made, one)
            }
          })
        }),
        { ...LIMITS, numRuns: Math.ceil(CASES / 3) },
      )
    },
    TIMEOUT_MS,
  )

  it(
    'whatever worker threads, stopped and gone on from',
    async () => {
      const threads = fc.record({
        workers: fc.integer({ min: 1, max: 3 }),
        stopsMs: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 2 }),
      })
      await fc.assert(
        fc.asyncProperty(untidyArchives({ names: NAMES }), job, ways, threads, async (plan, name, way, inThreads) => {
          await withCase(plan, name, async (one) => {
            const facts = await expectWay(one, { ...way, onCorrupt: 'abort' })
            const { archive, loaded, params } = one
            const table = new FileStore(`${archive.directory}-table`)
            try {
              const { slice, minTasks } = way
              await runInThreads({
                ...loaded,
                ...inThreads,
                archive,
                table,
                params,
                slice,
                minTasks,
                ...(facts !== undefined && { facts }),
              })
              await expectRows(table, one)
            } finally {
              fs.rmSync(table.directory, { recursive: true, force: true })
            }
          })
        }),
        { ...LIMITS, numRuns: Math.ceil(CASES / 24) },
      )
    },
    TIMEOUT_MS,
  )
})

/** Codes of damage that the generator makes. */
const DAMAGE = ['duplicate-segment', 'segment-missing']
/** Jobs that do not hear of gaps. */
const GAPLESS = ['messages', 'trades', 'bars by exchange time', 'filled bars', 'filled bars by exchange time']

/** A job over an archive, and what is right. */
interface UntidyCase extends PlainCase {
  readonly name: string
  readonly archive: FileStore
  readonly loaded: LoadedJob
  readonly expected: PlainTable
  /** What the first way gave. */
  readonly first: { sum: string | null; tally: PlainTable['tally'] | null }
}

async function withCase(
  plan: UntidyPlan,
  name: string,
  check: (one: UntidyCase, own: UntidyTruth['records']) => Promise<void>,
): Promise<void> {
  const folder = path.join(root, `archive-${folders++}`)
  const one = PLAIN_CASES[name]!
  try {
    const own = writeUntidyArchive(folder, plan)?.records.filter(({ stream }) => one.streams(stream)) ?? []
    fc.pre(own.length > 0)
    const loaded = await loadedOf(one)
    await check(
      {
        ...one,
        name,
        archive: new FileStore(folder),
        loaded,
        expected: plainTable(folder, one, loaded.job),
        first: { sum: null, tally: null },
      },
      own,
    )
    cases++
    for (const kind of [...kindsOf(plan), `job ${name}`]) met.set(kind, (met.get(kind) ?? 0) + 1)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

const loadedJobs = new Map<string, LoadedJob>()

async function loadedOf({ job }: PlainCase): Promise<LoadedJob> {
  const loaded = loadedJobs.get(job) ?? (await bundled(job))
  loadedJobs.set(job, loaded)
  return loaded
}

/** The plain reading has met every message that the generator put there, each that is there again, and each time that no clock has. */
function expectTruth({ tally }: PlainTable, own: UntidyTruth['records']): void {
  const count = (has: (record: UntidyTruth['records'][number]) => boolean): number => own.filter(has).length
  expect(tally.read - (tally.leftOut['segment-missing'] ?? 0)).toBe(own.length)
  expect(tally.leftOut['duplicate-segment'] ?? 0).toBe(count(({ isRepeated }) => isRepeated))
  const wild = (tally.leftOut['wild-time'] ?? 0) + (tally.noted['time-corrected'] ?? 0)
  expect(wild).toBeGreaterThanOrEqual(count(({ isClear, isRepeated }) => isClear && !isRepeated))
}

/** Gives what had to be learnt of the archive before all of it could be planned. */
async function expectWay(one: UntidyCase, way: Way): Promise<ArchiveFacts | undefined> {
  const { made, table, facts } = await madeWhole(one, way)
  await expectRows(table, one)
  expectTally(made, one)
  return facts
}

async function expectHistory(one: UntidyCase, history: JobHistory, facts: ArchiveFacts | undefined): Promise<void> {
  const { archive, loaded, params } = one
  const table = new MemoryStore()
  const { left } = await carryOut(history, { ...loaded, ...RANGE, archive, table, params, ...(facts !== undefined && { facts }) })
  await expectRows(table, one)
  expect(left).toMatchObject({ run: 0, stale: 0 })
}

/** What `verify` calls damaged is what a run that skips damage tells of, folder by folder. */
async function expectVerified(one: UntidyCase, way: Way): Promise<void> {
  const { made } = await madeWhole(one, { ...way, onCorrupt: 'skip' })
  const told = made.tasks.flatMap(({ receipts }) => receipts.flatMap(({ damage }) => damage?.places ?? []))
  const found: string[] = []
  for (const log of foldersOf(one.archive.uri)) {
    if (!one.streams(path.basename(log)) || Number.isNaN(dayOfDate(path.basename(path.dirname(log))))) continue
    const folder = path.join(one.archive.uri, log)
    if (!fs.readdirSync(folder).some((name) => /\.q(?:\.zst)?$/.test(name))) continue
    for (const { errors } of await verifyLog(folder)) {
      found.push(...errors.filter(({ code }) => !code.startsWith('index-')).map(({ code }) => `${log}/ ${code}`))
    }
  }
  expect(told.map(({ folder, code }) => `${folder} ${code}`).sort()).toEqual(found.sort())
}

interface WholeRun {
  readonly made: JobRun
  readonly table: MemoryStore
  readonly facts: ArchiveFacts | undefined
}

/** A run of which nothing fails, and after which there is nothing left to run; and what had to be learnt before. */
async function madeWhole(one: UntidyCase, way: Way): Promise<WholeRun> {
  const table = new MemoryStore()
  let isLearnt = false
  const made = await runKnowing(optionsOf(one, way, table), (refused) => {
    expect(refused.commit?.state).toBe('refused')
    met.set('planned again for its reach', (met.get('planned again for its reach') ?? 0) + 1)
    isLearnt = true
  })
  expect(made.tasks.flatMap(({ failed }) => failed)).toEqual([])
  const facts = isLearnt ? await readArchiveIndex(table) : undefined
  expect((await runWay(one, way, table)).planned).toMatchObject({ run: 0, stale: 0 })
  return { made, table, facts }
}

function runWay(one: UntidyCase, way: Way, table = new MemoryStore()): Promise<JobRun> {
  return runJob(optionsOf(one, way, table))
}

function optionsOf({ archive, job, loaded, params }: UntidyCase, { isReversed, ...way }: Way, table: MemoryStore): JobRunOptions {
  return { archive, job, loaded, params, table, ...way, order: (tasks) => (isReversed ? tasks.reverse() : tasks) }
}

function expectTally(made: JobRun, one: UntidyCase): void {
  const { expected, first } = one
  const found = tallyOf(made)
  if (!isBeyondPlain(one)) {
    expect(found).toEqual(expected.tally)
    return
  }
  first.tally ??= found
  expect(found).toEqual(first.tally)
  expect(found.read).toBe(expected.tally.read)
}

/** What a book does without on days that lack one, or where its messages are lost, is known to the first way only. */
function isBeyondPlain({ expected, streams, name }: UntidyCase): boolean {
  return (expected.lacksBook && streams('book')) || (isDamaged(expected) && !GAPLESS.includes(name))
}

function isDamaged({ tally }: PlainTable): boolean {
  return DAMAGE.some((code) => tally.leftOut[code] !== undefined)
}

function tallyOf({ tasks }: JobRun): PlainTable['tally'] {
  const receipts: Receipt[] = tasks.flatMap((task) => task.receipts)
  const tally: PlainTable['tally'] = { read: 0, leftOut: {}, noted: {} }
  for (const { messages } of receipts) {
    tally.read += messages.read
    add(tally.leftOut, messages.leftOut)
    add(tally.noted, messages.noted)
  }
  return tally
}

function add(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count
}

/** The rows are those of the plain pass; where it does not know them, those that the first way gave. */
async function expectRows(table: ObjectStore, one: UntidyCase): Promise<void> {
  const { expected } = one
  const sum = await tableSum(table)
  if (isBeyondPlain(one)) {
    one.first.sum ??= sum
    expect(sum).toBe(one.first.sum)
    return
  }
  if (sum !== expected.sum) {
    const [found, wanted] = [await tableLines(table), expected.lines()]
    const [here, there] = [new Set(found), new Set(wanted)]
    const extra = found.filter((line) => !there.has(line)).slice(0, 5)
    const missing = wanted.filter((line) => !here.has(line)).slice(0, 5)
    expect([...extra.map((line) => `found    ${line}`), ...missing.map((line) => `expected ${line}`)]).toEqual([])
  }
  expect(sum).toBe(expected.sum)
}
