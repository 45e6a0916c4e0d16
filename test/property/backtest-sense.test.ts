import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, type LoadedJob, runJob } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { cutArchive } from '../support/cut-archive.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { DAY_NS, FIRST_DAY_NS, type SmallMessage, writeSmallArchive } from '../support/small-archive.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-sense')
const job = (name: string): string => path.resolve(import.meta.dirname, '../support/jobs', `${name}.ts`)
const loaded: Record<string, LoadedJob> = {}

interface Row {
  readonly symbol: string
  readonly date: string
  readonly ts_ns: bigint
  readonly variant: string
  readonly kind: 'sample' | 'fill' | 'gap'
  readonly position: number
  readonly cash: number
  readonly fees: number
  readonly turnover: number
  readonly volume: number
  readonly fills: bigint
  readonly open_orders: number
  readonly orders_sent: bigint
  readonly side: string | null
  readonly price: number | null
  readonly quantity: number | null
  readonly fee: number | null
  readonly reason: string | null
  readonly exchange_ns: bigint | null
  readonly local_ns: bigint | null
  readonly bar_end_ns: bigint
  readonly row: number
}

async function rowsOf(name: string, folder: string, params: ParamGrid): Promise<Row[]> {
  const table = new MemoryStore()
  const { tasks } = await runJob({ archive: new FileStore(folder), table, job: '', loaded: loaded[name]!, params })
  expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  const rows = (await tableRows(table)) as unknown as Row[]
  return rows.sort((a, b) =>
    a.ts_ns < b.ts_ns ? -1 : a.ts_ns > b.ts_ns ? 1 : a.kind === b.kind ? a.row - b.row : a.kind === 'sample' ? -1 : 1,
  )
}

/** Position, cash and fills are those of the fill rows. @param isDaily each day begins flat */
function expectReconciled(rows: readonly Row[], isDaily: boolean): void {
  let [lots, units, count, date] = [0, 0, 0, '']
  for (const row of rows) {
    if (isDaily && row.date !== date) [lots, units, count] = [0, 0, 0]
    date = row.date
    if (row.position === null) continue
    if (row.kind === 'fill') {
      const side = row.side === 'buy' ? 1 : -1
      const [fillLots, tick] = [Math.round(row.quantity! / 0.001), Math.round(row.price! / 0.0001)]
      lots += side * fillLots
      units -= side * fillLots * tick
      count++
      expect(row.local_ns).toBe(row.ts_ns)
      expect(row.exchange_ns! < row.local_ns!).toBe(true)
    }
    expect([row.position, row.cash, Number(row.fills)]).toEqual([lots * 0.001, units * (0.0001 * 0.001), count])
  }
}

function isSampleBy(timeNs: bigint): (row: Row) => boolean {
  return ({ kind, bar_end_ns }) => kind === 'sample' && bar_end_ns <= timeNs
}

beforeAll(async () => {
  for (const name of ['small-maker', 'small-runner']) loaded[name] = await bundled(job(name))
  await generateArchive(path.join(root, 'made'), { symbols: 1, messages: 20_000, seed: 3, days: 3, stepBack: 0.02, gaps: 2 })
})

