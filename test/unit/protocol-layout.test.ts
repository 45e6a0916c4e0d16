import { describe, expect, test } from 'vitest'
import * as bookEvent from '../../core/protocol/book-event.ts'
import * as bookTicker from '../../core/protocol/book-ticker.ts'
import * as l2Diff from '../../core/protocol/l2-diff.ts'
import * as l2Snapshot from '../../core/protocol/l2-snapshot.ts'
import * as l3Event from '../../core/protocol/l3-event.ts'
import * as level from '../../core/protocol/level.ts'
import * as messageType from '../../core/protocol/message-type.ts'
import { marketId, marketIdOfHash, symbolHash } from '../../core/protocol/symbol-hash.ts'
import * as trade from '../../core/protocol/trade.ts'

// Written from docs/format.md, Messages, not from the code.
const LAYOUTS: readonly [record: string, constants: object, prefix: string, table: Record<string, number>][] = [
  [
    'book event',
    bookEvent,
    'BOOK_EVENT',
    {
      BYTES: 64,
      SCHEMA_VERSION_OFFSET: 0,
      RECORD_LENGTH_OFFSET: 4,
      ENDIANNESS_OFFSET: 8,
      VENUE_ID_OFFSET: 10,
      MARKET_ID_OFFSET: 12,
      STREAM_ID_OFFSET: 16,
      INGEST_TS_OFFSET: 24,
      EXCHANGE_TS_OFFSET: 32,
      SEQ_OFFSET: 40,
      NATIVE_SEQ_OFFSET: 48,
      TYPE_OFFSET: 56,
      MODE_OFFSET: 57,
      FLAGS_OFFSET: 58,
    },
  ],
  [
    'L2 diff',
    l2Diff,
    'L2_DIFF',
    {
      BYTES: 96,
      UPDATE_ID_FIRST_OFFSET: 64,
      UPDATE_ID_LAST_OFFSET: 72,
      UPDATE_ID_PREV_OFFSET: 80,
      PRICE_SCALE_OFFSET: 88,
      SIZE_SCALE_OFFSET: 89,
      FLAGS_OFFSET: 90,
      BID_COUNT_OFFSET: 92,
      ASK_COUNT_OFFSET: 94,
      LEVELS_OFFSET: 96,
    },
  ],
  [
    'L2 snapshot',
    l2Snapshot,
    'L2_SNAPSHOT',
    {
      BYTES: 76,
      PRICE_SCALE_OFFSET: 64,
      SIZE_SCALE_OFFSET: 65,
      BID_COUNT_OFFSET: 68,
      ASK_COUNT_OFFSET: 72,
      LEVELS_OFFSET: 76,
    },
  ],
  ['level', level, 'LEVEL', { BYTES: 16, PRICE_OFFSET: 0, SIZE_OFFSET: 8 }],
  [
    'L3 event',
    l3Event,
    'L3_EVENT',
    {
      BYTES: 128,
      TYPE_OFFSET: 64,
      SIDE_OFFSET: 65,
      ORDER_TYPE_OFFSET: 66,
      EXEC_TYPE_OFFSET: 67,
      PRICE_SCALE_OFFSET: 68,
      SIZE_SCALE_OFFSET: 69,
      FLAGS_OFFSET: 72,
      ORDER_ID_OFFSET: 80,
      BID_ORDER_ID_OFFSET: 88,
      ASK_ORDER_ID_OFFSET: 96,
      PRICE_OFFSET: 104,
      QUANTITY_OFFSET: 112,
      AMOUNT_OFFSET: 120,
    },
  ],
  [
    'book ticker',
    bookTicker,
    'BOOK_TICKER',
    {
      BYTES: 48,
      TIMESTAMP_OFFSET: 0,
      BID_PRICE_OFFSET: 8,
      BID_QUANTITY_OFFSET: 16,
      ASK_PRICE_OFFSET: 24,
      ASK_QUANTITY_OFFSET: 32,
      SYMBOL_HASH_OFFSET: 40,
    },
  ],
  [
    'trade',
    trade,
    'TRADE',
    {
      BYTES: 64,
      TIMESTAMP_OFFSET: 0,
      PRICE_OFFSET: 8,
      QUANTITY_OFFSET: 16,
      ID_OFFSET: 24,
      BUYER_ORDER_ID_OFFSET: 32,
      SELLER_ORDER_ID_OFFSET: 40,
      IS_BUYER_MAKER_OFFSET: 48,
      SYMBOL_HASH_OFFSET: 56,
    },
  ],
]

describe('layout', () => {
  test.each(LAYOUTS)('%s: size and each offset', (_record, constants, prefix, table) => {
    const found = Object.fromEntries(
      Object.entries(constants)
        .filter(([name]) => name === `${prefix}_BYTES` || (name.startsWith(`${prefix}_`) && name.endsWith('_OFFSET')))
        .map(([name, value]) => [name.slice(prefix.length + 1), value]),
    )
    expect(found).toEqual(table)
  })

  test('message types', () => {
    expect(messageType).toMatchObject({ TYPE_BOOK_EVENT: 0x1000, TYPE_BOOK_TICKER: 0x1001, TYPE_TRADE: 0x1002 })
  })

  test('each field lands at its offset, byte by byte', () => {
    const view = new DataView(new ArrayBuffer(256))
    new Uint8Array(view.buffer).fill(0xee)
    const fields = {
      venueId: 0x0102,
      marketId: 0x03040506,
      streamId: 0x0708090a,
      ingestTsNs: 0x0b0c0d0e0f101112n,
      exchangeTsNs: 0x1314151617181920n,
      seq: 0x2122232425262728n,
      nativeSeq: 0x292a2b2c2d2e2f30n,
      flags: 0x3132,
      eventType: 0x33,
      side: 0x34,
      orderType: 0x35,
      execType: 0x36,
      priceScale: 0x37,
      sizeScale: 0x38,
      l3Flags: 0x393a3b3c,
      orderId: 0x3d3e3f4041424344n,
      bidOrderId: 0x45464748494a4b4cn,
      askOrderId: 0x4d4e4f5051525354n,
      price: 0x55565758595a5b5cn,
      quantity: 0x5d5e5f6061626364n,
      amount: 0x65666768696a6b6cn,
    }
    expect(l3Event.encodeL3Event(view, 8, fields)).toBe(128)
    expect(Buffer.from(view.buffer, 8, 128).toString('hex')).toBe(
      '03000000' +
        '80000000' +
        '0000' +
        '0201' +
        '06050403' +
        '0a090807' +
        '00000000' +
        '1211100f0e0d0c0b' +
        '2019181716151413' +
        '2827262524232221' +
        '302f2e2d2c2b2a29' +
        '02' +
        '01' +
        '3231' +
        '00000000' +
        '33343536' +
        '37380000' +
        '3c3b3a39' +
        '00000000' +
        '4443424140' +
        '3f3e3d' +
        '4c4b4a4948474645' +
        '54535251504f4e4d' +
        '5c5b5a5958575655' +
        '64636261605f5e5d' +
        '6c6b6a6968676665',
    )
  })
})

test('symbol hash: market ids of recorded markets', () => {
  // market_id of the recorded btcusdt archive
  expect(marketId('BTCUSDT')).toBe(3467451262)
  expect(marketIdOfHash(symbolHash('BTCUSDT'))).toBe(3467451262)
  // the multiplier is divisible by 4, so the hash of any non-empty symbol is too
  expect(symbolHash('ETHUSDT') & 3n).toBe(0n)
  expect(symbolHash('')).toBe(0xcbf29ce484222325n)
})
