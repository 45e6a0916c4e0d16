import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runJob } from '../../bench/made/job-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runTask } from '../../core/task/task.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { timeNs, writeQuietArchive } from '../support/quiet-archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-check')
const quiet = path.join(root, 'quiet')
const lively = path.join(root, 'lively')

beforeAll(async () => {
  writeQuietArchive(quiet)
  await generateArchive(lively, { symbols: 2, messages: 4000, seed: 6, days: 2, segmentBytes: 65_536 })
})

function moduleOf(name: string, spec: string, top = ''): string {
  const file = path.join(root, `${name}.ts`)
  fs.writeFileSync(file, `import { defineJob } from 'chronicle-replay'\n${top}\nexport default defineJob({ name: '${name}', ${spec} })\n`)
  return file
}

const HOURLY = `streams: ['trades'], params: { every: '1h' }, fill: true, trigger: (p) => ({ every: p.every }), columns: { last: 'f64' },`
const LAST = `create() { let last = NaN; return { trade(t) { last = t.price }, row(out) { out.last = last } } }`

/** Names of jobs whose rows depend on where a pass begins, what is wrong with each, and how it is sliced. */
const LEAKY: readonly (readonly [name: string, archive: string, slice: string, job: () => string])[] = [
  ['filled', 'quiet', '1d', () => moduleOf('filled', HOURLY + LAST)],
  ['filled', 'quiet', '6h', () => moduleOf('filled', HOURLY + LAST)],
  ['filled', 'quiet', '1h', () => moduleOf('filled', HOURLY + LAST)],
  [
    'counted',
    'lively',
    '1d',
    () =>
      moduleOf(
        'counted',
        `streams: ['trades'], trigger: { every: '1h' }, columns: { all: 'i64' }, create() { let n = 0; return { trade() { n++ }, row(out) { out.all = n } } }`,
      ),
  ],
  // The books of all slices of a day begin with its folder: only restart points show it.
  [
    'smoothed',
    'lively',
    '1d',
    () =>
      moduleOf(
        'smoothed',
        `streams: ['book', 'trades'], trigger: { every: '10m' }, columns: { ema: 'f64' },
         create(_, { book }) { let ema = NaN; return { row(out) { const { mid } = book; ema = ema === ema ? 0.9 * ema + 0.1 * mid : mid; out.ema = ema } } }`,
      ),
  ],
  // Cells of a whole day that cannot be cut.
  [
    'thirds',
    'lively',
    '1d',
    () =>
      moduleOf(
        'thirds',
        `streams: ['trades'], trigger: { everyEvents: 3 }, columns: { all: 'i64' }, create() { let n = 0; return { trade() { n++ }, row(out) { out.all = n } } }`,
      ),
  ],
  [
    'shared',
    'lively',
    '6h',
    () =>
      moduleOf(
        'shared',
        `streams: ['trades'], columns: { before: 'f64' },
         create: (_, { symbol }) => ({ trade(t, out) { out.before = last.get(symbol) ?? null; last.set(symbol, t.price); out.emit() } })`,
        'const last = new Map<string, number>()',
      ),
  ],
  [
    'emitting',
    'lively',
    '1d',
    () =>
      moduleOf(
        'emitting',
        `streams: ['ticker'], columns: { move: 'f64', first: 'bool', name: 'string' },
         create() { let bid: number | null = null; return { ticker(t, out) { out.name = 'x'; out.first = bid === null; out.move = bid === null ? null : t.bidPrice - bid; bid = t.bidPrice; out.emit() } } }`,
      ),
  ],
]

