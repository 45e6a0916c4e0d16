/**
 * `node bench/hftbacktest.ts <archive of the golden data>`: the golden grid run on usdm and a sweep of 32 of it, ours as tasks from the log
 * on disk to the parts, hftbacktest's (from its lock) with the feed in memory; start-up and compilation are left out on both sides: its
 * strategy is compiled before its first run, our code by V8 while the first two dozen run. Best of seven of one, sweeps in turn with them.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ReplayReader } from '../core/log/reading/replay-reader.ts'
import { BookEventView, EVENT_SNAPSHOT } from '../core/protocol/book-event.ts'
import { L2DiffView } from '../core/protocol/l2-diff.ts'
import { L2SnapshotView } from '../core/protocol/l2-snapshot.ts'
import { TradeView } from '../core/protocol/trade.ts'
import { pythonEnvironment } from '../localstack/python-environment.ts'
import { timedTasks } from './made/timed-tasks.ts'

const [archive] = process.argv.slice(2)
if (archive === undefined) throw new Error('usage: node bench/hftbacktest.ts <archive with binance-usdm/btcusdt of 2024-08-08>')
const DAY = path.join(archive, 'v1/binance-usdm/btcusdt/2024-08-08')
const SHIFT_NS = 1_277_000_000n
const GRIDS = [1, 2, 5, 10]
const HALVES = [0, 1, 2, 5, 10, 20, 50, 100]
const ROUNDS = 7
/** Runs in which code is compiled: their CPU time goes from 150 ms to 45. */
const COMPILING = 24

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-hftbacktest-'))
try {
  const feed = path.join(folder, 'feed.bin')
  const events = await writeFeed(feed)
  const theirs = hftbacktest(feed)
  const [one, sweep]: [number[], number[]] = [[], []]
  for (let i = 0; i < COMPILING; i++) await ours([10], [5])
  await ours(GRIDS, HALVES)
  for (let i = 0; i < ROUNDS; i++) {
    one.push(await ours([10], [5]))
    if (i % 3 === 0) sweep.push(await ours(GRIDS, HALVES))
  }
  const best = (times: number[]): number => Math.min(...times) / 1000
  console.log(`${events} events; hftbacktest: ${theirs.fills} fills`)
  console.log(line('one run', best(one), theirs.one))
  console.log(line(`sweep of ${GRIDS.length * HALVES.length}`, best(sweep), theirs.sweep))
} finally {
  fs.rmSync(folder, { recursive: true })
}

async function ours(grid: number[], half: number[]): Promise<number> {
  const job = path.join(import.meta.dirname, 'jobs/golden-grid-job.ts')
  const range = { fromNs: 1_723_161_240_000_000_000n, toNs: 1_723_161_600_000_000_000n, slice: '6m' }
  const { ms } = await timedTasks({ archive: archive!, folder, job, params: { grid, half }, venues: ['binance-usdm'], ...range })
  return ms
}

function hftbacktest(feed: string): { one: number; sweep: number; fills: number } {
  const lock = path.join(import.meta.dirname, '../test/interop/hftbacktest-requirements.txt')
  const pairs = GRIDS.flatMap((grid) => HALVES.map((half) => `${grid}:${half}`)).join(',')
  const argv = [path.join(import.meta.dirname, 'hftbacktest_grid.py'), feed, pairs]
  const { stdout, stderr, status } = spawnSync(pythonEnvironment('python3', lock), argv, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function line(what: string, ours: number, theirs: number): string {
  return `${what}: ours ${ours.toFixed(3)} s, hftbacktest ${theirs.toFixed(3)} s, ${(theirs / ours).toFixed(2)} x as fast`
}

/** The streams as rows (kind, exchange ns, local ns, price, quantity) in the order of local times; gives how many. */
async function writeFeed(file: string): Promise<number> {
  const rows: { localNs: bigint; bytes: Buffer }[] = []
  const put = (kind: number, exchangeNs: bigint, localNs: bigint, price: number, quantity: number): void => {
    const bytes = Buffer.alloc(40)
    bytes.writeBigInt64LE(BigInt(kind))
    bytes.writeBigInt64LE(exchangeNs, 8)
    bytes.writeBigInt64LE(localNs, 16)
    bytes.writeDoubleLE(price, 24)
    bytes.writeDoubleLE(quantity, 32)
    rows.push({ localNs, bytes })
  }
  const [head, diff, snapshot, trade] = [new BookEventView(), new L2DiffView(), new L2SnapshotView(), new TradeView()]
  for await (const message of await ReplayReader.open(path.join(DAY, 'book'))) {
    const { eventType, exchangeTsNs } = head.wrap(message.view, message.payloadOffset, message.length)
    const isSnapshot = eventType === EVENT_SNAPSHOT
    const levels = isSnapshot ? snapshot.wrapMessage(message) : diff.wrapMessage(message)
    const [price, size, first] = [10 ** levels.priceScale, 10 ** levels.sizeScale, isSnapshot ? 10 : 0]
    const localNs = message.timestampNs + SHIFT_NS
    for (let i = 0; i < levels.bidCount; i++) put(first + 1, exchangeTsNs, localNs, levels.bidPrice(i) / price, levels.bidSize(i) / size)
    for (let i = 0; i < levels.askCount; i++) put(first + 2, exchangeTsNs, localNs, levels.askPrice(i) / price, levels.askSize(i) / size)
  }
  for await (const message of await ReplayReader.open(path.join(DAY, 'trades'))) {
    const { isBuyerMaker, timestampNs, price, quantity } = trade.wrapMessage(message)
    put(isBuyerMaker ? 4 : 3, timestampNs, message.timestampNs + SHIFT_NS, price, quantity)
  }
  rows.sort((a, b) => (a.localNs < b.localNs ? -1 : a.localNs > b.localNs ? 1 : 0))
  fs.writeFileSync(file, Buffer.concat(rows.map(({ bytes }) => bytes)))
  return rows.length
}
