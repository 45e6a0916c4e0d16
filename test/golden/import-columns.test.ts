import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { TimeText } from '../../core/import/formats/columns/time-text.ts'
import { columns } from '../../core/import/formats/columns.ts'
import { tardis } from '../../core/import/formats/tardis.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import { Instant } from '../../core/import/messages/instant.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { quoteSql } from '../../core/table/file-select.ts'
import { openView } from '../../core/table/query.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-columns')
let roots = 0

type Words = Readonly<Record<string, string>>

function importTable(file: string, words: Words, options: Partial<UnitOptions> = {}): Promise<Imported> {
  return importInto(path.join(root, String(roots++)), columns, [file], { ...options, settings: { words } })
}

function importText(text: string, words: Words, options: Partial<UnitOptions> = {}): Promise<Imported> {
  const file = path.join(root, `table ${roots}[1].txt`)
  fs.writeFileSync(file, text)
  return importTable(file, words, options)
}

/** Of all messages: time, type and payload. */
async function messagesOf(made: Imported, stream: string): Promise<string[]> {
  const messages: string[] = []
  await eachMessage(made, null, stream, ({ view, payloadOffset, length, timestampNs, typeId }) => {
    messages.push(`${timestampNs} ${typeId} ${Buffer.from(view.buffer, view.byteOffset + payloadOffset, length).toString('hex')}`)
  })
  return messages
}

/** A sample of Tardis as another table. */
async function converted(name: string, select: string, format: string): Promise<string> {
  const file = path.join(root, `${roots++}.table`)
  const source = quoteSql(goldenPath('captures/tardis', name))
  const query = await openView(async (run) => {
    await run(`COPY (SELECT ${select} FROM read_csv(${source}, all_varchar = true, header = true)) TO ${quoteSql(file)} (FORMAT ${format})`)
    return 'SELECT 1'
  })
  await query.close()
  return file
}

const TRADES: Words = {
  stream: 'trades',
  'venue-column': 'exchange',
  'symbol-column': 'symbol',
  time: 'local_timestamp',
  'exchange-time': 'timestamp',
  price: 'price',
  size: 'amount',
  side: 'side',
  id: 'id',
}
const QUOTES: Words = {
  stream: 'ticker',
  'venue-column': 'exchange',
  'symbol-column': 'symbol',
  time: 'local_timestamp',
  'exchange-time': 'timestamp',
  'bid-price': 'bid_price',
  'bid-size': 'bid_amount',
  'ask-price': 'ask_price',
  'ask-size': 'ask_amount',
}
const LEVELS: Words = {
  stream: 'book',
  'venue-column': 'exchange',
  'symbol-column': 'symbol',
  time: 'local_timestamp',
  'exchange-time': 'timestamp',
  price: 'price',
  size: 'amount',
  side: 'side',
  snapshot: 'is_snapshot',
}

