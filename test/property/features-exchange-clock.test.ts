import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomStream, runFeatures, SECOND_NS, START_NS, type StreamMessage } from '../support/feature-stream.ts'
import { NaiveBook } from '../support/naive-book.ts'

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const OPTIONS = { trigger: { every: '1s' }, clock: 'exchange', maxSkew: '2s' } as const
const [SNAPSHOT] = randomStream(1)

function trade(seq: bigint, timeMs: number, exchangeMs: number, price: number): StreamMessage {
  const at = (ms: number): bigint => START_NS + BigInt(ms) * 1_000_000n
  return { ...SNAPSHOT!, kind: 'trade', seq, timeNs: at(timeMs), exchangeNs: at(exchangeMs), price, quantity: 1 }
}

describe('bars by exchange time', () => {
  it('have the trades of their own time in order of arrival, and the book before the first event at or after their end', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed, { skew: true })
        const { rows, engine } = runFeatures(stream, 'bar,top:1', OPTIONS)
        // Book events cannot change places: each has the greatest time so far.
        let latest = 0n
        const own = stream.map(({ kind, exchangeNs }) => {
          if (kind === 'trade') return exchangeNs
          latest = exchangeNs > latest ? exchangeNs : latest
          return latest
        })
        const barOf = (i: number): bigint => (own[i]! / SECOND_NS) * SECOND_NS
        const starts = [...new Set(stream.map((_, i) => barOf(i)))].sort((a, b) => Number(a - b))
        expect(rows.map(({ bar_start_ns }) => bar_start_ns)).toEqual(starts)
        expect(rows.map(({ ts_ns }) => ts_ns)).toEqual(starts.map((start) => start + SECOND_NS))
        expect(engine.stats).toMatchObject({ late: 0, beyondSkew: 0 })
        const book = new NaiveBook()
        for (const row of rows) {
          const inside = stream.filter((_, i) => barOf(i) === row.bar_start_ns)
          for (const { kind, bids, asks } of inside) {
            if (kind === 'snapshot') book.snapshot(bids, asks, 2, 3)
            else if (kind === 'diff') book.diff(bids, asks, 2, 3)
            else if (kind === 'reset') book.reset()
          }
          const prices = inside.filter(({ kind }) => kind === 'trade').map(({ price }) => price)
          expect(row).toMatchObject({
            open: prices[0] ?? null,
            close: prices.at(-1) ?? null,
            high: prices.length === 0 ? null : Math.max(...prices),
            count: BigInt(prices.length),
            seq: BigInt(inside.at(-1)!.position),
          })
          const best = [book.sorted('bids')[0]?.[0], book.sorted('asks')[0]?.[0]].map((price) => (price === undefined ? null : price / 100))
          expect([row.bid_price_1, row.ask_price_1]).toEqual(best)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('a trade that steps back within the skew still reaches its bar', () => {
    const { rows } = runFeatures(
      [trade(0n, 0, 100, 1), trade(1n, 900, 1100, 2), trade(2n, 1200, 950, 3), trade(3n, 4000, 4000, 4)],
      'close,count',
      OPTIONS,
    )
    expect(rows.map(({ close, count }) => [close, count])).toEqual([
      [3, 2n],
      [2, 1n],
      [4, 1n],
    ])
  })

  it('a trade further off than the skew is left out and counted', () => {
    const { rows, engine } = runFeatures(
      [trade(0n, 0, 0, 1), trade(1n, 100, 2101, 2), trade(2n, 3000, 999, 3), trade(3n, 3000, 1000, 4)],
      'close',
      OPTIONS,
    )
    expect(rows.map(({ close }) => close)).toEqual([1, 4])
    expect(engine.stats).toMatchObject({ beyondSkew: 2, late: 0 })
  })

  it('a trade whose bar was closed, because record times step back, is left out and counted', () => {
    const { rows, engine } = runFeatures(
      [trade(0n, 0, 0, 1), trade(1n, 3000, 3000, 2), trade(2n, 500, 500, 3), trade(3n, 500, 1000, 4)],
      'close',
      OPTIONS,
    )
    expect(rows.map(({ close }) => close)).toEqual([1, 4, 2])
    expect(engine.stats).toMatchObject({ late: 1, beyondSkew: 0 })
  })

  it('a book event with an incredible time is applied, at the time of the one before', () => {
    const at = (ms: number): bigint => START_NS + BigInt(ms) * 1_000_000n
    const update = (seq: bigint, ms: number, exchangeNs: bigint, price: bigint): StreamMessage => ({
      ...SNAPSHOT!,
      kind: 'diff',
      seq,
      timeNs: at(ms),
      exchangeNs,
      bids: [[price, 1n]],
      asks: [],
    })
    const first = { ...SNAPSHOT!, timeNs: at(0), exchangeNs: at(0) }
    const { rows, engine } = runFeatures(
      [first, update(1n, 1500, at(1500), 1100n), update(2n, 2500, 0n, 1101n), update(3n, 2600, at(2600), 1102n)],
      'top:1',
      OPTIONS,
    )
    expect(rows.map(({ bar_start_ns, bid_price_1 }) => [bar_start_ns, bid_price_1])).toEqual([
      [at(0), expect.any(Number)],
      [at(1000), 11.01],
      [at(2000), 11.02],
    ])
    expect(engine.stats.beyondSkew).toBe(1)
  })

  it('many messages inside the skew are held in bounded memory, and let go', () => {
    const stream = randomStream(3, { skew: true, messages: 20_000, meanMs: 1 })
    const { rows } = runFeatures(stream, 'count', OPTIONS)
    const trades = stream.filter(({ kind }) => kind === 'trade').length
    expect(rows.reduce((sum, { count }) => sum + Number(count), 0)).toBe(trades)
  })
})
