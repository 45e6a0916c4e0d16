import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { BOOK_EVENT_EXCHANGE_TS_OFFSET } from '../../core/protocol/book-event.ts'
import { TRADE_TIMESTAMP_OFFSET } from '../../core/protocol/trade.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { makeLog } from '../support/made-log.ts'
import { runCli } from '../support/run-cli.ts'
import { tableRows } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('backtest-runs')
const JOB = path.resolve(import.meta.dirname, '../support/jobs/golden-run.ts')
const FOLDERS: Readonly<Record<string, string>> = {
  usdm: 'binance-usdm/btcusdt',
  coinm: 'binance-coinm/btcusd_perp',
  spot: 'binance-spot/btcusdt',
}
const QUEUES: Readonly<Record<string, string>> = { power1: 'power1:2', power2: 'power2:2', power3: 'power3:3', none: 'risk' }
const PER: Readonly<Record<string, string>> = { value: 'value', qty: 'quantity', flat: 'trade' }
const DATE = '2024-08-08'
const SECOND_NS = 1_000_000_000n
/** The stretch of the day that was recorded. */
const STRETCH = ['--from', `${DATE}T23:50:00Z`, '--slice', '10m', '--check', 'off', '--no-types', '--quiet']

interface Golden {
  readonly strategy: string
  readonly params: readonly number[]
  readonly queue: string
  readonly exchange: 'whole' | 'partial'
  readonly latency: string
  readonly fee: readonly [string, number, number]
  readonly tick_size: number
  readonly lot_size: number
  readonly contract_size: number
  readonly inverse: boolean
  readonly t0: string
  readonly step_ns: number
  readonly steps: number
  readonly warmup_ns: number
  readonly orders_sent: number
  readonly rows_of_several_executions: number
  readonly final: Readonly<Record<string, number>>
  readonly curve: readonly (readonly number[])[]
  readonly fills: readonly (readonly number[])[]
}

interface Row {
  readonly kind: string
  readonly run: string
  readonly bar_end_ns: bigint
  readonly order_id: bigint
  readonly side: string
  readonly price: number
  readonly quantity: number
  readonly is_maker: boolean
  readonly exchange_ns: bigint
  readonly local_ns: bigint
  readonly orders_sent: bigint
  readonly mid: number
  readonly position: number
  readonly cash: number
  readonly fees: number
  readonly equity: number
  readonly volume: number
  readonly turnover: number
}

function goldensOf(venue: string): Map<string, Golden> {
  const files = fs.globSync(`${venue}-*.json.gz`, { cwd: goldenPath('backtest') }).sort()
  return new Map(
    files.map((file) => [
      file.slice(0, -'.json.gz'.length),
      JSON.parse(gunzipSync(fs.readFileSync(goldenPath('backtest', file))).toString()) as Golden,
    ]),
  )
}

/** The feed with all of its times moved, so that the golden steps lie at the ends of bars. */
async function makeArchive(venue: string, shiftNs: bigint): Promise<string> {
  const archive = path.join(root, venue)
  const folder = path.join('v1', FOLDERS[venue]!, DATE)
  for (const [stream, at] of [
    ['book', BOOK_EVENT_EXCHANGE_TS_OFFSET],
    ['trades', TRADE_TIMESTAMP_OFFSET],
  ] as const) {
    const from = goldenPath('archive-real', folder, stream)
    const reader = await ReplayReader.open(from)
    const messages = []
    for (let message = await reader.next(); message !== null; message = await reader.next()) {
      const { seq, timestampNs, typeId } = message
      const payload = message.payload.slice()
      const view = new DataView(payload.buffer, payload.byteOffset)
      view.setBigUint64(at, view.getBigUint64(at, true) + shiftNs, true)
      messages.push({ seq, typeId, payload, timestampNs: timestampNs + shiftNs })
    }
    await reader.close()
    makeLog(path.join(archive, folder, stream), messages, { segmentBytes: 4 << 20 })
    fs.copyFileSync(path.join(from, 'meta.json'), path.join(archive, folder, stream, 'meta.json'))
  }
  return archive
}

/** The module beside a file of what its runs are. */
function writeJob(venue: string, goldens: ReadonlyMap<string, Golden>, originNs: bigint, shiftNs: bigint): string {
  const latencyRows = (): string[][] => {
    const { rows } = goldenJson<{ rows: [string, string, string][] }>('backtest', `latency-${venue}.json`)
    return rows.map((row) => row.map((time) => String(BigInt(time) + shiftNs)))
  }
  const runs = [...goldens].map(([name, golden]) => {
    const market = {
      ...{ tick: golden.tick_size, lot: golden.lot_size, contractSize: golden.contract_size, fills: golden.exchange },
      ...{ contract: golden.inverse ? 'inverse' : 'linear', localShift: '1.277s', queue: QUEUES[golden.queue] ?? golden.queue },
      fees: { per: PER[golden.fee[0]], maker: golden.fee[1], taker: golden.fee[2] },
      latency: golden.latency === 'feed' ? { table: latencyRows() } : golden.latency,
      compat: ['ownOrdersIndependent', 'anyQuantity'],
    }
    const { strategy, params, steps, step_ns: stepNs, warmup_ns: warmUpNs } = golden
    return [name, { strategy, params, stepNs, steps, warmUpNs, market }]
  })
  const folder = path.join(root, `${venue}-job`)
  fs.mkdirSync(folder, { recursive: true })
  fs.copyFileSync(JOB, path.join(folder, 'golden-run.ts'))
  fs.writeFileSync(path.join(folder, 'golden-run.json'), JSON.stringify({ originNs: String(originNs), runs: Object.fromEntries(runs) }))
  return path.join(folder, 'golden-run.ts')
}

