import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayOfDate } from '../../core/instant.ts'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { defineJob } from '../../core/job/define-job.ts'
import type { JobDefinition, ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import type { ArchiveFacts } from '../../core/plan/archive/archive-facts.ts'
import { planRun, type RunPlan } from '../../core/plan/plan.ts'
import type { PlanOptions } from '../../core/plan/plan-options.ts'
import { NO_PARTS } from '../../core/plan/table/live-parts.ts'
import { ListedArchive, type ListedArchiveOptions } from '../support/listed-archive.ts'
import { PlannedParts, plannedLines } from '../support/planned-parts.ts'

const RUN = '20240808T120000Z-00000000'
const CODE = { bundle: 'code', engine: 'engine' }
const { trades, bars, 'book-features': bookFeatures } = BUILTIN_JOBS as Readonly<Record<string, JobDefinition>>
const FIRST_DAY = dayOfDate('2024-01-01')

interface Asked extends Partial<PlanOptions> {
  readonly job?: JobDefinition
  readonly params?: ParamGrid
}

async function planned(archive: ListedArchiveOptions, { job = trades!, params, ...options }: Asked = {}): Promise<RunPlan> {
  const outline = outlineJob(job, params, options.live)
  return planRun({ archive: new ListedArchive(archive), outline, code: CODE, run: RUN, createdMs: 0, ...options })
}

/** The days (1 = the first) of the partitions that run, for an archive with one symbol and day cells. */
function daysThatRun(plan: RunPlan): number[] {
  return plannedLines(plan).map(({ key }) => Number(key.split('/')[2]) - FIRST_DAY + 1)
}

function reasonsOf(plan: RunPlan): string[] {
  return plan.head.reasons.map(({ state, reason, partitions }) => `${partitions} ${state}: ${reason}`)
}

/** Gives the folder of a day (1 = the first) another version. */
function changing(...dates: string[]): (folder: string) => number {
  return (folder) => (dates.some((date) => folder.includes(date)) ? 2 : 1)
}

describe('cells', () => {
  it('tile the days of each instrument, whatever bytes, tasks and workers (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          slice: fc.constantFrom('1d', '12h', '6h', '1h', '30m'),
          days: fc.integer({ min: 1, max: 6 }),
          symbols: fc.integer({ min: 1, max: 3 }),
          missing: fc.integer({ min: 0, max: 7 }),
          isBook: fc.boolean(),
          sizes: fc.tuple(
            ...[0, 1].map(() =>
              fc.record({
                segmentBytes: fc.nat(1e9),
                taskBytes: fc.integer({ min: 1, max: 1e9 }),
                minTasks: fc.integer({ min: 1, max: 64 }),
              }),
            ),
          ),
        }),
        async ({ slice, days, symbols, missing, isBook, sizes }) => {
          fc.pre(days > 1 || missing !== 1)
          const job = isBook ? bookFeatures! : trades!
          const isMissing = (folder: string): boolean => folder.includes(`2024-01-0${missing}`)
          const plans = await Promise.all(
            sizes.map(({ segmentBytes, taskBytes, minTasks }) =>
              planned({ symbols, days, streams: ['book', 'trades'], segmentBytes, isMissing }, { job, slice, taskBytes, minTasks }),
            ),
          )
          const perDay = Number(86_400_000_000_000n / BigInt(plans[0]!.head.sliceNs))
          const expected = Array.from({ length: symbols }, (_, symbol) =>
            Array.from({ length: days * perDay }, (_, cell) => cell)
              .filter((cell) => Math.floor(cell / perDay) + 1 !== missing)
              .map((cell) => `mock/sym-000${symbol}/${FIRST_DAY * perDay + cell}`),
          ).flat()
          for (const plan of plans) {
            const lines = plannedLines(plan)
            expect(lines.map(({ key }) => key)).toEqual(expected)
            // Every partition is in one task, and tasks are runs of partitions.
            expect(plan.tasks.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(lines.length)
            for (const [i, { first, partitions }] of plan.tasks.entries()) {
              expect(partitions).toBeGreaterThan(0)
              expect(first).toBe(i === 0 ? 0 : plan.tasks[i - 1]!.first + plan.tasks[i - 1]!.partitions)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('have the same fingerprints for every way to cut tasks', async () => {
    const archive = { symbols: 2, days: 5, streams: ['book', 'trades'] }
    const few = await planned(archive, { job: bookFeatures!, slice: '6h' })
    const many = await planned(archive, { job: bookFeatures!, slice: '6h', taskBytes: 1, minTasks: 64, symbols: ['sym-0000', 'sym-0001'] })
    expect(plannedLines(many).map(({ fingerprint }) => fingerprint)).toEqual(plannedLines(few).map(({ fingerprint }) => fingerprint))
    expect(new Set(plannedLines(few).map(({ fingerprint }) => fingerprint)).size).toBe(40)
  })

  it('reach one cell farther on the exchange’s clock: its bars may hold messages of the day beside', async () => {
    const plan = await planned({ symbols: 1, days: 1 }, { job: bars!, slice: '1h' })
    expect(plan.head.counts.run).toBe(26)
    const day = await planned(
      { symbols: 1, days: 1 },
      { job: bars!, slice: '1h', fromNs: 1704067200000000000n, toNs: 1704153600000000000n },
    )
    expect(day.head.counts.run).toBe(24)
  })
})

describe('selection', () => {
  const archive = { venues: ['binance-spot', 'binance-usdm'], symbols: 2, days: 2 }

  it('takes a symbol on all venues unless narrowed', async () => {
    const both = await planned(archive, { symbols: ['sym-0001'] })
    expect(both.instruments.map(({ venue, symbol }) => `${venue}/${symbol}`)).toEqual(['binance-spot/sym-0001', 'binance-usdm/sym-0001'])
    const one = await planned(archive, { symbols: ['sym-0001'], venues: ['binance-usdm'] })
    expect(one.instruments).toHaveLength(1)
    // Only the fingerprints of the venue: the other one's partition is another partition.
    const [first, second] = ['binance-spot', 'binance-usdm'].map((venue) => plannedLines(both).find(({ key }) => key.startsWith(venue))!)
    expect(first!.fingerprint).not.toBe(second!.fingerprint)
  })

  it('lists only what was asked for', async () => {
    const store = new ListedArchive(archive)
    await planned(archive, { archive: store, symbols: ['sym-0001'], venues: ['binance-usdm'] })
    expect(store.listed).toBe(6)
  })

  it.each([
    [{ symbols: ['../etc'] }, 'name-invalid', /symbol: expected the name of a folder/],
    [{ symbols: ['a/b'] }, 'name-invalid', /"a\/b"/],
    [{ venues: ['..'] }, 'name-invalid', /venue/],
    [{ venues: ['..'] }, 'name-invalid', /venue/],
    [{ symbols: ['sym-001'] }, 'symbol-unknown', /did you mean sym-000[01]\?/],
    [{ venues: ['binance-spt'] }, 'venue-unknown', /did you mean binance-spot\?/],
    [{ fromNs: 1n }, 'range-off-grid', /from: expected a multiple of the slice/],
    [{ fromNs: 1704153600000000000n, toNs: 1704153600000000000n }, 'range-empty', /expected from before to/],
    [{ fromNs: 0n, toNs: 86_400_000_000_000n }, 'range-empty', /there are days from 2024-01-01 to 2024-01-02/],
    [{ job: bookFeatures! }, 'range-empty', /the instruments have no logs of book/],
    [{ slice: '7h' }, 'slice', /divides a day.*would do: 3h, 4h, 6h, 8h, 12h, 1d; found "7h"$/],
    [{ job: bars!, params: { every: ['1m', '7s'] } }, 'slice', /no slice is a multiple of the job's bars of 7s .* take bars of 6s or 8s$/],
    [{ job: bars!, params: { every: '7s' } }, 'slice', /no slice is a multiple of the job's bars of 7s .* take bars of 6s or 8s$/],
    [
      { job: bars!, slice: '1h', params: { every: '90m' } },
      'slice',
      /a multiple of the job's bars of 90m, .* would do: 90m, 3h, 6h, 1d; found "1h"$/,
    ],
    [{ live: { ...NO_PARTS, job: 'other' } }, 'table-job', /holds rows of job other, not of trades/],
    [{ live: { ...NO_PARTS, overlapping: () => '1h cells' } }, 'cell-overlap', /overlaps rows of another slicing/],
  ] satisfies [Asked, string, RegExp][])('refuses %o', async (options, code, message) => {
    await expect(planned(archive, options)).rejects.toMatchObject({ code, category: 'input', message: expect.stringMatching(message) })
  })
})

describe('what runs again', () => {
  const archive = { symbols: 1, days: 6, streams: ['book', 'trades'] }
  /** `every N` counts restart each day; no book. */
  const rolling = defineJob({
    name: 'rolling',
    streams: ['trades'],
    columns: { volume: 'f64' },
    params: { window: '30m' },
    trigger: { every: '1m' },
    warmUp: ({ window }) => window,
    create: () => ({}),
  })

  it('is nothing when nothing changed', async () => {
    for (const job of [trades!, bars!, bookFeatures!, rolling]) {
      const live = new PlannedParts().commit(await planned(archive, { job, slice: '6h' }))
      const again = await planned(archive, { job, slice: '6h', live })
      expect(again.head.counts).toMatchObject({ run: 0, stale: 0 })
      expect(again.head.counts.cached).toBeGreaterThanOrEqual(24)
      expect(again.tasks).toEqual([])
      expect(again.head.cost).toMatchObject({ bytesRead: 0, putRequests: 0 })
    }
  })

  it('is the changed day, and the cells that look back into it', async () => {
    const changed = { ...archive, versionOf: changing('2024-01-03') }
    for (const [job, days] of [
      [trades!, [3]],
      [rolling, [3, 4]],
      // Skew looks both ways.
      [bars!, [2, 3, 4]],
      [bookFeatures!, [3, 4, 5, 6]],
    ] as const) {
      const live = new PlannedParts().commit(await planned(archive, { job }))
      const again = await planned(changed, { job, live })
      expect([job.name, ...daysThatRun(again)]).toEqual([job.name, ...days])
      expect(reasonsOf(again)).toContain(`${days.length} stale: input changed`)
    }
    // Of finer cells only the first ones of the next day look back.
    const live = new PlannedParts().commit(await planned(archive, { job: rolling, slice: '6h' }))
    expect((await planned(changed, { job: rolling, slice: '6h', live })).head.counts.stale).toBe(5)
  })

  it('does not depend on streams that the job does not read, nor on snapshots', async () => {
    const live = new PlannedParts().commit(await planned(archive, { job: bookFeatures! }))
    const versionOf = (folder: string): number => (folder.includes('trades') ? 2 : 1)
    const again = await planned({ ...archive, versionOf, snapshots: { stream: 'book', count: 9 } }, { job: bookFeatures!, live })
    expect(again.head.counts).toEqual({ run: 0, cached: 6, stale: 0 })
  })

  it('ends at a known restart point, and learning of one makes nothing stale', async () => {
    const facts = await factsOf(archive, '2024-01-05')
    const unaware = new PlannedParts().commit(await planned(archive, { job: bookFeatures! }))
    expect((await planned(archive, { job: bookFeatures!, live: unaware, facts })).head.counts).toEqual({ run: 0, cached: 6, stale: 0 })
    const aware = new PlannedParts().commit(await planned(archive, { job: bookFeatures!, facts }))
    const changed = { ...archive, versionOf: changing('2024-01-03') }
    expect(daysThatRun(await planned(changed, { job: bookFeatures!, live: aware, facts }))).toEqual([3, 4])
    expect(daysThatRun(await planned(changed, { job: bookFeatures!, live: unaware, facts }))).toEqual([3, 4, 5, 6])
    // A fact about other bytes is none.
    const elsewhere = { ...archive, versionOf: changing('2024-01-05') }
    const restarts = plannedLines(await planned(elsewhere, { job: bookFeatures!, facts })).map(({ restart }) => restart)
    expect(restarts).toEqual(Array.from({ length: 6 }, () => 'origin'))
  })

  it('is what follows a day that appears: a missing one, or one before the first', async () => {
    const isMissing = (folder: string): boolean => folder.includes('2024-01-01') || folder.includes('2024-01-04')
    const facts = await factsOf(archive, '2024-01-06')
    const live = new PlannedParts().commit(await planned({ ...archive, isMissing }, { job: bookFeatures!, facts }))
    const without1 = { ...archive, isMissing: (folder: string) => folder.includes('2024-01-01') }
    expect(daysThatRun(await planned(without1, { job: bookFeatures!, facts, live }))).toEqual([4, 5])
    const without4 = { ...archive, isMissing: (folder: string) => folder.includes('2024-01-04') }
    expect(daysThatRun(await planned(without4, { job: bookFeatures!, facts, live }))).toEqual([1, 2, 3, 5])
  })

  it('says why: code, engine, both', async () => {
    const live = new PlannedParts().commit(await planned(archive))
    expect(reasonsOf(await planned(archive, { live, code: { ...CODE, bundle: 'new' } }))).toEqual(['6 stale: code changed'])
    expect(reasonsOf(await planned(archive, { live, code: { ...CODE, engine: 'new' } }))).toEqual(['6 stale: engine changed'])
    const all = await planned({ ...archive, versionOf: changing('2024-01-02') }, { live, code: { bundle: 'new', engine: 'new' } })
    expect(reasonsOf(all)).toEqual(['5 stale: code changed, engine changed', '1 stale: code changed, engine changed, input changed'])
    const more = await planned({ ...archive, days: 8 }, { live })
    expect(reasonsOf(more)).toEqual(['6 cached: in the table', '2 run: not in the table'])
    expect(more.head.reasons[1]).toMatchObject({ first: 'mock/sym-0000/2024-01-07T00:00:00Z' })
  })

  it('is nothing but what skipped damage when damage is no longer skipped, or not skipped yet', async () => {
    const skipping = await planned(archive, { onCorrupt: 'skip' })
    expect(skipping.head.onCorrupt).toBe('skip')
    const plain = await planned(archive)
    const plainOf = new Map(plannedLines(plain).map(({ key, fingerprint }) => [key, fingerprint]))
    const skippingLines = plannedLines(skipping)
    expect(skippingLines.every(({ key, fingerprint }) => plainOf.has(key) && plainOf.get(key) !== fingerprint)).toBe(true)
    // What met no damage has the fingerprint that it would have without.
    const [damaged] = skippingLines
    const only = new PlannedParts().commit(skipping, (line) =>
      line.key === damaged!.key ? line : { ...line, fingerprint: plainOf.get(line.key)! },
    )
    expect(reasonsOf(await planned(archive, { live: only, onCorrupt: 'skip' }))).toEqual(['6 cached: in the table'])
    expect(reasonsOf(await planned(archive, { live: only }))).toEqual(['1 stale: damage is no longer skipped', '5 cached: in the table'])
    const changed = await planned(archive, { live: only, code: { ...CODE, bundle: 'new' } })
    expect(reasonsOf(changed)).toEqual(['1 stale: code changed, damage is no longer skipped', '5 stale: code changed'])
    expect(reasonsOf(await planned(archive, { live: new PlannedParts().commit(plain), onCorrupt: 'skip' }))).toEqual([
      '6 cached: in the table',
    ])
  })

  it('reads whole days where damage is skipped; restart points are not written then', async () => {
    const noonNs = 86_400_000_000_000n * BigInt(FIRST_DAY) + 43_200_000_000_000n
    const hour = { slice: '1h', fromNs: noonNs, toNs: noonNs + 3_600_000_000_000n } as const
    const [stopping, skipping] = [await planned(archive, hour), await planned(archive, { ...hour, onCorrupt: 'skip' })]
    expect(skipping.head.cost.bytesInRange).toBe(stopping.head.cost.bytesInRange)
    expect(skipping.head.cost.bytesRead).toBeGreaterThan(10 * stopping.head.cost.bytesRead)
    expect(skipping.advice).toEqual([expect.stringMatching(/begin of a day on: take a coarser --slice/)])
    const { snapshots } = BUILTIN_JOBS as Readonly<Record<string, JobDefinition>>
    await expect(planned(archive, { job: snapshots!, onCorrupt: 'skip' })).rejects.toMatchObject({
      code: 'snapshots-skip',
      category: 'input',
    })
  })

  it('is only the new variant when a parameter gets a new value', async () => {
    const job = rolling
    const first = await planned(archive, { job })
    const live = new PlannedParts().commit(first)
    const both = await planned(archive, { job, live, params: { window: ['30m', '2h'] } })
    expect(reasonsOf(both)).toEqual(['6 run: new parameters'])
    expect(plannedLines(both).every(({ variants }) => variants.length === 1 && variants[0] !== first.head.asked[0])).toBe(true)
    live.commit(both)
    for (const params of [{}, { window: '2h' }, { window: ['30m', '2h'] }]) {
      expect((await planned(archive, { job, live, params })).head.counts).toMatchObject({ run: 0, stale: 0 })
    }
  })

  it('is every variant of a part of which one is stale', async () => {
    const job = rolling
    const sweep = await planned(archive, { job, params: { window: ['10m', '20m', '30m'] } })
    const live = new PlannedParts().commit(sweep)
    expect(new Set(plannedLines(sweep).map(({ variants }) => variants.length))).toEqual(new Set([3]))
    const again = await planned({ ...archive, versionOf: changing('2024-01-06') }, { job, live, params: { window: '20m' } })
    expect(plannedLines(again).map(({ key, variants }) => [key.split('/')[2], variants])).toEqual([
      [String(FIRST_DAY + 5), sweep.head.asked],
    ])
    expect(again.head.variants.map(({ params }) => params.window).sort()).toEqual(['10m', '20m', '30m'])
  })
})

describe('tasks', () => {
  const archive = { symbols: 3, days: 10, streams: ['book'], segmentBytes: 2 ** 30 }

  it('are one per instrument where there is no restart point, and more where there are', async () => {
    const options = { job: bookFeatures!, taskBytes: 2 ** 30 }
    const without = await planned(archive, options)
    expect(without.tasks.map(({ partitions }) => partitions)).toEqual([10, 10, 10])
    expect(without.head.cost.amplification).toBe(1)
    expect(without.advice).toEqual([expect.stringMatching(/3 of 3 instruments have no known restart point.*snapshots job/)])
    const snapshots = await planned({ ...archive, snapshots: { stream: 'book', count: 23 } }, options)
    expect(snapshots.tasks.length).toBe(30)
    expect(snapshots.head.cost.amplification).toBeGreaterThan(1)
    expect(snapshots.head.cost.amplification).toBeLessThan(1.1)
    expect(snapshots.advice).toEqual([])
    const daily = await planned(archive, { ...options, facts: await factsOf(archive, '2024-01-') })
    expect(daily.tasks.length).toBe(30)
    expect(daily.head.cost.amplification).toBe(1)
  })

  it('are not cut where another task would have to read it all again', async () => {
    const options = { job: bookFeatures!, taskBytes: 2 ** 30 }
    // A restart point, but far away.
    const far = await planned(archive, { ...options, facts: await factsOf(archive, '2024-01-01') })
    expect(far.tasks.map(({ partitions }) => partitions)).toEqual([10, 10, 10])
    // Without restart points not even where there is little to read.
    const small = await planned({ ...archive, symbols: 1, days: 100, segmentBytes: 100_000 }, { ...options, taskBytes: 20 * 2 ** 20 })
    expect(small.tasks.map(({ partitions }) => partitions)).toEqual([100])
  })

  it('reads from the restart point when only a late range is asked for', async () => {
    const late = { fromNs: BigInt(FIRST_DAY + 8) * 86_400_000_000_000n, job: bookFeatures! }
    const plan = await planned({ ...archive, symbols: 1 }, late)
    expect(plan.head.cost).toMatchObject({ bytesInRange: 2 * 2 ** 30, bytesRead: 10 * 2 ** 30, amplification: 5 })
    expect(plan.advice).toEqual([expect.stringMatching(/reads 5\.0 times the bytes/), expect.anything()])
  })

  it('reads from midnight for rows at events, from the cell for bars', async () => {
    const spec = { name: 'counts', streams: ['trades'], columns: { a: 'f64' }, create: () => ({}) } as const
    const evening = { slice: '6h', fromNs: (BigInt(FIRST_DAY) * 4n + 3n) * 21_600_000_000_000n }
    for (const [trigger, read] of [
      [{ everyEvents: 100 }, 4],
      [{ event: 'trade' }, 4],
      [{ every: '1m' }, 1],
      [undefined, 1],
    ] as const) {
      const job = defineJob({ ...spec, ...(trigger && { trigger }) })
      const { head } = await planned({ symbols: 1, days: 1, segmentBytes: 4000 }, { ...evening, job })
      expect({ trigger, range: head.cost.bytesInRange, read: head.cost.bytesRead }).toEqual({ trigger, range: 1000, read: read * 1000 })
    }
  })

  it('are balanced by bytes and at most 10,000', async () => {
    const plan = await planned({ symbols: 20, days: 50 }, { taskBytes: 100 * 2 ** 20 })
    const bytes = plan.tasks.map((task) => task.bytes)
    expect(Math.max(...bytes)).toBeLessThan(110 * 2 ** 20)
    expect(bytes.filter((one) => one < 20 * 2 ** 20).length).toBeLessThan(3)
    expect((await planned({ symbols: 30, days: 400 }, { taskBytes: 1 })).tasks.length).toBeLessThanOrEqual(10_000)
    expect((await planned({ symbols: 1, days: 50 }, { minTasks: 8 })).tasks.length).toBeGreaterThanOrEqual(8)
  })
})

describe('scale', () => {
  it('plans 100,000 partitions in seconds, and finds them all cached', async () => {
    const archive = { symbols: 42, days: 100 }
    const plan = await planned(archive, { slice: '1h' })
    expect(plan.head.counts).toEqual({ run: 100_800, cached: 0, stale: 0 })
    const live = new PlannedParts().commit(plan)
    expect((await planned(archive, { slice: '1h', live })).head.counts).toEqual({ run: 0, cached: 100_800, stale: 0 })
  })

  it('plans 20,000 day folders', async () => {
    expect((await planned({ symbols: 50, days: 400, segments: 2 })).head.counts.run).toBe(20_000)
  })
})

/** Facts that say the book folders of these dates begin with a snapshot. */
async function factsOf(archive: ListedArchiveOptions, date: string): Promise<ArchiveFacts> {
  const { listArchive } = await import('../../core/plan/archive/archive-listing.ts')
  const { instruments } = await listArchive(new ListedArchive(archive))
  const digests = new Map<string, string>()
  for (const { venue, symbol, folders } of instruments) {
    for (const { day, stream, digest } of folders) {
      digests.set(`v1/${venue}/${symbol}/${new Date(day * 86_400_000).toISOString().slice(0, 10)}/${stream}/`, digest)
    }
  }
  return {
    of: (folder) => {
      const digest = digests.get(folder)
      return digest === undefined || !folder.includes(`/${date}`) ? undefined : { folder, digest, begins: 'snapshot', beginsNs: '0' }
    },
  }
}
