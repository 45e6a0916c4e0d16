import { describe, expect, it } from 'vitest'
import { DIFF, SNAPSHOT } from '../../core/backtest/market-events.ts'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { marketTerms } from '../../core/backtest/market-terms.ts'
import { FOK, GTC, IOC } from '../../core/backtest/order-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { StrategyBook } from '../../core/backtest/strategy-book.ts'
import { SmallMarket, usualMarket } from '../support/small-market.ts'

describe('books that are not as they should be', () => {
  it('imbalance is of the levels from the best one on, as prices and sizes are', () => {
    // The bid at 101 says that the ask there is gone.
    const market = new SmallMarket().snapshot(0, { 100: 5 }, { 101: 5, 102: 7, 103: 2 }).diff(5, { 101: 3 }).to(50)
    const book = new StrategyBook(market.replay)
    expect([book.bidSize, book.askSize, book.imbalance(1)]).toEqual([3, 7, (3 - 7) / (3 + 7)])
    expect(book.imbalance(5)).toBe((8 - 9) / (8 + 9))
  })

  it.each([GTC, IOC, FOK])('a book that nobody knows is not taken from where orders are held (time in force %s)', (timeInForce) => {
    const market = usualMarket({ onGap: 'hold' }).to(20)
    market.replay.isBookKnown = false
    const id = market.buy(2, 101, timeInForce)
    const byMarket = market.who.send(1, 0, 2, IOC, true)
    market.to(100)
    expect(market.fills).toEqual([])
    expect(market.status(id)).toBe(timeInForce === GTC ? 'new' : 'expired')
    expect(market.status(byMarket)).toBe('expired')
  })

  it('levels that were crossed are no part of the depth that a stream has', () => {
    const replay = new MarketReplay(new PriceGrid(1, 1), false, 2)
    const who = replay.join(marketTerms({ tick: 1, lot: 1, fees: { maker: 0, taker: 0 }, latency: '10ns', queue: 'risk' }))
    replay.begin(0n)
    const put = (kind: number, atNs: number, bids: readonly number[], asks: readonly number[]): void => {
      const at = replay.events.add(kind, atNs, atNs + 1, bids.length / 2, asks.length / 2, bids.length + asks.length)
      replay.events.arena.set([...bids, ...asks], at)
    }
    put(SNAPSHOT, 0, [100, 5, 99, 5], [101, 5, 102, 5])
    put(DIFF, 5, [102, 3], [])
    put(DIFF, 6, [], [103, 4])
    put(DIFF, 7, [], [104, 4])
    replay.run(20, true)
    const { book } = replay
    expect([book.bestAsk, book.lotsAt(-1, 103), book.lotsAt(-1, 104), book.lotsAt(-1, 101)]).toEqual([103, 4, 4, 0])
    const fills: unknown[] = []
    who.listener = { fill: ({ lots, tick }) => fills.push([lots, tick]) }
    const ids = [who.send(1, 110, 3, GTC, false), who.send(1, 110, 3, IOC, false), who.send(1, 0, 3, IOC, true)]
    replay.run(100, true)
    expect(ids.map((id) => who.pool.pending[who.slotOf(id)])).toEqual([0, 0, 0])
    expect(fills).toEqual([
      [3, 103],
      [3, 103],
      [3, 103],
    ])
  })
})
