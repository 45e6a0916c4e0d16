import { describe, expect, it } from 'vitest'
import { Account } from '../../core/backtest/account.ts'
import { AccountView } from '../../core/backtest/account-view.ts'
import { inverseContract, linearContract } from '../../core/backtest/contract.ts'
import { FeedLatency } from '../../core/backtest/latency-feed.ts'
import { type LatencyRow, LatencyTable } from '../../core/backtest/latency-table.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { marketTerms } from '../../core/backtest/market-terms.ts'
import { OrderDesk } from '../../core/backtest/order-desk.ts'
import { BUY, SELL } from '../../core/backtest/order-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { logShare, logShare2 } from '../../core/backtest/queue-log.ts'
import { ProbabilityQueue } from '../../core/backtest/queue-model.ts'
import { powerShare, powerShare2, powerShare3 } from '../../core/backtest/queue-power.ts'
import { RiskAverseQueue } from '../../core/backtest/queue-risk.ts'
import { StrategyBook } from '../../core/backtest/strategy-book.ts'
import { TrackedBook } from '../../core/backtest/tracked-book.ts'
import { usualMarket } from '../support/small-market.ts'

function deskOf(market: { readonly tick: number; readonly lot: number }): OrderDesk {
  const grid = new PriceGrid(market.tick, market.lot)
  return new OrderDesk(new MarketReplay(grid, false).join(marketTerms({ ...market, fees: { maker: 0, taker: 0 } })), grid)
}

const NO_FEES = { per: 'value', maker: 0, taker: 0, buyer: 0, seller: 0 } as const

describe('latency tables', () => {
  const rows: LatencyRow[] = [
    [100n, 110n, 115n],
    [200n, 230n, 240n],
    [300n, 305n, 325n],
  ]

  it('interpolate between rows, and go on as they end', () => {
    const table = new LatencyTable(rows)
    table.begin(0n)
    expect([0, 100, 150, 199, 200, 250, 300, 900].map((t) => table.entry(t))).toEqual([10, 10, 20, 29, 30, 18, 5, 5])
    expect([0, 110, 170, 230, 305, 900].map((x) => table.response(x))).toEqual([5, 5, 7, 10, 20, 20])
  })

  it('count from another origin', () => {
    const table = new LatencyTable(rows)
    table.begin(100n)
    expect([0, 50, 100].map((t) => table.entry(t))).toEqual([10, 20, 30])
  })

  it('refuse requests near a row without an exchange time', () => {
    const table = new LatencyTable([
      [100n, 110n, 115n],
      [200n, 0n, 260n],
      [300n, 305n, 325n],
    ])
    table.begin(0n)
    expect([50, 150, 250, 300].map((t) => table.entry(t))).toEqual([10, -37, -43, 5])
  })

  it.each([
    ['no rows', []],
    [
      'requests that do not rise',
      [
        [1n, 2n, 3n],
        [1n, 4n, 5n],
      ],
    ],
    [
      'exchange times that do not rise',
      [
        [1n, 5n, 6n],
        [2n, 5n, 7n],
      ],
    ],
    ['an answer before the order', [[1n, 5n, 4n]]],
    ['a refusal that takes no time', [[1n, 0n, 1n]]],
  ] as [string, LatencyRow[]][])('are refused: %s', (_, given) => {
    expect(() => new LatencyTable(given)).toThrow(expect.objectContaining({ code: 'latency-table', category: 'input' }))
  })

  it('of the feed know nothing of a window that still goes on', () => {
    const latency = new FeedLatency({ entryFactor: 2.05, entryNs: 1, responseFactor: 1, responseNs: 0, windowNs: 100 })
    latency.begin(0n)
    const entries = [
      [10, 7],
      [50, 44],
      [120, 100],
      [210, 200],
    ].map(([local, exchange]) => {
      latency.observe(local!, exchange!)
      return latency.entry(local!)
    })
    expect(entries).toEqual([7, 13, 13, 42])
    // The last window is over when time is, whether or not anything comes behind it.
    expect([299, 300, 3_600_000].map((now) => [latency.entry(now), latency.response(now)])).toEqual([
      [42, 20],
      [21, 10],
      [21, 10],
    ])
  })
})

