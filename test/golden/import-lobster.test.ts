import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { L2Book } from '../../core/book/l2-book.ts'
import type { L2Side } from '../../core/book/l2-side.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { lobster } from '../../core/import/formats/lobster.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { crc32 } from '../../core/message/crc32.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { BookEventView } from '../../core/protocol/book-event.ts'
import { L3EventView } from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto, topLevels } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Sample {
  readonly symbol: string
  readonly levels: number
  readonly rows: number
  readonly messages: string
  readonly orderbook: string
}
interface Expected {
  readonly records: number
  readonly payload_bytes: number
  readonly payload_crc32_xor: string
  readonly payload_crc32_sum: string
  readonly ts_xor: string
  readonly trades: {
    readonly buyer_maker: number
    readonly sum_qty: string
    readonly first_trade_id: string
    readonly last_trade_id: string
  }
}

const AAPL: Sample = {
  symbol: 'AAPL',
  levels: 10,
  rows: 999,
  messages: 'AAPL_2012-06-21_34200000_57600000_message_10.csv',
  orderbook: 'AAPL_2012-06-21_34200000_57600000_orderbook_10.csv',
}
const AMZN: Sample = {
  symbol: 'AMZN',
  levels: 1,
  rows: 57_515,
  messages: 'AMZN_2012-06-21_34200000_57600000_message_1.csv.gz',
  orderbook: 'AMZN_2012-06-21_34200000_57600000_orderbook_1.csv.gz',
}
const L3 = { settings: { level: 'l3', words: {} } } as const

const root = temporaryFolder('import-lobster')
let roots = 0

describeGolden('LOBSTER', () => {
  describe.each([AAPL, AMZN])('$symbol, $levels levels', (sample) => {
    const wanted = rowsOf(sample)

    it('trades and a book by level', async () => {
      const made = await importSample(sample)
      await expectTrades(made, sample)
      expect(Object.keys(made.counts.bad)).toEqual([])
      expect(made.counts.rows).toBe(2 * sample.rows)
      expect(made.counts.noted).toEqual({})
      const folder = made.folders.get(`lobster/${sample.symbol.toLowerCase()}/2012-06-21/book`)!
      expect([folder.depthLimit, folder.scales]).toEqual([sample.levels, [4, 0]])
      const book = new L2Book()
      const header = new BookEventView()
      let [row, snapshots] = [0, 0]
      await eachMessage(made, sample.symbol, 'book', (message) => {
        const native = Number(header.wrapMessage(message).nativeSeq)
        if (header.eventType === 1) snapshots++
        if (row > 0) expectRows(book.bids, book.asks, wanted, row, native - 1, sample.levels)
        expect(book.apply(message)).toBe(0)
        row = native
      })
      expectRows(book.bids, book.asks, wanted, row, sample.rows, sample.levels)
      expect(snapshots).toBe(1)
    })

    it('trades and a book by order', async () => {
      const made = await importSample(sample, L3)
      await expectTrades(made, sample)
      expect(made.counts).toMatchObject({ rows: 2 * sample.rows, bad: {}, unrepresentable: {} })
      const archived = await archivedEvents(sample)
      const book = new L3Book()
      const view = new L3EventView()
      let [row, fronts, executions] = [0, 0, 0]
      await eachMessage(made, sample.symbol, 'l3', (message) => {
        const native = Number(view.wrapMessage(message).header.nativeSeq)
        if (native > 0) {
          if (row > 0) expectRows(book.bids.totals, book.asks.totals, wanted, row, native - 1, sample.levels)
          row = native
          if (eventOf(view) !== archived[native]) expect(eventOf(view)).toBe(archived[native])
          const resting = view.eventType === 4 ? view.bidOrderId | view.askOrderId : 0n
          if (resting > 0n) executions++
          if (resting > 0n && book.queuePosition(resting) === 0) fronts++
        }
        const result = book.apply(message)
        if (result !== 0) expect(result).toBe(0)
      })
      expectRows(book.bids.totals, book.asks.totals, wanted, row, sample.rows, sample.levels)
      // What archive-real reaches: 98 of 98, and 8919 of 8974.
      expect(fronts / executions).toBeGreaterThan(0.993)
    })
  })
})

