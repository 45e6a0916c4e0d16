import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { defineColumn } from '../../core/features/columns/column.ts'
import { DecimalSum } from '../../core/features/columns/decimal-sum.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { randomStream, runFeatures, SECOND_NS, type StreamMessage, toBatch } from '../support/feature-stream.ts'
import { type MemoryRow, MemoryRows } from '../support/memory-rows.ts'
import { NaiveBook } from '../support/naive-book.ts'

const PRICE = 100
const SIZE = 1000

/** The state after each message, as plainly as can be. */
function naiveBooks(stream: readonly StreamMessage[]): { bids: [number, number][]; asks: [number, number][] }[] {
  const book = new NaiveBook()
  return stream.map(({ kind, bids, asks }) => {
    if (kind === 'snapshot') book.snapshot(bids, asks, 2, 3)
    else if (kind === 'diff') book.diff(bids, asks, 2, 3)
    else if (kind === 'reset') book.reset()
    return { bids: book.sorted('bids'), asks: book.sorted('asks') }
  })
}

const sizes = (levels: readonly [number, number][]): number => levels.reduce((sum, [, size]) => sum + size, 0)
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

function naiveQuotes(bids: [number, number][], asks: [number, number][]): Record<string, number | null> {
  const [bid = Number.NaN, bidSize = Number.NaN] = bids[0] ?? []
  const [ask = Number.NaN, askSize = Number.NaN] = asks[0] ?? []
  const mid = (bid / PRICE + ask / PRICE) * 0.5
  const total = sizes(bids.slice(0, 5)) + sizes(asks.slice(0, 5))
  const middle = (bid + ask) * 0.5
  return {
    mid: orNull(mid),
    spread_bps: orNull(((ask / PRICE - bid / PRICE) / mid) * 1e4),
    imbalance_5: orNull((sizes(bids.slice(0, 5)) - sizes(asks.slice(0, 5))) / total),
    micro_price: orNull(((bid / PRICE) * askSize + (ask / PRICE) * bidSize) / (bidSize + askSize)),
    bid_price_2: orNull((bids[1]?.[0] ?? Number.NaN) / PRICE),
    bid_size_2: orNull((bids[1]?.[1] ?? Number.NaN) / SIZE),
    ask_price_1: orNull(ask / PRICE),
    ask_size_1: orNull(askSize / SIZE),
    bid_depth_25_5_bps: Number.isNaN(mid) ? null : sizes(bids.filter(([price]) => price >= middle * (1 - 25.5 / 1e4))) / SIZE,
    ask_depth_25_5_bps: Number.isNaN(mid) ? null : sizes(asks.filter(([price]) => price <= middle * (1 + 25.5 / 1e4))) / SIZE,
  }
}

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const without = (rows: readonly MemoryRow[], name: string): MemoryRow[] => rows.map(({ [name]: _, ...row }) => row)

describe('columns of the book, after each event', () => {
  it('equal a naive calculation over a naive book, and what is missing is NULL', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed)
        const books = naiveBooks(stream)
        const { rows } = runFeatures(stream, 'mid,spread_bps,imbalance:5,micro_price,top:2,depth_bps:25.5', { trigger: { event: 'book' } })
        const events = stream.flatMap(({ kind }, i) => (kind === 'snapshot' || kind === 'diff' ? [i] : []))
        expect(rows.length).toBe(events.length)
        for (const [r, i] of events.entries()) {
          const { bids, asks } = books[i]!
          expect(rows[r]).toMatchObject({
            ...naiveQuotes(bids, asks),
            ts_ns: stream[i]!.timeNs,
            seq: BigInt(stream[i]!.position),
            gap: false,
          })
        }
      }),
      { numRuns: 40 },
    )
  })

  it('are NULL for an empty book, and one-sided where that has a meaning', () => {
    const bidOnly: StreamMessage = {
      ...randomStream(1)[0]!,
      bids: [
        [100n, 5n],
        [99n, 1n],
      ],
      asks: [],
    }
    const empty: StreamMessage = { ...bidOnly, seq: 1n, bids: [] }
    const { rows } = runFeatures([bidOnly, empty], 'mid,spread_bps,micro_price,imbalance:2,top:2,depth_bps:10', {
      trigger: { event: 'any' },
    })
    const none = {
      mid: null,
      spread_bps: null,
      micro_price: null,
      ask_price_1: null,
      ask_size_2: null,
      bid_depth_10_bps: null,
      ask_depth_10_bps: null,
    }
    expect(rows[0]).toMatchObject({ ...none, imbalance_2: 1, bid_price_1: 1, bid_size_1: 0.005, bid_price_2: 0.99 })
    expect(rows[1]).toMatchObject({ ...none, imbalance_2: null, bid_price_1: null, bid_size_1: null })
  })
})

