import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import type { FeatureEngineOptions } from '../../core/features/engine-options.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { randomStream, runFeatures, SECOND_NS, START_NS, type StreamMessage, toBatch } from '../support/feature-stream.ts'
import { type MemoryRow, MemoryRows } from '../support/memory-rows.ts'

const COLUMNS =
  'mid,spread_bps,imbalance:3,micro_price,top:2,depth_bps:20,bar,ofi,realised_vol:5s,last_price:2s,last_size:6s,last_age_ns:3s,last_bid:4s,last_quote_age_ns:4s'
const WARM_UP_NS = 6n * SECOND_NS
const SKEW_NS = 2n * SECOND_NS

/** Cuts of a time range in whole seconds, from random numbers. */
function cutsOf(stream: readonly StreamMessage[], numbers: readonly number[]): bigint[] {
  const seconds = Number((stream.at(-1)!.timeNs - START_NS) / SECOND_NS) + 3
  const cuts = [...new Set(numbers.map((number) => Math.floor(number * seconds)))].sort((a, b) => a - b)
  return [-4, ...cuts.filter((cut) => cut > 0), seconds + 4].map((second) => START_NS + BigInt(second) * SECOND_NS)
}

/** The index of the last snapshot of at least `lateness` ago: strictly before the first message at or after `timeNs`. */
function restartBefore(stream: readonly StreamMessage[], timeNs: bigint): number {
  const first = stream.findIndex((message) => message.timeNs >= timeNs)
  return Math.max(
    0,
    stream.slice(0, first < 0 ? stream.length : first).findLastIndex(({ kind }) => kind === 'snapshot'),
  )
}

/** Rows of all slices, each read from a restart point before its warm-up. */
function inSlices(
  stream: readonly StreamMessage[],
  columns: string,
  options: Omit<FeatureEngineOptions, 'tables'>,
  cuts: readonly bigint[],
): MemoryRow[] {
  const back = WARM_UP_NS + (options.clock === 'exchange' ? SKEW_NS : 0n)
  return cuts.slice(1).flatMap((toNs, i) => {
    const fromNs = cuts[i]!
    return runFeatures(stream.slice(restartBefore(stream, fromNs - back)), columns, { ...options, fromNs, toNs }).rows
  })
}

const seeds = fc.integer({ min: 1, max: 1_000_000 })
const numbers = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 })

describe('random slices with warm-up = one pass, bit for bit', () => {
  const variants: [name: string, trigger: FeatureEngineOptions['trigger'], rest: Partial<FeatureEngineOptions>][] = [
    ['time bars', { every: '1s' }, {}],
    ['filled time bars', { every: '1s' }, { fill: true }],
    ['bars by exchange time', { every: '1s' }, { clock: 'exchange', maxSkew: '2s' }],
    ['filled bars by exchange time', { every: '1s' }, { clock: 'exchange', maxSkew: '2s', fill: true }],
    ['bars and best prices', { every: '1s', bestPrice: true }, {}],
    ['bars and trades by exchange time', { every: '1s', event: 'trade' }, { clock: 'exchange', maxSkew: '2s' }],
  ]
  for (const [name, trigger, rest] of variants) {
    for (const gaps of [false, true]) {
      it(`${name}${gaps ? ', with gaps' : ''}`, () => {
        fc.assert(
          fc.property(seeds, numbers, (seed, at) => {
            const stream = randomStream(seed, { skew: rest.clock === 'exchange', gaps })
            const cuts = cutsOf(stream, at)
            const options = { ...rest, trigger }
            const whole = runFeatures(stream, COLUMNS, { ...options, fromNs: cuts[0], toNs: cuts.at(-1) }).rows
            expect(whole.length).toBeGreaterThan(20)
            expect(inSlices(stream, COLUMNS, options, cuts)).toEqual(whole)
          }),
          { numRuns: 15 },
        )
      })
    }
  }

  it('events, for columns that count nothing up between rows', () => {
    fc.assert(
      fc.property(seeds, numbers, (seed, at) => {
        const stream = randomStream(seed)
        const cuts = cutsOf(stream, at)
        const columns = 'mid,imbalance:3,top:1,realised_vol:5s,last_price:3s,last_age_ns:4s'
        const whole = runFeatures(stream, columns, { trigger: { event: 'any' } }).rows
        expect(inSlices(stream, columns, { trigger: { event: 'any' } }, cuts)).toEqual(whole)
      }),
      { numRuns: 15 },
    )
  })
})

