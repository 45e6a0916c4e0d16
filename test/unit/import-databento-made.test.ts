import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { localFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { databento } from '../../core/import/formats/databento.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { L3EventView } from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import {
  DAY_NS,
  dbnFile,
  type MadeFile,
  MONDAY_NS,
  mappingRecord,
  mboRecord,
  mbpRecord,
  NONE_PRICE,
  NONE_TIME,
} from '../support/dbn-bytes.ts'
import { eachMessage, type Imported, importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-databento-made')
const folder = () => path.join(root, String(made++))
let made = 0

describe('records of DBN that were made', () => {
  it('a symbol is that of the day of ts_recv, else the id', async () => {
    const at = (day: bigint, instrument: number) => mboRecord({ action: 'A', instrument, id: 5n + day, received: MONDAY_NS + day * DAY_NS })
    const { folders, counts } = await importMade({
      mappings: [
        { symbol: 'OLD', intervals: [[20240610, 20240611, '7']] },
        {
          symbol: 'NEW',
          intervals: [
            [20240611, 20240612, '7'],
            [20240612, 20240613, '8'],
          ],
        },
      ],
      records: [at(0n, 7), at(1n, 7), at(2n, 8), at(2n, 7)],
    })
    expect([...folders.keys()]).toEqual([
      'test-feed/old/2024-06-10/l3',
      'test-feed/new/2024-06-11/l3',
      'test-feed/new/2024-06-12/l3',
      'test-feed/id-7/2024-06-12/l3',
    ])
    expect(counts.noted['instruments without a symbol']).toBe(1)
  })

  it('where ids were asked for, they are what is mapped', async () => {
    const { folders } = await importMade({
      stypeIn: 0,
      mappings: [{ symbol: '7', intervals: [[20240610, 20240611, 'ESM4']] }],
      records: [mboRecord({ action: 'A' })],
    })
    expect([...folders.keys()]).toEqual(['test-feed/esm4/2024-06-10/l3'])
  })

  it('live data tells its symbols on the way', async () => {
    const { folders, counts } = await importMade({
      schema: 0xffff,
      records: [
        mappingRecord(7, 'FIRST'),
        mboRecord({ action: 'A', id: 1n }),
        mappingRecord(7, 'SECOND'),
        mboRecord({ action: 'A', id: 2n }),
        mbpRecord({ action: 'T', rtype: 0, bytes: 48 }),
      ],
    })
    expect([...folders].map(([key, { records }]) => `${key} ${records}`)).toEqual([
      'test-feed/first/2024-06-10/l3 1',
      'test-feed/second/2024-06-10/l3 1',
      'test-feed/second/2024-06-10/trades 1',
    ])
    expect(counts.leftOut).toEqual({ 'symbol-mapping': 2 })
  })

  it('publishers of one file are venues of their own', async () => {
    const records = [mboRecord({ action: 'A', publisher: 39 }), mboRecord({ action: 'A', publisher: 41, side: 'A' })]
    const { folders } = await importMade({ records })
    expect([...folders.keys()]).toEqual(['test-feed-39/id-7/2024-06-10/l3', 'test-feed-41/id-7/2024-06-10/l3'])
    const one = importMade({ records }, { settings: { venue: 'mine', words: {} } })
    await expect(one).rejects.toMatchObject({ code: 'databento-publishers', category: 'input' })
  })

  it('orders: what changes keeps its place or loses it', async () => {
    const price = 2_500_000_000n
    const events = await eventsOf([
      mboRecord({ action: 'A', id: 2n ** 63n + 5n, price, size: 10 }),
      mboRecord({ action: 'M', id: 2n ** 63n + 5n, price, size: 4 }),
      mboRecord({ action: 'M', id: 2n ** 63n + 5n, price, size: 5 }),
      mboRecord({ action: 'M', id: 2n ** 63n + 5n, price: price + 1n, size: 5 }),
      mboRecord({ action: 'C', id: 2n ** 63n + 5n, price: price + 1n, size: 2 }),
      mboRecord({ action: 'C', id: 2n ** 63n + 5n, price: price + 1n, size: 3 }),
      mboRecord({ action: 'C', id: 2n ** 63n + 5n, price: price + 1n, size: 3 }),
      mboRecord({ action: 'M', id: 6n, price, size: 5, side: 'A' }),
      mboRecord({ action: 'R', side: 'N', price: NONE_PRICE, size: 0, id: 0n }),
      mboRecord({ action: 'C', id: 6n, price, size: 5, side: 'A' }),
    ])
    const big = '9223372036854775813'
    expect(events).toEqual([
      `1 1 ${big} 2500000000 10`,
      `3 1 ${big} 2500000000 4`,
      `2 1 ${big} 0 0`,
      `1 1 ${big} 2500000000 5`,
      `2 1 ${big} 0 0`,
      `1 1 ${big} 2500000001 5`,
      `2 1 ${big} 2500000001 2`,
      `2 1 ${big} 2500000001 3`,
      '1 2 6 2500000000 5',
      '5 0 0 0 0',
    ])
  })

  it('orders that no message can hold', async () => {
    const { counts } = await importMade({
      records: [
        mboRecord({ action: 'A', id: 1n, price: -5n }),
        mboRecord({ action: 'A', id: 2n, price: 0n }),
        mboRecord({ action: 'A', id: 3n, price: NONE_PRICE }),
        mboRecord({ action: 'A', id: 4n, side: 'N' }),
        mboRecord({ action: 'A', id: 0n }),
        mboRecord({ action: 'A', id: 5n, flags: 64 }),
        mboRecord({ action: 'A', id: 6n, size: 2 ** 32 - 1 }),
        mboRecord({ action: 'A', id: 7n, price: 2n ** 62n + 1n }),
        mboRecord({ action: 'A', id: 8n }),
        mboRecord({ action: 'M', id: 8n, price: -5n }),
        mboRecord({ action: 'A', id: 9n, received: NONE_TIME }),
      ],
    })
    expect(counts).toMatchObject({
      rows: 11,
      written: 2,
      unrepresentable: {
        'negative-price': 2,
        'price-zero': 1,
        'order-id-zero': 1,
        'top-of-book-only': 1,
        'size-undefined': 1,
        'out-of-range': 1,
      },
      leftOut: { 'price-undefined': 1, 'side-none': 1 },
    })
  })

  it('a snapshot empties the book of its instrument, with a clear or without', async () => {
    const snapshot = (id: bigint) => mboRecord({ action: 'A', id, flags: 32 })
    const events = await eventsOf([
      snapshot(1n),
      snapshot(2n),
      mboRecord({ action: 'A', id: 3n }),
      mboRecord({ action: 'R', side: 'N', flags: 32, price: NONE_PRICE }),
      snapshot(4n),
      mboRecord({ action: 'T' }),
      snapshot(5n),
    ])
    expect(events.map((event) => event[0])).toEqual(['5', '1', '1', '1', '5', '1', '5', '1'])
  })

  it('negative and very fine prices in trades and tickers', async () => {
    const made = await importMade({
      schema: 3,
      hasTsOut: true,
      records: [
        mbpRecord({
          action: 'T',
          rtype: 1,
          bytes: 80,
          price: -37_630_000_000n,
          size: 3,
          side: 'A',
          levels: [[-38_000_000_000n, 9_123_456_789_123_456_789n, 7, 8]],
        }),
        mbpRecord({ action: 'T', rtype: 1, bytes: 80, price: 1n, side: 'N' }),
      ],
    })
    const [trade, ticker] = [new TradeView(), new BookTickerView()]
    const seen: number[][] = []
    await eachMessage(made, null, 'trades', (message) => {
      trade.wrapMessage(message)
      seen.push([trade.price, trade.quantity, Number(trade.isBuyerMaker)])
    })
    await eachMessage(made, null, 'ticker', (message) => {
      ticker.wrapMessage(message)
      seen.push([ticker.bidPrice, ticker.bidQuantity, ticker.askPrice, ticker.askQuantity])
    })
    expect(seen).toEqual([
      [-37.63, 3, 1],
      [1e-9, 1, 0],
      [-38, 7, 9123456789.123457, 8],
      [0, 0, 0, 0],
    ])
    expect(made.counts.noted).toMatchObject({ 'side-unknown': 1, 'side-missing': 1 })
  })

  it('records are as long as they say, and all of a kind alike', async () => {
    const { counts } = await importMade({ hasTsOut: true, records: [1n, 2n, 3n].map((id) => mboRecord({ action: 'A', id, more: 8 })) })
    expect(counts.written).toBe(3)
    const mixed = importMade({ records: [mboRecord({ action: 'A' }), mboRecord({ action: 'A', id: 2n, more: 4 })] })
    await expect(mixed).rejects.toMatchObject({ code: 'databento-record' })
  })

  it('bad actions, sides and times are told', async () => {
    const records = [
      mboRecord({ action: 'X' }),
      mboRecord({ action: 'A', side: 'b' }),
      mboRecord({ action: 'A', received: NONE_TIME, event: NONE_TIME }),
      mboRecord({ action: 'A' }),
    ]
    await expect(importMade({ records })).rejects.toMatchObject({ code: 'import-action', category: 'corrupt' })
    const { counts } = await importMade({ records }, { onError: 'skip' })
    expect(counts).toMatchObject({ rows: 4, written: 1, bad: { action: 1, side: 1, time: 1 } })
  })

  it('other versions are refused, and damaged metadata is an error', async () => {
    const bytes = Buffer.from(dbnFile({ records: [] }))
    bytes[3] = 4
    const glance = await glanceAt(localFile(written(bytes)))
    expect(() => databento.recognise(glance, { words: {} })).toThrow(expect.objectContaining({ code: 'import-refused' }))
    bytes[3] = 3
    for (const [at, value] of [
      [4, 50],
      [112, 1_000_000],
      [124, 9],
    ] as const) {
      const damaged = Buffer.from(bytes)
      damaged.writeUInt32LE(value, at)
      await expect(importInto(folder(), databento, [written(damaged)])).rejects.toMatchObject({
        code: 'databento-metadata',
        category: 'corrupt',
      })
    }
  })

  it('texts and other formats are not taken for it', () => {
    for (const text of ['exchange,symbol,timestamp', '{"a":1}', 'DBNx', '34200.1,1,5,100,5859400,1', '\u0000\u000cS\u0000', '0,1,2']) {
      expect(databento.recognise({ name: 'x.dbn', path: 'x.dbn', head: Buffer.from(text), isWhole: true }, { words: {} })).toBeNull()
    }
  })

  it('several zstd frames are one file', async () => {
    const bytes = dbnFile({ records: [1n, 2n, 3n].map((id) => mboRecord({ action: 'A', id })) })
    const frames = [bytes.subarray(0, 100), bytes.subarray(100, bytes.length - 60), bytes.subarray(bytes.length - 60)].map((part) =>
      zlib.zstdCompressSync(part),
    )
    const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2])
    const file = written(Buffer.concat([frames[0]!, skippable, frames[1]!, frames[2]!]), '.dbn.zst')
    expect((await importInto(folder(), databento, [file])).counts.written).toBe(3)
    const junk = written(Buffer.concat([...frames, Buffer.from('junk')]), '.dbn.zst')
    await expect(importInto(folder(), databento, [junk])).rejects.toMatchObject({ code: 'zstd-damaged' })
  })
})

function written(bytes: Uint8Array, ending = '.dbn'): string {
  const file = path.join(root, `made-${made++}${ending}`)
  fs.writeFileSync(file, bytes)
  return file
}

async function importMade(file: MadeFile, options: Partial<UnitOptions> = {}): Promise<Imported> {
  return importInto(folder(), databento, [written(dbnFile(file))], options)
}

/** Type, side, order, price and quantity of the events of the one instrument. */
async function eventsOf(records: readonly Uint8Array[]): Promise<string[]> {
  const made = await importMade({ records })
  const view = new L3EventView()
  const events: string[] = []
  await eachMessage(made, null, 'l3', (message) => {
    view.wrapMessage(message)
    events.push([view.eventType, view.side, view.orderId, view.price, view.quantity].join(' '))
  })
  return events
}