describeGolden('columns of samples of Tardis are what Tardis files are', () => {
  const TIMES = 'make_timestamp(timestamp::BIGINT) AS timestamp, make_timestamp_ns(1000 * local_timestamp::BIGINT) AS local_timestamp'
  const REST = '* EXCLUDE (timestamp, local_timestamp)'
  const TRADES_FILE = 'binance-futures_trades_2024-08-08_BTCUSDT.csv.gz'
  const QUOTES_FILE = 'binance-futures_quotes_2024-08-08_BTCUSDT.csv.gz'
  const DELIVERY = 'binance-delivery_quotes_2024-08-08_BTCUSD_PERP.csv.gz'
  const FOUR = 'kraken_incremental_book_L2_2021-04-17_SPOT.csv.gz'
  const BITGET = 'bitget-futures_incremental_book_L2_2021-04-17_XBTCHF.csv.gz'

  async function expectEqual(made: Imported, name: string, stream: string): Promise<void> {
    const wanted = await importInto(path.join(root, String(roots++)), tardis, [goldenPath('captures/tardis', name)])
    expect([...made.folders.keys()].sort()).toEqual([...wanted.folders.keys()].sort())
    expect(await messagesOf(made, stream)).toEqual(await messagesOf(wanted, stream))
    const { 'reconnect-snapshots': _, ...noted } = wanted.counts.noted
    expect(made.counts).toEqual({ ...wanted.counts, noted })
  }

  it.each([
    [TRADES_FILE, TRADES, 'trades'],
    ['okex_trades_2022-05-13_BTC-USDT.csv.gz', TRADES, 'trades'],
    [DELIVERY, QUOTES, 'ticker'],
    [FOUR, LEVELS, 'book'],
    [BITGET, { ...LEVELS, stream: 'book' }, 'book'],
    ['kraken_incremental_book_L2_2021-04-17_ETH-CHF.csv.gz', LEVELS, 'book'],
  ])('%s itself', async (name, words, stream) => {
    await expectEqual(await importTable(goldenPath('captures/tardis', name), words), name, stream)
  })

  it('Parquet with timestamps, doubles and decimals', async () => {
    const select = `exchange, symbol, ${TIMES}, id::BIGINT AS id, side, price::DOUBLE AS price, amount::DECIMAL(38, 18) AS amount`
    await expectEqual(await importTable(await converted(TRADES_FILE, select, 'parquet'), TRADES), TRADES_FILE, 'trades')
  })

  it('Parquet of a book with integers and booleans', async () => {
    const select = `exchange, symbol, timestamp::BIGINT AS timestamp, local_timestamp::BIGINT AS local_timestamp, is_snapshot::BOOLEAN AS is_snapshot, side, price::DOUBLE AS price, amount::DOUBLE AS amount`
    await expectEqual(await importTable(await converted(FOUR, select, 'parquet'), LEVELS), FOUR, 'book')
  })

  it('JSON lines with ISO times and numbers', async () => {
    const select = `exchange, symbol, ${TIMES}, bid_price::DOUBLE AS bid_price, ask_price::DOUBLE AS ask_price, bid_amount, ask_amount`
    await expectEqual(await importTable(await converted(QUOTES_FILE, select, 'json'), QUOTES), QUOTES_FILE, 'ticker')
  })

  it('nested JSON lines, by dotted names', async () => {
    const select =
      "exchange, symbol, {'at': local_timestamp::BIGINT, 'by': timestamp::BIGINT} AS t, {'p': price::DOUBLE, 'q': amount::DOUBLE} AS level, side, is_snapshot::BOOLEAN AS is_snapshot"
    const words = { ...LEVELS, time: 't.at', 'exchange-time': 't.by', price: 'level.p', size: 'level.q' }
    await expectEqual(await importTable(await converted(BITGET, select, 'json'), words), BITGET, 'book')
  })

  it('CSV with semicolons, by a mapping in a file, of which a word is put right', async () => {
    const map = path.join(root, 'map.json')
    fs.writeFileSync(map, JSON.stringify({ ...TRADES, price: 'nothing', buy: ['buy'], sell: ['sell'] }))
    const file = await converted(TRADES_FILE, `${REST}, timestamp, local_timestamp`, "csv, DELIMITER ';'")
    await expectEqual(await importTable(file, { map, price: 'price' }), TRADES_FILE, 'trades')
  })
})

const FIVE: Words = { stream: 'trades', venue: 'mine', symbol: 'A/B', time: 'ts', price: 'px', size: 'qty' }

async function tradesOf(made: Imported): Promise<unknown[]> {
  const view = new TradeView()
  const trades: unknown[] = []
  await eachMessage(made, 'A/B', 'trades', (message) => {
    view.wrapMessage(message)
    trades.push([message.timestampNs, view.timestampNs, view.price, view.quantity, view.isBuyerMaker, view.tradeId])
  })
  return trades
}