describe('columns of bars', () => {
  const bucketOf = ({ timeNs }: StreamMessage): bigint => timeNs / SECOND_NS

  it('trades: equal sums of decimals over the trades of the bar', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed)
        const { rows } = runFeatures(stream, 'bar', { trigger: { every: '1s' } })
        expect(rows.map(({ bar_start_ns }) => bar_start_ns)).toEqual([...new Set(stream.map(bucketOf))].map((bucket) => bucket * SECOND_NS))
        for (const row of rows) {
          const startNs = row.bar_start_ns as bigint
          const endNs = startNs + SECOND_NS
          const inside = stream.filter((message) => bucketOf(message) * SECOND_NS === startNs)
          const trades = inside.filter(({ kind }) => kind === 'trade')
          const prices = trades.map(({ price }) => price)
          const thousandths = (list: StreamMessage[]): number => list.reduce((sum, { quantity }) => sum + Math.round(quantity * 1000), 0)
          const volume = thousandths(trades) / 1000
          const notional =
            trades.reduce((sum, { price, quantity }) => sum + Math.round(price * 10) * Math.round(quantity * 1000), 0) / 10_000
          expect(row).toEqual({
            ts: endNs / 1000n,
            ts_ns: endNs,
            seq: BigInt(inside.at(-1)!.position),
            bar_start: startNs / 1000n,
            bar_start_ns: startNs,
            bar_end: endNs / 1000n,
            bar_end_ns: endNs,
            gap: false,
            open: prices[0] ?? null,
            high: prices.length === 0 ? null : Math.max(...prices),
            low: prices.length === 0 ? null : Math.min(...prices),
            close: prices.at(-1) ?? null,
            volume,
            vwap: volume === 0 ? null : notional / volume,
            count: BigInt(trades.length),
            buy_volume: thousandths(trades.filter(({ isBuyerMaker }) => !isBuyerMaker)) / 1000,
          })
        }
      }),
      { numRuns: 25 },
    )
  })

  it('order-flow imbalance: equals the sum of e(n) over the events of the bar', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed)
        const books = naiveBooks(stream)
        const { rows } = runFeatures(stream, 'ofi', { trigger: { every: '1s' } })
        for (const row of rows) {
          let sum = 0
          for (const [i, message] of stream.entries()) {
            if (bucketOf(message) * SECOND_NS !== row.bar_start_ns || message.kind !== 'diff') continue
            const [b, b0, a, a0] = [books[i]!.bids[0], books[i - 1]!.bids[0], books[i]!.asks[0], books[i - 1]!.asks[0]]
            if (b && b0) sum += (b[0] >= b0[0] ? b[1] : 0) - (b[0] <= b0[0] ? b0[1] : 0)
            if (a && a0) sum += (a[0] >= a0[0] ? a0[1] : 0) - (a[0] <= a0[0] ? a[1] : 0)
          }
          expect(row.ofi).toBe(sum / SIZE)
        }
      }),
      { numRuns: 25 },
    )
  })

  it('realised volatility: equals the root of the squared log returns of the mids before the seconds of the window', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed)
        const books = naiveBooks(stream)
        const midBefore = (ns: bigint): number => {
          const i = stream.findLastIndex(({ timeNs }) => timeNs < ns)
          const { bids, asks } = books[i] ?? { bids: [], asks: [] }
          return ((bids[0]?.[0] ?? Number.NaN) / PRICE + (asks[0]?.[0] ?? Number.NaN) / PRICE) * 0.5
        }
        const { rows } = runFeatures(stream, 'realised_vol:4s', { trigger: { every: '1s' }, fill: true })
        for (const { bar_end_ns, realised_vol_4s } of rows as { bar_end_ns: bigint; realised_vol_4s: number | null }[]) {
          const mids = [4n, 3n, 2n, 1n, 0n].map((ago) => midBefore(bar_end_ns - ago * SECOND_NS))
          const squares = mids.slice(1).map((mid, i) => Math.log(mid / mids[i]!) ** 2)
          expect(realised_vol_4s).toBe(orNull(Math.sqrt(squares.reduce((sum, square) => sum + square, 0))))
        }
      }),
      { numRuns: 25 },
    )
  })
})

