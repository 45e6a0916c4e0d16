import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { MessageBatch } from '../../core/message/batch.ts'
import { ParquetSink, type ParquetSinkOptions } from '../../core/sink/parquet-sink.ts'
import { batchOf, type TestMessage, tickerMessage, tradeMessage } from '../support/batches.ts'
import { duckdb } from '../support/parquet.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('parquet-sink')
let files = 0
const newPath = () => join(folder, `${files++}.parquet`)
const MAX_I64 = 2n ** 63n - 1n
const BEYOND = 2n ** 63n

async function written(batches: readonly MessageBatch[], options: Omit<ParquetSinkOptions, 'path'> = {}) {
  const path = newPath()
  const sink = new ParquetSink({ ...options, path })
  for (const batch of batches) sink.write(batch)
  await sink.close()
  return duckdb(`select * replace (ts::varchar as ts) from '${path}'`)
}

const bookEvent = (seq: bigint, timestampNs: bigint): TestMessage => ({ seq, timestampNs, typeId: 0x1000, payload: new Uint8Array(100) })

describe('rows', () => {
  test('messages', async () => {
    const batch = batchOf([bookEvent(5n, 1_700_000_000_123_456_789n), tradeMessage(MAX_I64, MAX_I64), bookEvent(7n, 999n)])
    expect(await written([batch])).toEqual([
      {
        seq: 5n,
        timestamp_ns: 1_700_000_000_123_456_789n,
        ts: '2023-11-14 22:13:20.123456+00',
        type: 0x1000,
        symbol: 'BTC-USD',
        payload_length: 100,
      },
      { seq: MAX_I64, timestamp_ns: MAX_I64, ts: '2262-04-11 23:47:16.854775+00', type: 0x1002, symbol: 'BTC-USD', payload_length: 64 },
      { seq: 7n, timestamp_ns: 999n, ts: '1970-01-01 00:00:00+00', type: 0x1000, symbol: 'BTC-USD', payload_length: 100 },
    ])
  })

  test('tickers', async () => {
    const fields = { timestampNs: 1_699_999_999_999_999_999n, bidPrice: 0.1, bidQuantity: -0, askPrice: 1e300, askQuantity: 5e-324 }
    expect(await written([batchOf([tickerMessage(1n, 1000n, fields)])], { rows: 'tickers' })).toEqual([
      {
        ...{ seq: 1n, timestamp_ns: 1000n, ts: '1970-01-01 00:00:00.000001+00', symbol: 'BTC-USD' },
        ...{ exchange_timestamp_ns: fields.timestampNs, bid_price: 0.1, bid_qty: -0, ask_price: 1e300, ask_qty: 5e-324 },
      },
    ])
  })

  test('trades', async () => {
    const fields = {
      timestampNs: 3n,
      price: 1.5,
      quantity: 2.5,
      tradeId: MAX_I64,
      buyerOrderId: 2n ** 53n + 1n,
      sellerOrderId: 0n,
      isBuyerMaker: true,
    }
    expect(await written([batchOf([tradeMessage(1n, 1000n, fields)])], { rows: 'trades' })).toEqual([
      {
        ...{ seq: 1n, timestamp_ns: 1000n, ts: '1970-01-01 00:00:00.000001+00', symbol: 'BTC-USD' },
        ...{
          exchange_timestamp_ns: 3n,
          price: 1.5,
          qty: 2.5,
          trade_id: MAX_I64,
          buyer_order_id: 2n ** 53n + 1n,
          seller_order_id: 0n,
          is_buyer_maker: true,
        },
      },
    ])
  })

  test('decoded: what a message lacks is NULL', async () => {
    const rows = await written([batchOf([tickerMessage(1n, 0n), tradeMessage(2n, 0n), { ...bookEvent(3n, 0n), typeId: 0x2000 }])], {
      rows: 'decoded',
    })
    const fieldsOf = (row: Record<string, unknown>) =>
      Object.keys(row)
        .filter((name) => row[name] !== null)
        .slice(6)
    expect(rows.map(fieldsOf)).toEqual([
      ['bid_price', 'bid_qty', 'ask_price', 'ask_qty', 'exchange_timestamp_ns'],
      ['price', 'qty', 'trade_id', 'buyer_order_id', 'seller_order_id', 'is_buyer_maker', 'exchange_timestamp_ns'],
      [],
    ])
  })

  test('only selected rows, of all batches; symbols by message, NULL when unknown', async () => {
    const batch = batchOf([bookEvent(1n, 0n), bookEvent(2n, 0n), bookEvent(3n, 0n)])
    batch.narrow((row) => row > 0)
    const resolveSymbol = ({ seq }: { seq: bigint }) => (seq % 2n === 0n ? `S${seq}` : null)
    const mixed = batchOf([bookEvent(4n, 0n), bookEvent(5n, 0n), bookEvent(6n, 0n)], { symbol: null, resolveSymbol })
    const rows = await written([batch, mixed])
    expect(rows.map(({ seq, symbol }) => [seq, symbol])).toEqual([
      [2n, 'BTC-USD'],
      [3n, 'BTC-USD'],
      [4n, 'S4'],
      [5n, null],
      [6n, 'S6'],
    ])
  })

  test('more than a row group, from batches of any size', async () => {
    const path = newPath()
    const sink = new ParquetSink({ path, rows: 'trades' })
    let seq = 0n
    const next = () => tradeMessage(seq, seq * 1_000_003n, { price: Number(seq++) / 100 })
    for (const size of [1, 50_000, 30_000, 7]) sink.write(batchOf(Array.from({ length: size }, next)))
    await sink.close()
    const [check] = await duckdb(`
      select count(*)::int as n, count(*) filter (timestamp_ns <> seq * 1000003 or price <> seq / 100 or trade_id <> seq
        or epoch_us(ts) <> timestamp_ns // 1000)::int as wrong, count(distinct seq)::int as seqs from '${path}'`)
    expect(check).toEqual({ n: 80_008, wrong: 0, seqs: 80_008 })
  })
})

