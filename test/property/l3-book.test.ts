import { blake3 } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  APPLIED,
  CORRUPT_EVENT,
  CORRUPT_LENGTH,
  FIRST_BAD_RESULT,
  INVALID_ORDER,
  OTHER_CHANNEL,
  OUT_OF_RANGE,
  SKIPPED_MODE,
  UNKNOWN_ORDER,
} from '../../core/book/apply-result.ts'
import { bookHash } from '../../core/book/book-hash.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { ORDER_NEXT, ORDER_QUANTITY, OrderStore } from '../../core/book/order-store.ts'
import type { PriceLevels } from '../../core/book/price-levels.ts'
import { diff, l3, messageOf } from '../support/book-messages.ts'

const ADD = 1
const CANCEL = 2
const MODIFY = 3
const TRADE = 4
const RESET = 5

interface Order {
  id: bigint
  side: number
  orderType: number
  price: bigint
  quantity: bigint
  flags: number
  time: bigint
  /** Whether it is in a queue. */
  rests: boolean
}

type Event = {
  eventType: number
  side: number
  orderType: number
  l3Flags: number
  orderId: bigint
  bidOrderId: bigint
  askOrderId: bigint
  price: bigint
  quantity: bigint
  exchangeTsNs: bigint
  priceScale: number
  sizeScale: number
}

/** The rules of docs/format.md, L3 books with lists: a queue is the orders of one price, in the order of this list. */
class NaiveL3 {
  queue: Order[] = []
  scales = [-1, -1]

  apply(e: Event): void {
    if (e.eventType === RESET) this.queue = []
    const empty = this.queue.length === 0
    const next = empty ? [e.priceScale, e.sizeScale] : [Math.max(e.priceScale, this.scales[0]!), Math.max(e.sizeScale, this.scales[1]!)]
    for (const order of this.queue) {
      order.price *= 10n ** BigInt(next[0]! - this.scales[0]!)
      order.quantity *= 10n ** BigInt(next[1]! - this.scales[1]!)
    }
    this.scales = next
    const price = e.price * 10n ** BigInt(next[0]! - e.priceScale)
    const quantity = e.quantity * 10n ** BigInt(next[1]! - e.sizeScale)
    if (e.eventType === ADD) {
      this.queue = this.queue.filter((order) => order.id !== e.orderId)
      const rests = e.side !== 0 && price > 0n && (e.l3Flags & 1) === 0
      this.queue.push({
        id: e.orderId,
        side: e.side,
        orderType: e.orderType,
        price,
        quantity,
        flags: e.l3Flags,
        time: e.exchangeTsNs,
        rests,
      })
    } else if (e.eventType === CANCEL) this.#reduce(e.orderId, quantity, e.exchangeTsNs)
    else if (e.eventType === MODIFY) this.#modify(e, price, quantity)
    else if (e.eventType === TRADE) {
      const named = [e.bidOrderId, e.askOrderId].filter((id) => id !== 0n)
      for (const id of named.length > 0 ? named : [e.orderId]) this.#reduce(id, quantity, e.exchangeTsNs)
    }
  }

  #reduce(id: bigint, quantity: bigint, time: bigint): void {
    const order = this.queue.find((each) => each.id === id)
    if (order === undefined) return
    order.time = time
    order.quantity = quantity === 0n || quantity >= order.quantity ? 0n : order.quantity - quantity
    if (order.quantity === 0n) this.queue = this.queue.filter((each) => each !== order)
  }

  #modify(e: Event, price: bigint, quantity: bigint): void {
    const order = this.queue.find((each) => each.id === e.orderId)
    if (order === undefined) return
    order.time = e.exchangeTsNs
    if (quantity !== 0n) order.quantity = quantity
    const newPrice = price === 0n ? order.price : price
    const rests = order.side !== 0 && newPrice > 0n && (e.l3Flags & 1) === 0
    if (newPrice !== order.price || rests !== order.rests) this.queue = [...this.queue.filter((each) => each !== order), order]
    order.price = newPrice
    order.rests = rests
  }

  hash(): string {
    const bytes = [this.scales[0]!, this.scales[1]!]
    const put = (value: bigint, count: number) => {
      for (let i = 0; i < count; i++) bytes.push(Number((value >> BigInt(8 * i)) & 255n))
    }
    for (const order of [...this.queue].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      put(order.id, 8)
      bytes.push(order.side, order.orderType)
      put(order.price, 8)
      put(order.quantity, 8)
      put(BigInt(order.flags), 4)
      put(order.time, 8)
    }
    return Buffer.from(blake3(Uint8Array.from(bytes)).subarray(0, 16)).toString('hex')
  }
}

const id = fc.oneof(fc.bigInt({ min: 1n, max: 12n }), fc.constantFrom(2n ** 64n - 1n, 2n ** 40n + 1n))
const optionalId = fc.oneof(fc.constant(0n), id)
const event: fc.Arbitrary<Event> = fc.record({
  eventType: fc.constantFrom(ADD, ADD, ADD, ADD, CANCEL, MODIFY, MODIFY, TRADE, TRADE, TRADE),
  side: fc.constantFrom(1, 2, 1, 2, 0),
  orderType: fc.nat(3),
  l3Flags: fc.constantFrom(0, 0, 0, 0, 1, 2, 4),
  orderId: id,
  bidOrderId: optionalId,
  askOrderId: optionalId,
  price: fc.oneof(fc.bigInt({ min: 100n, max: 105n }), fc.constant(0n)),
  quantity: fc.oneof(fc.bigInt({ min: 1n, max: 9n }), fc.constant(0n)),
  exchangeTsNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  priceScale: fc.constantFrom(2, 2, 2, 2, 2, 2, 2, 1, 3),
  sizeScale: fc.constantFrom(0, 0, 0, 0, 0, 0, 1),
})

