import { describe, expect, test } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { BookEventView, EVENT_DIFF, EVENT_HEARTBEAT, EVENT_RESET, EVENT_SNAPSHOT } from '../../core/protocol/book-event.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { L2DiffView } from '../../core/protocol/l2-diff.ts'
import { L2SnapshotView } from '../../core/protocol/l2-snapshot.ts'
import {
  L3_ADD,
  L3_CANCEL,
  L3_FLAG_PRICE_IS_MARKET,
  L3_MODIFY,
  L3_RESET,
  L3_TRADE,
  L3EventView,
  SIDE_BUY,
} from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { STREAM_BOOK, STREAM_TICKER, STREAM_TRADES } from '../../core/synthetic/synthetic-feed.ts'
import { createSyntheticSymbol, type SyntheticSymbolOptions } from '../../core/synthetic/synthetic-symbol.ts'

const BASE: SyntheticSymbolOptions = { index: 0, messages: 30_000, seed: 7, days: 2 }
const DAY_NS = 86_400_000_000_000n
const FROM_NS = 1_704_067_200_000_000_000n

interface Made {
  readonly stream: number
  readonly day: number
  readonly timeNs: bigint
  readonly payload: Uint8Array
  readonly view: DataView
}

const l2 = make(BASE)

describe('L2', () => {
  test('makes exactly the messages asked for, in every stream', () => {
    expect(l2.made.length).toBe(30_000)
    for (const stream of [STREAM_BOOK, STREAM_TRADES, STREAM_TICKER]) expect(of(l2.made, stream).length).toBeGreaterThan(1000)
    for (const messages of [2, 3, 5, 17]) expect(make({ ...BASE, messages }).made.length).toBe(messages)
  })

  test('diffs have 1 to 20 level updates, 4.3 in the mean, none twice', () => {
    const counts = events(l2.made, EVENT_DIFF).map(({ view, payload }) => {
      const diff = new L2DiffView().wrap(view, 0, payload.length)
      const ticks = [...range(diff.bidCount).map((i) => diff.bidPrice(i)), ...range(diff.askCount).map((i) => -diff.askPrice(i))]
      expect(new Set(ticks).size).toBe(ticks.length)
      return ticks.length
    })
    expect(Math.min(...counts)).toBe(1)
    expect(Math.max(...counts)).toBe(20)
    const mean = counts.reduce((a, b) => a + b, 0) / counts.length
    expect(mean).toBeGreaterThan(4.15)
    expect(mean).toBeLessThan(4.45)
  })

  test('a naive book never crosses, has about 700 levels a side, and agrees with every ticker', () => {
    const book = new NaiveL2()
    for (const { stream, view, payload } of l2.made) {
      if (stream === STREAM_BOOK) {
        book.apply(view, payload.length)
        expect(book.bestBid).toBeLessThan(book.bestAsk)
      } else if (stream === STREAM_TICKER) {
        const ticker = new BookTickerView().wrap(view, 0, payload.length)
        const unit = 10 ** book.priceScale
        expect([ticker.bidPrice, ticker.askPrice]).toEqual([book.bestBid / unit, book.bestAsk / unit])
        expect(ticker.bidQuantity).toBe(book.bids.get(book.bestBid)! / 1000)
      }
    }
    expect(book.bids.size).toBeGreaterThan(600)
    expect(book.asks.size).toBeLessThan(800)
  }, 10_000)

  test('each day begins with a snapshot; without daily snapshots only the first, and the book carries over', () => {
    for (const day of [0, 1]) expect(typeOf(of(l2.made, STREAM_BOOK).find((m) => m.day === day)!)).toBe(EVENT_SNAPSHOT)
    const once = make({ ...BASE, messages: 3000, dailySnapshot: false })
    const second = of(once.made, STREAM_BOOK).find((m) => m.day === 1)!
    expect(typeOf(second)).not.toBe(EVENT_SNAPSHOT)
    const book = new NaiveL2()
    for (const { view, payload } of of(once.made, STREAM_BOOK)) {
      book.apply(view, payload.length)
      expect(book.bestBid).toBeLessThan(book.bestAsk)
    }
    expect(chainBreaks(once.made)).toEqual([])
  })

  test('update ids chain strictly; there are heartbeats, and a reset is followed by a snapshot', () => {
    expect(chainBreaks(l2.made)).toEqual([])
    expect(events(l2.made, EVENT_HEARTBEAT).length).toBeGreaterThan(3)
    const book = of(l2.made, STREAM_BOOK)
    const resets = book.flatMap((m, i) => (typeOf(m) === EVENT_RESET ? [i] : []))
    expect(resets.length).toBe(2)
    for (const i of resets) expect(typeOf(book[i + 1]!)).toBe(EVENT_SNAPSHOT)
  })

  test('gaps break the chain exactly where the result says', () => {
    const { made, gaps } = make({ ...BASE, messages: 5000, gaps: 12 })
    expect(gaps.length).toBe(12)
    const found = chainBreaks(made).map(({ day, ...rest }) => ({ ...rest, date: `2024-01-0${day + 1}` }))
    expect(found).toEqual(gaps.map(({ date, seq, expectedId, foundId }) => ({ seq, expectedId, foundId, date })))
    expect(gaps[0]).toMatchObject({ symbol: 'btcusdt', stream: 'book' })
  })

  test('trades hit the touch: ids ascend by one, the maker side is the resting one', () => {
    const book = new NaiveL2()
    let lastId = 0n
    const sizes: number[] = []
    for (const { stream, view, payload } of l2.made) {
      if (stream === STREAM_BOOK) book.apply(view, payload.length)
      if (stream !== STREAM_TRADES) continue
      const trade = new TradeView().wrap(view, 0, payload.length)
      if (lastId > 0n) expect(trade.tradeId).toBe(lastId + 1n)
      lastId = trade.tradeId
      expect(trade.price).toBe((trade.isBuyerMaker ? book.bestBid : book.bestAsk) / 10 ** book.priceScale)
      sizes.push(trade.quantity)
    }
    sizes.sort((a, b) => a - b)
    // heavy tail: the largest dwarf the median
    expect(sizes[Math.floor(sizes.length * 0.99)]! / sizes[Math.floor(sizes.length / 2)]!).toBeGreaterThan(8)
  }, 10_000)
})