describe('a table of trades', () => {
  it('needs five words', async () => {
    const made = await importText('ts,px,qty\n1723161256322,61800.20,1e-7\n1723161256323,"5",0.10\n', FIVE)
    expect([...made.folders.keys()]).toEqual(['mine/a-b/2024-08-08/trades'])
    expect(await tradesOf(made)).toEqual([
      [1723161256322000000n, 1723161256322000000n, 61800.2, 1e-7, false, 0n],
      [1723161256323000000n, 1723161256323000000n, 5, 0.1, false, 0n],
    ])
    expect(made.counts).toMatchObject({ rows: 2, written: 2, noted: { 'side-unknown': 2 } })
  })

  it('may say sides and ids in its own way, and have no header', async () => {
    const words = { ...FIVE, names: 'ts,px,qty,maker,id', side: 'maker', buy: 'false', sell: 'true', id: 'id' }
    const made = await importText('1723161256,1,2,true,7\n1723161257,1,2,False,18446744073709551615\n1723161257,1,2,,x-1\n', words)
    expect(await tradesOf(made)).toEqual([
      [1723161256000000000n, 1723161256000000000n, 1, 2, true, 7n],
      [1723161257000000000n, 1723161257000000000n, 1, 2, false, 18446744073709551615n],
      [1723161257000000000n, 1723161257000000000n, 1, 2, false, 0n],
    ])
    expect(made.counts.noted).toEqual({ 'side-unknown': 1, 'id-not-numeric': 1 })
  })

  it('keeps its venue in place of what a column says, and names as they are', async () => {
    const words = { stream: 'trades', 'venue-column': 'v', 'symbol-column': 's', time: 'TS', price: 'px', size: 'qty' }
    const text = 'v,s,ts,px,qty\nx,"A,B ""ü"" 100%",1723161256322,1,1\n'
    const made = await importInto(path.join(root, String(roots++)), columns, [writeTable(text)], { settings: { venue: 'mine', words } })
    expect([...made.folders.values()].map(({ identity }) => [identity.venue, identity.exchangeSymbol])).toEqual([['mine', 'A,B "ü" 100%']])
  })

  it('is refused by name where a column or a word is wrong', async () => {
    const text = 'ts,px,qty\n1723161256322,1,1\n'
    await expect(importText(text, { ...FIVE, price: 'pxs' })).rejects.toThrow(
      /no column "pxs" \(price=pxs\); did you mean px\? Columns: ts, px, qty/,
    )
    await expect(importText(text, { ...FIVE, sise: 'qty' })).rejects.toThrow(/sise says nothing of trades; did you mean size\?/)
    await expect(importText(text, { ...FIVE, stream: 'trade' })).rejects.toThrow(
      /stream: expected trades, ticker, book, snapshots; found "trade"/,
    )
    const { price: _, ...noPrice } = FIVE
    await expect(importText(text, noPrice)).rejects.toThrow(/trades need price=<column>/)
    const { symbol: __, ...noSymbol } = FIVE
    await expect(importText(text, noSymbol)).rejects.toThrow(/symbol=<symbol>, or symbol-column=<column>/)
    await expect(importText(text, { ...FIVE, map: path.join(root, 'none.json') })).rejects.toMatchObject({ code: 'columns-mapping' })
    await expect(importText('{"ts":1,"p":2}\n', FIVE)).rejects.toThrow(/no column "px" .* Columns: p, ts/)
  })

  it('is none of this importer as long as nothing is said', async () => {
    await expect(importText('ts,px,qty\n', {})).rejects.toThrow(/is no Columns/)
  })

  it('has damage that is told with its line, or counted', async () => {
    const text = `ts,px,qty,side\n${['1723161256322,1,1,buy', '1723161256322,1', '1723161256322,x,1,buy', '1,1,1,buy', '1723161256322,1,1,both', '1723161256322,1,-1,sell', '"1723161256322","1,5",1,buy', '1723161256323,1,1,sell'].join('\n')}\n`
    const words = { ...FIVE, side: 'side' }
    await expect(importText(text, words)).rejects.toThrow(/line 3: Expected Number of Columns: 4 Found: 2/)
    await expect(importText(text.replace('1723161256322,1\n', ''), words)).rejects.toThrow(/line 3: price or size is no number: x, 1/)
    const made = await importText(text, words, { onError: 'skip' })
    expect(made.counts).toMatchObject({ rows: 8, written: 2, bad: { columns: 1, number: 3, time: 1, side: 1 } })
    expect(made.counts.places).toMatchObject({ columns: { line: 3 }, number: { line: 4 }, time: { line: 5 }, side: { line: 6 } })
  })

  it('has JSON that is broken', async () => {
    const text =
      '{"ts":1723161256322,"px":1.50,"qty":"2"}\n{"ts":17231612\n{"ts":1723161256323,"px":1,"qty":null}\n{"ts":"2024-08-08T00:00:00+09:00","px":1,"qty":2}\n'
    await expect(importText(text, FIVE)).rejects.toThrow(/line 2: expected a time/)
    const made = await importText(text, FIVE, { onError: 'skip' })
    expect(made.counts).toMatchObject({ rows: 4, written: 2, bad: { time: 1, number: 1 }, noted: { 'times raised': 1 } })
  })

  it('has Parquet that is broken', async () => {
    const file = path.join(root, 'broken.parquet')
    fs.writeFileSync(file, `PAR1${'\0'.repeat(100)}PAR1`)
    await expect(importTable(file, FIVE)).rejects.toMatchObject({ code: 'columns-unreadable', category: 'input' })
  })

  it('is refused where it is another table than was said', async () => {
    const text = `ts;px;qty\n${'1723161256322;1;1\n'.repeat(120_000)}`
    await expect(importText(text.replaceAll(';1\n', ';1;1\n'), { ...FIVE, delimiter: ';' }, { onError: 'skip' })).rejects.toThrow(
      /lines are no rows of this table, the first is 2: .* is delimiter= right/,
    )
  })

  it('is not lost in preambles and comments', async () => {
    const text = '# made by hand\nts;px;qty\n1723161256322;1;1\n#1723161256322;2;1\n1723161256324;3;1\n'
    const words = { ...FIVE, 'skip-lines': '1', delimiter: ';' }
    await expect(importText(text, words)).rejects.toThrow(/line 4: expected a time .* found "#1723161256322"/)
    expect((await importText(text, words, { onError: 'skip' })).counts).toMatchObject({ rows: 3, written: 2 })
  })
})

