import { describe, expect, it } from 'vitest'
import { MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import { encodeReceipts, type Receipt } from '../../core/plan/run/receipt.ts'
import { runFiles, taskName } from '../../core/plan/run/run-files.ts'
import { html, jsonHtml } from '../../report/html.ts'
import { robustRange } from '../../report/page/robust-range.ts'
import { dollarsText, durationText } from '../../report/page-parts.ts'
import { qualityMapOf } from '../../report/quality-map.ts'
import { costOf } from '../../report/run-cost.ts'
import { readRunRecord } from '../../report/run-record.ts'
import { timelineOf } from '../../report/run-timeline.ts'
import { checkTotals, sumRun } from '../../report/run-totals.ts'
import { paramsText, sortVariants } from '../../report/variant-text.ts'
import { MemoryStore } from '../support/memory-store.ts'

const CELLS = [0, 1, 2, 3].map((cell) => ({ symbol: 'btc', cell: 480_000 + cell, variants: ['a'] }))
const CLOCK = { clock: () => 0, random: () => 0.5 }

async function madeRun(
  tolerance = 1,
): Promise<{ store: MemoryStore; made: MadeRun; put(attempt: string, receipts: Receipt[]): Promise<unknown> }> {
  const store = new MemoryStore()
  const made = await MadeRun.create(store, { run: madeRunId(1), partitions: CELLS, tolerance })
  const put = (attempt: string, receipts: Receipt[]) =>
    store.put(runFiles(made.head.run).receipt(taskName(0), attempt), encodeReceipts(receipts), 'absent')
  return { store, made, put }
}

const FAILURE = { code: 'job-threw', category: 'input', message: 'no' } as const

describe('text of a page', () => {
  it('is escaped, in elements, attributes and scripts', () => {
    const name = `<b a="1">'&`
    expect(html`<p title="${name}">${[name, null, 5]}</p>`.text).toBe(
      '<p title="&lt;b a=&quot;1&quot;&gt;&#39;&amp;">&lt;b a=&quot;1&quot;&gt;&#39;&amp;5</p>',
    )
    const value = { name: '</script><!-- \u2028 &' }
    expect(jsonHtml(value).text).not.toMatch(/[<>&\u2028]/)
    expect(JSON.parse(jsonHtml(value).text)).toEqual(value)
  })

  it('says durations and money as people do', () => {
    expect([0, 0.25, 12, 1234, 83_450, 3_600_000, 90_000_000].map(durationText)).toEqual([
      '0 s',
      '250 µs',
      '12 ms',
      '1.23 s',
      '1 min 23 s',
      '1 h',
      '1 d 1 h',
    ])
    expect([0, 1e-6, 0.00123, 12.345].map(dollarsText)).toEqual(['$0', 'under $0.0001', '$0.0012', '$12.35'])
  })
})

describe('what charts show', () => {
  it('is not flattened by a few values far out', () => {
    const bulk = Array.from({ length: 100 }, (_, i) => i)
    expect(robustRange(bulk)).toEqual([0, 99])
    const [from, to] = robustRange([...bulk, 1e9, -40])
    expect(from).toBe(-40)
    expect(to).toBeLessThan(250)
    expect(to).toBeGreaterThan(99)
    expect(robustRange([5, 5])).toEqual([4, 6])
    expect(robustRange([...Array(200).fill(0), 7])).toEqual([0, 7])
  })

  it('has variants in the order of their parameters, and says in which they differ', () => {
    const variants = ['1m', '10s', '5m'].flatMap((every) =>
      [20, 5].map((depth) => ({ id: `${every}${depth}`, params: { every, depth, venue: 'x' } })),
    )
    expect(sortVariants(variants).map(({ id }) => id)).toEqual(['10s5', '10s20', '1m5', '1m20', '5m5', '5m20'])
    expect(paramsText(variants[0]!.params, variants)).toBe('every = 1m, depth = 20')
    expect(paramsText(variants[0]!.params, variants.slice(0, 1))).toBe('every = 1m, depth = 20, venue = x')
  })
})

describe('the record of a run', () => {
  it('tells winners from duplicates and failures, and what that cost', async () => {
    const { store, made, put } = await madeRun()
    const at = (receipt: Receipt, startedMs: number, durationMs: number): Receipt => ({
      ...receipt,
      timing: { startedMs, durationMs, bytes: 100 },
    })
    // The failure's time counts from the beginning of the pass, as tasks tell it.
    await put('a1', [at(made.receipt(0, 'a1', 5), 1000, 100), at(made.receipt(1, 'a1', 0, FAILURE), 1000, 150)])
    await put('a2', [at(made.receipt(0, 'a2', 5), 1000, 400), at(made.receipt(1, 'a2', 0), 1400, 100)])
    const record = await readRunRecord(store)
    expect(record.receipts.map(({ attempt, isWinner, timing }) => [attempt, isWinner, timing.durationMs])).toEqual([
      ['a1', true, 100],
      ['a1', false, 50],
      ['a2', false, 400],
      ['a2', true, 100],
    ])
    expect(sumRun(record)).toMatchObject({
      partitions: { asked: 4, planned: 4, done: 2, failed: 0, notRun: 2, committed: 0, empty: 1 },
      rows: 5,
      parts: 1,
      busyMs: 650,
      wallMs: 500,
    })
    const cost = costOf(record)
    expect(cost).toMatchObject({ failedReceipts: 1, duplicateReceipts: 1 })
    expect(cost.wastedHours / cost.vcpuHours).toBeCloseTo(450 / 650, 9)
    expect(cost.spotDollars).toBeLessThan(cost.dollars)

    const timeline = timelineOf(record.receipts)!
    expect(timeline).toMatchObject({ fromMs: 1000, lengthMs: 500, attempts: 2 })
    expect(timeline.lanes).toEqual([
      [0, 0, 150, 2, 1, '000000'],
      [1, 0, 500, 2, 0, '000000'],
    ])
    const area = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0) * timeline.binMs
    expect(area(timeline.busy)).toBeCloseTo(650, -1)
    expect(Math.max(...timeline.busy)).toBeLessThanOrEqual(2)
    expect(area(timeline.bytes) / 1000).toBeCloseTo(400, -1)
  })

  it('agrees with the table, and says where it does not', async () => {
    const { store, made } = await madeRun(0.5)
    await made.finish(
      new Map([
        [0, 5],
        [1, 7],
        [2, 0],
      ]),
    )
    await commitRun(store, made.head.run, CLOCK)
    const record = await readRunRecord(store)
    const totals = sumRun(record)
    const checks = checkTotals(record, totals, 12)
    expect(checks.map(({ what, holds }) => [what, holds])).toEqual(
      [
        'partitions asked for',
        'partitions to run',
        'committed partitions',
        'rows',
        'bytes of parts',
        'row hashes',
        'rows of the table',
      ].map((what) => [what, true]),
    )
    expect(totals.table).toEqual({ version: 0, parts: 2, rows: 12, bytes: 2000 })
    expect(checkTotals(record, totals, 11).filter(({ holds }) => !holds)).toMatchObject([
      { what: 'rows of the table', left: '12', right: '11' },
    ])
  })

  it('is that of the newest commit, or of the newest plan, or of the run asked for', async () => {
    const { store, made } = await madeRun()
    const later = await MadeRun.create(store, { run: madeRunId(2), partitions: CELLS })
    expect((await readRunRecord(store)).head.run).toBe(later.head.run)
    await made.finish(new Map([[0, 5]]))
    await commitRun(store, made.head.run, CLOCK)
    expect((await readRunRecord(store)).head.run).toBe(made.head.run)
    const asked = await readRunRecord(store, later.head.run)
    expect(asked).toMatchObject({ commits: [], table: { version: 0 } })
    expect(asked.missing).toHaveLength(4)
    await expect(readRunRecord(new MemoryStore())).rejects.toMatchObject({ code: 'run-unknown' })
  })
})

