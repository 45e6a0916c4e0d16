import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { ORDER_NEXT, ORDER_QUANTITY } from '../../core/book/order-store.ts'
import type { PriceLevels } from '../../core/book/price-levels.ts'
import { ReplayError } from '../../core/errors.ts'
import { itch } from '../../core/import/formats/itch.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import { L3EventView } from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto, ordersCrc32, topLevels } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface BookState {
  readonly bids: number[][]
  readonly asks: number[][]
  readonly bid_levels: number
  readonly ask_levels: number
  readonly orders: number
  readonly levels_crc32: string
  readonly orders_crc32: string
  readonly best_bid_queue: number[][]
  readonly best_ask_queue: number[][]
}
interface Expected {
  readonly messages: number
  readonly by_type: Readonly<Record<string, number>>
  readonly checkpoint_every_messages: number
  readonly stocks: Readonly<
    Record<
      string,
      {
        readonly records_by_date_and_stream: Readonly<Record<string, number>>
        readonly trades_by_source: Readonly<Record<string, { readonly count: number; readonly sum_qty: number }>>
        readonly trades: {
          readonly count: number
          readonly sum_qty: string
          readonly sum_notional: string
          readonly buyer_maker_of_E_and_C: number
        }
        readonly broken: { readonly count: number; readonly sum_qty: number }
        readonly final: BookState
      }
    >
  >
  readonly checkpoints: readonly { readonly message: number; readonly books: Readonly<Record<string, BookState>> }[]
}

const root = temporaryFolder('import-itch')
let roots = 0
const DATE = { settings: { date: '2026-01-15', words: {} } }
/** Reads all, writes nothing. */
const NOTHING = { range: { streams: new Set<string>() } }
const SKIP = { ...DATE, onError: 'skip' } as const
const LEFT_OUT: Readonly<Record<string, string>> = {
  B: 'broken',
  H: 'trading action',
  I: 'imbalance',
  J: 'luld collar',
  K: 'ipo',
  L: 'participant',
  N: 'rpii',
  O: 'dlcr',
  R: 'directory',
  S: 'system event',
  V: 'mwcb levels',
  W: 'mwcb',
  Y: 'reg sho',
  h: 'operational halt',
}

describeGolden('Nasdaq ITCH 5.0', () => {
  it('a whole day', async () => {
    const made = await importFile('captures/itch', '01152026.NASDAQ_ITCH50.gz')
    const raw = zlib.gunzipSync(fs.readFileSync(goldenPath('captures/itch/01152026.NASDAQ_ITCH50.gz')))
    await expectDay(made, goldenJson<Expected>('captures/itch/expected.json'), framesOf(raw))
    expect(made.counts.noted['cross without shares']).toBeUndefined()
    expect(made.counts.noted['files without an end of messages']).toBeUndefined()
    expect(Object.keys(made.counts.noted).filter((what) => what.startsWith('test stock')).length).toBe(6)
  }, 60_000)

  it.each(['plain', 'soup', 'mold'])('the first messages, %s', async (framing) => {
    const made = await importFile('captures/itch', `first2500.${framing}.bin`, DATE)
    const frames = framesOf(fs.readFileSync(goldenPath('captures/itch/first2500.plain.bin')))
    await expectDay(made, goldenJson<Expected>('captures/itch/first2500.expected.json'), frames)
    expect(made.counts.noted).toMatchObject({ 'files without an end of messages': 1 })
    expect(made.counts.noted['messages missing']).toBeUndefined()
  })

  it('reference data alone, which needs a date', async () => {
    await expect(importFile('captures/itch', 'sample.itch')).rejects.toMatchObject({
      code: 'import-refused',
      message: expect.stringContaining('--date'),
    })
    const golden = goldenJson<Expected>('captures/itch/sample.expected.json')
    const made = await importFile('captures/itch', 'sample.itch', DATE)
    expect(made.folders.size).toBe(0)
    expect(made.counts).toMatchObject({
      rows: golden.messages,
      written: 0,
      leftOut: { 'trading action': golden.by_type.H, directory: golden.by_type.R, 'system event': 1, 'reg sho': 3 },
    })
  })

  it('only the symbols and streams that are asked for', async () => {
    const golden = goldenJson<Expected>('captures/itch/first2500.expected.json')
    const wanted = golden.stocks['BZZ.A']!.records_by_date_and_stream
    const range = { symbols: new Set(['bzz.a']), streams: new Set(['trades']) }
    const made = await importFile('captures/itch', 'first2500.soup.bin', { ...DATE, range })
    expect(recordsOf(made)).toEqual({ 'nasdaq/bzz.a/2026-01-15/trades': wanted['2026-01-15/trades'] })
    expect(made.counts.rows).toBe(golden.messages)
    expect(made.counts.written).toBe(wanted['2026-01-15/trades'])
  })
})

