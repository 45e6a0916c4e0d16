import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundled, type LoadedJob, runJob } from '../../bench/made/job-run.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { MemoryStore } from '../support/memory-store.ts'
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
    ['off-lot', 'order-quantity', /order: quantity: expected a multiple of the lot 0.001 above 0, found 0.0005/],
    ['unknown-id', 'order-unknown', /order 17: there is none; 0 were sent so far, ids count from 1/],
    ['twice', 'request-pending', /order 1: a request \(new\) is on its way already/],
    ['time-in-force', 'order-time-in-force', /timeInForce: expected gtc or gtx or ioc or fok, found day/],
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
