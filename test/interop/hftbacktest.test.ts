import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it, vi } from 'vitest'
import { latencyTableOf } from '../../core/backtest/latency-feed.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { type MarketSettings, marketTerms } from '../../core/backtest/market-terms.ts'
import { BUY, FOK, NEW, NO_REQUEST, SELL, type Side } from '../../core/backtest/order-terms.ts'
import type { Participant } from '../../core/backtest/participant.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { Random } from '../../core/synthetic/random.ts'
import { type FeedEvent, feed, loadFeed } from '../support/backtest-feed.ts'
import { lockedPython } from '../support/locked-python.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('interop-hftbacktest')
const python = lockedPython('hftbacktest', path.join(import.meta.dirname, 'hftbacktest-requirements.txt'))
/** Thousands on demand: HFTBACKTEST_RUNS=5000 npx vitest run test/interop/hftbacktest.test.ts */
const RUNS = Number(process.env.HFTBACKTEST_RUNS ?? 30)
const SEED = Number(process.env.HFTBACKTEST_SEED ?? Date.now() % 1_000_000)
const RUNS_PER_FEED = 24
/** Runs of one process. */
const BATCH = 240
const [TICK, LOT] = [0.01, 0.001]
const SECOND_NS = 1e9
const SHIFT_NS = 1_500_000_000n
/** No order message is under way this long. */
const TAIL_NS = 200 * SECOND_NS
const [SEND, CANCEL, MODIFY, SEND_MARKET] = [0, 1, 2, 3]
const QUEUES = ['risk', 'power1', 'power2', 'power3', 'log', 'log2']

/** What a strategy does at a step: its price is so many ticks from the local best of its side. Quantities in lots. */
type Action = [step: number, what: number, id: number, side: number, offset: number, lots: number, timeInForce: number]

interface Spec {
  readonly seed: number
  readonly feed: number
  readonly market: MarketSettings
  /** Name and exponent. */
  readonly queue: readonly [string, number]
  readonly stepNs: number
  readonly steps: number
  /** Best price where a side is empty for a while, ticks. */
  readonly base: number
  readonly actions: readonly Action[]
}

interface Theirs {
  readonly stopped: number
  readonly fills: readonly [
    exchange: string,
    local: string,
    id: number,
    side: number,
    tick: number,
    maker: number,
    ended: number,
    quantity: number,
  ][]
  readonly totals: readonly number[]
}

it.skipIf(python === null)(
  `${RUNS} random strategies are filled as hftbacktest fills them: seed ${SEED}`,
  async () => {
    const feeds: FeedEvent[][] = []
    const files: string[] = []
    const specs: Spec[] = []
    for (let i = 0; i < RUNS; i++) {
      const at = Math.floor(i / RUNS_PER_FEED)
      if (at === feeds.length) {
        feeds.push(await generatedFeed(SEED + at))
        files.push(writeFeed(at, feeds[at]!))
      }
      specs.push(randomSpec(SEED * 100_000 + i, at, feeds[at]!))
    }
    const seen = { fills: 0, makers: 0, takers: 0, halves: 0 }
    for (let from = 0; from < RUNS; from += BATCH) {
      const batch = specs.slice(from, from + BATCH)
      for (const [i, theirs] of runTheirs(files, batch).entries()) {
        if (!compare(batch[i]!, feeds[batch[i]!.feed]!, theirs)) {
          seen.halves++
          continue
        }
        for (const [, , , , , maker] of theirs.fills) seen[maker === 1 ? 'makers' : 'takers']++
        seen.fills += theirs.fills.length
      }
    }
    // Such a comparison is worth what it has seen.
    expect(seen.makers).toBeGreaterThan(10 * RUNS)
    expect(seen.takers).toBeGreaterThan(10 * RUNS)
    expect(seen.halves).toBeLessThanOrEqual(Math.ceil(RUNS / 20))
  },
  300_000 + 2000 * RUNS,
)