describe('columns by text', () => {
  it('names, parameters and groups', () => {
    const names = (text: string): string[] => resolveColumns(text).map(({ name }) => name)
    expect(names('mid, imbalance:5,imbalance')).toEqual(['mid', 'imbalance_5', 'imbalance'])
    expect(names('top:2')).toEqual([
      'bid_price_1',
      'bid_size_1',
      'ask_price_1',
      'ask_size_1',
      'bid_price_2',
      'bid_size_2',
      'ask_price_2',
      'ask_size_2',
    ])
    expect(names('bar')).toEqual(['open', 'high', 'low', 'close', 'volume', 'vwap', 'count', 'buy_volume'])
    expect(names('depth_bps:2.5,realised_vol:5m')).toEqual(['bid_depth_2_5_bps', 'ask_depth_2_5_bps', 'realised_vol_5m'])
  })

  it.each([
    ['middle', 'column-unknown'],
    ['', 'column-unknown'],
    ['mid:1', 'column-params'],
    ['imbalance:x', 'column-params'],
    ['imbalance:-1', 'column-params'],
    ['top:0.5', 'column-params'],
    ['mid,mid', 'column-twice'],
    ['bar,open', 'column-twice'],
    ['realised_vol:5', 'duration'],
  ])('%j is refused as %s', (text, code) => {
    expect(() => resolveColumns(text)).toThrow(expect.objectContaining({ code, category: 'input' }))
  })

  it.each([
    ['imbalance:1.5', 'column-params'],
    ['realised_vol:5s:2s', 'column-params'],
  ])('%j is refused as %s when the engine is made', (columns, code) => {
    expect(() => runFeatures([], columns, { trigger: { event: 'any' } })).toThrow(expect.objectContaining({ code }))
  })

  it('a column of one’s own takes a few lines, and says its type', () => {
    const flow = defineColumn({
      name: 'signed_flow',
      type: 'i32',
      params: { unit: 1 },
      create({ unit }) {
        let sum = 0
        return {
          trade(trade) {
            sum += (trade.isBuyerMaker ? -1 : 1) * Math.round(trade.quantity * unit)
          },
          nextRow() {
            sum = 0
          },
          value: () => sum,
        }
      },
    })
    const isWide = defineColumn({
      name: 'is_wide',
      type: 'bool',
      create: (_params, { book }) => ({ value: () => (book.mid > 0 ? Number(book.askPrice - book.bidPrice > 0.05) : Number.NaN) }),
    })
    let rows: MemoryRow[] = []
    const stream = randomStream(5)
    const engine = new FeatureEngine({
      trigger: { every: '1s' },
      tables: [
        {
          columns: resolveColumns(['signed_flow:1000', isWide], [flow]),
          target(specs) {
            const target = new MemoryRows(specs)
            rows = target.rows
            return target
          },
        },
      ],
    })
    engine.write(toBatch(stream))
    engine.finish()
    const total = stream.reduce(
      (sum, { kind, isBuyerMaker, quantity }) => (kind === 'trade' ? sum + (isBuyerMaker ? -1 : 1) * Math.round(quantity * 1000) : sum),
      0,
    )
    expect(rows.reduce((sum, { signed_flow_1000 }) => sum + (signed_flow_1000 as number), 0)).toBe(total)
    expect(new Set(rows.map(({ is_wide }) => typeof is_wide))).toContain('boolean')
  })

  it('tables that share an engine have the rows of tables alone', () => {
    const stream = randomStream(11)
    const alone = ['mid,ofi', 'realised_vol:3s,bar'].map((columns) => runFeatures(stream, columns, { trigger: { every: '1s' } }).rows)
    const both: MemoryRows[] = []
    const tables = ['mid,ofi', 'realised_vol:3s,bar'].map((columns) => ({
      columns: resolveColumns(columns),
      target: (specs: ConstructorParameters<typeof MemoryRows>[0]) => {
        both.push(new MemoryRows(specs))
        return both.at(-1)!
      },
    }))
    const engine = new FeatureEngine({ trigger: { every: '1s' }, tables })
    engine.write(toBatch(stream))
    engine.finish()
    expect(both.map(({ rows }) => rows)).toEqual(alone)
    expect(engine.stats.rows).toBe(2 * alone[0]!.length)
  })
})

describe('DecimalSum', () => {
  const decimals = fc.array(fc.tuple(fc.integer({ min: 0, max: 10 ** 9 }), fc.integer({ min: 0, max: 8 })), { maxLength: 60 })

  it('is the double nearest to the decimal sum, in any order', () => {
    fc.assert(
      fc.property(decimals, (list) => {
        const sum = new DecimalSum()
        const backwards = new DecimalSum()
        for (const [n, scale] of list) sum.add(n / 10 ** scale)
        for (const [n, scale] of list.toReversed()) backwards.add(n / 10 ** scale)
        const exact = list.reduce((total, [n, scale]) => total + BigInt(n) * 10n ** BigInt(8 - scale), 0n)
        expect(backwards.value).toBe(sum.value)
        if (exact < 2n ** 53n) expect(sum.value).toBe(Number(exact) / 1e8)
        else expect(sum.value / (Number(exact) / 1e8)).toBeCloseTo(1, 14)
      }),
      { seed: 1 },
    )
  })

  it('adds products exactly, also beyond 2^53', () => {
    const sum = new DecimalSum()
    let exact = 0n
    for (let i = 0; i < 1000; i++) {
      sum.addProduct(61_807.3 + i, 12.345678)
      exact += BigInt(618_073 + 10 * i) * 12_345_678n
    }
    expect(sum.value).toBe(Number(exact) / 1e7)
  })

  it('takes what is no decimal as it is', () => {
    const sum = new DecimalSum()
    sum.add(Math.PI)
    sum.add(1.5)
    expect(sum.value).toBe(1.5 + Math.PI)
    sum.clear()
    expect(sum.value).toBe(0)
  })
})

it('rows do not depend on the columns beside them', () => {
  const stream = randomStream(3)
  const both = runFeatures(stream, 'mid,ofi', { trigger: { every: '1s' } }).rows
  expect(without(both, 'ofi')).toEqual(runFeatures(stream, 'mid', { trigger: { every: '1s' } }).rows)
})
