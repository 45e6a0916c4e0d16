import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { MessageBatch } from '../../core/message/batch.ts'
import type { BatchOrigin } from '../../core/message/message.ts'
import { BookEventView, encodeBookEvent } from '../../core/protocol/book-event.ts'
import { BookTickerView, encodeBookTicker } from '../../core/protocol/book-ticker.ts'
import { encodeL2Diff, L2DiffView } from '../../core/protocol/l2-diff.ts'
import { encodeL2Snapshot, L2SnapshotView } from '../../core/protocol/l2-snapshot.ts'
import { encodeL3Event, L3EventView } from '../../core/protocol/l3-event.ts'
import { encodeTrade, TradeView } from '../../core/protocol/trade.ts'

const u8 = fc.integer({ min: 0, max: 0xff })
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const u53 = fc.maxSafeNat()
const f64 = fc.double({ noNaN: true })
const levels = fc.array(fc.tuple(u53, u53), { maxLength: 12 })

const header = { venueId: u16, marketId: u32, streamId: u32, ingestTsNs: u64, exchangeTsNs: u64, seq: u64, nativeSeq: u64, flags: u16 }
type Field = bigint | number | boolean | [number, number][]
type Fields = Record<string, Field>

interface Codec {
  readonly name: string
  readonly fields: fc.Arbitrary<Fields>
  encode(view: DataView, offset: number, fields: Fields): number
  decode(view: DataView, offset: number, length: number): Fields
}

const CODECS: Codec[] = [
  {
    name: 'book event',
    fields: fc.record({ ...header, eventType: fc.integer({ min: 1, max: 4 }), bookMode: fc.integer({ min: 0, max: 1 }) }),
    encode: (view, offset, f) => encodeBookEvent(view, offset, f as never, f.eventType as number, f.bookMode as number),
    decode: (view, offset, length) =>
      pick(new BookEventView().wrap(view, offset, length), [...Object.keys(header), 'eventType', 'bookMode']),
  },
  {
    name: 'L2 diff',
    fields: fc.record({
      ...header,
      updateIdFirst: u64,
      updateIdLast: u64,
      updateIdPrev: u64,
      priceScale: u8,
      sizeScale: u8,
      diffFlags: u16,
      bids: levels,
      asks: levels,
    }),
    encode: (view, offset, f) => encodeL2Diff(view, offset, f as never),
    decode(view, offset, length) {
      const diff = new L2DiffView().wrap(view, offset, length)
      const own = pick(diff, ['updateIdFirst', 'updateIdLast', 'updateIdPrev', 'priceScale', 'sizeScale'])
      return { ...pick(diff.header, Object.keys(header)), ...own, diffFlags: diff.flags, ...levelsOf(diff) }
    },
  },
  {
    name: 'L2 snapshot',
    fields: fc.record({ ...header, priceScale: u8, sizeScale: u8, bids: levels, asks: levels }),
    encode: (view, offset, f) => encodeL2Snapshot(view, offset, f as never),
    decode(view, offset, length) {
      const snapshot = new L2SnapshotView().wrap(view, offset, length)
      return { ...pick(snapshot.header, Object.keys(header)), ...pick(snapshot, ['priceScale', 'sizeScale']), ...levelsOf(snapshot) }
    },
  },
  {
    name: 'L3 event',
    fields: fc.record({
      ...header,
      eventType: u8,
      side: u8,
      orderType: u8,
      execType: u8,
      priceScale: u8,
      sizeScale: u8,
      l3Flags: u32,
      orderId: u64,
      bidOrderId: u64,
      askOrderId: u64,
      price: u53,
      quantity: u53,
      amount: u64,
    }),
    encode: (view, offset, f) => encodeL3Event(view, offset, f as never),
    decode(view, offset, length) {
      const event = new L3EventView().wrap(view, offset, length)
      const own = [
        'eventType',
        'side',
        'orderType',
        'execType',
        'priceScale',
        'sizeScale',
        'orderId',
        'bidOrderId',
        'askOrderId',
        'price',
        'quantity',
        'amount',
      ]
      return { ...pick(event.header, Object.keys(header)), ...pick(event, own), l3Flags: event.flags }
    },
  },
  {
    name: 'book ticker',
    fields: fc.record({ timestampNs: u64, bidPrice: f64, bidQuantity: f64, askPrice: f64, askQuantity: f64, symbolHash: u64 }),
    encode: (view, offset, f) => encodeBookTicker(view, offset, f as never),
    decode: (view, offset, length) =>
      pick(new BookTickerView().wrap(view, offset, length), [
        'timestampNs',
        'bidPrice',
        'bidQuantity',
        'askPrice',
        'askQuantity',
        'symbolHash',
      ]),
  },
  {
    name: 'trade',
    fields: fc.record({
      timestampNs: u64,
      price: f64,
      quantity: f64,
      tradeId: u64,
      buyerOrderId: u64,
      sellerOrderId: u64,
      isBuyerMaker: fc.boolean(),
      symbolHash: u64,
    }),
    encode: (view, offset, f) => encodeTrade(view, offset, f as never),
    decode: (view, offset, length) =>
      pick(new TradeView().wrap(view, offset, length), [
        'timestampNs',
        'price',
        'quantity',
        'tradeId',
        'buyerOrderId',
        'sellerOrderId',
        'isBuyerMaker',
        'symbolHash',
      ]),
  },
]