/** A day of two levels: [message, orderbook] rows. */
const DAY = [
  ['34200.1,1,11,100,1000000,1', '1000200,50,1000000,100,9999999999,0,-9999999999,0'],
  ['34200.100000001,1,12,30,1000100,-1', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
  ['34200.2,4,12,10,1000100,-1', '1000100,20,1000000,100,1000200,50,-9999999999,0'],
  ['34200.25,5,0,7,1000050,1', '1000100,20,1000000,100,1000200,50,-9999999999,0'],
  ['34201,7,0,0,-1,-1', '1000100,20,1000000,100,1000200,50,-9999999999,0'],
  ['34300,6,-1,500,1000000,1', '1000100,20,1000000,100,1000200,50,-9999999999,0'],
  ['34300.5,3,12,20,1000100,-1', '1000200,50,1000000,100,9999999999,0,-9999999999,0'],
  ['34300.6,2,9,25,1000200,-1', '1000200,25,1000000,100,9999999999,0,-9999999999,0'],
  ['34300.7,3,9,25,1000200,-1', '9999999999,0,1000000,100,9999999999,0,-9999999999,0'],
] as const
const NAME = 'XYZ_2026-01-15_34200000_57600000'
const MESSAGES = DAY.map(([message]) => message)
const ORDERBOOK = DAY.map(([, levels]) => levels)
const SKIP = { onError: 'skip' } as const

describe('made LOBSTER files', () => {
  it('a book by level: halts, crosses and empty levels', async () => {
    const made = await importRows(MESSAGES, ORDERBOOK)
    expect(made.counts).toMatchObject({ rows: 18, written: 9, bad: {}, unrepresentable: {}, noted: { 'side-unknown': 1 } })
    expect(made.counts.leftOut).toEqual({ halt: 1, orders: 5, 'book unchanged': 3 })
    const book = new L2Book()
    await eachMessage(made, 'XYZ', 'book', (message) => expect(book.apply(message)).toBe(0))
    expect([topLevels(book.bids), topLevels(book.asks)]).toEqual([[[1_000_000, 100]], []])
    const trades: unknown[] = []
    const view = new TradeView()
    await eachMessage(made, 'XYZ', 'trades', (message) => {
      const { tradeId, price, quantity, isBuyerMaker, buyerOrderId, sellerOrderId, timestampNs } = view.wrapMessage(message)
      trades.push([tradeId, price, quantity, isBuyerMaker, buyerOrderId, sellerOrderId, timestampNs - MIDNIGHT])
    })
    expect(trades).toEqual([
      [3n, 100.01, 10, false, 0n, 12n, 34_200_200_000_000n],
      [4n, 100.005, 7, true, 0n, 0n, 34_200_250_000_000n],
      [6n, 100, 500, false, 0n, 0n, 34_300_000_000_000n],
    ])
  })

  it('a book by order: those that were there before have their ids', async () => {
    const made = await importRows(MESSAGES, ORDERBOOK, L3)
    expect(made.counts).toMatchObject({ rows: 18, bad: {}, unrepresentable: {}, leftOut: { halt: 1, 'as the messages say': 9 } })
    const events: unknown[] = []
    const view = new L3EventView()
    await eachMessage(made, 'XYZ', 'l3', (message) => {
      const { header, eventType, side, orderId, price, quantity } = view.wrapMessage(message)
      events.push([header.nativeSeq, eventType, side, orderId, price, quantity])
    })
    expect(events).toEqual([
      [0n, 1, 2, 9n, 1_000_200, 50],
      [1n, 1, 1, 11n, 1_000_000, 100],
      [2n, 1, 2, 12n, 1_000_100, 30],
      [3n, 4, 2, 12n, 1_000_100, 10],
      [4n, 4, 1, 0n, 1_000_050, 7],
      [7n, 2, 2, 12n, 1_000_100, 20],
      [8n, 2, 2, 9n, 1_000_200, 25],
      [9n, 2, 2, 9n, 1_000_200, 25],
    ])
  })

  it('messages without their orderbook file', async () => {
    const trades = await importRows(MESSAGES, null)
    expect(recordsOf(trades)).toEqual({ trades: 3 })
    expect(trades.counts).toMatchObject({ rows: 9, written: 3, leftOut: { orders: 5, halt: 1 } })
    expect(trades.counts.noted['no orderbook file: trades only']).toBe(1)
    const orders = await importRows(MESSAGES, null, L3)
    expect(recordsOf(orders)).toEqual({ l3: 5, trades: 3 })
    expect(orders.counts).toMatchObject({ rows: 9, unrepresentable: { 'unknown-order': 2 } })
    expect(orders.counts.noted['no orderbook file: the book is approximate']).toBe(1)
  })

  it('an orderbook file alone, and one that belongs to nothing', async () => {
    const file = write(`${NAME}_orderbook_2.csv`, ORDERBOOK)
    await expect(importInto(next(), lobster, [file])).rejects.toMatchObject({ code: 'import-refused', category: 'input' })
    const head = (rows: readonly string[]): Uint8Array => Buffer.from(rows.join('\n'))
    const recognise = (name: string, rows: readonly string[]): unknown =>
      lobster.recognise({ name, path: `/data/${name}`, head: head(rows), isWhole: true }, { words: {} })
    expect(() => recognise('messages.csv', MESSAGES)).toThrow(/only its name says/)
    expect(recognise('orderbook.csv', ORDERBOOK)).toBeNull()
    expect(recognise(`${NAME}_message_2.csv`, ['a,b', 'c,d'])).toBeNull()
    expect(() => recognise('XYZ_2026-13-15_34200000_57600000_message_2.csv', MESSAGES)).toThrow(/--date/)
    const [messages, orderbook] = [recognise(`${NAME}_message_2.csv`, MESSAGES), recognise(`${NAME}_orderbook_2.csv`, ORDERBOOK)] as {
      unit: string
    }[]
    expect(messages).toMatchObject({ venue: 'lobster', symbols: ['XYZ'], dates: ['2026-01-15'] })
    expect(messages!.unit).toBe(orderbook!.unit)
    expect(recognise(`${NAME}_message_5.csv`, MESSAGES)).not.toMatchObject({ unit: messages!.unit })
  })

  it('a header in one of them, and ends of lines of Windows', async () => {
    const made = await importRows(
      ['Time,Type,OrderId,Size,Price,Direction', ...MESSAGES].map((row) => `${row}\r`),
      ORDERBOOK,
    )
    expect(made.counts).toMatchObject({ rows: 18, written: 9, bad: {} })
  })

  it('files that do not end together', async () => {
    for (const [messages, orderbook] of [
      [MESSAGES.slice(0, 6), ORDERBOOK],
      [MESSAGES, ORDERBOOK.slice(0, 6)],
    ] as const) {
      await expect(importRows(messages, orderbook)).rejects.toMatchObject({ code: 'import-rows', category: 'corrupt' })
      const made = await importRows(messages, orderbook, SKIP)
      expect(made.counts).toMatchObject({ rows: 15, bad: { rows: 3 } })
    }
  })

  it.each([
    ['message', 'x', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
    ['message', '34200.1,9,12,30,1000100,-1', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
    ['message', '99999.1,1,12,30,1000100,-1', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
    ['message', '34200.1,1,12,3o,1000100,-1', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
    ['message', '34200.1,1,12,30,1000100,0', '1000100,30,1000000,100,1000200,50,-9999999999,0'],
    ['number', '34200.100000001,1,12,30,1000100,-1', '1000100,3o,1000000,100,1000200,50,-9999999999,0'],
    ['columns', '34200.100000001,1,12,30,1000100,-1', '1000100,30,1000000'],
  ])('a bad row: %s', async (what, message, levels) => {
    const messages = MESSAGES.with(1, message as (typeof MESSAGES)[number])
    const orderbook = ORDERBOOK.with(1, levels as (typeof ORDERBOOK)[number])
    await expect(importRows(messages, orderbook)).rejects.toMatchObject({ code: `import-${what}`, category: 'corrupt' })
    for (const settings of [{ words: {} }, L3.settings]) {
      const made = await importRows(messages, orderbook, { ...SKIP, settings })
      expect(made.counts).toMatchObject({ rows: 18, bad: { [what]: 1 } })
      const isL3 = 'level' in settings
      const book = isL3 ? new L3Book() : new L2Book()
      await eachMessage(made, 'XYZ', isL3 ? 'l3' : 'book', (each) => expect(book.apply(each)).toBe(0))
      // The next rows put it right.
      const [bids, asks] = book instanceof L3Book ? [book.bids.totals, book.asks.totals] : [book.bids, book.asks]
      expect([topLevels(bids), topLevels(asks)]).toEqual([[[1_000_000, 100]], []])
    }
  })

  it('levels out of order are a snapshot', async () => {
    const orderbook = ORDERBOOK.with(2, '1000200,50,1000000,100,1000100,20,-9999999999,0' as (typeof ORDERBOOK)[number])
    const made = await importRows(MESSAGES, orderbook)
    const header = new BookEventView()
    const events: number[] = []
    await eachMessage(made, 'XYZ', 'book', (message) => events.push(header.wrapMessage(message).eventType))
    expect(events).toEqual([1, 2, 1, 1, 2, 2, 2])
    expect((await importRows(MESSAGES, orderbook, L3)).counts.noted['orderbook rows out of order']).toBe(1)
  })

  it('cut off inside the compression', async () => {
    const files = [
      [`${NAME}_message_2.csv.gz`, MESSAGES],
      [`${NAME}_orderbook_2.csv.gz`, ORDERBOOK],
    ] as const
    const folder = next()
    fs.mkdirSync(folder)
    const paths = files.map(([name, rows], i) => {
      const text = Array.from({ length: 3000 }, () => `${rows.join('\n')}\n`).join('')
      const packed = zlib.gzipSync(text, { level: 0 })
      const file = path.join(folder, name)
      fs.writeFileSync(file, i === 0 ? packed.subarray(0, 300_000) : packed)
      return file
    })
    await expect(importInto(next(), lobster, paths)).rejects.toMatchObject({ code: 'gzip-damaged' })
    const { counts } = await importInto(next(), lobster, paths, { keepsTruncated: true })
    expect(counts.bad).toEqual({})
    expect(counts.leftOut['cut off']).toBeGreaterThan(1000)
  })
})

const MIDNIGHT = BigInt(Date.parse('2026-01-15T05:00:00Z')) * 1_000_000n

function recordsOf(made: Imported): Record<string, number> {
  return Object.fromEntries([...made.folders.values()].map(({ key, records }) => [key.slice(key.lastIndexOf('/') + 1), records]))
}

function importRows(
  messages: readonly string[],
  orderbook: readonly string[] | null,
  options: Partial<UnitOptions> = {},
): Promise<Imported> {
  const files = [write(`${NAME}_message_2.csv`, messages)]
  if (orderbook !== null) files.push(write(`${NAME}_orderbook_2.csv`, orderbook))
  return importInto(next(), lobster, files, options)
}

function write(name: string, rows: readonly string[]): string {
  const folder = next()
  fs.mkdirSync(folder)
  const file = path.join(folder, name)
  fs.writeFileSync(file, `${rows.join('\n')}\n`)
  return file
}

function next(): string {
  return path.join(root, String(roots++))
}

function importSample({ messages, orderbook }: Sample, options: Partial<UnitOptions> = {}): Promise<Imported> {
  return importInto(next(), lobster, [goldenPath('captures/lobster', messages), goldenPath('captures/lobster', orderbook)], options)
}

async function expectTrades(made: Imported, { symbol }: Sample): Promise<void> {
  const golden = goldenJson<Expected>(`archive-real/expected/lobster.${symbol.toLowerCase()}.trades.json`)
  const view = new TradeView()
  let [records, bytes, xor, sum, times, makers, quantity, first, last] = [0, 0, 0, 0n, 0n, 0, 0, 0n, 0n]
  await eachMessage(made, symbol, 'trades', (message) => {
    const { view: data, payloadOffset, length, timestampNs } = message
    const crc = crc32(new Uint8Array(data.buffer, data.byteOffset + payloadOffset, length))
    view.wrapMessage(message)
    records++
    bytes += length
    xor = (xor ^ crc) >>> 0
    sum += BigInt(crc)
    times ^= timestampNs
    if (view.isBuyerMaker) makers++
    quantity += view.quantity
    if (first === 0n) first = view.tradeId
    last = view.tradeId
  })
  expect({
    records,
    payload_bytes: bytes,
    payload_crc32_xor: xor.toString(16).padStart(8, '0'),
    payload_crc32_sum: String(sum),
    ts_xor: String(times),
  }).toEqual({
    records: golden.records,
    payload_bytes: golden.payload_bytes,
    payload_crc32_xor: golden.payload_crc32_xor,
    payload_crc32_sum: golden.payload_crc32_sum,
    ts_xor: golden.ts_xor,
  })
  expect([makers, String(quantity), String(first), String(last)]).toEqual([
    golden.trades.buyer_maker,
    golden.trades.sum_qty,
    golden.trades.first_trade_id,
    golden.trades.last_trade_id,
  ])
}

/** Rows of an orderbook file as they stand in it, without a header: asks, then bids, without empty levels. */
function rowsOf({ orderbook, levels }: Sample): string[] {
  const bytes = fs.readFileSync(goldenPath('captures/lobster', orderbook))
  const text = (orderbook.endsWith('.gz') ? zlib.gunzipSync(bytes) : bytes).toString('latin1')
  const lines = text.split(/\r?\n/).filter((line) => /^[-\d]/.test(line))
  return lines.map((line) => {
    const fields = line.split(',').map(Number)
    const side = (at: number): string =>
      Array.from({ length: levels }, (_, level) => fields.slice(4 * level + at, 4 * level + at + 2))
        .filter(([, size]) => size! > 0)
        .join(' ')
    return `${side(2)} | ${side(0)}`
  })
}

/** The book is what rows `from` to `to` (from 1 on, both included) show. */
function expectRows(bids: L2Side, asks: L2Side, wanted: readonly string[], from: number, to: number, levels: number): void {
  const found = `${topLevels(bids, levels).join(' ')} | ${topLevels(asks, levels).join(' ')}`
  for (let row = from; row <= to; row++) if (found !== wanted[row - 1]) expect({ row, found }).toEqual({ row, found: wanted[row - 1] })
}

/** What archive-real has of each message. */
async function archivedEvents({ symbol }: Sample): Promise<Record<number, string>> {
  const events: Record<number, string> = {}
  const view = new L3EventView()
  const reader = await ReplayReader.open(goldenPath('archive-real/v1/lobster', symbol.toLowerCase(), '2012-06-21/l3'))
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (const message of batch as Iterable<MessageCursor>) {
      const native = Number(view.wrapMessage(message).header.nativeSeq)
      if (native > 0) events[native] = eventOf(view)
    }
  }
  await reader.close()
  return events
}

function eventOf(view: L3EventView): string {
  const { eventType, side, orderId, bidOrderId, askOrderId, price, quantity, header } = view
  const order = eventType === 4 ? 0n : orderId
  return [eventType, side, order, bidOrderId, askOrderId, price, quantity, header.exchangeTsNs, header.venueId, header.marketId].join(' ')
}