describe('clocks', () => {
  test('record times lie in their day, step back by less than a second, and as often as asked', () => {
    const { made } = make({ ...BASE, stepBack: 0.05 })
    for (const stream of [STREAM_BOOK, STREAM_TRADES, STREAM_TICKER]) {
      const log = of(made, stream)
      const backs = { record: 0, exchange: 0 }
      let latest = 0n
      let latestExchange = 0n
      for (const [i, message] of log.entries()) {
        const { timeNs, day } = message
        if (day !== log[i - 1]?.day) latest = latestExchange = 0n
        const startNs = FROM_NS + BigInt(day) * DAY_NS
        expect(timeNs >= startNs && timeNs < startNs + DAY_NS && latest - timeNs < 1_000_000_000n).toBe(true)
        if (timeNs < latest) backs.record++
        if (exchangeNs(message) < latestExchange) backs.exchange++
        if (timeNs > latest) latest = timeNs
        if (exchangeNs(message) > latestExchange) latestExchange = exchangeNs(message)
      }
      expect(backs.record / log.length).toBeGreaterThan(0.04)
      expect(backs.record / log.length).toBeLessThan(0.06)
      expect(backs.exchange / log.length).toBeGreaterThan(0.03)
    }
  })

  test('without step backs both clocks ascend', () => {
    const { made } = make({ ...BASE, messages: 10_000, stepBack: 0 })
    let previous = { record: 0n, exchange: 0n }
    for (const message of made) {
      const now = { record: message.timeNs, exchange: exchangeNs(message) }
      expect(now.record >= previous.record && now.exchange >= previous.exchange).toBe(true)
      previous = now
    }
  })

  test('skew stays in its range and fills it evenly', () => {
    const { made } = make({ ...BASE, messages: 60_000, skewMs: [-700, 1300], stepBack: 0.005 })
    const quarters = [0, 0, 0, 0]
    for (const message of made) {
      const skewMs = Number(exchangeNs(message) - message.timeNs) / 1e6
      expect(skewMs).toBeGreaterThanOrEqual(-700)
      expect(skewMs).toBeLessThanOrEqual(1300)
      quarters[Math.min(3, Math.floor((skewMs + 700) / 500))]!++
    }
    for (const count of quarters) expect(count / made.length).toBeGreaterThan(0.15)
    const none = make({ ...BASE, messages: 1000, skewMs: [0, 0] })
    expect(none.made.every((message) => exchangeNs(message) === message.timeNs)).toBe(true)
  })

  test('a day is filled from end to end, in bursts', () => {
    const minutes = new Array<number>(1440).fill(0)
    for (const { day, timeNs } of l2.made) if (day === 0) minutes[Number((timeNs - FROM_NS) / 60_000_000_000n)]!++
    const hours = range(24).map((hour) => minutes.slice(hour * 60, hour * 60 + 60).reduce((a, b) => a + b, 0))
    expect(Math.min(...hours)).toBeGreaterThan(0)
    const mean = minutes.reduce((a, b) => a + b, 0) / minutes.length
    const variance = minutes.reduce((a, b) => a + (b - mean) ** 2, 0) / minutes.length
    expect(variance / mean).toBeGreaterThan(3) // 1 for a Poisson process
  })
})