test.each<[string, ParquetSinkOptions['rows'], TestMessage[]]>([
  ['exchange_timestamp_ns', 'tickers', [0n, BEYOND, 7n].map((timestampNs, i) => tickerMessage(BigInt(i), 0n, { timestampNs }))],
  ['trade_id', 'trades', [0n, BEYOND, 7n].map((tradeId, i) => tradeMessage(BigInt(i), 0n, { tradeId }))],
  ['buyer_order_id', 'trades', [0n, BEYOND, 7n].map((buyerOrderId, i) => tradeMessage(BigInt(i), 0n, { buyerOrderId }))],
  ['seller_order_id', 'decoded', [0n, BEYOND, 7n].map((sellerOrderId, i) => tradeMessage(BigInt(i), 0n, { sellerOrderId }))],
])('%s of 2^63 or more is NULL, and counted', async (name, rows, messages) => {
  const path = newPath()
  const sink = new ParquetSink({ path, rows: rows! })
  sink.write(batchOf(messages))
  await sink.close()
  expect(sink.noted).toEqual({ [`${name}-beyond-i64`]: 1 })
  const answer = await duckdb(`select ${name}::text as value from '${path}' order by seq`)
  expect(answer.map(({ value }) => value)).toEqual(['0', null, '7'])
})

describe('refusals', () => {
  test('a message of another type, with advice', async () => {
    const path = newPath()
    const sink = new ParquetSink({ path, rows: 'trades' })
    const act = () => sink.write(batchOf([tradeMessage(1n, 1n), tickerMessage(2n, 2n)]))
    expect(act).toThrow(expect.objectContaining({ code: 'message-type-unwanted', category: 'input' }))
    expect(act).toThrow(/trades .* 0x1002 only, found 0x1001; filter the types/)
    await sink.abandon()
    expect([existsSync(path), existsSync(`${path}.tmp`)]).toEqual([false, false])
  })

  test('a sequence or record time of 2^63 or more is never rounded', () => {
    const tooMuch = 2n ** 63n
    const cases: [string, ParquetSinkOptions['rows'], TestMessage][] = [
      ['seq', 'messages', bookEvent(tooMuch, 0n)],
      ['timestamp_ns', 'messages', bookEvent(0n, tooMuch)],
      ['seq', 'trades', tradeMessage(tooMuch, 0n)],
    ]
    for (const [name, rows, message] of cases) {
      const sink = new ParquetSink({ path: newPath(), rows: rows! })
      const act = () => sink.write(batchOf([message]))
      expect(act).toThrow(expect.objectContaining({ code: 'u64-range', category: 'input' }))
      expect(act).toThrow(new RegExp(`^${name}: .* found 9223372036854775808`))
      sink.abandon()
    }
  })

  test('a short payload', () => {
    const sink = new ParquetSink({ path: newPath(), rows: 'decoded' })
    const short = { ...tradeMessage(1n, 1n), payload: new Uint8Array(63) }
    expect(() => sink.write(batchOf([short]))).toThrow(expect.objectContaining({ code: 'payload-truncated', category: 'corrupt' }))
    sink.abandon()
  })
})
