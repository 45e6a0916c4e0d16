import { describe, expect, it } from 'vitest'
import { RESULT_NAMES } from '../../core/book/apply-result.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { encodeSnapshot } from '../../core/book/snapshot/snapshot-file.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { encodeBookEvent } from '../../core/protocol/book-event.ts'
import { encodeBookTicker } from '../../core/protocol/book-ticker.ts'
import { encodeL2Diff } from '../../core/protocol/l2-diff.ts'
import { encodeL2Snapshot } from '../../core/protocol/l2-snapshot.ts'
import { encodeL3Event } from '../../core/protocol/l3-event.ts'
import { encodeTrade } from '../../core/protocol/trade.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const header = { venueId: 1, marketId: 2, streamId: 3, ingestTsNs: 4n, exchangeTsNs: 5n, seq: 6n, nativeSeq: 7n, flags: 1 }
const diff = { ...header, updateIdFirst: 0n, updateIdLast: 0n, updateIdPrev: 0n, priceScale: 2, sizeScale: 3, bids: [], asks: [] }
const snapshot = { ...header, priceScale: 2, sizeScale: 3, bids: [], asks: [] }
const l3 = {
  ...header,
  ...{ eventType: 1, side: 1, orderType: 2, execType: 0, priceScale: 2, sizeScale: 0, l3Flags: 0 },
  ...{ orderId: 1n, bidOrderId: 0n, askOrderId: 0n, price: 1n, quantity: 1n, amount: 0n },
}
const trade = {
  timestampNs: 1n,
  price: 1,
  quantity: 1,
  tradeId: 1n,
  buyerOrderId: 0n,
  sellerOrderId: 0n,
  isBuyerMaker: false,
  symbolHash: 1n,
}
const ticker = { timestampNs: 1n, bidPrice: 1, bidQuantity: 1, askPrice: 2, askQuantity: 1, symbolHash: 1n }
const snapshotHeader = {
  bookMode: 0,
  venueId: 1,
  marketId: 1,
  seq: 0n,
  ingestStartNs: 0n,
  ingestEndNs: 0n,
  exchangeStartNs: 0n,
  exchangeEndNs: 0n,
}

/** Each encoder, what it encodes, and the bits of its integer fields; 64-bit doubles are `f64`. */
const ENCODERS: readonly [string, (view: DataView, fields: never) => unknown, object, Record<string, number | 'f64'>][] = [
  [
    'book event',
    (view, fields) => encodeBookEvent(view, 0, fields, 2, 0),
    header,
    { venueId: 16, marketId: 32, streamId: 32, ingestTsNs: 64, exchangeTsNs: 64, seq: 64, nativeSeq: 64, flags: 16 },
  ],
  [
    'L2 diff',
    (view, fields) => encodeL2Diff(view, 0, fields),
    diff,
    { updateIdFirst: 64, updateIdLast: 64, updateIdPrev: 64, priceScale: 8, sizeScale: 8, diffFlags: 16 },
  ],
  ['L2 snapshot', (view, fields) => encodeL2Snapshot(view, 0, fields), snapshot, { priceScale: 8, sizeScale: 8 }],
  [
    'L3 event',
    (view, fields) => encodeL3Event(view, 0, fields),
    l3,
    {
      ...{ eventType: 8, side: 8, orderType: 8, execType: 8, priceScale: 8, sizeScale: 8, l3Flags: 32 },
      ...{ orderId: 64, bidOrderId: 64, askOrderId: 64, price: 64, quantity: 64, amount: 64 },
    },
  ],
  [
    'trade',
    (view, fields) => encodeTrade(view, 0, fields),
    trade,
    { timestampNs: 64, price: 'f64', quantity: 'f64', tradeId: 64, buyerOrderId: 64, sellerOrderId: 64, symbolHash: 64 },
  ],
  [
    'book ticker',
    (view, fields) => encodeBookTicker(view, 0, fields),
    ticker,
    { timestampNs: 64, bidPrice: 'f64', bidQuantity: 'f64', askPrice: 'f64', askQuantity: 'f64', symbolHash: 64 },
  ],
  [
    'snapshot',
    (_view, fields) => encodeSnapshot({ ...(fields as typeof snapshotHeader), bookHash: new Uint8Array(16) }, new Uint8Array(0)),
    snapshotHeader,
    { venueId: 32, marketId: 32, seq: 64, ingestStartNs: 64, ingestEndNs: 64, exchangeStartNs: 64, exchangeEndNs: 64 },
  ],
]

const CASES = ENCODERS.flatMap(([record, encode, fields, bits]) =>
  Object.entries(bits).flatMap(([field, size]) => {
    const bad =
      size === 'f64'
        ? ['1', undefined, 1n]
        : size === 64
          ? [-1n, -3763n, 2n ** 64n, -1, 1.5, 2 ** 53, Number.NaN]
          : [-1, 2 ** size, 1.5, Number.NaN]
    return bad.map((value) => [record, field, value, encode, fields] as const)
  }),
)