describe('L3', () => {
  const { made } = make({ ...BASE, level: 'l3', messages: 20_000 })

  test('every id is live, every quantity fits, and the book never crosses', () => {
    const book = new NaiveL3()
    for (const message of of(made, STREAM_BOOK)) {
      book.apply(l3(message))
      expect(book.isCrossed()).toBe(false)
    }
    expect(book.kinds[L3_TRADE]).toBeGreaterThan(500)
    expect(
      Math.min(book.kinds[L3_ADD]!, book.kinds[L3_CANCEL]!, book.kinds[L3_MODIFY]!, book.partialCancels, book.marketOrders),
    ).toBeGreaterThan(100)
  }, 10_000)

  test('fills take the front of the best queue', () => {
    const book = new NaiveL3()
    for (const message of of(made, STREAM_BOOK).slice(0, 4000)) {
      const event = l3(message)
      if (event.eventType === L3_TRADE) {
        const resting = event.side === SIDE_BUY ? event.askOrderId : event.bidOrderId
        expect(resting).toBe(book.front(event.side !== SIDE_BUY))
      }
      book.apply(event)
    }
  })

  test('header sequences are contiguous over days, but for the gaps injected', () => {
    const seqs = (messages: readonly Made[]) => of(messages, STREAM_BOOK).map(({ view }) => new BookEventView().wrap(view, 0, 128).seq)
    expect(seqs(made).every((seq, i) => seq === BigInt(i + 1))).toBe(true)
    const gapped = make({ ...BASE, level: 'l3', messages: 4000, gaps: 5 })
    const all = seqs(gapped.made)
    const breaks = all.flatMap((seq, i) => (i > 0 && seq !== all[i - 1]! + 1n ? [Number(seq)] : []))
    expect(breaks).toEqual(gapped.gaps.map((gap) => gap.foundId))
    expect(gapped.gaps.length).toBe(5)
  })

  test('a restart point gives the same book as the days before it', () => {
    const carried = new NaiveL3()
    const fresh = new NaiveL3()
    const book = of(made, STREAM_BOOK)
    const restart = book.findIndex(({ day }) => day === 1)
    for (const message of book.slice(0, restart)) carried.apply(l3(message))
    // The restart point itself: a reset, and an add per live order.
    const end = restart + 1 + carried.orders.size
    for (const message of book.slice(restart)) fresh.apply(l3(message))
    for (const message of book.slice(end)) carried.apply(l3(message))
    expect(l3(book[restart]!).eventType).toBe(L3_RESET)
    expect([...fresh.orders].sort()).toEqual([...carried.orders].sort())
  })

  test.each([64, 65, 100])('the smallest day has %i messages', (messages) => {
    expect(make({ ...BASE, level: 'l3', days: 1, messages }).made.length).toBe(messages)
  })
})

test('streams that are left out change nothing but the count', () => {
  const { made } = make({ ...BASE, messages: 2000, streams: ['trades'] })
  expect(made.length).toBe(2000)
  expect(made.every((message) => message.stream === STREAM_TRADES)).toBe(true)
})

