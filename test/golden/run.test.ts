import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Golden {
  readonly venue: string
  readonly symbol: string
  readonly stream: string
  readonly records: number
  readonly seq_sum: string
  readonly payload_bytes: number
  readonly payload_crc32_sum: string
  readonly trades?: {
    readonly count: number
    readonly buyer_maker: number
    readonly sum_qty: string
    readonly min_price: string
    readonly max_price: string
    readonly bars_1m: readonly (readonly [number, string, string, string, string, string, number])[]
  }
  readonly ticker?: { readonly count: number; readonly min_bid: string; readonly max_bid: string; readonly sum_bid_price: string }
}

describeGolden('jobs over the real archive', () => {
  const folder = temporaryFolder('golden-run')
  const archive = goldenPath('archive-real')
  const expected = goldenPath('archive-real/expected')
  const names = fs.existsSync(expected) ? fs.readdirSync(expected).filter((name) => name.endsWith('.json')) : []
  const golden = names.map((name) => goldenJson<Golden>('archive-real/expected', name))

  const run = async (job: string, ...options: string[]): Promise<Record<string, unknown>> => {
    const { code, out, err } = await runCli('run', job, '--archive', archive, '--table', path.join(folder, job), '--json', ...options)
    expect(code, err).toBe(0)
    return JSON.parse(out) as Record<string, unknown>
  }
  const rows = async (job: string, sql: string): Promise<Record<string, unknown>[]> => {
    const { code, out, err } = await runCli('query', path.join(folder, job), sql, '--json')
    expect(code, err).toBe(0)
    return JSON.parse(out) as Record<string, unknown>[]
  }

  beforeAll(async () => {
    expect(await run('messages', '--slice', '1h', '--workers', '2')).toMatchObject({
      state: 'committed',
      partitions: { cached: 0, failed: 0 },
    })
    for (const job of ['trades', 'tickers', 'bars']) await run(job)
  })

  it('messages: count, sizes, sequences and checksums of every stream', async () => {
    const found = await rows(
      'messages',
      `select venue, symbol, stream, count(*)::int records, sum(length)::int payload_bytes, sum(record_seq)::varchar seq_sum,
       sum(crc32)::varchar payload_crc32_sum from t group by all order by all`,
    )
    expect(found).toEqual(
      golden
        .map(({ venue, symbol, stream, records, payload_bytes, seq_sum, payload_crc32_sum }) => {
          return { venue, symbol, stream, records, payload_bytes, seq_sum, payload_crc32_sum }
        })
        .sort((a, b) => (`${a.venue}/${a.symbol}/${a.stream}` < `${b.venue}/${b.symbol}/${b.stream}` ? -1 : 1)),
    )
  })

  it('trades and tickers: counts, sums, extremes', async () => {
    const trades = await rows(
      'trades',
      `select venue, symbol, count(*)::int n, count(*) filter (is_buyer_maker)::int makers, sum(quantity) quantity, min(price) low, max(price) high
       from t group by all`,
    )
    const tickers = await rows(
      'tickers',
      'select venue, symbol, count(*)::int n, min(bid_price) low, max(bid_price) high, sum(bid_price) bids from t group by all',
    )
    for (const { venue, symbol, trades: wanted, ticker } of golden) {
      const of = (found: Record<string, unknown>[]): unknown => found.find((row) => row.venue === venue && row.symbol === symbol)
      if (wanted !== undefined) {
        const { count: n, buyer_maker: makers, sum_qty, min_price, max_price } = wanted
        expect(of(trades)).toMatchObject({ n, makers, low: Number(min_price), high: Number(max_price), quantity: near(sum_qty) })
      }
      if (ticker !== undefined) {
        const { count: n, min_bid, max_bid, sum_bid_price } = ticker
        expect(of(tickers)).toMatchObject({ n, low: Number(min_bid), high: Number(max_bid), bids: near(sum_bid_price) })
      }
    }
  })

  it('bars: the golden one-minute bars by exchange time', async () => {
    const found = await rows(
      'bars',
      'select venue, symbol, (bar_start_ns // 1000000000)::int s, open, high, low, close, volume, count::int n from t order by all',
    )
    for (const { venue, symbol, trades } of golden) {
      // OKX repeats the last trade, which can be minutes old, when one subscribes: further off than the skew of the job.
      if (trades === undefined || venue === 'okx') continue
      const bars = found.filter((row) => row.venue === venue && row.symbol === symbol)
      expect(bars.map(({ s, open, high, low, close, volume, n }) => [s, open, high, low, close, volume, n])).toEqual(
        trades.bars_1m.map(([start, ...values]) => [start, ...values.map(Number)]),
      )
    }
  })

  it('changing nothing reruns nothing, in less than two seconds; a new parameter adds its variant', async () => {
    const startedMs = performance.now()
    expect(await run('bars')).toMatchObject({ partitions: { run: 0, cached: 24, stale: 0, failed: 0 }, rows: 0, version: 0 })
    expect(performance.now() - startedMs).toBeLessThan(2000)
    expect(await run('bars', '--param', 'every=5m')).toMatchObject({ partitions: { run: 24, stale: 0 }, version: 1 })
    expect(await rows('bars', 'select every, sum(count)::int n from t group by all order by all')).toMatchObject([
      { every: '1m' },
      { every: '5m' },
    ])
  })

  it('books: the same rows whether an hour or a day is a partition, with two workers or one', async () => {
    const sums = await Promise.all(
      ['1d', '1h'].map(async (slice, i) => {
        const table = path.join(folder, `book-${slice}`)
        const where = ['--archive', archive, '--table', table, '--slice', slice, '--workers', String(1 + i), '--param', 'depth=1,5']
        const { code, err } = await runCli('run', 'book-features', ...where)
        expect(code, err).toBe(0)
        const { rows: count, sum } = JSON.parse((await runCli('checksum', table, '--json')).out) as { rows: number; sum: string }
        return `${count} ${sum}`
      }),
    )
    expect(sums[1]).toBe(sums[0])
  })
})

/** Sums of doubles differ in their last digits. */
function near(text: string): unknown {
  const value = Number(text)
  return { asymmetricMatch: (found: unknown) => Math.abs(Number(found) - value) <= Math.abs(value) * 1e-9, toString: () => `near ${text}` }
}