describeGolden('Damaged ITCH', () => {
  const plain = (): Buffer => fs.readFileSync(goldenPath('captures/itch/first2500.plain.bin'))

  it('cut off inside a message', async () => {
    const file = write('01152026.NASDAQ_ITCH50', plain().subarray(0, 20_001))
    await expect(importInto(next(), itch, [file])).rejects.toMatchObject({ code: 'import-truncated', category: 'corrupt' })
    const { counts } = await importInto(next(), itch, [file], SKIP)
    expect(counts.bad).toEqual({ truncated: 1 })
    expect(counts.rows).toBe(framesOf(plain().subarray(0, 20_001)).length + 1)
  })

  it('cut off inside its compression', async () => {
    const packed = zlib.gzipSync(plain())
    const file = write('01152026.NASDAQ_ITCH50.gz', packed.subarray(0, packed.length >> 1))
    await expect(importInto(next(), itch, [file])).rejects.toMatchObject({ code: 'gzip-damaged' })
    const { counts } = await importInto(next(), itch, [file], { ...DATE, keepsTruncated: true })
    expect(counts.bad).toEqual({})
    expect(counts.leftOut['cut off'] ?? 0).toBeLessThan(2)
    expect(counts.rows).toBeGreaterThan(500)
  })

  it.each(['plain', 'soup', 'mold'])(
    'a byte of a length or type is another, %s: an error, or what comes before it',
    async (framing) => {
      const bytes = fs.readFileSync(goldenPath('captures/itch', `first2500.${framing}.bin`))
      const codes = new Set<string>()
      let seed = 12345
      for (let trial = 0; trial < 80; trial++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
        const damaged = Buffer.from(bytes)
        damaged[4000 + (seed % 4000)]! ^= 1 << (seed >>> 29)
        const file = write('01152026.NASDAQ_ITCH50', damaged)
        try {
          await importInto(next(), itch, [file], NOTHING)
        } catch (error) {
          expect(error).toBeInstanceOf(ReplayError)
          expect((error as ReplayError).category).toBe('corrupt')
          codes.add((error as ReplayError).code)
        }
        const { counts } = await importInto(next(), itch, [file], { ...NOTHING, onError: 'skip' })
        expect(counts.rows).toBeGreaterThan(80)
      }
      expect([...codes].every((code) => /^(?:import|itch)-/.test(code))).toBe(true)
      expect(codes.size).toBeGreaterThan(2)
    },
    60_000,
  )

  it('more behind its end', async () => {
    const file = write('01152026.NASDAQ_ITCH50', Buffer.concat([plain(), plain()]))
    await expect(importInto(next(), itch, [file])).rejects.toMatchObject({ code: 'itch-frame', category: 'corrupt' })
    const { counts } = await importInto(next(), itch, [file], SKIP)
    expect(counts).toMatchObject({ rows: 2501, bad: { frame: 1 } })
  })

  it('packets that come twice, and some that do not come', async () => {
    const mold = fs.readFileSync(goldenPath('captures/itch/first2500.mold.bin'))
    const packets = moldPackets(mold)
    const twice = Buffer.concat(packets.flatMap((packet) => [packet, packet]))
    const whole = await importInto(next(), itch, [write('01152026.NASDAQ_ITCH50', twice)])
    expect(whole.counts).toMatchObject({ rows: 5000, leftOut: { repeated: 2500 }, bad: {}, unrepresentable: {} })
    const [first, ...rest] = packets.filter((packet) => packet.readUInt16BE(18) > 0)
    const lost = await importInto(next(), itch, [write('01152026.NASDAQ_ITCH50', Buffer.concat([first!, ...rest.slice(40)]))])
    const missing = rest.slice(0, 40).reduce((sum, packet) => sum + packet.readUInt16BE(18), 0)
    expect(lost.counts.noted['messages missing']).toBe(missing)
    expect(lost.counts.unrepresentable['unknown-order']).toBeGreaterThan(10)
    expect(lost.counts.rows).toBe(2500 - missing)
  })

  it('says of other files of the kind why they are none', () => {
    const recognise = (name: string, bytes: Uint8Array): unknown =>
      itch.recognise({ name, path: name, head: bytes, isWhole: true }, { words: {} })
    const pcap = Buffer.concat([Buffer.from([0xd4, 0xc3, 0xb2, 0xa1]), Buffer.alloc(100)])
    expect(() => recognise('01152026.NASDAQ_ITCH50', Buffer.alloc(100))).toThrow(/earlier versions/)
    expect(() => recognise('20260115.BX_ITCH_50.pcap', pcap)).toThrow(/capture of a network/)
    expect(recognise('ticks.pcap', pcap)).toBeNull()
    expect(recognise('trades.csv', Buffer.from('exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n'.repeat(20)))).toBeNull()
    expect(recognise('20260115.PSX_ITCH_50', plain())).toMatchObject({ venue: 'psx', dates: ['2026-01-15'] })
  })
})