describe('encoders', () => {
  it.each(CASES)('%s: %s refuses %s', (record, field, value, encode, fields) => {
    const view = new DataView(new ArrayBuffer(256))
    expect(() => encode(view, { ...fields, [field]: value } as never)).toThrow(
      expect.objectContaining({
        code: 'number-range',
        category: 'input',
        message: expect.stringMatching(
          new RegExp(`^${field === 'venueId' || field in header ? '.*' : record}: ${field}: expected .*, found `),
        ),
      }),
    )
  })

  it.each(ENCODERS)('%s takes the ends of its fields', (_record, encode, fields, bits) => {
    const view = new DataView(new ArrayBuffer(256))
    for (const [field, size] of Object.entries(bits)) {
      const good = size === 'f64' ? [Number.NaN, -1e308, Number.POSITIVE_INFINITY] : size === 64 ? [0n, 2n ** 64n - 1n] : [0, 2 ** size - 1]
      for (const value of good) encode(view, { ...fields, [field]: value } as never)
    }
  })

  it('levels refuse what is negative, and say which one and what to do', () => {
    const view = new DataView(new ArrayBuffer(256))
    const errorOf = (bids: [bigint | number, bigint | number][]) => {
      try {
        return encodeL2Diff(view, 0, { ...diff, bids })
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(
      errorOf([
        [1n, 1n],
        [-3763n, 1000n],
      ]),
    ).toBe(
      'L2 diff: bids[1] price: expected an integer from 0 to 2^64 - 1, found -3763; prices of books are unsigned: see docs/negative-prices.md',
    )
    expect(errorOf([[1n, -1]])).toMatch(/^L2 diff: bids\[0\] size: expected a whole number from 0 to 2\^53 - 1, .*, found -1$/)
    const many = Array.from({ length: 65_536 }, () => [1, 1] as const)
    const room = new DataView(new ArrayBuffer(96 + 16 * 65_536))
    expect(() => encodeL2Diff(room, 0, { ...diff, asks: many })).toThrow(/^L2 diff: number of asks: expected .* 65535, found 65536/)
  })

  it('logs refuse record times that no u64 holds', () => {
    const folder = temporaryFolder('value-ranges')
    const log = LogWriter.open(`${folder}/log`, { segmentBytes: 1 << 16 })
    const queue = QueueWriter.open(`${folder}/queue`, { segmentBytes: 1 << 16 })
    for (const time of [-1n, 2n ** 64n]) {
      const refusal = expect.objectContaining({ code: 'number-range', message: expect.stringMatching(/^record time: expected an integer/) })
      expect(() => log.append(1, time, new Uint8Array(8))).toThrow(refusal)
      expect(() => queue.appendWithTimestamp(1, time, new Uint8Array(8))).toThrow(refusal)
    }
    log.append(1, 2n ** 64n - 1n, new Uint8Array(8))
    log.finish()
    queue.close()
  })
})

describe('books of what a signed writer wrote', () => {
  /** A payload with a level whose price and size are the given i64. */
  function written(price: bigint, size: bigint, isSnapshot: boolean): { words: Uint32Array; length: number } {
    const view = new DataView(new ArrayBuffer(256))
    const length = isSnapshot
      ? encodeL2Snapshot(view, 0, { ...snapshot, bids: [[1n, 1n]], asks: [] })
      : encodeL2Diff(view, 0, { ...diff, bids: [[1n, 1n]] })
    view.setBigInt64(length - 16, price, true)
    view.setBigInt64(length - 8, size, true)
    return { words: new Uint32Array(view.buffer), length }
  }

  it.each<[bigint, bigint, string]>([
    [-3763n, 1000n, 'unrepresentable-price'],
    [-2048n, 1000n, 'unrepresentable-price'], // 2^64 - 2048 is exact in a double
    [-1n, 0n, 'unrepresentable-price'],
    [-(2n ** 63n) + 2048n, 1n, 'unrepresentable-price'],
    [100n, -1024n * 2n, 'unrepresentable-size'],
    [2n ** 62n, 1n, 'applied'],
    [2n ** 53n + 1n, 1n, 'out-of-range'],
    [0n, 5n, 'applied'],
  ])('price %s, size %s: %s', (price, size, expected) => {
    for (const isSnapshot of [true, false]) {
      const book = new L2Book()
      const { words, length } = written(price, size, isSnapshot)
      expect(RESULT_NAMES[book.applyPayload(words, 0, length)]).toBe(expected)
      if (expected === 'applied') expect(book.bids.bestPrice).toBe(Number(price))
      else expect([book.bids.count, book.asks.count]).toEqual([0, 0])
    }
  })

  it('holds for orders as well', () => {
    for (const [price, quantity, expected] of [
      [-2048n, 1n, 'unrepresentable-price'],
      [5n, -2048n, 'unrepresentable-size'],
      [5n, 1n, 'applied'],
    ] as const) {
      const view = new DataView(new ArrayBuffer(128))
      encodeL3Event(view, 0, l3)
      view.setBigInt64(104, price, true)
      view.setBigInt64(112, quantity, true)
      expect(RESULT_NAMES[new L3Book().applyPayload(new Uint32Array(view.buffer), 0, 128)]).toBe(expected)
    }
  })
})