async function generatedFeed(seed: number): Promise<FeedEvent[]> {
  const archive = path.join(root, `archive-${seed}`)
  await generateArchive(archive, { messages: 4000, streams: ['book', 'trades'], level: 'l2', symbols: 1, days: 1, seed, stepBack: 0 })
  const events = await loadFeed(path.dirname(findLogs(archive)[0]!.path), TICK, LOT, SHIFT_NS)
  // A later snapshot tells the library nothing of levels that are gone.
  const first = events.find(({ kind }) => kind === 'snapshot')
  return events.filter((event) => event.kind !== 'snapshot' || event === first)
}

function writeFeed(number: number, events: readonly FeedEvent[]): string {
  const rows = events.reduce((sum, { pairs }) => sum + pairs.length / 2, 0)
  const bytes = Buffer.alloc(40 * rows)
  let at = 0
  for (const { kind, exchangeNs, localNs, pairs, bids, taker } of events) {
    for (let i = 0; i < pairs.length; i += 2, at += 40) {
      const side = i / 2 < bids ? 1 : 2
      bytes.writeBigInt64LE(BigInt(kind === 'trade' ? (taker === 1 ? 3 : 4) : kind === 'snapshot' ? 10 + side : side), at)
      bytes.writeBigInt64LE(exchangeNs, at + 8)
      bytes.writeBigInt64LE(localNs, at + 16)
      bytes.writeDoubleLE(pairs[i]! / 100, at + 24)
      bytes.writeDoubleLE(pairs[i + 1]! / 1000, at + 32)
    }
  }
  const file = path.join(root, `feed-${number}.bin`)
  fs.writeFileSync(file, bytes)
  return file
}

function randomSpec(seed: number, at: number, events: readonly FeedEvent[]): Spec {
  const random = new Random(seed)
  const isWhole = random.chance(0.5)
  const queue = QUEUES[random.below(QUEUES.length)]!
  const exponent = 1 + random.below(4)
  const isTable = random.chance(0.3)
  const latencies = ['1ms', '700ms', '4s', '25s']
  const contract = random.chance(0.3) ? 'inverse' : 'linear'
  const stepNs = [7, 20, 45][random.below(3)]! * SECOND_NS
  const [first, last] = rangeOf(events)
  const steps = Math.floor((Number(last - first) - TAIL_NS) / stepNs)
  // The strategy knows a book.
  const { localNs, pairs } = events.find(({ kind }) => kind === 'snapshot')!
  const opens = Math.ceil(Number(localNs - first) / stepNs)
  const market: MarketSettings = {
    ...{ tick: TICK, lot: LOT, contract, contractSize: contract === 'inverse' ? 100 : 1 },
    fills: isWhole ? 'whole' : 'partial',
    fees: { per: (['value', 'quantity', 'trade'] as const)[random.below(3)]!, maker: random.unit() - 0.5, taker: random.unit() },
    latency: isTable ? { table: tableOf(events) } : { entry: latencies[random.below(4)]!, response: latencies[random.below(4)]! },
    queue: queue.startsWith('power') ? `${queue}:${exponent}` : queue,
    compat: 'hftbacktest',
  }
  return {
    seed,
    feed: at,
    market,
    queue: [queue, exponent],
    stepNs,
    steps,
    base: pairs[0]!,
    actions: randomActions(random, [opens, steps], isWhole),
  }
}

function randomActions(random: Random, [opens, steps]: readonly [number, number], isWhole: boolean): Action[] {
  const actions: Action[] = []
  const ids: number[] = []
  const busy = 0.2 + 0.8 * random.unit()
  const reach = 1 + random.below(6)
  // The library stops where a fill exhausts an order exactly (its issue 312): of parts of a lot none does.
  const lots = (): number => 1 + random.below(random.chance(0.2) ? 900 : 30) + (isWhole ? 0 : 0.7)
  for (let k = opens; k < steps; k++) {
    while (random.chance(busy / 1.5)) {
      const side = random.chance(0.5) ? BUY : SELL
      const toward = random.chance(0.3) ? random.below(6) : -random.below(reach)
      const drawn = random.unit()
      const old = ids[ids.length - 1 - random.below(8)]
      if (drawn < 0.6 || old === undefined) {
        const isMarket = random.chance(0.05)
        ids.push(ids.length + 1)
        actions.push([k, isMarket ? SEND_MARKET : SEND, ids.length, side, side * toward, lots(), random.below(isMarket ? 1 : FOK + 1)])
      } else if (drawn < 0.85 || !isWhole) actions.push([k, CANCEL, old, side, 0, 0, 0])
      else {
        const own = actions.find(([, what, id]) => id === old && (what === SEND || what === SEND_MARKET))!
        if (own[1] === SEND) actions.push([k, MODIFY, old, own[3], own[3] * toward, lots(), 0])
      }
    }
  }
  return actions
}