test('names differ, and so do market ids', () => {
  const identities = range(300).map((index) => createSyntheticSymbol({ ...BASE, index, level: 'l3' }).identity)
  expect(new Set(identities.map(({ symbol }) => symbol)).size).toBe(300)
  expect(new Set(identities.map(({ marketId }) => marketId)).size).toBe(300)
})

test.each([
  [{ messages: 0 }, 'messages'],
  [{ messages: 1.5 }, 'messages'],
  [{ level: 'l3', messages: 127 }, 'messages'],
  [{ days: 0 }, 'days'],
  [{ seed: -1 }, 'seed'],
  [{ from: '2024-02-30' }, 'from'],
  [{ from: 'yesterday' }, 'from'],
  [{ streams: [] }, 'streams'],
  [{ skewMs: [1, 0] }, 'skewMs'],
  [{ stepBack: 1.1 }, 'stepBack'],
  [{ gaps: 1, streams: ['trades'] }, 'gaps'],
  [{ gaps: 800 }, 'gaps'],
] as [Partial<SyntheticSymbolOptions>, string][])('refuses %j', (change, name) => {
  try {
    createSyntheticSymbol({ ...BASE, ...change })
  } catch (error) {
    expect(error).toBeInstanceOf(ReplayError)
    expect(error).toMatchObject({
      code: 'generate-option',
      category: 'input',
      message: expect.stringMatching(`^${name}: expected .*; given `),
    })
    return
  }
  throw new Error('expected an error, got none')
})

function make(options: SyntheticSymbolOptions) {
  const symbol = createSyntheticSymbol(options)
  const made: Made[] = []
  let day = -1
  const output = {
    write(stream: number, _type: number, low: number, high: number, payload: Uint8Array, start: number, length: number) {
      const copy = payload.slice(start, start + length)
      made.push({ stream, day, timeNs: (BigInt(high) << 32n) | BigInt(low), payload: copy, view: new DataView(copy.buffer) })
    },
  }
  for (day = 0; symbol.startDay(output); day++) while (symbol.run(1000));
  return { made, gaps: symbol.gaps }
}

function of(made: readonly Made[], stream: number): Made[] {
  return made.filter((message) => message.stream === stream)
}

function typeOf({ view, payload }: Made): number {
  return new BookEventView().wrap(view, 0, payload.length).eventType
}

function l3({ view, payload }: Made): L3EventView {
  return new L3EventView().wrap(view, 0, payload.length)
}

function events(made: readonly Made[], eventType: number): Made[] {
  return of(made, STREAM_BOOK).filter((message) => typeOf(message) === eventType)
}

function exchangeNs({ stream, view }: Made): bigint {
  return view.getBigUint64(stream === STREAM_BOOK ? 32 : 0, true)
}