function next(): string {
  return path.join(root, String(roots++))
}

function importFile(folder: string, name: string, options: Partial<UnitOptions> = {}): Promise<Imported> {
  return importInto(next(), itch, [goldenPath(folder, name)], options)
}

function write(name: string, bytes: Uint8Array): string {
  const folder = next()
  fs.mkdirSync(folder)
  const file = path.join(folder, name)
  fs.writeFileSync(file, bytes)
  return file
}

/** Whole messages of the plain framing. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at)
    if (length === 0 || at + 2 + length > bytes.length) break
    frames.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return frames
}

function moldPackets(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const count = bytes.readUInt16BE(start + 18)
    let at = start + 20
    for (let i = 0; i < (count === 0xffff ? 0 : count); i++) at += 2 + bytes.readUInt16BE(at)
    packets.push(bytes.subarray(start, at))
    start = at
  }
  return packets
}

function recordsOf(made: Imported): Record<string, number> {
  return Object.fromEntries([...made.folders.values()].map(({ key, records }) => [key, records]))
}

async function expectDay(made: Imported, golden: Expected, frames: readonly Buffer[]): Promise<void> {
  const { counts } = made
  expect(counts).toMatchObject({ rows: golden.messages, merged: 0, bad: {}, unrepresentable: {} })
  const left = Object.entries(golden.by_type).flatMap(([type, count]) => (type in LEFT_OUT ? [[LEFT_OUT[type], count] as const] : []))
  const { 'cross without shares': emptyCrosses = 0, ...leftOut } = counts.leftOut
  expect(leftOut).toEqual(Object.fromEntries(left))
  const stocks = Object.entries(golden.stocks)
  const crosses = stocks.reduce((sum, [, { trades_by_source }]) => sum + (trades_by_source.Q?.count ?? 0), 0)
  expect(emptyCrosses).toBe((golden.by_type.Q ?? 0) - crosses)
  expect(counts.noted['broken shares'] ?? 0).toBe(stocks.reduce((sum, [, { broken }]) => sum + broken.sum_qty, 0))
  expect(recordsOf(made)).toEqual(
    Object.fromEntries(
      stocks.flatMap(([symbol, { records_by_date_and_stream }]) =>
        Object.entries(records_by_date_and_stream).map(([key, count]) => [`nasdaq/${symbol.toLowerCase()}/${key}`, count]),
      ),
    ),
  )
  for (const [symbol, { trades, trades_by_source, final }] of stocks) {
    if (trades.count === 0) continue
    await expectBook(made, golden, symbol, final)
    await expectTrades(made, symbol, trades, trades_by_source)
  }
  await expectTimes(made, frames)
}

async function expectBook(made: Imported, golden: Expected, symbol: string, final: BookState): Promise<void> {
  const book = new L3Book()
  const view = new L3EventView()
  const checkpoints = golden.checkpoints.filter(({ books }) => symbol in books)
  let [checked, last] = [0, 0n]
  await eachMessage(made, symbol, 'l3', (message) => {
    const native = view.wrapMessage(message).header.nativeSeq
    if (native < last) expect(native).toBe(last)
    last = native
    for (; checked < checkpoints.length && native > checkpoints[checked]!.message; checked++)
      expect(stateOf(book)).toEqual(checkpoints[checked]!.books[symbol])
    const result = book.apply(message)
    if (result !== 0) expect(result).toBe(0)
  })
  for (const { books } of checkpoints.slice(checked)) expect(stateOf(book)).toEqual(books[symbol])
  expect(stateOf(book)).toEqual(final)
  expect([book.priceScale, book.sizeScale]).toEqual([4, 0])
}

function stateOf(book: L3Book): BookState {
  const levels = (side: PriceLevels): number[][] => topLevels(side.totals, 5).map(([price, size]) => [price!, size!, side.ordersAt(price!)])
  const queue = (side: PriceLevels): number[][] => {
    const orders: number[][] = []
    const { words, doubles } = book.orders
    for (let at = side.headAt(side.totals.bestPrice); at >= 0 && orders.length < 5; at = words[at * 16 + ORDER_NEXT]!)
      orders.push([words[at * 16]!, doubles[at * 8 + ORDER_QUANTITY]!])
    return orders
  }
  return {
    bids: levels(book.bids),
    asks: levels(book.asks),
    bid_levels: book.bids.totals.count,
    ask_levels: book.asks.totals.count,
    orders: book.orders.count,
    levels_crc32: hex32(levelsCrc32(book.bids.totals, book.asks.totals)),
    orders_crc32: hex32(ordersCrc32(book)),
    best_bid_queue: queue(book.bids),
    best_ask_queue: queue(book.asks),
  }
}

async function expectTrades(
  made: Imported,
  symbol: string,
  golden: Expected['stocks'][string]['trades'],
  sources: Expected['stocks'][string]['trades_by_source'],
): Promise<void> {
  const view = new TradeView()
  let [count, quantity, notional, makers, withOrder, odd] = [0, 0n, 0n, 0, 0, 0]
  await eachMessage(made, symbol, 'trades', (message) => {
    view.wrapMessage(message)
    count++
    quantity += BigInt(view.quantity)
    notional += BigInt(Math.round(view.price * 10_000)) * BigInt(view.quantity)
    if (Math.round(view.price * 10_000) / 10_000 !== view.price) odd++
    if (view.isBuyerMaker) makers++
    if (view.buyerOrderId !== 0n || view.sellerOrderId !== 0n) withOrder++
    if ((view.buyerOrderId !== 0n) !== view.isBuyerMaker) odd++
  })
  expect(odd).toBe(0)
  expect({ count, makers, quantity: String(quantity) }).toEqual({
    count: golden.count,
    makers: golden.buyer_maker_of_E_and_C,
    quantity: golden.sum_qty,
  })
  expect(notional).toBe(BigInt(golden.sum_notional.replace('.', '')))
  expect(withOrder).toBe((sources.E?.count ?? 0) + (sources.C?.count ?? 0))
}

/** Against a reading of the bytes that shares nothing with the importer: times, numbers of messages, and matches. */
async function expectTimes(made: Imported, frames: readonly Buffer[]): Promise<void> {
  const midnight = BigInt(Date.parse('2026-01-15T05:00:00Z')) * 1_000_000n
  const sums = { events: 0n, natives: 0n, trades: 0n, matches: 0n }
  const found = { ...sums }
  frames.forEach((frame, i) => {
    const type = String.fromCharCode(frame[0]!)
    const ns = midnight + BigInt(frame.readUIntBE(5, 6))
    const events = type === 'U' ? 2n : 'AFECXDP'.includes(type) ? 1n : 0n
    sums.events += ns * events
    sums.natives += BigInt(i + 1) * events
    const isTrade = type === 'C' ? frame[31] === 0x59 : type === 'Q' ? frame.readBigUInt64BE(11) > 0n : 'EP'.includes(type)
    if (!isTrade) return
    sums.trades += ns
    sums.matches += frame.readBigUInt64BE({ E: 23, C: 23, P: 36, Q: 31 }[type]!)
  })
  let odd = 0
  const event = new L3EventView()
  await eachMessage(made, null, 'l3', (message) => {
    const { header } = event.wrapMessage(message)
    // The sample steps back at times, which records do not.
    if (header.exchangeTsNs > message.timestampNs || header.ingestTsNs !== header.exchangeTsNs) odd++
    found.events += header.exchangeTsNs
    found.natives += header.nativeSeq
  })
  const trade = new TradeView()
  await eachMessage(made, null, 'trades', (message) => {
    found.trades += trade.wrapMessage(message).timestampNs
    found.matches += trade.tradeId
  })
  expect([odd, found]).toEqual([0, sums])
}
