import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MarketReplay } from '../../core/backtest/market-replay.ts'
import { marketTerms } from '../../core/backtest/market-terms.ts'
import { REASON_NAMES, STATUS_NAMES, TIME_IN_FORCE_NAMES } from '../../core/backtest/order-terms.ts'
import { PriceGrid } from '../../core/backtest/price-grid.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { L3EventView } from '../../core/protocol/l3-event.ts'
import { Random } from '../../core/synthetic/random.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { l3 } from '../support/book-messages.ts'
import { type MarketEvent, type OwnRequest, PlainFifoMarket } from '../support/plain/fifo-market.ts'

type Step = { readonly time: number } & ({ readonly market: MarketEvent } | { readonly own: OwnRequest })

/** Orders of one's own take a nanosecond to the exchange, and answers none: a request of time t arrives behind the market of t + 1. */
function runBoth(steps: readonly Step[], fills: 'partial' | 'whole'): { found: unknown; expected: unknown; count: number } {
  const plain = new PlainFifoMarket(fills === 'partial')
  const replay = new MarketReplay(new PriceGrid(1, 1), true)
  const who = replay.join(
    marketTerms({ tick: 1, lot: 1, fees: { maker: 0, taker: 0 }, queue: 'fifo', fills, latency: { entry: '1ns', response: '0s' } }),
  )
  replay.begin(0n)
  const found: unknown[] = []
  who.listener = {
    fill: ({ exchangeNs, orderId, tick, lots, reason }) =>
      found.push({ time: exchangeNs, id: orderId, price: tick, lots, why: REASON_NAMES[reason] }),
  }
  const waiting: { readonly time: number; readonly id: number; readonly own: OwnRequest }[] = []
  const arrive = (time: number): void => {
    while (waiting.length > 0 && waiting[0]!.time < time) {
      const { time: at, id, own } = waiting.shift()!
      plain.request(at, id, own)
    }
  }
  for (const step of steps) if ('market' in step) replay.addOrderEvent(step.time, step.time + 1, wordsOf(step.market), 0)
  for (const step of steps) {
    arrive(step.time)
    if ('market' in step) plain.market(step.time, step.market)
    replay.run(step.time, true)
    if (!('own' in step)) continue
    const { own } = step
    let id = 0
    if (own.what === 'new') id = who.send(own.side, own.price, own.lots, TIME_IN_FORCE_NAMES.indexOf(own.tif), false)
    else {
      const slot = who.slotOf(own.id)
      // One request at a time.
      if (slot < 0 || who.pool.pending[slot] !== 0) continue
      if (own.what === 'cancel') who.cancel(own.id)
      else who.modify(own.id, own.price, own.lots)
    }
    waiting.push({ time: step.time + 1, id, own })
  }
  arrive(Number.POSITIVE_INFINITY)
  replay.run((steps.at(-1)?.time ?? 0) + 10, true)
  const states = [...who.slots].map((slot) => [who.pool.ids[slot], STATUS_NAMES[who.pool.statuses[slot]!], who.pool.leaves[slot]])
  const plainStates = [...plain.own].map(([id, { status, leaves }]) => [id, status, leaves])
  const normal = (list: unknown[]): unknown[] =>
    list.map((one) => ((one as unknown[])[1] === 'partially-filled' ? [(one as unknown[])[0], 'new', (one as unknown[])[2]] : one))
  const byTime = (list: readonly unknown[]): string[] => list.map((one) => JSON.stringify(one))
  return {
    found: [...byTime(found), ...byTime(normal(states))],
    expected: [...byTime(plain.fills), ...byTime(plainStates)],
    count: found.length,
  }
}

function wordsOf(event: MarketEvent): Uint32Array {
  const side = (given: 1 | -1): number => (given === 1 ? 1 : 2)
  const scales = { priceScale: 0, sizeScale: 0 }
  const bytes =
    event.what === 'add'
      ? l3({ ...scales, eventType: 1, orderId: event.id, side: side(event.side), price: event.price, quantity: event.lots })
      : event.what === 'cancel'
        ? l3({ ...scales, eventType: 2, orderId: event.id, quantity: event.lots })
        : event.what === 'modify'
          ? l3({ ...scales, eventType: 3, orderId: event.id, price: event.price, quantity: event.lots })
          : event.what === 'trade'
            ? l3({ ...scales, eventType: 4, bidOrderId: event.bid, askOrderId: event.ask, quantity: event.lots })
            : l3({ ...scales, eventType: 5 })
  return new Uint32Array(bytes.slice().buffer)
}