function runTheirs(files: readonly string[], specs: readonly Spec[]): Theirs[] {
  const runs = specs.map(({ feed: at, market, queue, stepNs, steps, base, actions }) => {
    const { latency, ...rest } = market
    const { table, entry, response } = latency as { table?: unknown[][]; entry?: string; response?: string }
    return {
      ...rest,
      ...{ feed: at, queue, stepNs, steps, base, actions: actions.map((row) => row.with(5, row[5] / 1000)) },
      ...(table !== undefined ? { table: table.map((row) => row.map(String)) } : { entryNs: nsOf(entry!), responseNs: nsOf(response!) }),
    }
  })
  const file = path.join(root, 'runs.json')
  fs.writeFileSync(file, JSON.stringify({ feeds: files, runs }))
  const { stdout, stderr, status } = spawnSync(python!, [path.join(import.meta.dirname, 'run_hftbacktest.py'), file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Theirs)
}

/** Fills that became known at one instant of one order are one row, as the library shows them: all of their quantity, the last price. */
function compare(spec: Spec, events: readonly FeedEvent[], theirs: Theirs): boolean {
  const name = `run of seed ${spec.seed}, ${JSON.stringify({ ...spec.market, latency: undefined })}`
  expect(theirs.stopped, name).toBe(0)
  const [first] = rangeOf(events)
  const { who, fills, halfNs } = runOurs(spec, events, first)
  const keyed = new Map<string, { row: (string | number)[]; quantity: number }>()
  for (const [exchange, local, id, side, tick, maker, ended, quantity] of theirs.fills) {
    const atNs = Number(BigInt(exchange) - first)
    const row = [Number(BigInt(local) - first), id, side, tick, maker, ended === 1 ? 'ended' : atNs]
    keyed.set(`${local} ${id}`, { row, quantity })
  }
  const ended = new Set([...keyed.values()].filter(({ row }) => row[5] === 'ended').map(({ row }) => `${row[0]} ${row[1]}`))
  const ours = [...fills.values()].map(({ row, quantity }) => ({
    row: ended.has(`${row[0]} ${row[1]}`) ? row.with(5, 'ended') : row,
    quantity,
  }))
  const order = (a: { row: (string | number)[] }, b: { row: (string | number)[] }): number =>
    Number(a.row[0]) - Number(b.row[0]) || Number(a.row[1]) - Number(b.row[1])
  const expected = [...keyed.values()].sort(order)
  ours.sort(order)
  // Quantities are sums of doubles.
  const rowOf = ({ row, quantity }: { row: Row; quantity: number }): Row => [...row, quantity.toFixed(8)]
  const [oursRows, theirRows] = [ours.map(rowOf), expected.map(rowOf)]
  // Half a lot is rounded up here; in the library, which divides sizes by lots, the last bit decides. What follows is another run there.
  if (JSON.stringify(oursRows) !== JSON.stringify(theirRows) && halfNs < Number.POSITIVE_INFINITY) {
    const before = (row: Row): boolean => Number(row[0]) < halfNs
    expect(oursRows.filter(before), name).toEqual(theirRows.filter(before))
    return false
  }
  expect(oursRows, name).toEqual(theirRows)
  // In partial runs the library's own account misses all but the last piece of what came at once (its issue 316).
  if (spec.market.fills === 'partial') return true
  const { position, cash, fee, fills: count, volume, turnover } = who.account
  for (const [i, value] of [position, cash, fee, count, volume, turnover].entries()) {
    const told = theirs.totals[i]!
    expect(Math.abs(value - told), `${name}, total ${i}`).toBeLessThanOrEqual(
      1e-9 * Math.max(1, Math.abs(told), Math.abs(theirs.totals[5]!)),
    )
  }
  return true
}

type Row = (string | number)[]

/** Calls `onHalf` where something comes to half a lot, but for rounding, on its way to whole ones. */
function watchHalves(onHalf: () => void): { restore(): void } {
  const spy = vi.spyOn(Math, 'round').mockImplementation((x) => {
    const whole = Math.floor(x)
    const rest = x - whole
    if (x > 0 && Math.abs(rest - 0.5) < 1e-9) onHalf()
    return rest < 0.5 ? whole : whole + 1
  })
  return { restore: () => spy.mockRestore() }
}

function runOurs(spec: Spec, events: readonly FeedEvent[], originNs: bigint) {
  const replay = new MarketReplay(new PriceGrid(TICK, LOT), false)
  const who = replay.join(marketTerms(spec.market))
  replay.begin(originNs)
  const fills = new Map<string, { row: (string | number)[]; quantity: number }>()
  who.listener = {
    fill({ exchangeNs, localNs, orderId, side, tick, lots, isMaker }) {
      const key = `${localNs} ${orderId}`
      const quantity = (fills.get(key)?.quantity ?? 0) + lots * LOT
      fills.set(key, { row: [localNs, orderId, side, tick, isMaker ? 1 : 0, exchangeNs], quantity })
    },
  }
  let given = 0
  let at = 0
  let now = 0
  /** Nothing was rounded from a half before it. */
  let halfNs = Number.POSITIVE_INFINITY
  const halves = watchHalves(() => {
    halfNs = Math.min(halfNs, now - spec.stepNs)
  })
  for (let k = 1; k <= spec.steps; k++) {
    now = k * spec.stepNs
    for (; given < events.length && Number(events[given]!.exchangeNs - originNs) <= now + 10 * SECOND_NS; given++) {
      feed(replay, events[given]!, originNs)
    }
    replay.run(now, true)
    who.clearInactive()
    for (; spec.actions[at]?.[0] === k; at++) act(replay, who, spec.base, spec.actions[at]!)
  }
  halves.restore()
  return { who, fills, halfNs }
}

function act(replay: MarketReplay, who: Participant, base: number, [, what, id, side, offset, lots, timeInForce]: Action): void {
  const best = side === BUY ? replay.localBook.bestBid : replay.localBook.bestAsk
  const tick = (Number.isFinite(best) ? best : base) + offset
  if (what === SEND || what === SEND_MARKET) {
    expect(who.send(side as Side, tick, lots, timeInForce, what === SEND_MARKET)).toBe(id)
    return
  }
  const slot = who.slotOf(id)
  if (slot < 0) return
  if (what === CANCEL) {
    if (who.isCancellable(slot)) who.cancel(id)
  } else if (who.pool.statuses[slot] === NEW && who.pool.pending[slot] === NO_REQUEST) who.modify(id, tick, lots)
}

function rangeOf(events: readonly FeedEvent[]): [first: bigint, last: bigint] {
  let [first, last] = [events[0]!.exchangeNs, events[0]!.localNs]
  for (const { exchangeNs, localNs } of events) {
    if (exchangeNs < first) first = exchangeNs
    if (localNs < first) first = localNs
    if (localNs > last) last = localNs
  }
  return [first, last]
}

function tableOf(events: readonly FeedEvent[]) {
  return latencyTableOf(
    events.map(({ localNs, exchangeNs }) => [localNs, exchangeNs] as const),
    { entryFactor: 2, entryNs: 0, responseFactor: 1, responseNs: 500_000, windowNs: 60 * SECOND_NS },
  )
}

function nsOf(text: string): number {
  return text.endsWith('ms') ? Number(text.slice(0, -2)) * 1e6 : Number(text.slice(0, -1)) * SECOND_NS
}