describe('order messages', () => {
  it('a negative entry latency is a refusal before the matching engine', () => {
    const market = usualMarket({ latency: { entry: '-30ns', response: '10ns' } }).to(20)
    const id = market.buy(1, 101)
    market.to(49)
    expect(market.status(id)).toBe('sent')
    market.to(50)
    expect(market.status(id)).toBe('expired')
    expect(market.fills).toEqual([])
  })

  it('never overtake one another', () => {
    const rows: LatencyRow[] = [
      [0n, 100n, 110n],
      [50n, 101n, 112n],
      [100n, 102n, 114n],
    ]
    const market = usualMarket({ latency: { table: rows } }).to(20)
    const first = market.buy(1, 99)
    market.to(99)
    market.buy(1, 98)
    market.to(400)
    expect(market.who.pool.exchangeNs[market.who.slotOf(first)]).toBeLessThanOrEqual(market.who.pool.exchangeNs[market.who.slotOf(2)]!)
  })

  it('meet the book after all market events of their time', () => {
    const market = usualMarket().to(20)
    market.buy(1, 102)
    market.diff(30, {}, { 101: 0, 102: 7 }).to(100)
    expect(market.told).toEqual(['1 @102 taker take'])
  })
})

describe('queue models', () => {
  it('say by their formula how much of a decrease was behind', () => {
    expect(powerShare(2)(3, 4)).toBeCloseTo(16 / 25, 15)
    expect(powerShare2(2)(3, 4)).toBeCloseTo(16 / 49, 15)
    expect(powerShare3(2)(3, 4)).toBeCloseTo(1 - 9 / 49, 15)
    expect(logShare(0.5)(3, 4)).toBeCloseTo(Math.log(3) / (Math.log(3) + Math.log(2.5)), 15)
    expect(logShare2(0.5)(3, 4)).toBeCloseTo(Math.log(3) / Math.log(4.5), 15)
  })

  it('count a trade and the level change that it causes once', () => {
    const half = new ProbabilityQueue(() => 0.5)
    // Ten, of which four are ahead, three of them traded: the level goes to seven.
    expect(half.ahead(1, 10, 7, 3)).toBe(1)
    // Two more leave, one of them in front.
    expect(half.ahead(1, 10, 5, 3)).toBe(0)
    expect(half.ahead(1, 10, 12, 3)).toBe(1)
  })

  it('never leave more ahead than the level has', () => {
    for (const model of [new RiskAverseQueue(), new ProbabilityQueue(() => 1), new ProbabilityQueue(powerShare3(3))]) {
      expect(model.ahead(9, 10, 2, 0)).toBeLessThanOrEqual(2)
    }
  })

  it('know only the size of the level where the formula gives no number', () => {
    expect(new ProbabilityQueue(powerShare(2)).ahead(0, 0, 0, 0)).toBe(0)
    expect(new ProbabilityQueue(powerShare3(2.5)).ahead(-0.3, 4, 3, 0)).toBe(3)
    expect(new ProbabilityQueue(() => Number.POSITIVE_INFINITY).ahead(2, 5, 4, 0)).toBe(2)
  })

  it('round half a lot away from zero', () => {
    const market = usualMarket({ compat: ['anyQuantity'] }).to(20)
    market.buy(3, 100)
    market.trade(50, SELL, 5.5, 100).to(100)
    expect(market.told).toEqual(['1 @100 maker queue'])
  })
})

describe('tracked best prices', () => {
  it('heal a feed with missing deletes', () => {
    const book = new TrackedBook()
    for (const [tick, lots] of [
      [101, 1],
      [102, 2],
      [103, 3],
    ])
      book.set(SELL, tick!, lots!)
    book.set(BUY, 99, 5)
    book.set(BUY, 102, 4)
    expect([book.bestBid, book.bestAsk]).toEqual([102, 103])
    // What was passed stays stored, but is not best.
    expect(book.lotsAt(SELL, 101)).toBe(1)
    book.set(BUY, 102, 0)
    expect([book.bestBid, book.bestAsk]).toEqual([99, 103])
    book.set(SELL, 98, 1)
    expect([book.bestBid, book.bestAsk]).toEqual([Number.NEGATIVE_INFINITY, 98])
    expect(book.nextBehind(SELL, 98)).toBe(101)
  })

  it('take less than half a lot for none', () => {
    const book = new TrackedBook()
    book.set(BUY, 99, 5)
    book.set(BUY, 99, 0.4)
    expect(book.bestBid).toBe(Number.NEGATIVE_INFINITY)
  })
})