describeGolden('golden runs of an independent engine, from an archive to a table', () => {
  it.each(['usdm', 'coinm', 'spot'])('%s: a sweep gives the fills, counts and accounts of each', { timeout: 600_000 }, async (venue) => {
    const goldens = goldensOf(venue)
    const [first] = goldens.values()
    const t0 = BigInt(first!.t0)
    // A step of a bar sees what came before the bar's end; one of the golden runs also what comes at its own time.
    const originNs = (t0 / SECOND_NS + 1n) * SECOND_NS
    const shiftNs = originNs - 1n - t0
    const archive = await makeArchive(venue, shiftNs)
    const job = writeJob(venue, goldens, originNs, shiftNs)
    const table = path.join(root, `${venue}-table`)
    const { code, err } = await runCli('run', job, '--archive', archive, '--table', table, ...STRETCH)
    expect(code, err).toBe(0)
    const rows = (await tableRows(new FileStore(table))) as unknown as Row[]
    for (const [name, golden] of goldens) {
      expectFills(
        rows.filter((row) => row.run === name && row.kind === 'fill'),
        golden,
        originNs - 1n,
      )
      expectSamples(
        rows.filter((row) => row.run === name && row.kind === 'sample'),
        golden,
        originNs,
      )
    }
  })
})

/** Times of what an order took are those of the order, which was sent a nanosecond later; latencies of a table are interpolated and rounded. */
function expectFills(rows: readonly Row[], golden: Golden, zeroNs: bigint): void {
  const end = BigInt(golden.steps) * BigInt(golden.step_ns)
  const merged = new Map<string, { id: number; times: readonly number[]; key: string; quantity: number }>()
  const inTime = rows
    .filter(({ local_ns: at }) => at - zeroNs <= end)
    .sort((a, b) => (a.local_ns < b.local_ns ? -1 : a.local_ns > b.local_ns ? 1 : 0))
  for (const row of inTime) {
    const place = `${row.local_ns} ${row.order_id}`
    const before = merged.get(place)
    const side = row.side === 'buy' ? 1 : -1
    merged.set(place, {
      id: Number(row.order_id),
      times: [Number(row.exchange_ns - zeroNs), Number(row.local_ns - zeroNs)],
      key: `id ${row.order_id} side ${side} tick ${Math.round(row.price / golden.tick_size)} maker ${row.is_maker ? 1 : 0} several ${before === undefined ? 0 : 1}`,
      quantity: row.quantity + (before?.quantity ?? 0),
    })
  }
  const found = [...merged.values()].sort((a, b) => a.times[1]! - b.times[1]! || a.times[0]! - b.times[0]! || a.id - b.id)
  const keyOf = ([, , id, side, tick, , maker, several = 0]: readonly number[]): string =>
    `id ${id} side ${side} tick ${tick} maker ${maker} several ${several}`
  expect(found.map(({ key }) => key)).toEqual(golden.fills.map(keyOf))
  for (const [i, { times, quantity }] of found.entries()) {
    const [exchange, local, , , , size, maker] = golden.fills[i]! as [number, number, number, number, number, number, number]
    const lateNs = maker === 1 ? 0 : 3
    expect(
      [times[0]! - exchange, times[1]! - local].every((ns) => Math.abs(ns) <= lateNs),
      `${golden.strategy} fill ${i}`,
    ).toBe(true)
    expect(Math.abs(quantity - size)).toBeLessThan(1e-8)
  }
  expect(found).toHaveLength(golden.final.num_trades!)
}

function expectSamples(rows: readonly Row[], golden: Golden, originNs: bigint): void {
  const bySince = new Map(rows.map((row) => [Number(row.bar_end_ns - originNs), row]))
  // A take over several levels is valued at its last price there, and at each level's here.
  const isWhole = golden.rows_of_several_executions === 0
  const scale = Math.max(...golden.curve.map((row) => Math.abs(row[3]!)))
  for (const [since, mid, position, ...money] of golden.curve) {
    const row = bySince.get(since!)!
    expectNear(row.mid, mid!, 0)
    expectNear(row.position, position!, 1e-9)
    const own = [row.cash, row.fees, row.equity, row.volume, row.turnover]
    if (isWhole) for (const [k, value] of money.entries()) expectNear(own[k]!, value, scale * 1e-12)
  }
  expect(Number(bySince.get(golden.steps * golden.step_ns)!.orders_sent)).toBe(golden.orders_sent)
}

/** Relative to the value, with an absolute floor for sums that come near 0. */
function expectNear(found: number, expected: number, floor: number): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.max(1e-9 * Math.abs(expected), floor))
}