/** Diffs that do not continue the diff or snapshot before. */
function chainBreaks(made: readonly Made[]) {
  const breaks: { day: number; seq: number; expectedId: number; foundId: number }[] = []
  let last = 0n
  for (const { day, view, payload } of of(made, STREAM_BOOK)) {
    const header = new BookEventView().wrap(view, 0, payload.length)
    if (header.eventType === EVENT_SNAPSHOT) last = header.nativeSeq
    if (header.eventType !== EVENT_DIFF) continue
    const diff = new L2DiffView().wrap(view, 0, payload.length)
    if (diff.updateIdFirst !== last + 1n) {
      breaks.push({ day, seq: Number(header.seq), expectedId: Number(last + 1n), foundId: Number(diff.updateIdFirst) })
    }
    expect(diff.updateIdPrev).toBe(diff.updateIdFirst - 1n)
    expect(diff.updateIdLast).toBe(header.nativeSeq)
    last = diff.updateIdLast
  }
  return breaks
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** The book rules of docs/format.md, L2 books, as plainly as possible. Best prices are looked for only when a level goes. */
class NaiveL2 {
  readonly bids = new Map<number, number>()
  readonly asks = new Map<number, number>()
  bestBid = Number.NEGATIVE_INFINITY
  bestAsk = Number.POSITIVE_INFINITY
  priceScale = 0

  apply(view: DataView, length: number): void {
    const { eventType } = new BookEventView().wrap(view, 0, length)
    if (eventType !== EVENT_SNAPSHOT && eventType !== EVENT_DIFF) return
    const levels = (eventType === EVENT_SNAPSHOT ? new L2SnapshotView() : new L2DiffView()).wrap(view, 0, length)
    if (eventType === EVENT_SNAPSHOT) {
      this.bids.clear()
      this.asks.clear()
    }
    this.priceScale = levels.priceScale
    for (let i = 0; i < levels.bidCount; i++) put(this.bids, levels.bidPrice(i), levels.bidSize(i))
    for (let i = 0; i < levels.askCount; i++) put(this.asks, levels.askPrice(i), levels.askSize(i))
    this.bestBid = Number.NEGATIVE_INFINITY
    this.bestAsk = Number.POSITIVE_INFINITY
    for (const price of this.bids.keys()) if (price > this.bestBid) this.bestBid = price
    for (const price of this.asks.keys()) if (price < this.bestAsk) this.bestAsk = price
  }
}

function put(side: Map<number, number>, price: number, size: number): void {
  if (size === 0) side.delete(price)
  else side.set(price, size)
}

/** The book rules of docs/format.md, L3 books; throws where a message names what is not there. Queues are kept by insertion order. */
class NaiveL3 {
  readonly orders = new Map<bigint, { isBuy: boolean; price: number; quantity: number }>()
  readonly queues = { buy: new Map<number, Set<bigint>>(), sell: new Map<number, Set<bigint>>() }
  readonly kinds: Record<number, number> = {}
  partialCancels = 0
  marketOrders = 0

  apply(event: L3EventView): void {
    this.kinds[event.eventType] = (this.kinds[event.eventType] ?? 0) + 1
    switch (event.eventType) {
      case L3_RESET:
        this.orders.clear()
        this.queues.buy.clear()
        this.queues.sell.clear()
        break
      case L3_ADD:
        if (this.orders.has(event.orderId)) throw new Error(`order ${event.orderId} is live already`)
        if (event.flags === L3_FLAG_PRICE_IS_MARKET) this.marketOrders++
        this.orders.set(event.orderId, { isBuy: event.side === SIDE_BUY, price: event.price, quantity: event.quantity })
        this.#enqueue(event.orderId)
        break
      case L3_CANCEL:
        if (event.quantity > 0 && event.quantity < this.#order(event.orderId).quantity) this.partialCancels++
        this.#take(event.orderId, event.quantity)
        break
      case L3_MODIFY: {
        const order = this.#order(event.orderId)
        if (event.quantity > 0) order.quantity = event.quantity
        if (event.price > 0 && event.price !== order.price) {
          this.#dequeue(event.orderId)
          order.price = event.price
          this.#enqueue(event.orderId)
        }
        break
      }
      case L3_TRADE:
        this.#take(event.bidOrderId, event.quantity)
        this.#take(event.askOrderId, event.quantity)
    }
  }

  isCrossed(): boolean {
    return this.#best(true) >= this.#best(false)
  }

  front(isBuy: boolean): bigint {
    return [...this.#side(isBuy).get(this.#best(isBuy))!][0]!
  }

  #best(isBuy: boolean): number {
    let best = isBuy ? 0 : Number.POSITIVE_INFINITY
    for (const price of this.#side(isBuy).keys()) if (isBuy ? price > best : price < best) best = price
    return best
  }

  #take(id: bigint, quantity: number): void {
    const order = this.#order(id)
    if (quantity > order.quantity) throw new Error(`order ${id} has ${order.quantity}, not ${quantity}`)
    order.quantity -= quantity === 0 ? order.quantity : quantity
    if (order.quantity > 0) return
    this.#dequeue(id)
    this.orders.delete(id)
  }

  #order(id: bigint) {
    const order = this.orders.get(id)
    if (order === undefined) throw new Error(`order ${id} is not live`)
    return order
  }

  #side(isBuy: boolean): Map<number, Set<bigint>> {
    return isBuy ? this.queues.buy : this.queues.sell
  }

  #enqueue(id: bigint): void {
    const { isBuy, price } = this.#order(id)
    if (price === 0) return
    const side = this.#side(isBuy)
    side.set(price, (side.get(price) ?? new Set()).add(id))
  }

  #dequeue(id: bigint): void {
    const { isBuy, price } = this.#order(id)
    const queue = this.#side(isBuy).get(price)
    queue?.delete(id)
    if (queue?.size === 0) this.#side(isBuy).delete(price)
  }
}