describe('money', () => {
  it('of linear contracts is whole ticks and lots', () => {
    const account = new Account(linearContract(0.1, 0.001, 1), { ...NO_FEES, maker: -0.0001, taker: 0.0005 })
    account.add(BUY, 618_113, 10, true)
    account.add(SELL, 618_120, 4, false)
    expect(account).toMatchObject({ positionLots: 6, cashUnits: -618_113 * 10 + 618_120 * 4, volumeLots: 14 })
    expect(account.cash).toBeCloseTo(-61_811.3 * 0.01 + 61_812 * 0.004, 9)
    expect(account.fee).toBeCloseTo(-0.0001 * 618.113 + 0.0005 * 247.248, 9)
    expect(account.equity(61_900)).toBeCloseTo(account.cash + 0.006 * 61_900 - account.fee, 9)
  })

  it('of inverse contracts is in the base coin', () => {
    const account = new Account(inverseContract(0.1, 1, 100), { ...NO_FEES, taker: 0.0005 })
    account.add(BUY, 600_000, 30, false)
    expect(account.cash).toBeCloseTo(-0.05, 12)
    expect(account.equity(61_000)).toBeCloseTo(0.05 - 3000 / 61_000 - 0.0005 * 0.05, 12)
  })

  it('has fees by value, quantity and trade, and stamp duty on one side', () => {
    const fee = (per: 'value' | 'quantity' | 'trade', more = {}) =>
      new Account(linearContract(1, 1, 1), { ...NO_FEES, per, maker: 0.5, taker: 2, ...more }).add(SELL, 100, 3, false)
    expect([fee('value'), fee('quantity'), fee('trade'), fee('trade', { seller: 0.01 }), fee('trade', { buyer: 0.01 })]).toEqual([
      600, 6, 2, 5, 2,
    ])
  })
})

describe('the mid price', () => {
  it('of a book that lost a side is that of the last bar, whether anybody looked at it since or not', () => {
    const mids = [true, false].map((looks) => {
      const market = usualMarket({ feedNs: 0 }).to(10)
      const account = new AccountView(market.who.account, new StrategyBook(market.replay))
      account.keepMid()
      market.diff(20, { 100: 0, 102: 1 }, { 101: 0, 103: 1 }).to(30)
      if (looks) expect(account.mid).toBe(102.5)
      market.diff(40, {}, { 103: 0 }).to(50)
      return account.mid
    })
    expect(mids).toEqual([100.5, 100.5])
  })
})

describe('ticks and lots', () => {
  it('come of a log of other scales', () => {
    const grid = new PriceGrid(0.05, 0.001)
    expect([grid.tickOf(1005, 1), grid.tickOf(10_055_000, 5), grid.priceOf(2011, 2), grid.lotsOf(25, 3), grid.lotsOf(25, 4)]).toEqual([
      2010, 2011, 10_055, 25, 2.5,
    ])
    expect(() => grid.tickOf(10_051, 2)).toThrow(/the log has the price 100.51, which is no multiple of the tick 0.05/)
  })

  it('of orders are as fine as they are, however large', () => {
    const grid = new PriceGrid(0.0001, 1e-8)
    expect([0.3, 0.7].map((part) => Number.isInteger(grid.ticksOfPrice(61_234.5678 + part * 0.0001)))).toEqual([false, false])
    expect(grid.ticksOfPrice(61_234.5678 - 7 * 0.0001 + 3 * 0.0001)).toBe(612_345_674)
    const desk = deskOf({ tick: 0.0001, lot: 1e-8 })
    expect([desk.priceDown(61_234.56787), desk.priceUp(61_234.56783)].map((price) => price.toFixed(4))).toEqual([
      '61234.5678',
      '61234.5679',
    ])
    expect(() => desk.buy(61_234.56783, 1)).toThrow(/price: expected a multiple of the tick 0.0001/)
    expect(() => desk.buy(61_234, 12.345678901)).toThrow(/quantity: expected a multiple of the lot 1e-8/)
    expect(desk.buy(61_234.1, 12.3456789)).toBe(1)
  })
})

