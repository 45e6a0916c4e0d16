import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MessageBatch } from '../../core/message/batch.ts'
import { CsvSink, type CsvSinkOptions } from '../../core/sink/csv-sink.ts'
import { putDouble, putScaled, putU64, putWhole } from '../../core/sink/decimal-text.ts'
import { quoteCsv } from '../../core/table/csv-text.ts'
import { batchOf, type TestMessage, tickerMessage, tradeMessage } from '../support/batches.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('csv')
const MAX_U64 = 2n ** 64n - 1n
const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX_U64 }),
  fc.bigInt({ min: 0n, max: 3_000_000_000n }),
  fc.constantFrom(0n, 999_999_999n, 1_000_000_000n, MAX_U64),
)

async function csvOf(batches: readonly MessageBatch[], options: CsvSinkOptions = {}): Promise<string> {
  const path = join(folder, 'out.csv')
  const sink = new CsvSink({ ...options, path })
  for (const batch of batches) sink.write(batch)
  await sink.close()
  return readFileSync(path, 'utf8')
}

function message(seq: bigint, timestampNs: bigint, typeId = 0x1002, payloadBytes = 3): TestMessage {
  return { seq, timestampNs, typeId, payload: new Uint8Array(payloadBytes) }
}

describe('raw columns', () => {
  test('a line per message, after a header', async () => {
    const csv = await csvOf([batchOf([message(7n, 1_700_000_000_123_456_789n), message(8n, 1_700_000_000_123_456_790n, 0x1000, 0)])])
    expect(csv).toBe(
      'seq,timestamp_ns,type,symbol,payload_length\n7,1700000000123456789,4098,BTC-USD,3\n8,1700000000123456790,4096,BTC-USD,0\n',
    )
  })

  test('no messages: the header alone', async () => {
    expect(await csvOf([])).toBe('seq,timestamp_ns,type,symbol,payload_length\n')
  })

  test('any u64 in any order comes out exactly', async () => {
    const keys = fc.array(fc.tuple(u64, u64), { minLength: 1, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(keys, async (rows) => {
        const csv = await csvOf([batchOf(rows.map(([seq, time]) => message(seq, time)))])
        const read = csv
          .trimEnd()
          .split('\n')
          .slice(1)
          .map((line) => line.split(',').slice(0, 2).map(BigInt))
        expect(read).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })

  test('small steps, as in a log, come out exactly', async () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 120_000 }), fc.integer({ min: -5, max: 2_000_000_000 })), {
      minLength: 1,
      maxLength: 100,
    })
    const start = fc.constantFrom(0n, 5n, 99_999n, 2n ** 32n - 3n, 9_999_999_999n, 1_699_999_999_999_999_999n)
    await fc.assert(
      fc.asyncProperty(start, steps, async (first, pairs) => {
        let seq = first
        let time = first + 10_000n
        const rows = pairs.map(([seqStep, timeStep]) => {
          seq += BigInt(seqStep)
          time += BigInt(timeStep)
          return [seq, time] as const
        })
        const csv = await csvOf([batchOf(rows.map(([s, t]) => message(s, t)))])
        expect(csv.trimEnd().split('\n').slice(1)).toEqual(rows.map(([s, t]) => `${s},${t},4098,BTC-USD,3`))
      }),
      { numRuns: 100 },
    )
  })

  test('times around the turn of a second', async () => {
    const times = [
      0n,
      1n,
      999_999_999n,
      1_000_000_000n,
      2_000_000_000n,
      2_999_999_999n,
      2_000_000_000n,
      3_000_000_000n,
      9_999_999_999n,
      10_000_000_000n,
      5n,
    ]
    const csv = await csvOf([batchOf(times.map((time) => message(1n, time)))])
    expect(
      csv
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',')[1]),
    ).toEqual(times.map(String))
  })

  test('the selection decides, and several batches follow each other', async () => {
    const batch = batchOf([message(1n, 1n), message(2n, 2n), message(3n, 3n)])
    batch.narrow((row) => row !== 1)
    const csv = await csvOf([batch, batchOf([message(4n, 4n)], { symbol: 'ETH' })])
    expect(csv.split('\n').slice(1, -1)).toEqual(['1,1,4098,BTC-USD,3', '3,3,4098,BTC-USD,3', '4,4,4098,ETH,3'])
  })

  test('symbols are quoted as RFC 4180 says, however long', async () => {
    const symbols = ['a,b', 'say "hi"', 'two\nlines', 'cr\rhere', 'käse €', `${'x'.repeat(2_000_000)},`]
    for (const symbol of symbols) {
      const csv = await csvOf([batchOf([message(1n, 2n)], { symbol })])
      const field = csv.slice(csv.indexOf('\n') + 1).slice('1,2,4098,'.length, -',3\n'.length)
      expect(unquote(field)).toBe(symbol)
    }
  })

  test('a resolver names the symbol of each message; unknown is empty', async () => {
    const resolveSymbol = ({ seq }: { seq: bigint }) => (seq === 2n ? null : `S${seq}`)
    const csv = await csvOf([batchOf([message(1n, 0n), message(2n, 0n), message(3n, 0n)], { symbol: null, resolveSymbol })])
    expect(csv.split('\n').slice(1, -1)).toEqual(['1,0,4098,S1,3', '2,0,4098,,3', '3,0,4098,S3,3'])
  })

  test('more than a chunk of lines arrives whole', async () => {
    const batch = batchOf(Array.from({ length: 50_000 }, (_, i) => message(BigInt(i), BigInt(i) * 1_000_003n, 0x1002, 0)))
    const lines = (await csvOf([batch])).trimEnd().split('\n').slice(1)
    expect(lines.length).toBe(50_000)
    lines.forEach((line, i) => {
      if (line !== `${i},${BigInt(i) * 1_000_003n},4098,BTC-USD,0`) expect.fail(`line ${i}: ${line}`)
    })
  })
})