describe('state that outlives its window is found and not committed', () => {
  it.each(LEAKY)('%s, %s in slices of %s', async (name, archive, slice, job) => {
    const table = new MemoryStore()
    const { commit } = await runJob({
      archive: new FileStore(path.join(root, archive)),
      table,
      job: job(),
      slice,
      minTasks: 8,
      check: 'few',
    })
    expect(commit).toMatchObject({ state: 'refused', version: -1 })
    const [finding] = commit!.check!.findings
    expect(finding).toMatchObject({ code: 'state-outlives-window', job: name })
    expect(finding!.values.run).not.toEqual(finding!.values.again)
    for await (const { key } of table.list('_delta_log/')) expect(key).toBe('nothing')
  })

  it('with the row, its values and the place to look at', async () => {
    const job = moduleOf('filled', HOURLY + LAST)
    const range = { fromNs: timeNs('2024-03-09T00:00:00Z'), toNs: timeNs('2024-03-10T00:00:00Z') }
    const { commit } = await runJob({ archive: new FileStore(quiet), table: new MemoryStore(), job, ...range, check: 1 })
    const [finding] = commit!.check!.findings
    // The trades of the day are at 05:20, 06:00 and 20:10: an hour without one has the last price, or none.
    const hour = new Date(Number(BigInt(finding!.row!.tsNs) / 1_000_000n)).getUTCHours()
    expect(finding).toMatchObject({ venue: 'x', symbol: 'a', column: 'last', row: { seq: null, row: 0 } })
    expect(finding!.values).toEqual({ run: hour < 20 ? '12' : '13', again: null })
    expect([5, 6, 20]).not.toContain(hour)
    expect(BigInt(finding!.againFromNs)).toBeLessThanOrEqual(BigInt(finding!.row!.tsNs))
  })

  it('random numbers are told as such', async () => {
    const job = moduleOf(
      'dice',
      `streams: ['trades'], trigger: { every: '1h' }, columns: { x: 'f64' }, create: () => ({ row(out) { out.x = Math.random() } })`,
    )
    const { commit } = await runJob({ archive: new FileStore(lively), table: new MemoryStore(), job, check: 'few' })
    expect(commit!.state).toBe('refused')
    for (const finding of commit!.check!.findings) expect(finding).toMatchObject({ code: 'rows-not-repeatable', column: 'x' })
  })

  it('an error that comes only from another start, too', async () => {
    const job = moduleOf(
      'picky',
      `streams: ['trades'], trigger: { every: '1h' }, fill: true, columns: { x: 'f64' },
       create() { let last: number | null = null; return { trade(t) { last = t.price }, row(out) { if (last === null) throw new Error('no price yet'); out.x = last } } }`,
    )
    const range = { fromNs: timeNs('2024-03-11T00:00:00Z'), toNs: timeNs('2024-03-12T00:00:00Z') }
    const { commit } = await runJob({ archive: new FileStore(quiet), table: new MemoryStore(), job, ...range, check: 1 })
    expect(commit!.check!.findings[0]!.message).toMatch(/made again it fails: job picky threw: Error: no price yet/)
  })
})

const SOUND: readonly (readonly [name: string, job: () => string])[] = [
  ['fresh', () => moduleOf('fresh', `session: 'day', ${HOURLY}${LAST}`)],
  ['features', () => moduleOf('features', `${HOURLY} features: () => ({ last: 'last_price:12h' })`)],
  [
    'forgetful',
    () =>
      moduleOf(
        'forgetful',
        `warmUp: '2h', ${HOURLY.replace("last: 'f64'", "last: 'f64', n: 'i64'")}
         create() {
           let seen: bigint[] = []
           let now = 0n
           return {
             reset() { seen = [] },
             trade(t) { now = t.timestampNs; seen = seen.filter((time) => now - time < 3_600_000_000_000n); seen.push(now) },
             row(out) { out.n = null; out.last = null },
           }
         }`,
      ),
  ],
]

describe('jobs that declare what they look back to', () => {
  it.each(SOUND)('%s', async (_, job) => {
    for (const slice of ['1d', '6h']) {
      const { commit } = await runJob({
        archive: new FileStore(quiet),
        table: new MemoryStore(),
        job: job(),
        slice,
        minTasks: 8,
        check: 'few',
      })
      expect(commit).toMatchObject({ state: 'committed', added: { rows: 72 }, check: { findings: [] } })
      expect(commit!.check!.telling).toBeGreaterThan(0)
    }
  })
})

describe('a check that is interrupted', () => {
  it('is made again with its partition', async () => {
    const stop = new AbortController()
    // The part is in the table when the stop comes; the check is yet to be made.
    class StoppingStore extends MemoryStore {
      override async put(...given: Parameters<MemoryStore['put']>): ReturnType<MemoryStore['put']> {
        const etag = await super.put(...given)
        if (given[0].endsWith('.parquet')) stop.abort()
        return etag
      }
    }
    const table = new StoppingStore()
    const job = moduleOf('features', `${HOURLY} features: () => ({ last: 'last_price:12h' })`)
    const archive = new FileStore(quiet)
    const range = { fromNs: timeNs('2024-03-09T00:00:00Z'), toNs: timeNs('2024-03-10T00:00:00Z') }
    const { run, tasks, commit } = await runJob({ archive, table, job, ...range, check: 1, task: { signal: stop.signal } })
    expect(tasks).toMatchObject([{ done: 0, left: 1 }])
    expect(commit).toMatchObject({ state: 'refused', check: { partitions: 0 } })
    await runTask({ table, archive, run, task: '000000', attempt: 'a2', clock: Date.now })
    const again = await commitRun(table, run, { clock: Date.now, random: Math.random })
    expect(again).toMatchObject({ state: 'committed', added: { rows: 24 }, check: { partitions: 1, findings: [] } })
  })
})