const side = fc.constantFrom<1 | -1>(1, -1)
const id = fc.integer({ min: 1, max: 12 })
const price = fc.integer({ min: 98, max: 104 })
const lots = fc.integer({ min: 1, max: 6 })
const marketEvent: fc.Arbitrary<MarketEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('add' as const), id, side, price, lots }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('cancel' as const), id, lots: fc.constantFrom(0, 1, 2) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('modify' as const),
      id,
      price: fc.oneof(fc.constant(0), price),
      lots: fc.oneof(fc.constant(0), lots),
    }),
  },
  {
    weight: 4,
    // No order trades with itself.
    arbitrary: fc
      .record({
        what: fc.constant('trade' as const),
        bid: fc.oneof(fc.constant(0), id),
        ask: fc.oneof(fc.constant(0), id),
        lots: fc.constantFrom(0, 1, 2, 5),
      })
      .filter(({ bid, ask }) => bid !== ask),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('reset' as const) }) },
)
const request: fc.Arbitrary<OwnRequest> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('new' as const),
      side,
      price,
      lots,
      tif: fc.constantFrom('gtc' as const, 'gtc' as const, 'gtx' as const, 'ioc' as const, 'fok' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('cancel' as const), id: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('modify' as const), id: fc.integer({ min: 1, max: 20 }), price, lots }) },
)
const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.tuple(
      fc.nat(2),
      fc.oneof(
        { weight: 2, arbitrary: marketEvent.map((market) => ({ market })) },
        { weight: 1, arbitrary: request.map((own) => ({ own })) },
      ),
    ),
    { minLength: 1, maxLength: 120 },
  )
  .map((list) => {
    let time = 1
    return list.map(([wait, what]) => {
      time += wait
      return { time, ...what }
    })
  })

describe('queues of orders, first in, first out', () => {
  it.each(['partial', 'whole'] as const)('give the fills of a plain market: random streams, %s', (fills) => {
    let count = 0
    fc.assert(
      fc.property(steps, (list) => {
        const both = runBoth(list, fills)
        count += both.count
        expect(both.found).toEqual(both.expected)
      }),
      { numRuns: Number(process.env.CHRONICLE_FIFO_CASES ?? 2000) },
    )
    expect(count).toBeGreaterThan(300)
  })
})

describeGolden('queues of orders of Nasdaq', () => {
  it.each([
    ['aapl', 5],
    ['amzn', 40],
  ] as const)(
    'give the fills of a plain market: %s',
    async (symbol, every) => {
      const events = await loadOrders(goldenPath('archive-real', 'v1', 'lobster', symbol, '2012-06-21', 'l3'), 12_000)
      for (const fills of ['partial', 'whole'] as const) {
        const { found, expected, count } = runBoth(withOrders(events, every, new Random(7)), fills)
        expect(found).toEqual(expected)
        expect(count).toBeGreaterThan(20)
      }
    },
    120_000,
  )
})

/** The events of a real log; its ids are small, prices are in 1/10000 and sizes whole. */
async function loadOrders(log: string, limit: number): Promise<{ time: number; market: MarketEvent }[]> {
  const view = new L3EventView()
  const ids = new Map<bigint, number>([[0n, 0]])
  const small = (given: bigint): number => {
    if (!ids.has(given)) ids.set(given, ids.size)
    return ids.get(given)!
  }
  const events: { time: number; market: MarketEvent }[] = []
  for await (const message of await ReplayReader.open(log)) {
    if (events.length === limit) break
    const event = view.wrapMessage(message)
    const time = Number(event.header.exchangeTsNs % 86_400_000_000_000n)
    const [order, price, lots] = [small(BigInt(event.orderId)), Number(event.price), Number(event.quantity)]
    const side = event.side === 1 ? 1 : -1
    if (event.eventType === 1) events.push({ time, market: { what: 'add', id: order, side, price, lots } })
    else if (event.eventType === 2) events.push({ time, market: { what: 'cancel', id: order, lots } })
    else if (event.eventType === 3) events.push({ time, market: { what: 'modify', id: order, price, lots } })
    else if (event.eventType === 4)
      events.push({ time, market: { what: 'trade', bid: small(BigInt(event.bidOrderId)), ask: small(BigInt(event.askOrderId)), lots } })
  }
  return events
}

/** Orders of our own between those of the market: at and about the best prices, changed and cancelled now and then. */
function withOrders(events: readonly { time: number; market: MarketEvent }[], every: number, random: Random): Step[] {
  const book = new PlainFifoMarket(true)
  const steps: Step[] = []
  let sent = 0
  for (const [i, event] of events.entries()) {
    steps.push(event)
    book.market(event.time, event.market)
    // An event of the same time would come before it.
    if (i % every !== 0 || events[i + 1]?.time === event.time) continue
    const side = random.below(2) === 0 ? 1 : -1
    const best = book.best(side)
    if (best === undefined) continue
    const own = best - side * 100 * (random.below(4) - 1)
    const kind = random.below(6)
    if (sent > 0 && kind === 0) steps.push({ time: event.time, own: { what: 'cancel', id: 1 + random.below(sent) } })
    else if (sent > 0 && kind === 1)
      steps.push({ time: event.time, own: { what: 'modify', id: 1 + random.below(sent), price: own, lots: 1 + random.below(300) } })
    else {
      sent++
      const tif = (['gtc', 'gtc', 'gtx', 'ioc'] as const)[random.below(4)]!
      steps.push({ time: event.time, own: { what: 'new', side, price: own, lots: 1 + random.below(300), tif } })
    }
  }
  return steps
}