describe.each(CODECS)('$name', (codec) => {
  test('encode, then decode, is the identity at any offset, with trailing bytes', () => {
    fc.assert(
      fc.property(codec.fields, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), (fields, offset, trailing) => {
        const view = new DataView(new ArrayBuffer(1024))
        const length = codec.encode(view, offset, fields)
        expect(codec.decode(view, offset, length + trailing)).toEqual(fields)
      }),
    )
  })

  test('overwrites every byte it returns, and no other', () => {
    fc.assert(
      fc.property(codec.fields, (fields) => {
        const [zeros, ones] = [0x00, 0xff].map((fill) => new Uint8Array(1024).fill(fill)) as [Uint8Array, Uint8Array]
        const length = codec.encode(new DataView(zeros.buffer), 16, fields)
        codec.encode(new DataView(ones.buffer), 16, fields)
        expect(zeros.subarray(16, 16 + length)).toEqual(ones.subarray(16, 16 + length))
        expect(ones.subarray(0, 16).every((byte) => byte === 0xff) && ones.subarray(16 + length).every((byte) => byte === 0xff)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('cut at every length: a clear error', () => {
    fc.assert(
      fc.property(codec.fields, (fields) => {
        const view = new DataView(new ArrayBuffer(1024))
        const length = codec.encode(view, 0, fields)
        for (let cut = 0; cut < length; cut++) expect(codeOf(() => codec.decode(view, 0, cut))).toMatch(/^(payload-truncated|level-count)$/)
      }),
      { numRuns: 10 },
    )
  })
})

describe('errors', () => {
  const fields = { venueId: 1, marketId: 2, streamId: 3, ingestTsNs: 4, exchangeTsNs: 5, seq: 6, nativeSeq: 7, flags: 1 }
  const diff = {
    ...fields,
    updateIdFirst: 1,
    updateIdLast: 1,
    updateIdPrev: 0,
    priceScale: 2,
    sizeScale: 3,
    bids: [[1, 2]] as [number, number][],
    asks: [],
  }

  test.each([
    ['schema-version', 0, 4],
    ['endianness', 8, 1],
    ['event-type', 56, 3],
    ['event-type', 57, 1],
    ['level-count', 92, 2],
    ['level-count', 94, 1],
  ])('%s: byte %i = %i', (code, offset, value) => {
    const view = new DataView(new ArrayBuffer(256))
    const length = encodeL2Diff(view, 0, diff)
    view.setUint8(offset, value)
    expect(codeOf(() => new L2DiffView().wrap(view, 0, length))).toBe(code)
  })

  test('the largest counts of a snapshot do not wrap around', () => {
    const view = new DataView(new ArrayBuffer(256))
    const length = encodeL2Snapshot(view, 0, diff)
    view.setUint32(68, 0xffff_ffff, true)
    view.setUint32(72, 0xffff_ffff, true)
    expect(codeOf(() => new L2SnapshotView().wrap(view, 0, length))).toBe('level-count')
  })

  test('L3 events have a record length of 128', () => {
    const view = new DataView(new ArrayBuffer(256))
    const zero = {
      eventType: 1,
      side: 1,
      orderType: 0,
      execType: 0,
      priceScale: 0,
      sizeScale: 0,
      l3Flags: 0,
      orderId: 1,
      bidOrderId: 0,
      askOrderId: 0,
      price: 1,
      quantity: 1,
      amount: 0,
    }
    encodeL3Event(view, 0, { ...fields, ...zero })
    view.setUint32(4, 127, true)
    expect(codeOf(() => new L3EventView().wrap(view, 0, 128))).toBe('record-length')
  })

  test('numbers are exact below 2^53 and refused from there on', () => {
    const view = new DataView(new ArrayBuffer(256))
    const read = (price: bigint) => new L2DiffView().wrap(view, 0, encodeL2Diff(view, 0, { ...diff, bids: [[price, 1]] })).bidPrice(0)
    expect(read(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER)
    expect(codeOf(() => read(2n ** 53n))).toBe('number-range')
    expect(codeOf(() => encodeL2Diff(view, 0, { ...diff, bids: [[-1, 1]] }))).toBe('number-range')
    expect(codeOf(() => encodeL2Diff(view, 0, { ...diff, bids: [[2 ** 53, 1]] }))).toBe('number-range')
  })

  test('low and high words are the halves of the u64', () => {
    const view = new DataView(new ArrayBuffer(64))
    encodeTrade(view, 0, {
      timestampNs: 1n,
      price: 1,
      quantity: 1,
      tradeId: 0xfedcba98_76543210n,
      buyerOrderId: 0,
      sellerOrderId: 0,
      isBuyerMaker: false,
      symbolHash: 0x80000001_00000001n,
    })
    const trade = new TradeView().wrap(view, 0, 64)
    expect([trade.tradeIdHigh, trade.tradeIdLow]).toEqual([0xfedcba98, 0x76543210])
    expect(trade.marketId).toBe(0x80000000)
  })

  test('a message tells where it was', () => {
    const batch = oneMessage(0x1002, 63)
    const error = errorOf(() => new TradeView().wrapMessage(batch.at(0)))
    expect(error).toMatchObject({
      code: 'payload-truncated',
      category: 'corrupt',
      place: { segment: 3, offset: 128, path: '/log', seq: 9n },
    })
    expect(codeOf(() => new BookTickerView().wrapMessage(batch.at(0)))).toBe('message-type')
  })
})

function oneMessage(typeId: number, length: number): MessageBatch {
  const bytes = new Uint8Array(256)
  const origin: BatchOrigin = { path: '/log', symbol: null, resolveSymbol: null, segment: 3, bufferStart: 64 }
  const batch = new MessageBatch()
  batch.buffers = [{ bytes, view: new DataView(bytes.buffer), origin }]
  batch.allocateColumns(1)
  batch.offsets[0] = 64
  batch.lengths[0] = length
  batch.types[0] = typeId
  batch.seqs[0] = 9n
  batch.reset(1, 1)
  return batch
}

function pick(view: object, names: string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, Reflect.get(view, name) as Field]))
}

function levelsOf(view: L2DiffView | L2SnapshotView): Fields {
  const bids = Array.from({ length: view.bidCount }, (_, i): [number, number] => [view.bidPrice(i), view.bidSize(i)])
  const asks = Array.from({ length: view.askCount }, (_, i): [number, number] => [view.askPrice(i), view.askSize(i)])
  return { bids, asks }
}

function errorOf(run: () => unknown): ReplayError {
  try {
    run()
  } catch (error) {
    if (error instanceof ReplayError) return error
    throw error
  }
  throw new Error('expected an error, got none')
}

function codeOf(run: () => unknown): string {
  return errorOf(run).code
}