describe('restart with a restored book', () => {
  it('gives the rows of one pass, also when the restart point lies in a quarantine', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0.1, max: 0.9, noNaN: true }), fc.boolean(), (seed, where, gaps) => {
        const stream = randomStream(seed, { gaps })
        const [, fromNs] = cutsOf(stream, [where]) as [bigint, bigint]
        const startNs = fromNs - WARM_UP_NS
        const first = stream.findIndex(({ timeNs }) => timeNs >= startNs)
        const options = { trigger: { every: '1s', bestPrice: true } } as const
        const before = new FeatureEngine({
          ...options,
          tables: [{ columns: resolveColumns('mid'), target: (specs) => new MemoryRows(specs) }],
        })
        if (first > 0) before.write(toBatch(stream.slice(0, first)))
        const restart = { book: before.book.source, policy: before.policy.state() }
        const toNs = fromNs + 1000n * SECOND_NS
        const whole = runFeatures(stream, COLUMNS, { ...options, fromNs, toNs }).rows
        expect(
          runFeatures(stream.slice(first), COLUMNS, { ...options, fromNs, toNs, startNs, ...(first > 0 && { restart }) }).rows,
        ).toEqual(whole)
      }),
      { numRuns: 40 },
    )
  })
})

describe('a slice', () => {
  const stream = randomStream(2)

  it('ends by position: the first message at or after its end is the last one looked at', () => {
    const toNs = START_NS + 10n * SECOND_NS
    const { engine, rows } = runFeatures(stream, 'mid', { trigger: { every: '1s' }, toNs })
    expect(engine.isDone).toBe(true)
    expect(rows.every(({ bar_end_ns }) => (bar_end_ns as bigint) <= toNs)).toBe(true)
  })

  it('without messages has only filled rows', () => {
    const range = { fromNs: START_NS, toNs: START_NS + 3n * SECOND_NS }
    expect(runFeatures([], 'mid', { trigger: { every: '1s' }, ...range }).rows).toEqual([])
    expect(runFeatures([], 'mid', { trigger: { every: '1s' }, fill: true, ...range }).rows.map(({ mid, seq }) => [mid, seq])).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ])
  })

  it.each([
    [{ fromNs: START_NS + 1n }, 'time-unaligned'],
    [{ toNs: START_NS + SECOND_NS / 2n }, 'time-unaligned'],
    [{ clock: 'exchange', trigger: { event: 'any' } } as const, 'clock-without-bars'],
  ])('%o is refused', (options, code) => {
    expect(() => runFeatures([], 'mid', { trigger: { every: '1s' }, ...options })).toThrow(
      expect.objectContaining({ code, category: 'input' }),
    )
  })

  it('says how far before it a pass has to begin', () => {
    expect(runFeatures([], 'mid', { trigger: { every: '1s' } }).engine.warmUpNs).toBe(0)
    expect(runFeatures([], 'realised_vol:5s', { trigger: { every: '1s' } }).engine.warmUpNs).toBe(6e9)
    expect(runFeatures([], 'realised_vol:5s', { trigger: { every: '1s' }, clock: 'exchange', maxSkew: '2s' }).engine.warmUpNs).toBe(8e9)
  })

  it.each([
    ['ofi', { everyEvents: 5, bestPrice: true }, true],
    ['mid', { everyEvents: 5 }, true],
    ['bar', { event: 'trade' }, true],
    ['bar', { event: 'trade', every: '1s' }, false],
    ['mid,top:3', { event: 'any' }, false],
  ] as const)('of %s at %o can begin only with a day: %s; then it equals one pass', (columns, trigger, only) => {
    const day = 86_400n * SECOND_NS
    const midnight = (START_NS / day + 1n) * day
    fc.assert(
      fc.property(seeds, fc.integer({ min: 20, max: 180 }), (seed, first) => {
        const daytime = randomStream(seed)
        const shift = midnight - daytime[first]!.timeNs
        const night = daytime.map((message) => ({ ...message, timeNs: message.timeNs + shift }))
        const before = runFeatures(night.slice(0, first), 'mid', { trigger })
        const restart = { book: before.engine.book.source, policy: before.engine.policy.state() }
        const whole = runFeatures(night, columns, { trigger, fromNs: midnight })
        expect(whole.engine.beginsWithDay).toBe(only)
        expect(runFeatures(night.slice(first), columns, { trigger, fromNs: midnight, restart }).rows).toEqual(whole.rows)
      }),
      { numRuns: 10 },
    )
  })
})
