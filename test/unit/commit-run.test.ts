import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_NS, MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { committedVersion } from '../../core/commit/committed-version.ts'
import { ARCHIVE_INDEX, readArchiveIndex } from '../../core/plan/archive/archive-index.ts'
import { decodeRanges, encodeRanges } from '../../core/plan/index-ranges.ts'
import { findOpenRuns } from '../../core/plan/run/open-runs.ts'
import { encodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { runFiles } from '../../core/plan/run/run-files.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { findTable, readTable } from '../../core/table/delta-log.ts'
import { MemoryStore } from '../support/memory-store.ts'

const commit = (store: ObjectStore, { head }: MadeRun) =>
  commitRun(store, head.run, { clock: () => 1_723_161_300_000, random: Math.random, pause: () => Promise.resolve() })
const isOpen = async (store: ObjectStore, { head }: MadeRun) => (await findOpenRuns(store))(head.run)
const oneCell = { symbol: 'btcusdt', cell: 0, variants: ['a'] }
const cells = (count: number, variants = ['a']) => Array.from({ length: count }, (_, cell) => ({ symbol: 'btcusdt', cell, variants }))
const livePaths = async (store: ObjectStore) => [...((await findTable(store))?.parts.keys() ?? [])].sort()

/** A model of a table: what is done of each cell, without any log. */
interface ModelPart {
  readonly cell: number
  readonly variants: readonly string[]
  readonly path: string | null
}

describe('histories of runs', () => {
  const variants = fc.constantFrom(['a'], ['b'], ['a', 'b'], ['a', 'b', 'c'])
  const planned = fc.uniqueArray(fc.record({ cell: fc.nat(4), variants }), { selector: ({ cell }) => cell, minLength: 1, maxLength: 4 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('plan' as const), planned }),
    fc.record({
      kind: fc.constant('finish' as const),
      run: fc.nat(5),
      which: fc.array(fc.tuple(fc.nat(3), fc.constantFrom(0, 3, null)), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant('commit' as const), run: fc.nat(5) }),
  )

  test('any order of plans, attempts and commits is what a list of partitions says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const store = new MemoryStore()
        const runs: {
          run: MadeRun
          planned: readonly { cell: number; variants: readonly string[] }[]
          won: Map<number, string | null>
          committed: Set<number>
        }[] = []
        let model: ModelPart[] = []
        for (const next of steps) {
          if (next.kind === 'plan') {
            const partitions = next.planned.map((each) => ({ ...each, symbol: 'btcusdt' }))
            const run = await MadeRun.create(store, { run: madeRunId(runs.length), partitions, tolerance: 1, bundle: `code${runs.length}` })
            runs.push({ run, planned: next.planned, won: new Map(), committed: new Set() })
            continue
          }
          const made = runs[next.run % Math.max(1, runs.length)]
          if (made === undefined) continue
          if (next.kind === 'finish') {
            const rows = new Map(next.which.map(([n, count]) => [n % made.planned.length, count]))
            const attempt = await made.run.finish(rows)
            for (const [n, count] of rows)
              if (count !== null && !made.won.has(n)) made.won.set(n, made.run.receipt(n, attempt, count).part?.path ?? null)
            continue
          }
          const fresh = [...made.won].filter(([n]) => !made.committed.has(n)).map(([n, path]) => ({ ...made.planned[n]!, path }))
          const covered = model.filter((live) =>
            fresh.some((part) => part.cell === live.cell && part.variants.some((id) => live.variants.includes(id))),
          )
          const isPartly = covered.some((live) =>
            fresh.some((part) => part.cell === live.cell && live.variants.some((id) => !part.variants.includes(id))),
          )
          if (isPartly) {
            await expect(commit(store, made.run)).rejects.toMatchObject({ code: 'variant-overlap', category: 'input' })
            continue
          }
          const result = await commit(store, made.run)
          expect(result.state).toBe(fresh.length === 0 ? 'unchanged' : 'committed')
          expect([result.partitions.done, result.added.partitions]).toEqual([made.won.size, fresh.length])
          model = [...model.filter((live) => !covered.includes(live)), ...fresh]
          for (const n of made.won.keys()) made.committed.add(n)
        }
        expect(await livePaths(store)).toEqual(model.flatMap(({ path }) => path ?? []).sort())
        const live = await readCommittedParts(store)
        for (let cell = 0; cell < 5; cell++) {
          const parts = live.of('binance', 'btcusdt', BigInt(cell) * HOUR_NS, BigInt(cell + 1) * HOUR_NS)
          const expected = model.filter((part) => part.cell === cell)
          expect(parts.map((part) => part.variants.join()).sort()).toEqual(expected.map((part) => part.variants.join()).sort())
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('one run', () => {
  test('a partial run commits within its tolerance, resumes, commits the rest; repeating changes nothing', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(4), tolerance: 0.5 })
    await run.finish(new Map([[0, 5]]))
    const refused = await commit(store, run)
    expect(refused).toMatchObject({ state: 'refused', version: -1, partitions: { planned: 4, done: 1, missing: 3 } })
    expect(await findTable(store)).toBeNull()
    await run.finish(
      new Map([
        [2, 0],
        [3, null],
      ]),
    )
    expect(await isOpen(store, run)).toBe(true)

    const partial = await commit(store, run)

    expect(partial).toMatchObject({
      state: 'committed',
      version: 0,
      added: { partitions: 2, parts: 1, rows: 5 },
      partitions: { missing: 2 },
    })
    expect(partial.missing.map(({ partition, error }) => [partition, error?.code ?? null])).toEqual([
      [1, null],
      [3, 'job-failed'],
    ])
    const repeated = await commit(store, run)
    expect(repeated).toMatchObject({ state: 'unchanged', version: 0, added: { parts: 0 } })
    expect(await isOpen(store, run)).toBe(true)

    await run.finish(
      new Map([
        [1, 7],
        [3, 9],
      ]),
    )
    expect(await commit(store, run)).toMatchObject({
      state: 'committed',
      version: 1,
      added: { partitions: 2, parts: 2, rows: 16 },
      missing: [],
    })
    expect(await commit(store, run)).toMatchObject({ state: 'unchanged', version: 1 })
    expect(await isOpen(store, run)).toBe(false)
    expect((await readTable(store)).txns.get(run.head.run)?.version).toBe(2)
  })

  test('a delayed duplicate attempt changes nothing, even one that sorts first', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(2) })
    await run.finish(
      new Map([
        [0, 5],
        [1, 0],
      ]),
      'm',
    )
    await run.finish(new Map([[0, 6]]), 'n')
    await commit(store, run)
    const before = await livePaths(store)
    expect(before[0]).toContain('-m.parquet')
    await run.finish(
      new Map([
        [0, 6],
        [1, 6],
      ]),
      'a',
    )
    expect(await commit(store, run)).toMatchObject({ state: 'unchanged' })
    expect(await livePaths(store)).toEqual(before)
  })

  test.each<[string, (honest: Receipt, foreign: Receipt) => Receipt]>([
    ['of another run', (_, foreign) => foreign],
    ['with a part of another run', (honest, foreign) => ({ ...honest, part: foreign.part })],
    [
      'with a part of another attempt',
      (honest) => ({ ...honest, part: { ...honest.part!, path: honest.part!.path.replace('-a.', '-b.') } }),
    ],
    [
      'with a part of another cell',
      (honest) => ({ ...honest, part: { ...honest.part!, path: honest.part!.path.replace('=btcusdt', '=ethusdt') } }),
    ],
    ['of another attempt than the object', (honest) => ({ ...honest, attempt: 'b' })],
    ['of another task than the object', (honest) => ({ ...honest, task: '000001' })],
    ['of another cell', (honest) => ({ ...honest, startNs: '7', part: null })],
  ])('a receipt %s does not count, and the next one does', async (_, forge) => {
    const store = new MemoryStore()
    const [run, other] = [
      await MadeRun.create(store, { run: madeRunId(1), partitions: cells(1) }),
      await MadeRun.create(store, { run: madeRunId(2), partitions: cells(1) }),
    ]
    const forged = forge(run.receipt(0, 'a', 5), other.receipt(0, 'a', 9))
    await store.put(runFiles(run.head.run).receipt('000000', 'a'), encodeReceipts([forged]))
    expect(await commit(store, run)).toMatchObject({ state: 'refused', partitions: { done: 0, missing: 1 } })
    await run.finish(new Map([[0, 5]]), 'b')
    if (forged.startNs === '7') return // it says that the cell is done, as another one
    expect(await commit(store, run)).toMatchObject({ state: 'committed', added: { parts: 1, rows: 5 } })
  })

  test('the table says which version it made, from the moment that there is one', async () => {
    const store = new MemoryStore()
    const first = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(2) })
    const second = await MadeRun.create(store, { run: madeRunId(2), partitions: cells(1) })
    expect(await committedVersion(store, first.head.run)).toBeNull()
    await first.finish(new Map([[0, 5]]))
    expect(await commit(store, first)).toMatchObject({ state: 'refused' })
    expect(await committedVersion(store, first.head.run)).toBeNull()
    await first.finish(new Map([[1, 5]]))
    await commit(store, first)
    await second.finish(new Map([[0, 3]]))
    await commit(store, second)
    expect([await committedVersion(store, first.head.run), await committedVersion(store, second.head.run)]).toEqual([0, 1])
    expect(await committedVersion(store, madeRunId(3))).toBeNull()
  })

  test('a receipt of another plan does not count', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(1) })
    const other = { ...run.receipt(0, 'x', 5), fingerprint: 'f'.repeat(32) }
    await store.put(runFiles(run.head.run).receipt('000000', 'x'), encodeReceipts([other]))
    expect(await commit(store, run)).toMatchObject({ state: 'refused', partitions: { done: 0, missing: 1 } })
  })

  test('a damaged receipts object stops the commit', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(1) })
    await store.put(runFiles(run.head.run).receipt('000000', 'x'), encodeReceipts([run.receipt(0, 'x', 5)]).subarray(0, 99))
    await expect(commit(store, run)).rejects.toMatchObject({ code: 'receipt', category: 'corrupt' })
  })

  test('repeating a commit does not bring back what another run replaced, rows or their absence', async () => {
    const store = new MemoryStore()
    const [old, young] = [
      await MadeRun.create(store, { run: madeRunId(1), partitions: cells(2) }),
      await MadeRun.create(store, { run: madeRunId(2), partitions: cells(2), bundle: 'newer' }),
    ]
    await old.finish(
      new Map([
        [0, 5],
        [1, 0],
      ]),
    )
    await young.finish(
      new Map([
        [0, 0],
        [1, 5],
      ]),
    )
    await commit(store, old)
    await commit(store, young)
    expect(await commit(store, old)).toMatchObject({ state: 'unchanged', version: 1 })
    expect(await livePaths(store)).toEqual([expect.stringContaining(young.head.run)])
  })

  test('two runs of different code over the same partitions, committed at once: one set of rows', async () => {
    const store = new MemoryStore()
    const runs = await Promise.all(
      [1, 2].map(async (n) => {
        const run = await MadeRun.create(store, { run: madeRunId(n), partitions: cells(20), bundle: `code${n}` })
        await run.finish(new Map(cells(20).map(({ cell }) => [cell, 5])))
        return run
      }),
    )
    const results = await Promise.all(runs.map((run) => commit(store, run)))
    expect(results.map(({ version }) => version).sort()).toEqual([0, 1])
    const winner = runs[results.findIndex(({ version }) => version === 1)]!
    const live = await livePaths(store)
    expect(live).toHaveLength(20)
    expect(live.every((path) => path.includes(winner.head.run))).toBe(true)
  })

  test.each([
    [0, 1],
    [1, 0],
  ])('two runs of different code over the same partitions, committed %d before %d: the rows of the later', async (first, second) => {
    const store = new MemoryStore()
    const runs: MadeRun[] = []
    for (const n of [0, 1]) {
      const run = await MadeRun.create(store, { run: madeRunId(n), partitions: cells(6), bundle: `code${n}` })
      // A different cell in each comes out without rows.
      await run.finish(new Map(cells(6).map(({ cell }) => [cell, cell === n ? 0 : 5])))
      runs.push(run)
    }
    expect(await commit(store, runs[first]!)).toMatchObject({ state: 'committed', version: 0 })
    expect(await commit(store, runs[second]!)).toMatchObject({ state: 'committed', version: 1, removed: { parts: 5 } })
    for (const run of runs) expect(await commit(store, run)).toMatchObject({ state: 'unchanged', version: 1 })
    const live = await livePaths(store)
    expect(live).toHaveLength(5)
    expect(live.every((path) => path.includes(runs[second]!.head.run))).toBe(true)
  })

  test('two commits of one run at once: one version', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(5) })
    await run.finish(new Map(cells(5).map(({ cell }) => [cell, 5])))
    const results = await Promise.all([commit(store, run), commit(store, run), commit(store, run)])
    expect(results.map(({ state }) => state).sort()).toEqual(['committed', 'unchanged', 'unchanged'])
    expect(results.map(({ version }) => version)).toEqual([0, 0, 0])
  })

  test('the answer to the put of the version is lost: one version', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: [oneCell] })
    await run.finish(new Map([[0, 5]]))
    store.faultOf = (key) => (key.startsWith('_delta_log/') ? 'lose' : null)
    expect(await commit(store, run)).toMatchObject({ state: 'committed', version: 0 })
    store.faultOf = () => null
    expect(await commit(store, run)).toMatchObject({ state: 'unchanged', version: 0 })
  })

  test('cells of another length are refused with advice', async () => {
    const store = new MemoryStore()
    const hours = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(3) })
    await hours.finish(
      new Map([
        [0, 5],
        [1, 0],
        [2, 5],
      ]),
    )
    await commit(store, hours)
    for (const [sliceNs, cell] of [
      [2n * HOUR_NS, 0],
      [HOUR_NS / 2n, 1],
      [24n * HOUR_NS, 0],
    ] as const) {
      const other = await MadeRun.create(store, { run: madeRunId(Number(sliceNs % 1000003n)), partitions: [{ ...oneCell, cell }], sliceNs })
      await other.finish(new Map([[0, 5]]))
      await expect(commit(store, other)).rejects.toMatchObject({
        code: 'cell-overlap',
        category: 'input',
        message: expect.stringContaining('--slice'),
      })
    }
    const live = await readCommittedParts(store)
    expect(live.overlapping('binance', 'btcusdt', HOUR_NS / 2n, HOUR_NS)).toBe(
      'binance/btcusdt 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z',
    )
    expect(live.overlapping('binance', 'btcusdt', HOUR_NS, 2n * HOUR_NS)).toBeNull()
    expect(live.overlapping('binance', 'btcusdt', 3n * HOUR_NS, 30n * HOUR_NS)).toBeNull()
    expect(live.overlapping('okx', 'btcusdt', 0n, HOUR_NS / 2n)).toBeNull()
  })

  test('a cancelled run, and one that was never planned', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: [oneCell] })
    await run.finish(new Map([[0, 5]]))
    await store.put(runFiles(run.head.run).cancel, new Uint8Array())
    await expect(commit(store, run)).rejects.toMatchObject({ code: 'run-cancelled', category: 'input' })
    expect(await isOpen(store, run)).toBe(false)
    const options = { clock: () => 0, random: Math.random }
    await expect(commitRun(store, madeRunId(9), options)).rejects.toMatchObject({ code: 'run-unknown', category: 'input' })
  })

  test('what is live tells code, engine and parameters; facts go to the archive index', async () => {
    const store = new MemoryStore()
    const run = await MadeRun.create(store, { run: madeRunId(1), partitions: cells(2, ['a', 'b']) })
    await run.finish(
      new Map([
        [0, 5],
        [1, 0],
      ]),
    )
    await commit(store, run)
    const live = await readCommittedParts(store)
    expect(live.job).toBe('flow')
    const codes = [{ bundle: 'code', engine: 'engine', run: '20240808T120000Z-00000001', createdMs: 1, partitions: 2 }]
    expect(live.variants).toEqual(['a', 'b'].map((id) => ({ id, params: { depth: id }, codes })))
    const same = { variants: ['a', 'b'], inputs: 'inputs', restart: 'origin', bundle: 'code', engine: 'engine' }
    expect(live.of('binance', 'btcusdt', 0n, HOUR_NS)).toEqual([{ ...same, fingerprint: run.fingerprint(0) }])
    expect(live.of('binance', 'btcusdt', HOUR_NS, 2n * HOUR_NS)).toEqual([{ ...same, fingerprint: run.fingerprint(1) }])
    expect((await readArchiveIndex(store)).of('v1/binance/btcusdt/1970-01-01/book/', 'd')).toMatchObject({
      digest: 'd',
      begins: 'snapshot',
    })
    await store.put(ARCHIVE_INDEX, Buffer.from('damaged'))
    expect((await readArchiveIndex(store)).of('v1/binance/btcusdt/1970-01-01/book/', 'd')).toBeUndefined()
    const { tags, stats } = (await readTable(store)).parts.values().next().value!
    expect(tags).toMatchObject({ cells: expect.stringContaining(run.head.run), sum: '35' })
    expect(JSON.parse(stats!)).toMatchObject({ numRecords: 5, minValues: { date: '1970-01-01' }, maxValues: { date: '1970-01-01' } })
  })

  test('through checkpoints', async () => {
    const store = new MemoryStore()
    for (let n = 0; n < 12; n++) {
      const run = await MadeRun.create(store, { run: madeRunId(n), partitions: cells(3), bundle: `code${n}` })
      await run.finish(
        new Map([
          [0, 5],
          [1, n % 2 === 0 ? 5 : 0],
          [2, 0],
        ]),
      )
      await commit(store, run)
    }
    expect(await readTable(store)).toMatchObject({ version: 11, checkpoint: 10 })
    const live = await readCommittedParts(store)
    for (let cell = 0n; cell < 3n; cell++)
      expect(live.of('binance', 'btcusdt', cell * HOUR_NS, (cell + 1n) * HOUR_NS)).toMatchObject([{ bundle: 'code11' }])
  })
})

test('sets of numbers as ranges', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(50)), (numbers) => {
      const sorted = numbers.sort((a, b) => a - b)
      expect([...decodeRanges(encodeRanges(sorted))]).toEqual(sorted)
    }),
  )
  expect(encodeRanges([0, 1, 2, 4, 6, 7])).toBe('0-2,4,6-7')
})
