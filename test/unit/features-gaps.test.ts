import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import type { FeatureEngineOptions } from '../../core/features/engine-options.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { batchOf, type TestMessage } from '../support/batches.ts'
import { diff, snapshot } from '../support/book-messages.ts'
import { randomStream, runFeatures, SECOND_NS, START_NS, toMessage } from '../support/feature-stream.ts'
import { MemoryRows } from '../support/memory-rows.ts'

const seeds = fc.integer({ min: 1, max: 1_000_000 })

describe('after a gap in the record sequence', () => {
  it('the book is empty and rows say gap until a snapshot or reset, and until windows are whole', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const stream = randomStream(seed, { gaps: true })
        const { rows, engine } = runFeatures(stream, 'mid,realised_vol:3s', { trigger: { event: 'any' } })
        const warmUpNs = 4n * SECOND_NS
        let open = false
        let wholeFrom = 0n
        let touched = false
        let found = 0
        const expected = stream.flatMap(({ kind, seq, timeNs }, i) => {
          const isGap = i > 0 && seq !== stream[i - 1]!.seq + 1n
          const isRestart = kind === 'snapshot' || kind === 'reset'
          if (isGap) {
            found++
            touched = true
            open = true
          }
          const wasOpen = open
          if (isRestart) open = false
          if (isGap || (wasOpen && isRestart)) wholeFrom = timeNs + warmUpNs
          const isLeftOut = open && kind === 'diff'
          if (isLeftOut || kind === 'reset') return []
          const gap = touched || timeNs < wholeFrom
          touched = open
          return [{ ts_ns: timeNs, gap, ...(open && { mid: null }) }]
        })
        expect(rows).toMatchObject(expected)
        expect(rows.length).toBe(expected.length)
        expect(engine.stats.gaps.record_seq_gap ?? 0).toBe(found)
      }),
      { numRuns: 40 },
    )
  })

  it('a bar that a gap touches says so, the bar before it does not', () => {
    const bid = [[1000n, 5n]] as const
    const ask = [[1010n, 5n]] as const
    const messages: TestMessage[] = [
      [0n, 0, snapshot(bid, ask)],
      [1n, 500, diff([[1001n, 1n]], [])],
      [5n, 1500, diff([[1002n, 1n]], [])],
      [6n, 2500, snapshot(bid, ask)],
      [7n, 3500, diff([], [])],
    ].map(([seq, ms, payload]) => ({
      seq: seq as bigint,
      timestampNs: START_NS + BigInt(ms as number) * 1_000_000n,
      typeId: 0x1000,
      payload: payload as Uint8Array,
    }))
    const gapsOf = (onGap: 'quarantine' | 'ignore'): unknown[][] => {
      const target: MemoryRows[] = []
      const engine = new FeatureEngine({
        trigger: { every: '1s' },
        onGap,
        tables: [{ columns: resolveColumns('mid,ofi'), target: (specs) => target[target.push(new MemoryRows(specs)) - 1]! }],
      })
      engine.write(batchOf(messages))
      engine.finish()
      return target[0]!.rows.map(({ gap, mid, ofi }) => [gap, mid, ofi])
    }
    expect(gapsOf('quarantine')).toEqual([
      [false, 10.055, 0.001],
      [true, null, 0],
      [true, 10.05, 0],
      [false, 10.05, 0],
    ])
    // Ignored: reported, and applied all the same.
    expect(gapsOf('ignore')).toEqual([
      [false, 10.055, 0.001],
      [true, (10.02 + 10.1) * 0.5, 0.001],
      [false, 10.05, 0],
      [false, 10.05, 0],
    ])
  })
})

it('abort: the gap is an error with its place', () => {
  const stream = randomStream(4, { gaps: true, messages: 400 })
  expect(() => runFeatures(stream, 'mid', { trigger: { event: 'any' }, onGap: 'abort' })).toThrow(
    expect.objectContaining({ code: 'sequence-gap', category: 'corrupt' }),
  )
})

it('a duplicate is left out and is no gap', () => {
  const ids = (last: number): object => ({
    updateIdFirst: BigInt(last),
    updateIdLast: BigInt(last),
    updateIdPrev: BigInt(last - 1),
    nativeSeq: BigInt(last),
  })
  const payloads = [
    snapshot([[1000n, 5n]], [[1010n, 5n]], { nativeSeq: 1n }),
    diff([[1001n, 1n]], [], ids(2)),
    diff([[1002n, 1n]], [], ids(3)),
    diff([[1002n, 1n]], [], ids(3)),
    diff([[1003n, 1n]], [], ids(4)),
  ]
  const target: MemoryRows[] = []
  const engine = new FeatureEngine({
    trigger: { event: 'book' },
    tables: [{ columns: resolveColumns('top:1'), target: (specs) => target[target.push(new MemoryRows(specs)) - 1]! }],
  })
  engine.write(batchOf(payloads.map((payload, i) => ({ seq: BigInt(i), timestampNs: START_NS + BigInt(i), typeId: 0x1000, payload }))))
  engine.finish()
  expect(target[0]!.rows.map(({ bid_price_1, gap }) => [bid_price_1, gap])).toEqual([
    [10, false],
    [10.01, false],
    [10.02, false],
    [10.03, false],
  ])
  expect(engine.stats).toMatchObject({ duplicates: 1, gaps: { duplicate: 1 } })
})

