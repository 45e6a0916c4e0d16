import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { runJob, tableSum } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { type GenerateOptions, generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-slices')
/** Ways to cut each job's run; `CHRONICLE_SLICE_CASES=20` for a long run. */
const CASES = Number(process.env.CHRONICLE_SLICE_CASES ?? 1)
const example = (name: string): string => path.resolve(import.meta.dirname, '../../examples', name)
const support = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', name)

let tables = 0
const newTable = (): FileStore => new FileStore(path.join(root, `table-${tables++}`))

interface Case {
  readonly job: string
  readonly params?: ParamGrid
}

const JOBS: Record<string, Case> = {
  messages: { job: 'messages' },
  trades: { job: 'trades' },
  bars: { job: 'bars', params: { every: ['1m', '5m'] } },
  'book features with a window of five minutes': { job: example('book-features-job.ts'), params: { every: '1m', depth: [1, 3] } },
  'signed flow': { job: example('flow-job.ts'), params: { every: '1m' } },
  'rows at events': { job: support('best-price.ts'), params: { depth: [1, 2] } },
  'a job with every handler': { job: support('every-handler.ts') },
}

describe('random slices and tasks = one pass, whatever the job', () => {
  const archives: Record<string, FileStore> = {}

  beforeAll(async () => {
    const made: Record<string, Partial<GenerateOptions>> = {
      'daily snapshots': { dailySnapshot: true, gaps: 3 },
      'no daily snapshots, a missing day': { dailySnapshot: false, gaps: 3 },
      'L3 books': { level: 'l3', gaps: 1 },
    }
    for (const [name, options] of Object.entries(made)) {
      const folder = path.join(root, name.replaceAll(/\W/g, '-'))
      await generateArchive(folder, { symbols: 2, messages: 4000, seed: 7, days: 3, ...options, segmentBytes: 65_536, stepBack: 0.01 })
      archives[name] = new FileStore(folder)
    }
    const venue = path.join(archives['no daily snapshots, a missing day']!.uri, 'v1/synthetic')
    const [symbol] = fs.readdirSync(venue)
    const [, second] = fs.readdirSync(path.join(venue, symbol!)).sort()
    fs.rmSync(path.join(venue, symbol!, second!), { recursive: true })
  })

  for (const name of ['daily snapshots', 'no daily snapshots, a missing day', 'L3 books']) {
    it.each(Object.entries(JOBS))(`${name}: %s`, async (_, { job, params = {} }) => {
      const archive = archives[name]!
      const whole = newTable()
      const once = await runJob({ archive, table: whole, job, params })
      expect(once.commit?.state).toBe('committed')
      expect(once.tasks.flatMap(({ failed }) => failed)).toEqual([])
      const expected = await tableSum(whole)
      expect(Number(expected.split(' ')[0])).toBeGreaterThan(50)
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('1h', '2h', '6h', '12h', '1d'),
          fc.integer({ min: 1, max: 40 }),
          fc.boolean(),
          async (slice, minTasks, isReversed) => {
            const table = newTable()
            const made = await runJob({
              archive,
              table,
              job,
              params,
              slice,
              minTasks,
              order: (tasks) => (isReversed ? tasks.reverse() : tasks),
            })
            expect(made.tasks.flatMap(({ failed }) => failed)).toEqual([])
            expect(await tableSum(table)).toBe(expected)
            // Changing nothing runs nothing.
            expect((await runJob({ archive, table, job, params, slice })).planned).toMatchObject({ run: 0, stale: 0 })
          },
        ),
        { numRuns: CASES },
      )
    })
  }

  it('a variant of a sweep has the rows that it has alone, and partitions that are there already are not run again', async () => {
    const archive = archives['daily snapshots']!
    const job = example('book-features-job.ts')
    const [sweep, oneByOne] = [newTable(), newTable()]
    await runJob({ archive, table: sweep, job, params: { every: '1m', depth: [1, 3] }, slice: '6h' })
    const noon = 1_704_067_200_000_000_000n + 43_200_000_000_000n
    await runJob({
      archive,
      table: oneByOne,
      job,
      params: { every: '1m', depth: 3 },
      slice: '6h',
      fromNs: noon,
      toNs: 2n * 43_200_000_000_000n + noon,
    })
    const rest = await runJob({ archive, table: oneByOne, job, params: { every: '1m', depth: 3 }, slice: '6h' })
    expect(rest.planned.cached).toBe(8)
    const other = await runJob({ archive, table: oneByOne, job, params: { every: '1m', depth: [1, 3] }, slice: '6h' })
    expect(other.planned).toMatchObject({ cached: 0, stale: 0 })
    expect(await tableSum(oneByOne)).toBe(await tableSum(sweep))
  })

  it('an input that changed reruns what depends on it, to the table of a run from nothing', async () => {
    const archive = new FileStore(path.join(root, 'changing'))
    fs.cpSync(archives['daily snapshots']!.uri, archive.uri, { recursive: true })
    const options = {
      archive,
      job: example('flow-job.ts'),
      params: { every: '1m' },
      slice: '6h',
      symbols: fs.readdirSync(path.join(archive.uri, 'v1/synthetic')).slice(0, 1),
    }
    const table = newTable()
    await runJob({ ...options, table })
    // The trades of the second day are lost, all but those of the first segment.
    const folder = fs.globSync('v1/synthetic/*/*/trades', { cwd: archive.uri }).sort()[1]!
    for (const name of fs.readdirSync(path.join(archive.uri, folder))) {
      if (/^00000000[1-9]\.(q|idx)$/.test(name)) fs.rmSync(path.join(archive.uri, folder, name))
    }
    fs.utimesSync(path.join(archive.uri, folder, '000000000.q'), 1, 1)
    const again = await runJob({ ...options, table })
    expect(again.planned.run).toBe(0)
    expect(again.planned.stale).toBeGreaterThanOrEqual(4)
    const fresh = newTable()
    await runJob({ ...options, table: fresh })
    expect(await tableSum(table)).toBe(await tableSum(fresh))
  })
})
