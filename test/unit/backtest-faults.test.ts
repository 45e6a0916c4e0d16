import { describe, expect, it } from 'vitest'
import { CANCELED, FOK, GTX, IOC, PARTIALLY_FILLED, REQUEST_CANCEL, REQUEST_NEW } from '../../core/backtest/order-terms.ts'
import { L3_ADD, L3_CANCEL, L3_TRADE, SIDE_BUY, SIDE_SELL } from '../../core/protocol/l3-event.ts'
import { SmallMarket, usualMarket } from '../support/small-market.ts'

const SELL = -1
const QUEUES = ['risk', 'power1:2', 'power2:2', 'power3:3', 'log', 'log2']
const bid = (orderId: number, quantity: number, price = 100) => ({ eventType: L3_ADD, side: SIDE_BUY, orderId, quantity, price })
const ask = (orderId: number, quantity: number, price = 101) => ({ eventType: L3_ADD, side: SIDE_SELL, orderId, quantity, price })

/** Numbers and trackers as in the list of known faults of other engines: what is expected is the right answer. */
describe('known faults of other engines', () => {
  it('1 · only a cancel ahead moves us up (nautilus #4370)', () => {
    const market = new SmallMarket({ isL3: true }).order(0, ask(9, 5)).order(1, bid(1, 4)).order(2, bid(2, 6)).to(20)
    const id = market.buy(1, 100)
    market.order(40, bid(3, 5)).order(50, { eventType: L3_CANCEL, orderId: 3 }).to(55)
    expect(market.ahead(id)).toBe(10)
    market.order(60, { eventType: L3_TRADE, bidOrderId: 1, quantity: 4 }).to(100)
    expect(market.ahead(id)).toBe(6)
    expect(market.fills).toEqual([])
  })

  it('2 · what one trade gave does not shorten the next (nautilus #5017)', () => {
    const market = new SmallMarket().snapshot(0, { 100: 1 }, { 101: 5 }).to(20)
    market.buy(3, 100)
    market.trade(50, SELL, 2, 100).trade(60, SELL, 2, 100).to(100)
    expect(market.told).toEqual(['1 @100 maker queue', '2 @100 maker queue'])
  })

  it('3 · a crossed order is filled once, at its own price (nautilus #1733)', () => {
    const market = usualMarket().to(20)
    market.buy(3, 100)
    market.diff(50, { 100: 0 }, { 98: 2, 97: 9 }).to(100)
    expect(market.told).toEqual(['3 @100 maker cross'])
  })

  it('4 · an order that is just exhausted is gone (hftbacktest #312, #301, #273)', () => {
    const market = usualMarket().to(20)
    const id = market.buy(2, 100)
    market.trade(50, SELL, 5, 100).trade(60, SELL, 2, 100).trade(70, SELL, 1, 100).to(100)
    expect(market.fills).toMatchObject([{ lots: 2, exchangeNs: 60, localNs: 70 }])
    expect(market.status(id)).toBe('filled')
  })

  it('5 · every piece counts (hftbacktest #316, #299, #323)', () => {
    const market = usualMarket({ fees: { maker: 0.5, taker: 0, per: 'quantity' } }).to(20)
    market.buy(3, 100)
    market.trade(50, SELL, 6, 100).to(60)
    expect(market.who.account).toMatchObject({ position: 1, fee: 0.5, cash: -100 })
    market.trade(70, SELL, 7, 100).to(100)
    expect(market.who.account).toMatchObject({ position: 3, fee: 1.5, cash: -300, fills: 2, volume: 3, turnover: 300 })
  })

  it('6 · every level that is taken counts (probed)', () => {
    const market = new SmallMarket().snapshot(0, { 100: 5 }, { 101: 5, 102: 3, 103: 9 }).to(20)
    const id = market.buy(10, 103, IOC)
    market.to(100)
    expect(market.told).toEqual(['5 @101 taker take', '3 @102 taker take', '2 @103 taker take'])
    expect(market.who.account.position).toBe(10)
    expect(market.status(id)).toBe('filled')
  })

  it('7 · an order that was modified up has the new quantity (hftbacktest #241, #317)', () => {
    const market = usualMarket().to(20)
    const id = market.buy(1, 100)
    market.to(60)
    market.who.modify(id, 100, 4)
    market.trade(200, SELL, 50, 100).to(300)
    expect(market.told).toEqual(['4 @100 maker queue'])
  })

  it('8 · a fill is not counted again by a cancel that comes too late (probed)', () => {
    const market = usualMarket().to(20)
    const id = market.buy(2, 100)
    market.trade(50, SELL, 7, 100).to(100)
    expect(market.status(id)).toBe('filled')
    expect(market.who.cancel(id)).toBe(true)
    market.to(200)
    expect(market.who.account.position).toBe(2)
    expect(market.who.exchange.counts.rejected).toBe(1)
    expect(market.status(id)).toBe('filled')
  })

  it('9 · an ask that comes down to us fills without a trade (hftbacktest #158)', () => {
    const market = usualMarket().to(20)
    market.buy(2, 100)
    market.diff(50, {}, { 100: 1 }).to(100)
    expect(market.told).toEqual(['2 @100 maker cross'])
  })

  it.each(QUEUES)('10 · nobody stands further back than the level is long: %s (nautilus #5016)', (queue) => {
    const market = usualMarket({ queue }).to(20)
    const id = market.buy(1, 100)
    market.diff(50, { 100: 2 }).to(100)
    expect(market.ahead(id)).toBeLessThanOrEqual(2)
  })

  it.each(QUEUES)('11 · a snapshot does not send us to the back: %s (nautilus #4942)', (queue) => {
    const market = usualMarket({ queue }).to(20)
    const id = market.buy(1, 100)
    market.trade(50, SELL, 3, 100).snapshot(60, { 100: 5 }, { 101: 5 }).to(100)
    expect(market.ahead(id)).toBe(2)
    market.snapshot(110, { 100: 1 }, { 101: 5 }).to(200)
    expect(market.ahead(id)).toBe(1)
  })

  it('12 · two own orders share one trade in their order (nautilus #2564)', () => {
    const market = usualMarket().to(20)
    const [first] = [market.buy(3, 100), market.buy(3, 100)]
    market.trade(50, SELL, 6, 100).to(100)
    expect(market.fills).toMatchObject([{ id: first, lots: 1 }])
    market.trade(150, SELL, 3, 100).to(200)
    expect(market.fills.slice(1)).toMatchObject([
      { id: 1, lots: 2 },
      { id: 2, lots: 1 },
    ])
  })

  it('13 · a market order in a silent feed meets the last book, and is told (nautilus #5054)', () => {
    const twoDays = 2 * 86_400e9
    const market = usualMarket().to(20)
    market.to(twoDays)
    market.who.send(1, 0, 3, IOC, true)
    market.to(twoDays + 100)
    expect(market.fills).toMatchObject([{ lots: 3, tick: 101, exchangeNs: twoDays + 10 }])
    expect(market.who.exchange.counts.onOldBook).toBe(1)
  })

  it('14 · who sees a move one feed latency late cancels too late (kaspar-hft #67)', () => {
    const market = usualMarket({ feedNs: 20 }).to(40)
    const id = market.buy(2, 100)
    market.diff(1000, {}, { 100: 4 }).to(1009)
    expect(market.replay.localBook.bestAsk).toBe(101)
    market.to(1020)
    expect(market.replay.localBook.bestAsk).toBe(100)
    // By then the fill is known too: order latency is shorter than the feed's.
    expect(market.fills).toMatchObject([{ exchangeNs: 1000, localNs: 1010 }])
    expect(market.who.cancel(id)).toBe(true)
    market.to(1100)
    expect(market.who.account.position).toBe(2)
    expect(market.who.exchange.counts.rejected).toBe(1)
  })

  it('15 · a modify to a marketable price takes on L3, or expires as GTX (hftbacktest #322)', () => {
    const market = new SmallMarket({ isL3: true }).order(0, bid(1, 5)).order(1, ask(2, 5)).to(20)
    const [plain, post] = [market.buy(2, 99), market.buy(2, 99, GTX)]
    market.to(60)
    market.who.modify(plain, 101, 2)
    market.who.modify(post, 101, 2)
    market.to(100)
    expect(market.told).toEqual(['2 @101 taker take'])
    expect(market.status(post)).toBe('expired')
  })

  it('16 · thirty days take the memory of one (hftbacktest #262)', () => {
    const footprint = (days: number): number[] => {
      const market = usualMarket().to(20)
      for (let k = 1; k <= 500 * days; k++) {
        const at = 1000 * k
        market.buy(1, 100)
        market.diff(at + 50, { 100: 4 + (k % 3) }).trade(at + 60, SELL, 20, 100)
        market.to(at + 500)
        market.who.clearInactive()
      }
      expect(market.who.account.position).toBe(500 * days)
      const { events } = market.replay
      return [events.memory.takenBytes, market.who.pool.ids.length, market.who.responses.data.length, market.who.orderCount]
    }
    expect(footprint(30)).toEqual(footprint(1))
  })

  it('17 · a market order into an empty side expires (probed)', () => {
    const market = new SmallMarket().snapshot(0, { 100: 5 }, {}).to(20)
    const id = market.who.send(1, 0, 3, IOC, true)
    market.to(100)
    expect(market.status(id)).toBe('expired')
    expect(market.fills).toEqual([])
  })

  it('18 · a fill before the cancel stands, and the rejection ends what is pending (probed)', () => {
    const market = usualMarket().to(20)
    const id = market.buy(2, 100)
    market.trade(102, SELL, 6, 100).to(100)
    market.who.cancel(id)
    const { pool } = market.who
    const slot = market.who.slotOf(id)
    market.trade(105, SELL, 1, 100).to(115)
    expect(market.told).toEqual(['1 @100 maker queue', '1 @100 maker queue'])
    expect([pool.statuses[slot], pool.pending[slot]]).toEqual([3, REQUEST_CANCEL])
    market.to(200)
    expect([market.status(id), pool.pending[slot]]).toEqual(['filled', 0])
    expect(market.who.account.position).toBe(2)
  })

  it('18 · a fill in part does not end what is pending either', () => {
    const market = usualMarket().to(20)
    const id = market.buy(2, 100)
    market.to(100)
    market.who.cancel(id)
    market.trade(102, SELL, 6, 100).to(115)
    const { pool } = market.who
    const slot = market.who.slotOf(id)
    expect([pool.statuses[slot], pool.pending[slot]]).toEqual([PARTIALLY_FILLED, REQUEST_CANCEL])
    market.to(200)
    expect([pool.statuses[slot], pool.pending[slot]]).toEqual([CANCELED, 0])
    expect(market.who.account.position).toBe(1)
  })

  it('19 · quotes that are sent again before the cancel of the old ones is confirmed are all live (hftbacktest #280)', () => {
    const market = usualMarket().to(20)
    const old = market.buy(2, 100)
    market.to(100)
    market.who.cancel(old)
    const fresh = market.buy(2, 100)
    const { pool } = market.who
    expect([old, fresh].map((id) => pool.pending[market.who.slotOf(id)])).toEqual([REQUEST_CANCEL, REQUEST_NEW])
    expect(market.who.openCount).toBe(2)
    market.trade(105, SELL, 9, 100).to(300)
    expect(market.fills).toMatchObject([{ id: old, lots: 2 }])
    expect(market.status(fresh)).toBe('new')
  })

  it('fills or kills by what is shown up to the limit', () => {
    const market = new SmallMarket().snapshot(0, { 100: 5 }, { 101: 5, 102: 3, 103: 9 }).to(20)
    const [killed, filled] = [market.buy(9, 102, FOK), market.buy(8, 102, FOK)]
    market.to(100)
    expect([market.status(killed), market.status(filled)]).toEqual(['expired', 'filled'])
    expect(market.told).toEqual(['5 @101 taker take', '3 @102 taker take'])
  })
})