describe('damaged messages', () => {
  const stream = randomStream(9, { messages: 60 })
  const damagedDiff = stream.findIndex(({ kind }, i) => kind === 'diff' && i > 10)
  const damagedTrade = stream.findIndex(({ kind }, i) => kind === 'trade' && i > 20)
  const run = (
    at: number,
    length: number,
    onCorrupt: 'abort' | 'skip',
    options: Partial<FeatureEngineOptions> = {},
  ): { rows: MemoryRows['rows']; engine: FeatureEngine } => {
    const messages = stream
      .map(toMessage)
      .map((message, i) => (i === at ? { ...message, payload: message.payload.slice(0, length) } : message))
    const target: MemoryRows[] = []
    const engine = new FeatureEngine({
      trigger: { event: 'any' },
      onCorrupt,
      ...options,
      tables: [{ columns: resolveColumns('mid'), target: (specs) => target[target.push(new MemoryRows(specs)) - 1]! }],
    })
    engine.write(batchOf(messages))
    engine.finish()
    return { rows: target[0]!.rows, engine }
  }

  it.each([
    [damagedDiff, 90, 'book-corrupt-length'],
    [damagedDiff, 10, 'book-corrupt-length'],
    [damagedTrade, 63, 'trade-truncated'],
  ])('abort: message %i cut to %i bytes is %s', (at, length, code) => {
    expect(() => run(at, length, 'abort')).toThrow(expect.objectContaining({ code, category: 'corrupt' }))
  })

  it('skip: counted and left out; a book event that is missing is a gap', () => {
    const whole = runFeatures(stream, 'mid', { trigger: { event: 'any' } }).rows
    const book = run(damagedDiff, 90, 'skip')
    expect(book.engine.stats.skipped).toEqual({ 'corrupt-length': 1 })
    expect(book.rows.length).toBe(whole.length - 1)
    // Until the next snapshot or reset the book is not what it should be; the first row behind it covers some of that time.
    const next = stream.findIndex(({ kind }, i) => i > damagedDiff && (kind === 'snapshot' || kind === 'reset'))
    const rowTimes = stream.filter(({ kind }, i) => i > damagedDiff && kind !== 'reset').map(({ timeNs }) => timeNs)
    const expected = rowTimes.slice(0, rowTimes.findIndex((timeNs) => timeNs >= stream[next]!.timeNs) + 1)
    expect(book.rows.filter(({ gap }) => gap === true).map(({ ts_ns }) => ts_ns)).toEqual(expected)
    expect(expected.length).toBeGreaterThan(1)
    const header = run(damagedDiff, 10, 'skip')
    expect(header.engine.stats.skipped).toEqual({ 'corrupt-length': 1 })
    // Its record is shorter, so positions behind it differ.
    const withoutSeq = (rows: MemoryRows['rows']): object[] => rows.map(({ seq: _seq, ...row }) => row)
    expect(withoutSeq(header.rows)).toEqual(withoutSeq(book.rows))
    const trade = run(damagedTrade, 63, 'skip')
    expect(trade.engine.stats.skipped).toEqual({ 'trade-truncated': 1 })
    expect(trade.rows.every(({ gap }) => gap === false)).toBe(true)
  })

  it('by the exchange clock, too', () => {
    const options = { trigger: { every: '1s', event: 'any' }, clock: 'exchange' } as const
    expect(() => run(damagedDiff, 10, 'abort', options)).toThrow(expect.objectContaining({ code: 'book-corrupt-length' }))
    expect(run(damagedTrade, 10, 'skip', options).engine.stats).toMatchObject({ skipped: { 'trade-truncated': 1 }, beyondSkew: 0, late: 0 })
  })
})

describe('a log with several markets', () => {
  const two = [snapshot([[1n, 1n]], [[3n, 1n]], { marketId: 7 }), snapshot([[5n, 1n]], [[9n, 1n]], { marketId: 8 })]
  const messages = two.map((payload, i) => ({ seq: BigInt(i), timestampNs: START_NS + BigInt(i), typeId: 0x1000, payload }))
  const run = (marketId?: number): MemoryRows['rows'] => {
    const target: MemoryRows[] = []
    const tables = [
      { columns: resolveColumns('mid'), target: (specs: MemoryRows['specs']) => target[target.push(new MemoryRows(specs)) - 1]! },
    ]
    const engine = new FeatureEngine({ trigger: { event: 'any' }, marketId, tables })
    engine.write(batchOf(messages))
    return target[0]!.rows
  }

  it('is refused, or one of them is chosen', () => {
    expect(() => run()).toThrow(expect.objectContaining({ code: 'market-mixed', category: 'input' }))
    expect(run(8).map(({ mid }) => mid)).toEqual([0.07])
  })
})