function queueAt(book: L3Book, levels: PriceLevels, price: number): number[] {
  const quantities: number[] = []
  for (let order = levels.headAt(price); order >= 0; order = book.orders.words[order * 16 + ORDER_NEXT]!)
    quantities.push(book.orders.doubles[order * 8 + ORDER_QUANTITY]!)
  return quantities
}

function expectEqual(book: L3Book, naive: NaiveL3): void {
  expect(book.orders.count).toBe(naive.queue.length)
  expect(Buffer.from(bookHash(book)).toString('hex')).toBe(naive.hash())
  for (const [side, levels] of [
    [1, book.bids],
    [2, book.asks],
  ] as const) {
    const resting = naive.queue.filter((order) => order.rests && order.side === side)
    const prices = [...new Set(resting.map((order) => order.price))]
    expect(levels.prices().length).toBe(prices.length)
    let visible = 0
    for (const price of prices) {
      const queue = resting.filter((order) => order.price === price)
      const total = queue.reduce((sum, order) => sum + Number(order.quantity), 0)
      expect(queueAt(book, levels, Number(price))).toEqual(queue.map((order) => Number(order.quantity)))
      expect(levels.ordersAt(Number(price))).toBe(queue.length)
      expect(levels.totals.sizeAt(Number(price))).toBe(total)
      if (total > 0) visible++
      for (const [position, order] of queue.entries()) {
        expect(book.queuePosition(order.id)).toBe(position)
        expect(book.quantityAhead(order.id)).toBe(queue.slice(0, position).reduce((sum, each) => sum + Number(each.quantity), 0))
      }
    }
    expect(levels.totals.count).toBe(visible)
  }
  for (const order of naive.queue) if (!order.rests) expect(book.queuePosition(order.id)).toBe(-1)
}

describe('L3 book', () => {
  it('equals a naive book on random streams: orders, queues, totals, hash, scale changes, resets', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 60 }), fc.nat(99), (events, resetAt) => {
        const book = new L3Book()
        const naive = new NaiveL3()
        for (const [i, each] of events.entries()) {
          const e = i === resetAt ? { ...each, eventType: RESET } : each
          expect(book.apply(messageOf(l3(e)))).toBeLessThan(FIRST_BAD_RESULT)
          naive.apply(e)
          expectEqual(book, naive)
        }
      }),
    )
  })

  it('says what it does not apply, and changes nothing', () => {
    const book = new L3Book()
    expect(book.apply(messageOf(l3({ eventType: ADD, side: 1, orderId: 1n, price: 100n, quantity: 5n })))).toBe(APPLIED)
    const before = bookHash(book)
    const wrongLength = l3({ eventType: ADD })
    wrongLength[4] = 127
    expect(book.apply(messageOf(l3({ eventType: CANCEL, orderId: 2n })))).toBe(UNKNOWN_ORDER)
    expect(book.apply(messageOf(l3({ eventType: MODIFY, orderId: 2n, price: 1n })))).toBe(UNKNOWN_ORDER)
    expect(book.apply(messageOf(l3({ eventType: CANCEL, orderId: 0n })))).toBe(APPLIED)
    expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 0n })))).toBe(INVALID_ORDER)
    expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 3n, side: 3 })))).toBe(CORRUPT_EVENT)
    expect(book.apply(messageOf(l3({ eventType: 7 })))).toBe(CORRUPT_EVENT)
    expect(book.apply(messageOf(l3({ eventType: 0 })))).toBe(CORRUPT_EVENT)
    expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 3n, side: 1, price: 2n ** 53n + 1n })))).toBe(OUT_OF_RANGE)
    expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 3n, side: 1, price: 100n, quantity: 2n ** 53n - 1n })))).toBe(OUT_OF_RANGE)
    expect(book.apply(messageOf(l3({ eventType: RESET, priceScale: 19 })))).toBe(OUT_OF_RANGE)
    expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 3n, streamId: 4 })))).toBe(OTHER_CHANNEL)
    expect(book.apply(messageOf(wrongLength))).toBe(CORRUPT_LENGTH)
    expect(book.apply(messageOf(diff([], [])))).toBe(SKIPPED_MODE)
    for (let length = 0; length < 128; length++)
      expect(book.apply(messageOf(l3({ eventType: ADD, orderId: 9n }).slice(0, length)))).toBe(CORRUPT_LENGTH)
    expect(bookHash(book)).toEqual(before)
  })

  it('applies a trade to the order it knows when the other is unknown', () => {
    const book = new L3Book()
    book.apply(messageOf(l3({ eventType: ADD, side: 1, orderId: 1n, price: 100n, quantity: 5n })))
    expect(book.apply(messageOf(l3({ eventType: TRADE, bidOrderId: 1n, askOrderId: 2n, quantity: 2n })))).toBe(UNKNOWN_ORDER)
    expect(book.bids.totals.bestSize).toBe(3)
  })
})

describe('order store', () => {
  it('finds what a map finds through growth, removal and reuse', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(2 ** 31 - 1)), (random) => {
        const store = new OrderStore()
        const naive = new Map<string, number>()
        for (let i = 0; i < 5000; i++) {
          const low = (random.next().value as number) % 3000
          const high = (random.next().value as number) % 2
          const known = naive.get(`${low} ${high}`)
          expect(store.find(low, high)).toBe(known ?? -1)
          if (known === undefined) naive.set(`${low} ${high}`, store.insert(low, high))
          else if (i % 3 !== 0) {
            store.remove(known)
            naive.delete(`${low} ${high}`)
          }
        }
        expect(store.count).toBe(naive.size)
        expect(new Set(store.sortedSlots())).toEqual(new Set(naive.values()))
      }),
      { numRuns: 5 },
    )
  })
})
