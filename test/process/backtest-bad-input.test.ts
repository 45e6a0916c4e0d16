import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, type LoadedJob, runJob } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { runCli } from '../support/run-cli.ts'
import { DAY_NS, FIRST_DAY_NS, type SmallMessage, writeSmallArchive } from '../support/small-archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('backtest-bad-input')
const job = path.resolve(import.meta.dirname, '../support/jobs/unruly-trader.ts')
const message = (hours: number): SmallMessage => ({
  stream: 'book',
  atNs: BigInt(hours * 3600) * 1_000_000_000n,
  backNs: 0n,
  skewNs: 0n,
  kind: 'snapshot',
  isGap: false,
  values: [1, 2, 3, 4],
})
let loaded: LoadedJob

beforeAll(async () => {
  writeSmallArchive(folder, {
    messages: [message(1), message(2)],
    snapshots: 'daily',
    hasHole: false,
    hasSnapshotIds: true,
    restartPoints: null,
  })
  loaded = await bundled(job)
})

/** The one error of a run over one day. */
async function errorOf(params: ParamGrid, archive = folder, more = {}): Promise<{ code: string; category: string; message: string }> {
  const range = { fromNs: FIRST_DAY_NS, toNs: FIRST_DAY_NS + DAY_NS }
  const { tasks } = await runJob({ ...range, archive: new FileStore(archive), table: new MemoryStore(), job, loaded, params, ...more })
  const failed = tasks.flatMap((task) => task.failed.map(({ error }) => error!))
  expect(new Set(failed.map(({ message }) => message)).size).toBe(1)
  return failed[0]!
}

describe('a strategy that does what it should not', () => {
  it('is told nothing when it does not', async () => {
    const range = { fromNs: FIRST_DAY_NS, toNs: FIRST_DAY_NS + DAY_NS }
    const { tasks } = await runJob({ ...range, archive: new FileStore(folder), table: new MemoryStore(), job, loaded })
    expect(tasks.flatMap(({ failed }) => failed)).toEqual([])
  })

  it.each([
    ['throws', 'job-threw', /job unruly-trader threw: Error: out of ideas at .*job-unruly-trader/],
    [
      'off-tick',
      'order-price',
      /job unruly-trader, variant [0-9a-f]{16} at 2024-01-01T01:10:00Z: order: price: expected a multiple of the tick 0.01 \(orders.priceDown and priceUp give one\), found 98.993/,
    ],
    ['nan-price', 'order-price', /order: price: expected a multiple of the tick 0.01 .* found NaN/],
    ['negative-size', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found -1/],
    ['endless-size', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found Infinity/],
    ['modify-to-nothing', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found 0/],
    ['off-lot', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found 0.0005/],
    ['no-price', 'order-price', /order: price: expected a multiple of the tick 0.01 .* found null/],
    ['empty-size', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found ""/],
    ['unknown-id', 'order-unknown', /order 17: there is none; 0 were sent so far, ids count from 1/],
    ['text-id', 'order-unknown', /order "1": expected a number, as buy and sell give it/],
    ['misspelt-option', 'unknown-option', /an order has no option "tif".* It takes timeInForce/],
    ['text-options', 'order-options', /order: options: expected \{ timeInForce \}, found "gtx"/],
    ['null-options', 'order-options', /order: options: expected \{ timeInForce \}, found null/],
    ['bigint-id', 'order-unknown', /order 1n: expected a number, as buy and sell give it/],
    ['create-orders', 'order-time', /order: orders are sent from step, fill and trade, not from create/],
    ['row-orders', 'order-time', /order: orders are sent from step, fill and trade, not from row/],
    ['create-nothing', 'job-handlers', /job unruly-trader: create: expected an object of handlers, found undefined/],
    [
      'create-later',
      'job-handlers',
      /job unruly-trader: create: expected an object of handlers, found a promise: a job is not asynchronous/,
    ],
    ['create-text', 'job-handlers', /job unruly-trader: create: step: expected a function, found "buy"/],
    ['step-later', 'job-handlers', /job unruly-trader: step: expected nothing, found a promise: a job is not asynchronous/],
    ['twice', 'request-pending', /order 1: a request \(new\) is on its way already/],
    ['time-in-force', 'order-time-in-force', /timeInForce: expected gtc or gtx or ioc or fok, found "day"/],
    [
      'million',
      'too-many-orders',
      /expected at most 1000 orders at a time, live or just ended; cancel what is no longer wanted, or raise maxOrders/,
    ],
  ])('%s: %s', async (fault, code, text) => {
    const error = await errorOf({ fault })
    expect(error).toMatchObject({ code, category: 'input' })
    expect(error.message).toMatch(text)
  })
})

