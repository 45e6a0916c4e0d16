import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { BUILTIN_JOBS } from '../../core/job/builtin/index.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { planRun } from '../../core/plan/plan.ts'
import { FileStore } from '../../core/store/file-store.ts'
import type { StoredObject } from '../../core/store/object-store.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { PlannedParts } from '../support/planned-parts.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Fails when anything but the listing is used. */
class ListingOnly extends FileStore {
  override async get(key: string): Promise<StoredObject | null> {
    throw new Error(`read ${key}`)
  }
}

describeGolden('plan of the real archive', () => {
  const archive = new ListingOnly(goldenPath('archive-real'))
  const options = { archive, run: '20240808T120000Z-00000000', createdMs: 0 }

  describe('from its listing', () => {
    it('finds every instrument that has the streams of a job', async () => {
      const code = { bundle: 'code', engine: await engineHash() }
      const counts = await Promise.all(
        Object.values(BUILTIN_JOBS).map(async (job) => {
          const { head, instruments } = await planRun({ ...options, outline: outlineJob(job), code })
          return [job.name, instruments.length, head.counts.run]
        }),
      )
      expect(counts).toEqual([
        ['messages', 18, 18],
        ['trades', 8, 8],
        ['tickers', 6, 6],
        // By the exchange's clock: a day more on both sides.
        ['bars', 8, 24],
        // L3 books where there are no L2 books.
        ['book-features', 18, 18],
        ['snapshots', 18, 18],
      ])
    })

    it('takes btcusdt on both venues, or on one', async () => {
      const job = BUILTIN_JOBS.trades!
      const code = { bundle: 'code', engine: 'engine' }
      const venues = async (only?: string[]): Promise<string[]> =>
        (await planRun({ ...options, outline: outlineJob(job), code, symbols: ['btcusdt'], venues: only })).instruments.map(
          ({ venue }) => venue,
        )
      expect(await venues()).toEqual(['binance-spot', 'binance-usdm'])
      expect(await venues(['binance-spot'])).toEqual(['binance-spot'])
      await expect(venues(['kraken'])).rejects.toMatchObject({ code: 'symbol-unknown', message: expect.stringContaining('chosen venues') })
    })

    it('plans nothing twice, in less than two seconds', async () => {
      const job = BUILTIN_JOBS['book-features']!
      const code = { bundle: 'code', engine: 'engine' }
      const live = new PlannedParts().commit(await planRun({ ...options, outline: outlineJob(job), code, slice: '1h' }))
      const startedMs = performance.now()
      const again = await planRun({ ...options, outline: outlineJob(job, {}, live), code, slice: '1h', live })
      expect(performance.now() - startedMs).toBeLessThan(2000)
      expect(again.head.counts).toEqual({ run: 0, cached: 18 * 24, stale: 0 })
    })
  })

  describe('on the command line', () => {
    const folder = temporaryFolder('plan')
    const table = path.join(folder, 'table')
    const plan = (...argv: string[]) => runCli('plan', ...argv, '--archive', goldenPath('archive-real'), '--table', table)

    it('is a document, and a dry run', async () => {
      const { code, out, err } = await plan(
        'bars',
        '--symbols',
        'btcusdt',
        '--from',
        '2024-08-08',
        '--to',
        '2024-08-09',
        '--slice',
        '1h',
        '--param',
        'every=1m,5m',
        '--json',
      )
      expect([code, err]).toEqual([0, ''])
      const document = JSON.parse(out) as Record<string, unknown>
      expect(document).toMatchObject({
        job: 'bars',
        clock: 'exchange',
        fromNs: '1723075200000000000',
        toNs: '1723161600000000000',
        sliceNs: '3600000000000',
        partitions: { run: 48, cached: 0, stale: 0 },
        reasons: [{ state: 'run', reason: 'not in the table', partitions: 48, first: 'binance-spot/btcusdt/2024-08-08T00:00:00Z' }],
      })
      expect((document.variants as { params: object }[]).map(({ params }) => params)).toEqual(
        expect.arrayContaining([{ every: '1m' }, { every: '5m' }]),
      )
      expect(document.cost).toMatchObject({
        assumptions: expect.any(Array),
        dollars: { low: expect.any(Number), high: expect.any(Number) },
      })
      expect(existsSync(table)).toBe(false)
    })

    it('is a table that ends with the command to go on with', async () => {
      const { code, out, err } = await plan('book-features', '--venues', 'okx,kraken')
      expect(code).toBe(0)
      expect(out).toMatch(/kraken +xmr-usd +1 +0 +0 +197 kB/)
      expect(out).toMatch(/13 partitions to run in \d+ tasks, 0 cached/)
      expect(err).toMatch(/^next: chronicle-replay run book-features --archive .* --venues okx,kraken\n$/)
    })

    it.each([
      [['bars', '--symbols', '../x'], 'name-invalid'],
      [['bars', '--symbols', 'btcusd'], 'did you mean btcusdt?'],
      [['bars', '--from', '2024-08-08T00:30:00Z'], 'range-off-grid'],
      [['bars', '--from', '2024-08-09', '--to', '2024-08-08'], 'range-empty'],
      [['bars', '--param', 'evry=1m'], 'did you mean every?'],
      [['barz'], 'did you mean bars?'],
    ])('says what is wrong with %j', async (argv, message) => {
      const { code, out, err } = await plan(...argv)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(message)
    })

    it('plans a module of one’s own', async () => {
      mkdirSync(folder, { recursive: true })
      const module = path.join(folder, 'own.ts')
      writeFileSync(
        module,
        `import { defineJob } from 'chronicle-replay'
         export default defineJob({ name: 'own', streams: ['trades'], columns: { p: 'f64' }, create: () => ({ trade(t, out) { out.p = t.price; out.emit() } }) })`,
      )
      const { code, out } = await plan(module, '--symbols', 'amzn', '--json')
      expect([code, (JSON.parse(out) as { job: string }).job]).toEqual([0, 'own'])
    })
  })
})