describe('a table of best prices', () => {
  it('may lack sizes, and a side', async () => {
    const words = { stream: 'ticker', venue: 'mine', symbol: 'A', time: 't', 'time-unit': 's', 'bid-price': 'b', 'ask-price': 'a' }
    const made = await importText('t,b,a\n1723161256.000000001,1.5,2\n1723161257,,2.5\n', words)
    const view = new BookTickerView()
    const found: unknown[] = []
    await eachMessage(made, 'A', 'ticker', (message) => {
      view.wrapMessage(message)
      found.push([message.timestampNs, view.bidPrice, view.bidQuantity, view.askPrice, view.askQuantity])
    })
    expect(found).toEqual([
      [1723161256000000001n, 1.5, 0, 2, 0],
      [1723161257000000000n, 0, 0, 2.5, 0],
    ])
    expect(made.counts.noted).toEqual({ 'side-missing': 1 })
  })
})

describe('a table of levels', () => {
  const BOOK: Words = { stream: 'book', venue: 'mine', symbol: 'A', time: 't', side: 'side', price: 'p', size: 'q' }
  const messageOf = async (made: Imported): Promise<unknown[]> => {
    const found: unknown[] = []
    await eachMessage(made, 'A', 'book', ({ view, payloadOffset: at, timestampNs }) => {
      const isSnapshot = view.getUint8(at + 56) === 1
      const ids = isSnapshot ? [] : [64, 72, 80].map((offset) => Number(view.getBigUint64(at + offset, true)))
      const levels = isSnapshot
        ? [view.getUint32(at + 68, true), view.getUint32(at + 72, true)]
        : [view.getUint16(at + 92, true), view.getUint16(at + 94, true)]
      found.push([
        Number(timestampNs - 1723161256000000000n) / 1e6,
        isSnapshot,
        Number(view.getBigUint64(at + 48, true)),
        ...ids,
        ...levels,
      ])
    })
    return found
  }

  it('has a message per time and update id', async () => {
    const rows = ['000,b,1,1,5,4', '000,a,2,1,5,4', '000,a,3,1,6,5', '001,a,3,0,6,5', '001,a,4,2,8,7']
    const text = `t,side,p,q,u,pu\n${rows.map((row) => `1723161256${row}\n`).join('')}`
    const made = await importText(text, { ...BOOK, 'update-id': 'u', 'previous-update-id': 'pu' })
    expect(await messageOf(made)).toEqual([
      [0, false, 5, 5, 5, 4, 1, 1],
      [0, false, 6, 6, 6, 5, 0, 1],
      [1, false, 6, 6, 6, 5, 0, 1],
      [1, false, 8, 8, 8, 7, 0, 1],
    ])
    expect(made.counts).toMatchObject({ rows: 5, written: 4, merged: 1 })
    expect(await messageOf(await importText(text, { ...BOOK, message: 'u' }))).toMatchObject([
      [0, false, 0, 0, 0, 0, 1, 1],
      [0, false, 0, 0, 0, 0, 0, 2],
      [1, false, 0, 0, 0, 0, 0, 1],
    ])
  })

  it('has messages up to a last row, and snapshots by their own word', async () => {
    const rows = ['000,bid,1,1,I,0', '001,ask,2,1,I,1', '002,ask,2,x,U,1', '003,bid,1,0,U,0', '003,ask,2,5,U,true', '004,bid,1,1,U,0']
    const text = `t,side,p,q,kind,end\n${rows.map((row) => `1723161256${row}\n`).join('')}`
    const made = await importText(text, { ...BOOK, snapshot: 'kind', 'snapshot-is': 'I', last: 'end' }, { onError: 'skip' })
    expect(await messageOf(made)).toEqual([
      [0, true, 0, 1, 1],
      [3, false, 0, 0, 0, 0, 1, 1],
      [4, false, 0, 0, 0, 0, 1, 0],
    ])
    expect(made.counts).toMatchObject({ rows: 6, written: 3, merged: 2, bad: { number: 1 } })
  })

  it('has whole books of a known depth', async () => {
    const text = 't,side,p,q\n1723161256000,B,1.5,1\n1723161256000,S,2,1\n1723161256001,B,1.25,1\n1723161256001,S,-2,1\n'
    const made = await importText(text, { ...BOOK, stream: 'snapshots', depth: '1' })
    expect(await messageOf(made)).toEqual([
      [0, true, 0, 1, 1],
      [1, true, 0, 1, 0],
    ])
    expect(made.counts).toMatchObject({ rows: 4, written: 2, merged: 1, unrepresentable: { 'negative-price': 1 } })
    expect([...made.folders.values()].map(({ depthLimit, scales }) => [depthLimit, scales])).toEqual([[1, [2, 0]]])
  })
})

