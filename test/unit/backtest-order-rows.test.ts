import { describe, expect, it } from 'vitest'
import { OrderNoticeView } from '../../core/backtest/order-notice.ts'
import { FOK, GTX, IOC } from '../../core/backtest/order-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { L3_ADD, L3_RESET, SIDE_BUY, SIDE_SELL } from '../../core/protocol/l3-event.ts'
import { SmallMarket, type SmallMarketOptions, usualMarket } from '../support/small-market.ts'

const SELL = -1

/** A market that says what becomes of orders: `10 1 sent 3@100 left 3: asked`, with the local time, and the exchange's where it has one. */
function listened(market: SmallMarket): { market: SmallMarket; told: string[] } {
  const told: string[] = []
  const view = new OrderNoticeView(new PriceGrid(1, 1))
  market.who.listener = {
    ...market.who.listener,
    order(notice) {
      view.notice = notice
      const { event, orderId, price, quantity, leaves, reason, exchangeNs, localNs } = view
      const size = Number.isNaN(quantity) ? '' : `${quantity}`
      const limit = Number.isNaN(price) ? '' : `@${price}`
      told.push(`${localNs}${exchangeNs === null ? '' : `/${exchangeNs}`} ${orderId} ${event} ${size}${limit} left ${leaves}: ${reason}`)
    },
  }
  return { market, told }
}

const usual = (options: SmallMarketOptions = {}) => listened(usualMarket(options).to(20))

describe('what happens to an order is told, with why', () => {
  it('from its way to the exchange to its last fill', () => {
    const { market, told } = usual()
    market.buy(3, 100)
    market.trade(50, SELL, 6, 100).trade(60, SELL, 1, 99).to(100)
    expect(told).toEqual([
      '20 1 sent 3@100 left 3: asked',
      '40/30 1 accepted @100 left 3: asked',
      '60/50 1 partially-filled 1@100 left 2: queue',
      '70/60 1 filled 2@100 left 0: through',
    ])
  })

  it('amended: in its place, or behind all others; cancelled; too late', () => {
    const { market, told } = usual()
    const id = market.buy(3, 100)
    market.to(40)
    market.who.modify(id, 100, 2)
    market.to(60)
    market.who.modify(id, 99, 2)
    market.to(80)
    market.who.cancel(id)
    market.to(100)
    market.who.cancel(id)
    market.to(120)
    expect(told.slice(2)).toEqual([
      '40 1 modify-sent 2@100 left 3: asked',
      '60/50 1 modified @100 left 2: kept-place',
      '60 1 modify-sent 2@99 left 2: asked',
      '80/70 1 modified @99 left 2: new-place',
      '80 1 cancel-sent @99 left 2: asked',
      '100/90 1 canceled @99 left 2: asked',
      '100 1 cancel-sent @99 left 2: asked',
      '120/110 1 rejected @99 left 2: ended',
    ])
  })

  it.each([
    ['post only', (market: SmallMarket) => market.buy(1, 101, GTX), 'expired @101 left 1: would-take'],
    ['ioc that meets nothing', (market: SmallMarket) => market.buy(1, 100, IOC), 'expired @100 left 1: nothing-met'],
    ['ioc with a rest', (market: SmallMarket) => market.buy(7, 101, IOC), 'expired @101 left 2: rest'],
    ['fok that is not covered', (market: SmallMarket) => market.buy(7, 101, FOK), 'expired @101 left 7: not-covered'],
    ['a market order with a rest', (market: SmallMarket) => market.who.send(1, 0, 7, IOC, true), 'expired  left 2: rest'],
  ])('expired: %s', (_, send, expected) => {
    const { market, told } = usual()
    send(market)
    market.to(100)
    expect(told.at(-1)).toBe(`40/30 1 ${expected}`)
  })

  it('expired: a market order on an empty side', () => {
    const { market, told } = listened(new SmallMarket().snapshot(0, { 100: 5 }, {}).to(20))
    market.who.send(1, 0, 7, IOC, true)
    market.to(100)
    expect(told.at(-1)).toBe('40/30 1 expired  left 7: nothing-met')
  })

  it('a gap ends what rests, and what arrives until the book is whole', () => {
    const { market, told } = usual()
    market.buy(3, 100)
    market.to(40).gap(50).to(60)
    market.buy(2, 99)
    market.to(100)
    expect(told.slice(2)).toEqual(['60/50 1 canceled @100 left 3: gap', '60 2 sent 2@99 left 2: asked', '80/70 2 expired @99 left 2: gap'])
  })

  it('refused before the exchange: there is no time of the exchange', () => {
    const { market, told } = usual({ latency: { entry: '-5ns', response: '0ns' } })
    market.buy(3, 100)
    market.to(100)
    expect(told).toEqual(['20 1 sent 3@100 left 3: asked', '25 1 rejected @100 left 3: refused'])
  })

  it('L3: a book that is cleared', () => {
    const bid = { eventType: L3_ADD, side: SIDE_BUY, orderId: 1, quantity: 5, price: 100 }
    const ask = { eventType: L3_ADD, side: SIDE_SELL, orderId: 2, quantity: 5, price: 101 }
    const made = new SmallMarket({ isL3: true, compat: ['l3ClearExpires'] }).order(0, bid).order(1, ask).to(20)
    const { market, told } = listened(made)
    market.buy(3, 100)
    market.to(40).order(50, { eventType: L3_RESET }).to(100)
    expect(told.at(-1)).toBe('60/50 1 expired @100 left 3: cleared')
  })
})