describe('a market that is not that of the log', () => {
  it.each([
    ['queue-model', { queue: 'fifo' }, /'fifo' needs a log of orders \(L3\), the log has levels \(L2\)/],
    ['market-tick', { tick: 0.25 }, /the price 98.99, which is no multiple of the tick 0.25; .* 2 decimals, so that 0.01 holds all/],
    [
      'negative-latency',
      { localShift: '-1s' },
      /recorded 1000000000 ns before its own exchange time: .* market.localShift; it has to be at least 0ms, and as much as maxSkew/,
    ],
  ])('%s', async (code, params, text) => {
    const error = await errorOf(params)
    expect(error).toMatchObject({ code, category: 'input' })
    expect(error.message).toMatch(text)
  })
})

describeGolden('a market of orders', () => {
  it('wants first in, first out', async () => {
    const archive = goldenPath('archive-real')
    const error = await errorOf({}, archive, { venues: ['lobster'], symbols: ['aapl'], fromNs: undefined, toNs: undefined })
    expect(error).toMatchObject({ code: 'queue-model', category: 'input' })
    expect(error.message).toMatch(/the log has orders \(L3\), whose queues are known: expected 'fifo'/)
  })
})

describe('a run of it', () => {
  const synthetic = path.join(folder, 'synthetic')
  const quick = ['--archive', synthetic, '--slice', '6h', '--no-types', '--quiet'] as const

  beforeAll(() => generateArchive(synthetic, { symbols: 2, messages: 4000, seed: 3 }))

  it.each([
    ['create-throws', /job-threw: job unruly-trader threw: Error: nothing to trade at unruly-trader\.ts:\d+:\d+/],
    ['throws', /job-threw: job unruly-trader threw: Error: out of ideas at unruly-trader\.ts:\d+:\d+/],
    ['fill-throws', /job-threw: .* who bought this at/],
    ['trade-throws', /job-threw: .* too loud here at/],
    ['row-throws', /job-threw: .* no rows today at/],
    ['off-tick', /order-price: .* expected a multiple of the tick 0.0001 /],
    ['negative-size', /order-quantity: /],
    ['unknown-id', /order-unknown: /],
    ['million', /too-many-orders: .* expected at most 100000 orders at a time/],
  ])('%s: one message, of all partitions and variants, and no rows', async (fault, text) => {
    const table = path.join(folder, `table-${fault}`)
    const params = ['queue=risk,log', 'tick=0.0001', 'maxOrders=100000', `fault=${fault}`].flatMap((param) => ['--param', param])
    const { code, err } = await runCli('run', job, '--table', table, ...quick, ...params)
    expect([2, 4], err).toContain(code)
    const told = err.split('\n').filter((line) => line.startsWith('error '))
    expect(told).toEqual([expect.stringMatching(text)])
    expect(err).toMatch(/^ {2}\d+ partitions, first synthetic\/btcusdt\//m)
    expect((await runCli('checksum', table)).err).toContain('not-a-table')
  })

  it.each([
    ['fees: { maker: 0, taker: 0 }, lot: 1', /market: tick: expected a number above 0; found undefined/],
    ['tick: 1, lot: 1', /market: fees: expected rates \{ maker, taker \}, 0 for none; found undefined/],
    ['tick: 1, lot: 1, fees: { maker: 0 }', /market: fees.taker: expected a number, 0 for none; found undefined/],
  ])('with a market of { %s }: one message, before anything runs', async (market, text) => {
    const file = path.join(folder, 'unpriced.ts')
    fs.writeFileSync(
      file,
      `import { defineBacktest } from 'chronicle-replay'
export default defineBacktest({ name: 'unpriced', market: { ${market} } as never, every: '1m', create: () => ({}) })\n`,
    )
    const table = path.join(folder, 'table-unpriced')
    const { code, err } = await runCli('run', file, '--table', table, ...quick)
    expect([code, err.trim().split('\n')]).toEqual([2, [expect.stringMatching(text)]])
    expect(fs.existsSync(table)).toBe(false)
  })
})
