import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { L3_ADD, L3_CANCEL, L3_TRADE, SIDE_BUY, SIDE_SELL } from '../../core/protocol/l3-event.ts'
import { SmallMarket } from '../support/small-market.ts'

const SELL = -1

type Op = { readonly kind: 'add' | 'cancel' | 'execute' | 'own'; readonly price: number; readonly lots: number; readonly pick: number }

/** The same market twice: with executions of orders, and as recorders tell it that have trades, and cancels of what was executed. */
function fillsOf(ops: readonly Op[], executions: 'orders' | 'trades', fills: 'partial' | 'whole'): unknown[] {
  const market = new SmallMarket({ isL3: true, executions, fills }).order(0, {
    eventType: L3_ADD,
    side: SIDE_SELL,
    orderId: 1,
    quantity: 50,
    price: 105,
  })
  const queues = new Map<number, { id: number; lots: number }[]>()
  let [now, next] = [10, 2]
  market.to(now)
  for (const { kind, price, lots, pick } of ops) {
    now += 100
    const queue = queues.get(price) ?? []
    queues.set(price, queue)
    if (kind === 'add') {
      queue.push({ id: next, lots })
      market.order(now, { eventType: L3_ADD, side: SIDE_BUY, orderId: next++, quantity: lots, price })
    } else if (kind === 'cancel' && queue.length > 0) {
      const [order] = queue.splice(pick % queue.length, 1)
      market.order(now, { eventType: L3_CANCEL, orderId: order!.id, quantity: order!.lots })
    } else if (kind === 'own') market.buy(lots, price)
    else if (kind === 'execute') {
      // A seller takes from the best price on, in the order of the queue.
      const [best] = [...queues.keys()].filter((at) => queues.get(at)!.length > 0).sort((a, b) => b - a)
      if (best === undefined) continue
      for (let left = lots; left > 0 && queues.get(best)!.length > 0; ) {
        const [head] = queues.get(best)!
        const taken = Math.min(left, head!.lots)
        if (executions === 'orders') market.order(now, { eventType: L3_TRADE, bidOrderId: head!.id, quantity: taken })
        else market.trade(now, SELL, taken, best).order(now, { eventType: L3_CANCEL, orderId: head!.id, quantity: taken })
        head!.lots -= taken
        left -= taken
        if (head!.lots === 0) queues.get(best)!.shift()
      }
    }
    market.to(now + 50)
  }
  return market.fills
}

const op = fc.record({
  kind: fc.constantFrom('add', 'add', 'cancel', 'execute', 'execute', 'own'),
  price: fc.constantFrom(98, 99, 100),
  lots: fc.integer({ min: 1, max: 6 }),
  pick: fc.nat(9),
}) as fc.Arbitrary<Op>

describe('logs of orders without executions', () => {
  it.each(['partial', 'whole'] as const)('trades fill what executions do: %s', (fills) => {
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        expect(fillsOf(ops, 'trades', fills)).toEqual(fillsOf(ops, 'orders', fills))
      }),
      { numRuns: 300 },
    )
  })

  it('one trade of all that one seller took, told before the cancels', () => {
    const bid = (orderId: number, quantity: number, price = 100) => ({ eventType: L3_ADD, side: SIDE_BUY, orderId, quantity, price })
    const market = new SmallMarket({ isL3: true, executions: 'trades' })
      .order(0, bid(1, 4))
      .order(0, bid(9, 9, 98))
      .to(20)
    const [first, second, deep] = [market.buy(2, 100), market.buy(3, 100), market.buy(1, 99)]
    market.to(50).order(60, bid(3, 6)).trade(100, SELL, 5, 100).trade(100, SELL, 2, 100).to(150)
    expect(market.fills.map(({ id, lots, reason }) => [id, lots, reason])).toEqual([
      [first, 1, 'queue'],
      [first, 1, 'queue'],
      [second, 1, 'queue'],
    ])
    market.order(160, { eventType: L3_CANCEL, orderId: 1, quantity: 4 }).trade(200, SELL, 1, 98).to(300)
    expect(market.fills.slice(3).map(({ id, lots, reason }) => [id, lots, reason])).toEqual([
      [second, 2, 'through'],
      [deep, 1, 'through'],
    ])
  })
})
