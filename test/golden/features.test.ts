import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { bookSettingsOf } from '../../core/book/log-settings.ts'
import { FeatureSink } from '../../core/features/feature-sink.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { type MemoryRow, MemoryRows } from '../support/memory-rows.ts'

type Options = Partial<ConstructorParameters<typeof FeatureSink>[0]>

async function featuresOf(log: string, columns: string, options: Options): Promise<{ rows: MemoryRow[]; beyondSkew: number }> {
  let rows: MemoryRow[] = []
  const sink = new FeatureSink({
    trigger: 'event',
    ...bookSettingsOf(log),
    ...options,
    columns,
    target(specs) {
      const target = new MemoryRows(specs)
      rows = target.rows
      return target
    },
  })
  await ReplayPipeline.fromSource(await ReplayReader.open(log))
    .sink(sink)
    .run()
  expect(sink.stats).toMatchObject({ late: 0, skipped: {}, gaps: {} })
  return { rows, beyondSkew: sink.stats.beyondSkew }
}

interface TradesGolden {
  readonly path: string
  readonly trades?: {
    readonly count: number
    readonly sum_notional: string
    /** Start (unix seconds), open, high, low, close, volume, count. */
    readonly bars_1m: readonly (readonly [number, string, string, string, string, string, number])[]
  }
}

describeGolden('trade bars of real captures', () => {
  const folder = 'archive-real/expected'
  const all = fs.existsSync(goldenPath(folder)) ? fs.readdirSync(goldenPath(folder)).filter((name) => name.endsWith('.trades.json')) : []

  it.each(all)('%s: the one-minute bars by trade time', async (name) => {
    const golden = goldenJson<TradesGolden>(folder, name)
    // OKX repeats the last trade, which can be minutes old, when one subscribes: the golden bars have it.
    const options: Options = { trigger: '1m', clock: 'exchange', maxSkew: '1h' }
    const { rows, beyondSkew } = await featuresOf(goldenPath('archive-real', golden.path), 'bar', options)
    expect(beyondSkew).toBe(0)
    expect(
      rows.map(({ bar_start_ns, open, high, low, close, volume, count }) => [
        Number((bar_start_ns as bigint) / 1_000_000_000n),
        open,
        high,
        low,
        close,
        volume,
        Number(count),
      ]),
    ).toEqual(golden.trades!.bars_1m.map(([start, ...values]) => [start, ...values.map(Number)]))
    // VWAP and volume come from sums that are exact: together they give the notional of the whole stream.
    const notional = rows.reduce((sum, { vwap, volume }) => sum + (vwap as number) * (volume as number), 0)
    expect(notional / Number(golden.trades!.sum_notional)).toBeCloseTo(1, 12)
  })

  it('there are such streams', () => {
    expect(all.length).toBeGreaterThan(5)
  })

  it('a trade further off than the skew of 5 s is left out and counted', async () => {
    const log = goldenPath('archive-real/v1/okx/btc-usd-220527/2022-05-13/trades')
    const { rows, beyondSkew } = await featuresOf(log, 'count', { trigger: '1m', clock: 'exchange' })
    expect([beyondSkew, rows.map(({ count }) => count)]).toEqual([1, [3n]])
  })
})

interface Checkpoint {
  readonly index: number
  readonly bids: readonly (readonly [string, string])[]
  readonly asks: readonly (readonly [string, string])[]
}

interface PeerCheckpoint extends Omit<Checkpoint, 'index'> {
  readonly after_messages: number
  readonly price_scale: number
}

/** docs/format.md, Features over the golden levels. */
function quotesOf(golden: Omit<Checkpoint, 'index'>, scale: number): Record<string, number> {
  const [bids, asks] = [golden.bids, golden.asks].map((levels) => levels.map((level) => level.map(Number))) as [number[][], number[][]]
  const [bid, ask] = [bids[0]![0]! / 10 ** scale, asks[0]![0]! / 10 ** scale]
  const mid = (bid + ask) * 0.5
  const sum = (levels: number[][]): number => levels.slice(0, 5).reduce((total, [, size]) => total + size!, 0)
  return { mid, spread_bps: ((ask - bid) / mid) * 1e4, imbalance_5: (sum(bids) - sum(asks)) / (sum(bids) + sum(asks)) }
}

describeGolden('mid, spread and imbalance over golden books', () => {
  it.each([
    'binance-usdm.btcusdt.book',
    'binance-spot.btcusdt.book',
    'binance-coinm.btcusd_perp.book',
    'kraken.xmr-usd.book',
    'okx.btc-usdt.book',
    'lobster.aapl.l3',
  ])('%s: at the checkpoints', async (name) => {
    const golden = goldenJson<{ path: string; book: { checkpoints: Checkpoint[] } }>('archive-real/expected', `${name}.json`)
    const log = goldenPath('archive-real', golden.path)
    const meta = JSON.parse(fs.readFileSync(path.join(log, 'meta.json'), 'utf8')) as { price_scale: number }
    const { rows } = await featuresOf(log, 'mid,spread_bps,imbalance:5', { trigger: 'book' })
    for (const checkpoint of golden.book.checkpoints) {
      expect(rows[checkpoint.index]).toMatchObject({ ...quotesOf(checkpoint, meta.price_scale), gap: false })
    }
    expect(golden.book.checkpoints.length).toBeGreaterThan(2)
  })

  it('chronicle-rs l2-btc: after every 10,000 messages', async () => {
    const { l2 } = goldenJson<{ l2: { checkpoints: PeerCheckpoint[] } }>('chronicle-rs/l2-btc/expected.json')
    const log = goldenPath('chronicle-rs/l2-btc/queue')
    const positions: bigint[] = []
    const reader = await ReplayReader.open(log)
    for await (const { segment, segmentOffset } of reader) positions.push(BigInt(segment) * 2n ** 32n + BigInt(segmentOffset / 64))
    await reader.close()
    const { rows } = await featuresOf(log, 'mid,spread_bps,imbalance:5', { trigger: 'book' })
    for (const checkpoint of l2.checkpoints) {
      const last = positions[checkpoint.after_messages - 1]!
      expect(rows.findLast(({ seq }) => (seq as bigint) <= last)).toMatchObject(quotesOf(checkpoint, checkpoint.price_scale))
    }
    expect(l2.checkpoints.length).toBe(10)
  })
})