describe('rows of a backtest', () => {
  it.each(['small-maker', 'small-runner'])('reconcile with their fills to the last digit: %s', async (name) => {
    const rows = await rowsOf(name, path.join(root, 'made'), { every: '1m', tick: 0.0001, queue: 'risk' })
    expect(rows.filter(({ kind }) => kind === 'fill').length).toBeGreaterThan(200)
    expectReconciled(rows, name === 'small-maker')
  })

  it.each(['cancel', 'hold'])('of days that nobody recorded are none, and strategies do nothing in them: %s', async (onGap) => {
    const folder = path.join(root, `hole-${onGap}`)
    fs.cpSync(path.join(root, 'made'), folder, { recursive: true })
    for (const hole of fs.globSync('v1/*/*/2024-01-02', { cwd: folder })) fs.rmSync(path.join(folder, hole), { recursive: true })
    const rows = await rowsOf('small-runner', folder, { every: '1m', tick: 0.0001, queue: 'risk', onGap })
    const [fromNs, toNs] = [FIRST_DAY_NS + DAY_NS, FIRST_DAY_NS + 2n * DAY_NS]
    expectReconciled(rows, false)
    // The report of the last fill before may arrive in them.
    const fills = rows.filter(({ kind, exchange_ns }) => kind === 'fill' && exchange_ns! >= fromNs)
    expect(fills.filter(({ exchange_ns }) => exchange_ns! < toNs)).toEqual([])
    expect(fills.length).toBeGreaterThan(20)
    expect(rows.filter(({ kind, bar_end_ns }) => kind === 'sample' && bar_end_ns > fromNs && bar_end_ns < toNs)).toEqual([])
    const [before, after] = [rows.findLast(isSampleBy(fromNs)), rows.findLast(isSampleBy(toNs))]
    expect(after!.orders_sent).toBe(before!.orders_sent)
    const told = rows.filter(({ kind, ts_ns }) => kind === 'gap' && ts_ns > toNs - 60_000_000_000n && ts_ns <= toNs)
    expect(told.map(({ reason, open_orders }) => [reason, open_orders > 0])).toEqual([[onGap, onGap === 'hold']])
  })

  it('say whether orders were cancelled or held in a gap', async () => {
    const folder = path.join(root, 'gap')
    const book = (seconds: number, more: Partial<SmallMessage> = {}): SmallMessage => ({
      stream: 'book',
      atNs: BigInt(seconds) * 1_000_000_000n,
      backNs: 0n,
      skewNs: 0n,
      kind: 'diff',
      isGap: false,
      values: [1, 20, 30, 40],
      ...more,
    })
    const messages = [book(3600), book(3700), book(7300, { isGap: true }), book(9100, { kind: 'snapshot' }), book(9200)]
    writeSmallArchive(folder, { messages, snapshots: 'daily', hasHole: false, hasSnapshotIds: true, restartPoints: null })
    const gaps = async (onGap: string): Promise<unknown> => {
      const rows = await rowsOf('small-maker', folder, { every: '10m', onGap, queue: 'risk' })
      const at = rows.findIndex(({ kind }) => kind === 'gap')
      // A step that sees no book is none: what is open before is what the gap meets.
      return [rows[at]!.reason, rows[at]!.ts_ns - FIRST_DAY_NS, rows.slice(at + 1).find(({ kind }) => kind === 'sample')!.open_orders]
    }
    const atNs = 7_300_000_000_000n
    expect(await gaps('cancel')).toEqual(['cancel', atNs, 0])
    expect(await gaps('hold')).toEqual(['hold', atNs, 2])
  })

  it('begin flat and without orders each day, or go on in one session', async () => {
    const at = async (name: string) => {
      const rows = await rowsOf(name, path.join(root, 'made'), { every: '10m', tick: 0.0001, queue: 'risk' })
      return rows
        .filter(({ kind, bar_end_ns }) => kind === 'sample' && bar_end_ns % DAY_NS === 600_000_000_000n)
        .map(({ orders_sent }) => Number(orders_sent))
    }
    const [daily, once] = [await at('small-maker'), await at('small-runner')]
    for (const sent of daily) expect(sent).toBeLessThan(4)
    expect(once[1]).toBeGreaterThan(100)
    expect(once[2]).toBeGreaterThan(once[1]! + 100)
  })

  it('of one session come in slices of whole days', async () => {
    const options = { archive: new FileStore(path.join(root, 'made')), table: new MemoryStore(), job: '', loaded: loaded['small-runner']! }
    await expect(runJob({ ...options, params: { tick: 0.0001 }, slice: '6h' })).rejects.toMatchObject({
      code: 'slice-cuts-session',
      message: expect.stringMatching(/the session of small-runner goes on over all days .* slices of 6h would cut its days: expected 1d/),
    })
  })

  it('do not know what comes later', async () => {
    const cutNs = FIRST_DAY_NS + DAY_NS / 2n
    const params = { every: '1m', tick: 0.0001, queue: ['risk', 'log'] }
    const whole = await rowsOf('small-maker', path.join(root, 'made'), params)
    const cut = path.join(root, 'cut')
    const kept = await cutArchive(path.join(root, 'made'), cut, (times) => times.exchangeNs < cutNs)
    expect(kept).toBeGreaterThan(100)
    const part = await rowsOf('small-maker', cut, params)
    // A message that the exchange sent before the cut is there, whenever it was recorded.
    const isBefore = ({ ts_ns }: Row): boolean => ts_ns <= cutNs
    // Where a message lies in its file is another matter.
    const known = (rows: readonly Row[]): Row[] => rows.filter(isBefore).map((row) => ({ ...row, seq: null }))
    expect(known(part)).toEqual(known(whole))
    expect(whole.filter((row) => row.kind === 'fill' && isBefore(row)).length).toBeGreaterThan(50)
    expect(part.filter(isBefore)).not.toHaveLength(part.length)
  })
})
