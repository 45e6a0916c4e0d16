import fs from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { beforeAll, expect, it } from 'vitest'
import { latencyTableOf } from '../../core/backtest/latency-feed.ts'
import type { LatencyRow } from '../../core/backtest/latency-table.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { type MarketSettings, marketTerms } from '../../core/backtest/market-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { type FeedEvent, feed, loadFeed } from '../support/backtest-feed.ts'
import { goldenStrategy } from '../support/backtest-strategies.ts'

interface Golden {
  readonly name: string
  readonly venue: string
  readonly strategy: string
  readonly params: readonly number[]
  readonly queue: string
  readonly exchange: 'whole' | 'partial'
  readonly latency: string
  readonly fee: readonly ['value' | 'qty' | 'flat', number, number]
  readonly tick_size: number
  readonly lot_size: number
  readonly contract_size: number
  readonly inverse: boolean
  readonly t0: string
  readonly step_ns: number
  readonly steps: number
  readonly shift_ns: number
  readonly warmup_ns: number
  readonly orders_sent: number
  readonly rows_of_several_executions: number
  readonly final: Readonly<Record<string, number>>
  readonly curve: readonly (readonly number[])[]
  readonly fills: readonly (readonly number[])[]
}

type Row = [exchange: number, local: number, id: number, side: number, tick: number, quantity: number, maker: number, several: number]

const FOLDERS: Readonly<Record<string, string>> = {
  usdm: 'binance-usdm/btcusdt',
  coinm: 'binance-coinm/btcusd_perp',
  spot: 'binance-spot/btcusdt',
}
const QUEUES: Readonly<Record<string, string>> = { power1: 'power1:2', power2: 'power2:2', power3: 'power3:3' }
const PER = { value: 'value', qty: 'quantity', flat: 'trade' } as const
const names = fs.existsSync(goldenPath('backtest'))
  ? fs
      .globSync('*.json.gz', { cwd: goldenPath('backtest') })
      .map((file) => file.slice(0, -'.json.gz'.length))
      .sort()
  : []
const SHIFT_NS = 1_277_000_000n
const folderOf = (venue: string): string => goldenPath('archive-real', 'v1', FOLDERS[venue]!, '2024-08-08')

describeGolden('backtests as an independent engine runs them', () => {
  const feeds = new Map<string, FeedEvent[]>()

  beforeAll(async () => {
    for (const [venue, tick, lot] of [
      ['usdm', 0.1, 0.001],
      ['coinm', 0.1, 1],
      ['spot', 0.01, 0.000001],
    ] as const) {
      feeds.set(venue, await loadFeed(folderOf(venue), tick, lot, SHIFT_NS))
    }
  })

  it('has all of the runs', () => {
    expect(names).toHaveLength(27)
  })

  it.each(names)('%s', (name) => {
    const golden = readGolden(name)
    const { fills, curve, ordersSent } = runGolden(golden, feeds.get(golden.venue)!)
    const keyed = (row: Row): string => `${row[0]} ${row[1]} id ${row[2]} side ${row[3]} tick ${row[4]} maker ${row[6]} several ${row[7]}`
    const expected = golden.fills.map((row) => [...row, 0].slice(0, 8) as Row)
    expect(fills.map(keyed)).toEqual(expected.map(keyed))
    for (const [i, row] of fills.entries()) expect(Math.abs(row[5] - expected[i]![5])).toBeLessThan(1e-8)
    expect(ordersSent).toBe(golden.orders_sent)
    expect(fills).toHaveLength(golden.final.num_trades!)
    // A take over several levels is valued at its last price there, and at each level's here.
    const isWhole = golden.rows_of_several_executions === 0
    expect(curve).toHaveLength(golden.curve.length)
    const scale = Math.max(...golden.curve.map((row) => Math.abs(row[3]!)))
    curve.forEach((sample, i) => {
      const [since, mid, position, ...money] = golden.curve[i]!
      expect(sample.slice(0, 2)).toEqual([since, mid])
      expectNear(sample[2]!, position!, 1e-9)
      for (const [k, value] of isWhole ? money.entries() : []) expectNear(sample[3 + k]!, value, scale * 1e-12)
    })
    const last = curve.at(-1)!
    expectNear(last[2]!, golden.final.position!, 1e-9)
    if (isWhole) {
      for (const [k, what] of [
        [3, 'balance'],
        [4, 'fee'],
        [5, 'equity'],
        [6, 'trading_volume'],
        [7, 'trading_value'],
      ] as const) {
        expectNear(last[k]!, golden.final[what]!, Math.abs(golden.final.trading_value!) * 1e-12)
      }
    }
  })

  it.each(['usdm', 'coinm', 'spot'])('makes the latency table of the feed: %s', (venue) => {
    const times = feeds.get(venue)!.map(({ localNs, exchangeNs }) => [localNs, exchangeNs] as const)
    const rows = latencyTableOf(times, { entryFactor: 2, entryNs: 0, responseFactor: 1, responseNs: 500_000, windowNs: 1e9 })
    expect(rows).toEqual(latencyRows(venue))
  })
})