describe('settings of a market', () => {
  const fees = { maker: 0, taker: 0 }
  it.each([
    ['tick', { lot: 1, fees }, /market: tick: expected a number above 0; found undefined/],
    ['lot', { tick: 1, lot: -1, fees }, /market: lot: expected a number above 0; found -1/],
    ['fees', { tick: 1, lot: 1 }, /market: fees: expected rates \{ maker, taker \}, 0 for none; found undefined/],
    ['fees.taker', { tick: 1, lot: 1, fees: { maker: 0 } }, /market: fees.taker: expected a number, 0 for none; found undefined/],
    ['queue', { tick: 1, lot: 1, fees, queue: 'prob' }, /market: queue: expected risk, power:N .* found "prob"/],
    [
      'latency',
      { tick: 1, lot: 1, fees, latency: '1 second' },
      /market: latency: expected a duration like 500us, 1ms, 2s; found "1 second"/,
    ],
    ['compat', { tick: 1, lot: 1, fees, compat: ['all'] }, /market: compat: expected ownOrdersIndependent or .*; found "all"/],
    ['compat: another library', { tick: 1, lot: 1, fees, compat: 'hftbacktst' }, /compat: expected hftbacktest, or .*; found "hftbacktst"/],
    ['compat: a number', { tick: 1, lot: 1, fees, compat: 5 }, /market: compat: expected hftbacktest, or .*; found 5/],
    ['a setting misspelt', { tick: 1, lot: 1, fees, queu: 'log' }, /a market has no option "queu", did you mean queue\?/],
    ['a fee misspelt', { tick: 1, lot: 1, fees: { ...fees, sellr: 1 } }, /fees of a market has no option "sellr", did you mean seller\?/],
    ['queue: more than an exponent', { tick: 1, lot: 1, fees, queue: 'power3:2:1' }, /market: queue: .* found "power3:2:1"/],
    ['latency: a number', { tick: 1, lot: 1, fees, latency: 5 }, /market: latency: expected a duration like 1ms, .* found 5/],
    [
      'latency: one way',
      { tick: 1, lot: 1, fees, latency: { entry: '1ms' } },
      /market: latency.response: expected a duration .* undefined/,
    ],
    ['latency: no way', { tick: 1, lot: 1, fees, latency: { feed: {} } }, /market: latency.feed.entry: expected \[factor, duration\]/],
    [
      'latency: a factor that is none',
      { tick: 1, lot: 1, fees, latency: { feed: { entry: ['x', '1ms'], response: [1, '1ms'] } } },
      /market: latency.feed.entry: expected \[factor, duration\].*; found \["x","1ms"\]/,
    ],
    [
      'latency: an answer before the fill',
      { tick: 1, lot: 1, fees, latency: { feed: { entry: [1, '1ms'], response: [-1, '1ms'] } } },
      /market: latency.feed.response: expected \[factor, duration\] with a factor of at least 0/,
    ],
    [
      'latency: no window',
      { tick: 1, lot: 1, fees, latency: { feed: { entry: [1, '1ms'], response: [1, '1ms'] }, window: '0s' } },
      /market: latency.window: expected a duration .* above 0; found "0s"/,
    ],
    ['latency: a table elsewhere', { tick: 1, lot: 1, fees, latency: { table: 'rows.csv' } }, /latency table: expected a list of rows/],
    [
      'latency: a table of numbers',
      { tick: 1, lot: 1, fees, latency: { table: [[1, 2, 3]] } },
      /latency table: expected .* three bigints.* in row 0/,
    ],
    [
      'latency: half a row',
      { tick: 1, lot: 1, fees, latency: { table: [[1n, 2n]] } },
      /latency table: expected .* three bigints.* in row 0/,
    ],
  ])('%s', (_, market, message) => {
    expect(() => marketTerms(market as never)).toThrow(message)
  })
})
