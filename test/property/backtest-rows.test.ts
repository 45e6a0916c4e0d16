import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, type LoadedJob, runJob, tableSum } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { carryOut, jobHistories } from '../support/job-history.ts'
import { runInThreads } from '../support/job-runs.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { DAY_NS, FIRST_DAY_NS, type SmallMessage, smallArchives, writeSmallArchive } from '../support/small-archive.ts'
import { tableLines, tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-rows')
/** `CHRONICLE_ROW_CASES=200` for a long run. */
const CASES = Number(process.env.CHRONICLE_ROW_CASES ?? 4)
const TIMEOUT_MS = 180_000 + CASES * 30_000
const RANGE = { fromNs: FIRST_DAY_NS, toNs: FIRST_DAY_NS + 3n * DAY_NS }
const PARAMS: ParamGrid = { every: ['10m', '30m'], offset: [0, 1], queue: 'log', onGap: ['cancel', 'hold'] }
const job = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', `${name}.ts`)
let folders = 0

async function wholeRun(loaded: LoadedJob, archive: ObjectStore, params: ParamGrid): Promise<MemoryStore> {
  const table = new MemoryStore()
  const { tasks } = await runJob({ archive, table, job: '', loaded, params })
  expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  return table
}

async function expectSame(found: ObjectStore, expected: ObjectStore): Promise<void> {
  if ((await tableSum(found)) === (await tableSum(expected))) return
  const [here, there] = [await tableLines(found), await tableLines(expected)]
  const [inHere, inThere] = [new Set(here), new Set(there)]
  expect([here.filter((line) => !inThere.has(line)).slice(0, 4), there.filter((line) => !inHere.has(line)).slice(0, 4)]).toEqual([[], []])
}

describe('any slices, tasks, kills and attempts give the rows of one run', () => {
  it.each(['small-maker', 'small-evening', 'small-runner'])(
    'small archives, awkward times: %s',
    async (name) => {
      const loaded = await bundled(job(name))
      await fc.assert(
        fc.asyncProperty(smallArchives(), jobHistories, async (made, history) => {
          const folder = path.join(root, `archive-${folders++}`)
          try {
            fc.pre(writeSmallArchive(folder, made) && fs.globSync('v1/*/*/*/book', { cwd: folder }).length > 0)
            const archive = new FileStore(folder)
            if (made.restartPoints !== null) {
              await runJob({ archive, table: new MemoryStore(), job: 'snapshots', params: { every: made.restartPoints } })
            }
            const expected = await wholeRun(loaded, archive, PARAMS)
            const table = new MemoryStore()
            const slice = name === 'small-runner' ? '1d' : history.slice
            await carryOut({ ...history, slice }, { ...loaded, ...RANGE, archive, table, params: PARAMS })
            await expectSame(table, expected)
          } finally {
            fs.rmSync(folder, { recursive: true, force: true })
          }
        }),
        { numRuns: CASES, interruptAfterTimeLimit: 0.9 * TIMEOUT_MS },
      )
    },
    TIMEOUT_MS,
  )
})

describe('generated archives', () => {
  const folder = path.join(root, 'generated')
  const archive = new FileStore(folder)
  const params: ParamGrid = { every: '10m', offset: [0, 2], queue: ['risk', 'power:3'], tick: 0.0001 }

  beforeAll(async () => {
    await generateArchive(folder, { symbols: 2, messages: 6000, seed: 5, days: 3, segmentBytes: 65_536, stepBack: 0.05, gaps: 3 })
  })

  it('threads that are stopped and gone on from', async () => {
    const loaded = await bundled(job('small-maker'))
    const expected = await wholeRun(loaded, archive, params)
    const table = new FileStore(path.join(root, 'threads'))
    await runInThreads({ ...loaded, archive, table, params, slice: '6h', workers: 2, minTasks: 5, stopsMs: [300] })
    await expectSame(table, expected)
    expect((await tableLines(expected)).filter((line) => line.includes('kind=fill')).length).toBeGreaterThan(100)
  }, 180_000)

  it('a variant alone has the rows that it has among others', async () => {
    const loaded = await bundled(job('small-maker'))
    const together = await tableLines(await wholeRun(loaded, archive, params))
    const alone: string[] = []
    for (const offset of [0, 2]) {
      for (const queue of ['risk', 'power:3'])
        alone.push(...(await tableLines(await wholeRun(loaded, archive, { ...params, offset, queue }))))
    }
    expect(alone.sort()).toEqual(together.sort())
  }, 180_000)
})

it('how old a book is does not depend on where a pass begins', async () => {
  const folder = path.join(root, 'quiet')
  const messages = [10n, 11n, 23n, 36n].map(
    (hour): SmallMessage => ({
      ...{ stream: 'book', atNs: hour * 3_600_000_000_000n, kind: hour === 10n ? 'snapshot' : 'diff' },
      ...{ backNs: 0n, skewNs: 0n, isGap: false, values: [1, 2, 3, 4] },
    }),
  )
  writeSmallArchive(folder, { messages, snapshots: 'first', hasHole: false, hasSnapshotIds: true, restartPoints: null })
  const archive = new FileStore(folder)
  const loaded = await bundled(job('old-book'))
  const expected = await wholeRun(loaded, archive, {})
  await runJob({ archive, table: new MemoryStore(), job: 'snapshots', params: { every: '1h' } })
  const table = new MemoryStore()
  const { tasks } = await runJob({ archive, table, job: '', loaded, slice: '1d', minTasks: 2 })
  expect(tasks.flatMap(({ receipts }) => receipts.map(({ began }) => began?.with))).toContain('snapshot')
  await expectSame(table, expected)
  // Two hours after the event of 23:00.
  const counts = (await tableRows(expected)).filter(({ date }) => date === '2024-01-02').map(({ on_old_book }) => Number(on_old_book))
  expect(Math.max(...counts)).toBe(30 - 11)
})
