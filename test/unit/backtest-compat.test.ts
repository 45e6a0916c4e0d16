import { describe, expect, it } from 'vitest'
import type { CompatSwitch } from '../../core/backtest/market-terms.ts'
import { IOC } from '../../core/backtest/order-terms.ts'
import { L3_ADD, L3_RESET, SIDE_BUY, SIDE_SELL } from '../../core/protocol/l3-event.ts'
import { SmallMarket, usualMarket } from '../support/small-market.ts'

const SELL = -1

/** Each difference on purpose to the engine of the golden runs: first ours, then with the switch. */
describe('compatible modes', () => {
  it('ownOrdersIndependent: one trade fills two own orders', () => {
    const run = (compat: readonly CompatSwitch[]) => {
      const market = usualMarket({ compat }).to(20)
      market.buy(3, 100)
      market.buy(3, 100)
      return market
        .trade(50, SELL, 6, 100)
        .to(100)
        .fills.map(({ id, lots }) => [id, lots])
    }
    expect(run([])).toEqual([[1, 1]])
    expect(run(['ownOrdersIndependent'])).toEqual([
      [1, 1],
      [2, 1],
    ])
  })

  it('anyQuantity: parts of a lot', () => {
    expect(() => usualMarket().buy(1.7, 100)).toThrow(/quantity: expected a whole number of lots above 0, found 1.7/)
    const market = usualMarket({ compat: ['anyQuantity'] }).to(20)
    market.buy(1.7, 100)
    expect(market.trade(50, SELL, 6, 100).trade(60, SELL, 6, 100).to(100).told).toEqual(['1 @100 maker queue', '0.7 @100 maker queue'])
  })

  it('fillClearsPending: a cancel may be sent twice', () => {
    const again = (compat: readonly CompatSwitch[]) => {
      const market = usualMarket({ compat }).to(20)
      const id = market.buy(2, 100)
      market.to(100)
      market.who.cancel(id)
      market.trade(102, SELL, 6, 100).to(115)
      return () => market.who.cancel(id)
    }
    expect(again([])).toThrow(/order 1: a request \(cancel\) is on its way already/)
    expect(again(['fillClearsPending'])()).toBe(true)
  })

  it('market100Ticks: a market order takes no further', () => {
    const run = (compat: readonly CompatSwitch[]) => {
      const market = new SmallMarket({ compat }).snapshot(0, { 500: 1, 400: 1, 399: 1 }, { 501: 1, 600: 1, 601: 1 }).to(20)
      market.who.send(1, 0, 3, IOC, true)
      market.who.send(-1, 0, 3, IOC, true)
      return market.to(100).fills.map(({ tick }) => tick)
    }
    expect(run([])).toEqual([501, 600, 601, 500, 400, 399])
    expect(run(['market100Ticks'])).toEqual([501, 600, 500, 400])
  })

  it('modifyKeepsLeaves: an order that is modified up, or to another price, keeps its leaves', () => {
    const run = (compat: readonly CompatSwitch[], from: number, to: number) => {
      const market = usualMarket({ compat }).to(20)
      const id = market.buy(from, from > to ? 99 : 100)
      market.to(60)
      market.who.modify(id, 100, to)
      return market.trade(200, SELL, 50, 100).to(300).told
    }
    expect(run([], 1, 4)).toEqual(['4 @100 maker queue'])
    expect(run(['modifyKeepsLeaves'], 1, 4)).toEqual(['1 @100 maker queue'])
    expect(run([], 4, 1)).toEqual(['1 @100 maker queue'])
    expect(run(['modifyKeepsLeaves'], 4, 1)).toEqual(['4 @100 maker queue'])
  })

  it('l3ClearExpires and l3ModifyRests', () => {
    const started = (compat: readonly CompatSwitch[]) => {
      const market = new SmallMarket({ isL3: true, compat })
        .order(0, { eventType: L3_ADD, side: SIDE_BUY, orderId: 1, quantity: 5, price: 100 })
        .order(1, { eventType: L3_ADD, side: SIDE_SELL, orderId: 2, quantity: 5, price: 101 })
        .to(20)
      return { market, id: market.buy(2, 99) }
    }
    const status = (compat: readonly CompatSwitch[]) => {
      const { market, id } = started(compat)
      return market.order(60, { eventType: L3_RESET }).to(100).status(id)
    }
    expect([status([]), status(['l3ClearExpires'])]).toEqual(['new', 'expired'])
    const modified = (compat: readonly CompatSwitch[]) => {
      const { market, id } = started(compat)
      market.to(60).who.modify(id, 101, 2)
      return market.to(100).status(id)
    }
    expect([modified([]), modified(['l3ModifyRests'])]).toEqual(['filled', 'new'])
  })
})