describe('texts of times', () => {
  const parse = (text: string, unit: ConstructorParameters<typeof TimeText>[0] = null): bigint | null => {
    const [bytes, instant] = [new TextEncoder().encode(text), new Instant()]
    return new TimeText(unit).parse(bytes, 0, bytes.length, instant) ? instant.ns : null
  }

  it.each([
    ['1723161256', null, 1723161256000000000n],
    ['1723161256322', null, 1723161256322000000n],
    ['1723161256322789', null, 1723161256322789000n],
    ['1723161256322789123', null, 1723161256322789123n],
    ['1723161256.322789123', null, 1723161256322789123n],
    ['1723161256322.789', null, 1723161256322789000n],
    ['1723161256322.0', 'ms', 1723161256322000000n],
    ['5', 's', 5000000000n],
    ['5', 'ms', 5000000n],
    ['5.5', 'us', 5500n],
    ['12345678901', 'ms', 12345678901000000n],
    ['1.0000000010', 's', 1000000001n],
    ['2024-08-08T01:02:03Z', null, 1723078923000000000n],
    ['2024-08-08 01:02:03.123456789', null, 1723078923123456789n],
    ['2024-08-08T01:02:03.5+09:00', 'iso', 1723046523500000000n],
    ['2024-08-08T01:02:03-0130', 'iso', 1723084323000000000n],
    ['2024-08-08', null, 1723075200000000000n],
    ['2024-08-08T01:02', 'iso', 1723078920000000000n],
  ] as const)('%s (%s)', (text, unit, ns) => {
    expect(parse(text, unit)).toBe(ns)
  })

  it.each([
    ['', null],
    ['172316125632', null],
    ['1.0000000001', 's'],
    ['1723161256322', 's'],
    ['-5', 's'],
    ['5e3', 's'],
    ['1.5', 'ns'],
    ['2024-02-30T00:00:00', null],
    ['2024-08-08T25:00:00', null],
    ['2024-08-08T01:02:03.1234567891', null],
    ['2024-08-08T01:02:03X', null],
    ['1969-12-31T23:59:59', null],
    ['2024-08-08T01:02:03Z', 'ms'],
    ['nothing', null],
  ] as const)('%j (%s) is none', (text, unit) => {
    expect(parse(text, unit)).toBe(null)
  })
})

function writeTable(text: string): string {
  const file = path.join(root, `${roots++}.csv`)
  fs.writeFileSync(file, text)
  return file
}
