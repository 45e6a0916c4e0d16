import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JobRun, runJob, tableSum } from '../../bench/made/job-run.ts'
import { ARCHIVE_INDEX } from '../../core/plan/archive/archive-index.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { tradeMessage } from '../support/batches.ts'
import { compressSegment, inDirectory, makeLog } from '../support/made-log.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { RangedStore } from '../support/ranged-store.ts'
import { type Rolls, smallArchives, writeSmallArchive } from '../support/small-archive.ts'

const HOUR_NS = 3_600_000_000_000n
const DAY_NS = 24n * HOUR_NS
const example = (name: string): string => path.resolve(import.meta.dirname, '../../examples', name)
const support = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', name)

/** New York, Shanghai, Chicago's trading day, a second late, a millisecond early, UTC. */
const ROLLS = [5n * HOUR_NS, -8n * HOUR_NS, -7n * HOUR_NS, 1_000_000_000n, -1_000_000n, 0n]
const JOBS = ['messages', 'trades', 'bars', support('every-third.ts'), support('best-price.ts'), example('book-features-job.ts')]

function requireSound({ tasks, commit }: JobRun): void {
  expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  expect(commit === null || commit.state === 'committed').toBe(true)
}

describe('folders that begin at another hour than UTC midnight', () => {
  it('give every message, and the same rows, whatever slices, tasks, store and error strategy (property)', async () => {
    const rolls: fc.Arbitrary<Rolls> = fc.record({
      book: fc.constantFrom(...ROLLS),
      trades: fc.constantFrom(...ROLLS),
      ticker: fc.constantFrom(...ROLLS),
    })
    await fc.assert(
      fc.asyncProperty(
        smallArchives(40),
        rolls,
        fc.constantFrom(...JOBS),
        fc.array(
          fc.record({ slice: fc.constantFrom('1d', '6h', '1h'), minTasks: fc.integer({ min: 1, max: 40 }), isStore: fc.boolean() }),
          {
            minLength: 2,
            maxLength: 2,
          },
        ),
        async (small, roll, job, ways) =>
          inDirectory(async (root) => {
            const home = path.join(root, 'archive')
            if (!writeSmallArchive(home, { ...small, restartPoints: null }, roll)) return
            const archive = new FileStore(home)
            const whole = new MemoryStore()
            const once = await runJob({ archive, table: whole, job }).catch((error: { code?: string }) => error.code)
            if (typeof once !== 'object') {
              expect(once).toBe('range-empty') // it reads none of these streams
              return
            }
            requireSound(once)
            const expected = await tableSum(whole)
            const { messages, hasHole } = small
            if (job === 'messages' && !hasHole) expect(Number(expected.split(' ')[0])).toBe(messages.length)
            for (const onCorrupt of ['abort', 'skip'] as const) {
              for (const { slice, minTasks, isStore } of ways) {
                const table = new MemoryStore()
                const from = isStore ? new RangedStore(home, () => 0) : archive
                requireSound(await runJob({ archive: from, table, job, slice, minTasks, onCorrupt }))
                expect(await tableSum(table)).toBe(expected)
                // Nothing changed, so nothing runs.
                expect((await runJob({ archive: from, table, job, slice, minTasks, onCorrupt })).planned).toMatchObject({
                  run: 0,
                  stale: 0,
                })
              }
            }
          }),
      ),
      { numRuns: 12 },
    )
  })

  it('and restart points, and days that are taken out again', async () => {
    await inDirectory(async (root) => {
      const home = path.join(root, 'archive')
      const [small] = fc.sample(smallArchives(60), { numRuns: 1, seed: 11 }) as [Parameters<typeof writeSmallArchive>[1]]
      writeSmallArchive(home, { ...small, hasHole: false, snapshots: 'first' }, { book: -8n * HOUR_NS, trades: 5n * HOUR_NS })
      const archive = new FileStore(home)
      const job = example('book-features-job.ts')
      const before = new MemoryStore()
      requireSound(await runJob({ archive, table: before, job }))
      requireSound(await runJob({ archive, table: new MemoryStore(), job: 'snapshots', params: { every: '1h' } }))
      for (const slice of ['1h', '1d']) {
        const table = new MemoryStore()
        requireSound(await runJob({ archive, table, job, slice, minTasks: 20 }))
        expect(await tableSum(table)).toBe(await tableSum(before))
      }
    })
  })

  it('a record that no index told of ends its partition with the place; the next run knows of it', async () => {
    await inDirectory(async (root) => {
      const firstNs = 1_704_067_200_000_000_000n
      const day = path.join(root, 'archive/v1/x/a/2024-01-01/trades')
      const trade = (seq: bigint, timestampNs: bigint) =>
        tradeMessage(seq, timestampNs, { symbolHash: 7n, timestampNs, price: 100, quantity: 1, isBuyerMaker: false })
      const times = [0n, HOUR_NS, 23n * HOUR_NS, DAY_NS + HOUR_NS / 2n, DAY_NS + HOUR_NS]
      const messages = times.map((time, i) => trade(BigInt(i), firstNs + time))
      makeLog(day, messages.slice(0, 3), { segmentBytes: 2048 })
      const early = fs.readFileSync(path.join(day, '000000000.idx'))
      makeLog(day, messages, { segmentBytes: 2048 })
      // As a crash leaves it: the index ends before its segment.
      fs.writeFileSync(path.join(day, '000000000.idx'), early)
      const [archive, table] = [new FileStore(path.join(root, 'archive')), new MemoryStore()]
      const stopped = await runJob({ archive, table, job: 'trades' })
      const [failed] = stopped.tasks.flatMap((task) => task.failed)
      expect(failed?.error).toMatchObject({
        code: 'folder-reach',
        category: 'input',
        message: expect.stringContaining('2024-01-02T00:30:00'),
      })
      expect(stopped.commit?.state).toBe('refused')
      expect(Buffer.from((await table.get(ARCHIVE_INDEX))!.bytes).toString()).toContain(String(firstNs + DAY_NS + HOUR_NS + 1000n))
      const again = await runJob({ archive, table, job: 'trades' })
      requireSound(again)
      expect([...(await readCommittedParts(table)).withRows(archive.uri)]).toHaveLength(2)
      expect((await tableSum(table)).split(' ')[0]).toBe('5')
    })
  })

  it('folders that hold times of the one before come behind it, whatever slices and tasks', async () => {
    await inDirectory(async (root) => {
      const firstNs = 1_704_067_200_000_000_000n
      // The second day was recorded by a clock that was a day behind; half of it lies before the end of the first.
      const days = { '2024-01-01': [13n, 15n, 18n], '2024-01-02': [12n, 14n, 17n, 19n, 21n] }
      for (const [date, hours] of Object.entries(days)) {
        const times = hours.map((hour) => firstNs + hour * HOUR_NS)
        const trade = (timestampNs: bigint, i: number) =>
          tradeMessage(BigInt(i), timestampNs, { symbolHash: 7n, timestampNs, price: 100, quantity: 1, isBuyerMaker: false })
        makeLog(path.join(root, 'archive/v1/x/a', date, 'trades'), times.map(trade))
      }
      const archive = new FileStore(path.join(root, 'archive'))
      for (const job of ['messages', 'trades']) {
        const sums = new Set<string>()
        for (const slice of ['1d', '6h', '1h']) {
          for (const minTasks of [1, 5, 60]) {
            const table = new MemoryStore()
            requireSound(await runJob({ archive, table, job, slice, minTasks }))
            sums.add(await tableSum(table))
          }
        }
        expect([...sums].map((sum) => sum.split(' ')[0])).toEqual(['8'])
      }
    })
  })

  it('of which no time is sound are told in the day that they are of, whatever tasks', async () => {
    await inDirectory(async (root) => {
      const firstNs = 1_704_067_200_000_000_000n
      const trade = (seq: bigint, timestampNs: bigint) =>
        tradeMessage(seq, timestampNs, { symbolHash: 7n, timestampNs, price: 100, quantity: 1, isBuyerMaker: false })
      const home = path.join(root, 'archive/v1/x/a')
      makeLog(path.join(home, '2024-01-01/trades'), [trade(0n, firstNs + HOUR_NS), trade(1n, firstNs + 15n * HOUR_NS)])
      // A folder of Shanghai, in which the one record's time was damaged behind its index.
      const next = path.join(home, '2024-01-02/trades')
      makeLog(next, [trade(0n, firstNs + 17n * HOUR_NS)])
      const segment = path.join(next, '000000000.q')
      const bytes = fs.readFileSync(segment)
      bytes.writeBigUInt64LE(1_704_067_200n, 64 + 16)
      fs.writeFileSync(segment, bytes)
      // Of compressed segments the index is believed.
      compressSegment(next, 0, 4096)
      const archive = new FileStore(path.join(root, 'archive'))
      for (const minTasks of [1, 2, 60]) {
        const made = await runJob({ archive, table: new MemoryStore(), job: 'messages', minTasks })
        requireSound(made)
        const counts = made.tasks.flatMap(({ receipts }) => receipts.map(({ messages }) => messages))
        expect(counts.reduce((sum, { read }) => sum + read, 0)).toBe(3)
        expect(counts.reduce((sum, { leftOut }) => sum + (leftOut['wild-time'] ?? 0), 0)).toBe(1)
      }
    })
  })
})
