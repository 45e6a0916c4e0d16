import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTrigger } from '../../core/features/clocks/trigger.ts'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { batchOf, type TestMessage, tickerMessage } from '../support/batches.ts'
import { heartbeat, l3 } from '../support/book-messages.ts'
import { randomStream, runFeatures, SECOND_NS, START_NS, type StreamMessage } from '../support/feature-stream.ts'
import { MemoryRows } from '../support/memory-rows.ts'

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const stream = randomStream(7)
const isEvent = ({ kind }: StreamMessage): boolean => kind !== 'reset'
const times = (list: readonly StreamMessage[]): bigint[] => list.map(({ timeNs }) => timeNs)

describe('triggers at events', () => {
  it.each([
    ['event', isEvent],
    ['book', ({ kind }: StreamMessage) => kind === 'snapshot' || kind === 'diff'],
    ['trade', ({ kind }: StreamMessage) => kind === 'trade'],
  ])('%s', (text, wanted) => {
    const { rows } = runFeatures(stream, 'mid', { trigger: parseTrigger(text) })
    expect(rows.map(({ ts_ns }) => ts_ns)).toEqual(times(stream.filter(wanted)))
    expect(Object.keys(rows[0]!)).toEqual(['ts', 'ts_ns', 'seq', 'gap', 'mid'])
  })

  it('every N events: N, 2N, … of a UTC day', () => {
    const day = 86_400n * SECOND_NS
    const midnight = (START_NS / day + 1n) * day
    // 50 events before midnight, the rest after.
    const shift = midnight - stream[50]!.timeNs
    const moved = stream.map((message) => ({ ...message, timeNs: message.timeNs + shift }))
    const expected = [moved.slice(0, 50), moved.slice(50)].flatMap((part) => times(part.filter(isEvent).filter((_, i) => i % 7 === 6)))
    expect(runFeatures(moved, 'mid', { trigger: { everyEvents: 7 } }).rows.map(({ ts_ns }) => ts_ns)).toEqual(expected)
  })

  it('best price: when the best bid or ask price differs from that after the book event before', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = randomStream(seed, { messages: 120 })
        const all = runFeatures(random, 'top:1', { trigger: { event: 'book' } }).rows
        const changed = runFeatures(random, 'top:1', { trigger: { bestPrice: true } }).rows.map(({ ts_ns }) => ts_ns)
        let last = ''
        const expected = random.flatMap(({ kind, timeNs }) => {
          if (kind === 'trade') return []
          const row = all.find(({ ts_ns }) => ts_ns === timeNs)
          const best = row === undefined ? 'reset' : `${row.bid_price_1} ${row.ask_price_1}`
          const isRow = kind !== 'diff' || best !== last
          last = best === 'reset' ? 'null null' : best
          return isRow ? [timeNs] : []
        })
        expect(changed).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  it('any of several: one row per message, bars between them', () => {
    const { rows } = runFeatures(stream, 'mid', { trigger: parseTrigger('1s,best,5') })
    const bars = rows.filter(({ bar_start_ns }) => bar_start_ns !== null)
    const events = rows.filter(({ bar_start_ns }) => bar_start_ns === null)
    expect(bars.map(({ mid }) => mid)).toEqual(runFeatures(stream, 'mid', { trigger: { every: '1s' } }).rows.map(({ mid }) => mid))
    expect(new Set(events.map(({ ts_ns }) => ts_ns)).size).toBe(events.length)
    for (let i = 1; i < rows.length; i++) {
      const [before, at] = rows.slice(i - 1, i + 1).map(({ ts_ns }) => ts_ns as bigint)
      expect(at! >= before!).toBe(true)
    }
  })

  it('heartbeats, tickers and L3 resets make no row; L3 events do', () => {
    const target: MemoryRows[] = []
    const engine = new FeatureEngine({
      trigger: { event: 'any' },
      tables: [{ columns: resolveColumns('mid,imbalance'), target: (specs) => target[target.push(new MemoryRows(specs)) - 1]! }],
    })
    const add = (orderId: bigint, side: number, price: bigint): Uint8Array =>
      l3({ eventType: 1, orderId, side, price, quantity: 3n * orderId })
    const payloads = [add(1n, 1, 100n), add(2n, 2, 110n), l3({ eventType: 6 }), l3({ eventType: 5 }), add(3n, 1, 90n)]
    const messages: TestMessage[] = payloads.map((payload, i) => ({ seq: BigInt(i), timestampNs: START_NS, typeId: 0x1000, payload }))
    engine.write(batchOf([...messages, tickerMessage(5n, START_NS)]))
    engine.finish()
    expect(target[0]!.rows.map(({ mid, imbalance }) => [mid, imbalance])).toEqual([
      [null, 1],
      [1.05, -1 / 3],
      [null, 1],
    ])
    expect(engine.stats).toMatchObject({ otherTypes: 1, bookEvents: 5 })
    expect(heartbeat().length).toBe(64)
  })
})

describe('time bars', () => {
  it('a row holds the state before the first message at or after its end, whatever comes then', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 199 }), (seed, cut) => {
        const columns = 'mid,imbalance:3,ofi,bar,realised_vol:3s'
        const head = randomStream(seed).slice(0, cut)
        const other = randomStream(seed + 1).map((message, i) => ({
          ...message,
          timeNs: head.at(-1)!.timeNs + BigInt(i) * 77_000_000n,
          seq: head.at(-1)!.seq + 1n + BigInt(i),
        }))
        const whole = runFeatures(randomStream(seed), columns, { trigger: { every: '1s' } }).rows
        for (const tail of [[], other]) {
          const { rows } = runFeatures([...head, ...tail], columns, { trigger: { every: '1s' } })
          // Bars that ended before the cut are what they were; with nothing behind the cut, there is one more.
          const closed = whole.filter(({ bar_end_ns }) => (bar_end_ns as bigint) <= head.at(-1)!.timeNs)
          expect(rows.slice(0, closed.length)).toEqual(closed)
          if (tail.length === 0) expect(rows.length).toBe(closed.length + 1)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('a message exactly at the end belongs to the next bar', () => {
    const [first] = stream
    const at = (seq: bigint, timeNs: bigint, price: bigint): StreamMessage => ({
      ...first!,
      kind: 'diff',
      seq,
      timeNs,
      bids: [[price, 9n]],
      asks: [],
    })
    const rows = runFeatures(
      [{ ...first!, timeNs: START_NS }, at(1n, START_NS + SECOND_NS - 1n, 1020n), at(2n, START_NS + SECOND_NS, 1030n)],
      'top:1',
      {
        trigger: { every: '1s' },
      },
    ).rows
    expect(rows.map(({ ts_ns, bid_price_1 }) => [ts_ns, bid_price_1])).toEqual([
      [START_NS + SECOND_NS, 10.2],
      [START_NS + 2n * SECOND_NS, 10.3],
    ])
  })

  it('empty bars have a row only with fill: the state goes on, sums are 0, seq is NULL', () => {
    const sparse = [stream[0]!, { ...stream[1]!, timeNs: stream[0]!.timeNs + 3n * SECOND_NS }]
    expect(runFeatures(sparse, 'mid', { trigger: { every: '1s' } }).rows.length).toBe(2)
    const { rows } = runFeatures(sparse, 'mid,volume,close', { trigger: { every: '1s' }, fill: true })
    expect(rows.length).toBe(4)
    expect(rows[1]).toMatchObject({ mid: rows[0]!.mid, volume: 0, close: null, seq: null, gap: false })
  })

  it('record times that step back stay in the bar they come in', () => {
    const back = stream.map((message, i) => (i % 10 === 9 ? { ...message, timeNs: message.timeNs - 3n * SECOND_NS } : message))
    const { rows } = runFeatures(back, 'count', { trigger: { every: '1s' } })
    const starts = rows.map(({ bar_start_ns }) => bar_start_ns as bigint)
    expect(starts).toEqual([...new Set(starts)].sort((a, b) => Number(a - b)))
    expect(rows.reduce((sum, { count }) => sum + (count as bigint), 0n)).toBe(BigInt(stream.filter(({ kind }) => kind === 'trade').length))
  })
})

describe('trigger text', () => {
  it.each([
    ['1s', { every: '1s' }],
    ['event', { event: 'any' }],
    ['best', { bestPrice: true }],
    ['250', { everyEvents: 250 }],
    ['1m, trade', { every: '1m', event: 'trade' }],
  ])('%j', (text, trigger) => {
    expect(parseTrigger(text)).toEqual(trigger)
  })

  it.each(['', 'never', '1s,2s', 'event,book', 's'])('%j is refused', (text) => {
    expect(() => parseTrigger(text)).toThrow(expect.objectContaining({ code: 'trigger', category: 'input' }))
  })

  it.each([
    [{}, 'trigger'],
    [{ everyEvents: 0.5 }, 'trigger'],
    [{ every: '1.5ns' }, 'duration'],
    [{ every: '0s' }, 'duration'],
    [{ every: '100d' }, 'duration'],
  ])('%j is refused by the engine', (trigger, code) => {
    expect(() => runFeatures([], 'mid', { trigger })).toThrow(expect.objectContaining({ code }))
  })
})