/** Relative to the value, with an absolute floor for sums that come near 0. */
function expectNear(found: number, expected: number, floor: number): void {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.max(1e-9 * Math.abs(expected), floor))
}

function readGolden(name: string): Golden {
  return JSON.parse(gunzipSync(fs.readFileSync(goldenPath('backtest', `${name}.json.gz`))).toString()) as Golden
}

function latencyRows(venue: string): LatencyRow[] {
  const { rows } = goldenJson<{ rows: [string, string, string][] }>('backtest', `latency-${venue}.json`)
  return rows.map(([request, exchange, response]) => [BigInt(request), BigInt(exchange), BigInt(response)])
}

function runGolden(golden: Golden, events: readonly FeedEvent[]): { fills: Row[]; curve: number[][]; ordersSent: number } {
  const { tick_size: tick, lot_size: lot, contract_size: size, step_ns: stepNs } = golden
  const originNs = BigInt(golden.t0)
  const market: MarketSettings = {
    ...{ tick, lot, contractSize: size, contract: golden.inverse ? 'inverse' : 'linear', fills: golden.exchange },
    fees: { per: PER[golden.fee[0]], maker: golden.fee[1], taker: golden.fee[2] },
    latency: golden.latency === 'feed' ? { table: latencyRows(golden.venue) } : golden.latency,
    queue: QUEUES[golden.queue] ?? golden.queue,
    compat: ['ownOrdersIndependent', 'anyQuantity'],
  }
  const replay = new MarketReplay(new PriceGrid(tick, lot), false)
  const who = replay.join(marketTerms(market))
  replay.begin(originNs)
  const rows = new Map<string, Row>()
  who.listener = {
    fill({ exchangeNs, localNs, orderId, side, tick: price, lots, isMaker }) {
      const key = `${localNs} ${orderId}`
      const known = rows.get(key)
      const quantity = (known?.[5] ?? 0) + lots * lot
      rows.set(key, [exchangeNs, localNs, orderId, side, price, quantity, isMaker ? 1 : 0, known === undefined ? 0 : 1])
    },
  }
  const strategy = goldenStrategy(golden.strategy, golden.params, lot, replay, who)
  const curve: number[][] = []
  let given = 0
  for (let k = 1; k <= golden.steps; k++) {
    const now = k * stepNs
    // What the exchange has met by now reaches the local side a little later.
    for (; given < events.length && Number(events[given]!.localNs - originNs) <= now + 1e9; given++) feed(replay, events[given]!, originNs)
    replay.run(now, true)
    const { bestBid, bestAsk } = replay.localBook
    if (now % 1e10 === 0 || k === golden.steps) {
      const mid = (bestBid * tick + bestAsk * tick) / 2
      const { position, cash, fee, volume, turnover } = who.account
      curve.push([now, mid, position, cash, fee, who.account.equity(mid), volume, turnover])
    }
    if (now >= golden.warmup_ns && k < golden.steps && Number.isFinite(bestBid) && Number.isFinite(bestAsk)) strategy(k)
  }
  const fills = [...rows.values()].sort((a, b) => a[1] - b[1] || a[0] - b[0] || a[2] - b[2])
  return { fills, curve, ordersSent: who.ordersSent }
}
