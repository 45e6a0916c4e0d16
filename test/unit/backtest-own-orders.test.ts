import { describe, expect, it } from 'vitest'
import { SmallMarket } from '../support/small-market.ts'

const SELL = -1

/** Of two buys at 100, the fills of both: id, lots. */
const fillsOf = (market: SmallMarket): (readonly [number, number])[] => market.fills.map(({ id, lots }) => [id, lots])

describe('two own orders at a price: the later one stands behind the earlier one', () => {
  it.each(['log', 'power1:0.5'])('where a model has put both in front of the queue: %s', (queue) => {
    for (const fills of ['partial', 'whole'] as const) {
      const market = new SmallMarket({ queue, fills }).snapshot(0, { 100: 1 }, { 101: 5 }).to(20)
      const [first, second] = [market.buy(3, 100), market.buy(3, 100)]
      market.to(60).diff(100, { 100: 21 }).diff(110, { 100: 1 }).to(150)
      expect(market.ahead(second)).toBeLessThan(-2)
      expect(fillsOf(market.trade(200, SELL, 1, 100).to(300))).toEqual([[first, 3]])
    }
  })

  it('as long as any of the earlier one is left, also where trades are of parts of a lot', () => {
    const market = new SmallMarket({ queue: 'risk' }).snapshot(0, { 99: 1 }, { 101: 5 }).to(20)
    const [first, second] = [market.buy(6, 100), market.buy(6, 100)]
    market.to(60)
    for (const [at, lots] of [0.3, 4, 0.3].entries()) market.trade(100 + 10 * at, SELL, lots, 100)
    expect(fillsOf(market.to(200))).toEqual([[first, 4]])
    market.trade(210, SELL, 3, 100).to(300)
    expect(fillsOf(market)).toEqual([
      [first, 4],
      [first, 2],
      [second, 1],
    ])
  })
})