describe('the map of the data', () => {
  it('keeps all counts when instruments and cells are too many for it, the worst instruments by name', async () => {
    const store = new MemoryStore()
    const partitions = Array.from({ length: 45 * 90 }, (_, i) => ({
      symbol: `s${100 + Math.floor(i / 90)}`,
      cell: i % 90,
      variants: ['a'],
    }))
    const made = await MadeRun.create(store, { run: madeRunId(1), partitions })
    const receipts = partitions.map(({ symbol, cell }, i) => ({
      ...made.receipt(i, 'a1', 1),
      gaps: symbol === 's144' && cell === 89 ? { update_id_gap: 3, duplicate: 2 } : {},
    }))
    await store.put(runFiles(made.head.run).receipt(taskName(0), 'a1'), encodeReceipts(receipts), 'absent')
    const map = qualityMapOf(await readRunRecord(store), [
      {
        name: 'crossed',
        counts: [
          { instrument: 'binance/s100', timeNs: 0n, count: 9 },
          { instrument: 'other/s1', timeNs: 0n, count: 1 },
        ],
      },
    ])!
    expect(map).toMatchObject({ fromNs: '0', bins: 45, binNs: String(2n * 3_600_000_000_000n), others: 6 })
    expect(map.instruments).toHaveLength(40)
    expect(map.instruments.at(-1)).toBe('6 others')
    const of = (name: string) => map.measures.find((measure) => measure.name === name)!
    expect(of('gaps')).toEqual({ name: 'gaps', total: 3, cells: [map.instruments.indexOf('binance/s144'), 44, 3] })
    expect(of('duplicates').total).toBe(2)
    expect(of('crossed')).toMatchObject({ total: 9 })
    expect(of('rows').total).toBe(4050)
    expect(
      of('rows')
        .cells.filter((_, i) => i % 3 === 2)
        .reduce((all, count) => all + count, 0),
    ).toBe(4050)
  })
})