describe('decoded columns', () => {
  test('tickers and trades fill their own', async () => {
    const ticker = tickerMessage(1n, 10n, { timestampNs: 9n, bidPrice: 0.1, bidQuantity: 1e-9, askPrice: 1e21, askQuantity: 3 })
    const trade = tradeMessage(2n, 11n, {
      timestampNs: MAX_U64,
      price: 50_000.01,
      quantity: 5e-324,
      tradeId: MAX_U64,
      buyerOrderId: 2n ** 53n + 1n,
      isBuyerMaker: true,
    })
    const csv = await csvOf([batchOf([ticker, trade, message(3n, 12n, 0x2000)])], { decode: true })
    expect(csv.split('\n')).toEqual([
      'seq,timestamp_ns,type,symbol,payload_length,bid_price,bid_qty,ask_price,ask_qty,price,qty,trade_id,buyer_order_id,seller_order_id,is_buyer_maker,exchange_timestamp_ns,event,side,level,order_id,feed_seq,update_id_first,update_id_last',
      '1,10,4097,BTC-USD,48,0.1,1e-9,1e+21,3,,,,,,,9,,,,,,,',
      '2,11,4098,BTC-USD,64,,,,,50000.01,5e-324,18446744073709551615,9007199254740993,0,true,18446744073709551615,,,,,,,',
      '3,12,8192,BTC-USD,3,,,,,,,,,,,,,,,,,,',
      '',
    ])
  })

  test('a short payload is an error, and the lines before it are whole', async () => {
    const path = join(folder, 'short.csv')
    const sink = new CsvSink({ path, decode: true })
    const batch = batchOf([tradeMessage(1n, 1n), message(2n, 2n, 0x1002, 63)])
    expect(() => sink.write(batch)).toThrow(expect.objectContaining({ code: 'payload-truncated', category: 'corrupt' }))
    await sink.close()
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(3)
  })
})

describe('numbers as text', () => {
  const view = new DataView(new ArrayBuffer(64))
  const textUpTo = (end: number) => Buffer.from(view.buffer, 0, end).toString()

  test('floats are what String gives, which reads back as the same float', () => {
    const decimals = fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: 0, max: 9 })).map(([n, d]) => n / 10 ** d)
    fc.assert(
      fc.property(fc.oneof(fc.double(), decimals), (value) => {
        const text = textUpTo(putDouble(view, 0, value))
        expect(text).toBe(Object.is(value, -0) ? '-0' : String(value))
        expect(Number(text)).toBe(value)
      }),
      { numRuns: 5000 },
    )
  })

  test('integers with a scale are exact, without zeros at the end', () => {
    const out = new DataView(new ArrayBuffer(320))
    fc.assert(
      fc.property(u64, fc.integer({ min: 0, max: 255 }), (value, scale) => {
        const text = Buffer.from(out.buffer, 0, putScaled(out, 0, Number(value >> 32n), Number(value & 0xffff_ffffn), scale)).toString()
        const [whole, decimals = ''] = text.split('.')
        expect(decimals.length).toBeLessThanOrEqual(scale)
        expect(BigInt(`${whole}${decimals.padEnd(scale, '0')}`)).toBe(value)
        expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/)
      }),
      { numRuns: 2000 },
    )
  })

  test('whole numbers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(textUpTo(putWhole(view, 0, value))).toBe(String(value))
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(u64, (value) => {
        expect(textUpTo(putU64(view, 0, Number(value >> 32n), Number(value & 0xffff_ffffn)))).toBe(String(value))
      }),
      { numRuns: 2000 },
    )
  })

  test('quoting is undone by reading', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(unquote(quoteCsv(text))).toBe(text)
      }),
    )
  })
})

describe('outputs', () => {
  test('a descriptor is written to and stays open', async () => {
    const path = join(folder, 'descriptor.csv')
    const fd = openSync(path, 'w')
    const sink = new CsvSink({ fd, name: 'mine' })
    sink.write(batchOf([message(1n, 2n)]))
    await sink.flush()
    expect(readFileSync(path, 'utf8')).toContain('1,2,4098')
    await sink.close()
    closeSync(fd)
    expect(sink.name).toBe('mine')
  })

  test.skipIf(!existsSync('/dev/full'))('a full disk is an input error', async () => {
    const full = new CsvSink({ path: '/dev/full' })
    await expect(full.close()).rejects.toMatchObject({ code: 'disk-full', category: 'input', place: { path: '/dev/full' } })
  })

  test('a file that cannot get its name at the end is an input error, and leaves nothing', async () => {
    const path = join(folder, 'taken.csv')
    const sink = new CsvSink({ path })
    mkdirSync(path)
    await expect(sink.close()).rejects.toMatchObject({ code: 'output-failed', category: 'input' })
    expect(existsSync(`${path}.tmp`)).toBe(false)
  })

  test('a missing folder and a missing target are input errors', () => {
    const missing = { path: join(folder, 'no', 'where.csv') }
    expect(() => new CsvSink(missing)).toThrow(expect.objectContaining({ code: 'output-failed', category: 'input' }))
    expect(() => new CsvSink({})).toThrow(expect.objectContaining({ code: 'csv-target', category: 'input' }))
  })
})

/** A field as RFC 4180 reads it; fails on one that should have been quoted. */
function unquote(field: string): string {
  if (!field.startsWith('"')) {
    expect(field).not.toMatch(/[",\r\n]/)
    return field
  }
  const inner = field.slice(1, -1)
  expect(inner.replaceAll('""', '')).not.toContain('"')
  return inner.replaceAll('""', '"')
}
