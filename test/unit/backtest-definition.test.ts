import { describe, expect, it } from 'vitest'
import { type BacktestSpec, defineBacktest } from '../../core/job/define-backtest.ts'
import { outlineJob } from '../../core/job/job-outline.ts'

const GOOD = {
  name: 'maker',
  params: { every: '1s', halfSpread: 3, queue: 'risk' },
  market: { tick: 0.1, lot: 0.001, fees: { maker: 0, taker: 0 } },
  every: ({ every }: { every: string }) => every,
  create: () => ({}),
} as const satisfies BacktestSpec<{ every: string; halfSpread: number; queue: string }, Record<string, never>>

describe('the definition of a backtest', () => {
  it('is that of a job by the exchange clock, a session a day', () => {
    const job = defineBacktest(GOOD)
    expect(job).toMatchObject({ name: 'maker', streams: ['book', 'trades'], clock: 'exchange', session: 'day', fill: true })
    const outline = outlineJob(job, { every: ['1s', '2s'] })
    expect(outline).toMatchObject({ usesBook: true, isOneSession: false, everyNs: '2000000000' })
    expect(outline.asked.every(({ window }) => window.wholeDay)).toBe(true)
    expect(outline.columns.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['kind', 'position', 'equity', 'reason', 'gap', 'bar_start_ns']),
    )
  })

  it('looks back to the first day in one session', () => {
    const outline = outlineJob(defineBacktest({ ...GOOD, session: 'run' }))
    expect(outline.isOneSession).toBe(true)
    expect(outline.asked[0]!.window.beforeNs).toBeGreaterThan(100 * 365 * 86_400e9)
  })

  it('takes a market, or settings of it, as functions of the parameters', () => {
    const settings = { ...GOOD.market, queue: ({ queue }: { queue: string }) => queue }
    const whole = ({ queue }: { queue: string }) => ({ ...GOOD.market, queue })
    for (const market of [settings, whole]) {
      expect(defineBacktest({ ...GOOD, market }).backtest!.market({ queue: 'log' }, null)).toMatchObject({ tick: 0.1, queue: 'log' })
      // Each variant is checked where it is planned.
      expect(() => outlineJob(defineBacktest({ ...GOOD, market }), { queue: ['log', 'lifo'] })).toThrow(
        /job maker: backtest: market: queue: .* found "lifo"/,
      )
    }
  })

  it('takes what a market is from instruments, what is said of the whole venue and what the backtest says itself', () => {
    const instruments = {
      okx: { '*': { fees: { maker: 1, taker: 2 }, queue: 'log' }, 'btc-usdt': { tick: 0.1, lot: 1 }, 'eth-usdt': { tick: 0.01, lot: 2 } },
    }
    const job = defineBacktest({ ...GOOD, market: { latency: '3ms', queue: ({ queue }) => queue }, instruments })
    const market = (symbol: string) => job.backtest!.market({ queue: 'risk' }, { venue: 'okx', symbol })
    expect(market('eth-usdt')).toEqual({ tick: 0.01, lot: 2, fees: { maker: 1, taker: 2 }, latency: '3ms', queue: 'risk' })
    expect(market('btc-usdt')).toMatchObject({ tick: 0.1, lot: 1 })
    for (const symbol of ['*', 'doge-usdt']) {
      expect(() => market(symbol)).toThrow(
        expect.objectContaining({ code: 'instrument-missing', message: expect.stringContaining(`do not have okx/${symbol}`) }),
      )
    }
    expect(outlineJob(job).instruments).toHaveLength(2)
  })

  it('begins sessions of a day at a time of it', () => {
    const job = defineBacktest({ ...GOOD, session: { every: 'day', start: '17:30' } })
    expect(outlineJob(job).asked[0]!.window).toMatchObject({ wholeDay: true, dayStartNs: 17.5 * 3600e9 })
    expect(job.backtest).toMatchObject({ session: 'day', sessionStartNs: 17.5 * 3600e9 })
  })

  it.each([
    [
      'no tick',
      { market: { lot: 1, fees: { maker: 0, taker: 0 } } },
      /job maker: backtest: market: tick: expected a number above 0; found undefined/,
    ],
    [
      'no fees',
      { market: { tick: 1, lot: 1 } },
      /job maker: backtest: market: fees: expected rates \{ maker, taker \}, 0 for none; found undefined/,
    ],
    ['no market', { market: undefined }, /job maker: backtest: market: tick: expected a number above 0/],
    [
      'a market that throws',
      {
        market: () => {
          throw new Error('closed')
        },
      },
      /job maker: backtest: throws Error: closed/,
    ],
    [
      'a shift beyond the skew',
      { market: { ...GOOD.market, localShift: '6s' } },
      /job maker: market: localShift: expected at most maxSkew \(5000000000 ns\), found 6000000000 ns/,
    ],
    ['no create', { create: undefined }, /job maker: create: expected a function, found undefined/],
    ['a session of its own', { session: 'week' }, /job maker: session: expected day, run or .* found "week"/],
    ['no time of day', { session: { every: 'day', start: '24:00' } }, /job maker: session: expected .* 'HH:MM' .* found .*24:00/],
    [
      'a bar that a session cuts',
      { session: { every: 'day', start: '17:00:30' }, every: '1m' },
      /job maker: session: start: .* bars of 60000000000 ns/,
    ],
    ['no instruments', { market: {}, instruments: { okx: { '*': {} } } }, /job maker: instruments: it names no instrument/],
    [
      'a setting misspelt',
      { market: {}, instruments: { okx: { 'btc-usdt': { tik: 1 } } } },
      /okx\/btc-usdt: tik is no setting of a market, did you mean tick\?/,
    ],
    [
      'an instrument without a lot',
      { market: { fees: { maker: 0, taker: 0 } }, instruments: { okx: { a: { tick: 1, lot: 1 }, b: { tick: 1 } } } },
      /job maker: instruments: okx\/b: market: lot: expected a number above 0; found undefined/,
    ],
    [
      'nothing that says when',
      { every: undefined },
      /job maker: every: expected a duration like 500ms, or a function of the parameters, found undefined/,
    ],
    ['an option misspelt', { evry: '1m' }, /job maker: defineBacktest has no option "evry", did you mean every\?/],
    [
      'a setting of the market misspelt',
      { market: { ...GOOD.market, localshift: '1s' } },
      /no option "localshift", did you mean localShift\?/,
    ],
    ['order rows that may be', { orderRows: 'no' }, /job maker: orderRows: expected true or false, found "no"/],
    ['no step', { every: 'often' }, /job maker: trigger: expected a duration/],
    ['a column of order rows', { orderRows: true, columns: { leaves: 'f64' } }, /job maker: columns: leaves is a column of every backtest/],
    ['a column of every backtest', { columns: { position: 'f64' } }, /job maker: columns: position is a column of every backtest/],
  ])('%s is refused', (_, more, text) => {
    expect(() => defineBacktest({ ...GOOD, ...more } as never)).toThrow(
      expect.objectContaining({ code: 'job-invalid', category: 'input', message: expect.stringMatching(text) }),
    )
  })
})
