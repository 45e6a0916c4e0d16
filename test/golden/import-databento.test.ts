import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { hex32 } from '../../core/book/book-digest.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { ORDER_ID_HIGH, ORDER_ID_LOW, ORDER_NEXT, ORDER_QUANTITY } from '../../core/book/order-store.ts'
import type { PriceLevels } from '../../core/book/price-levels.ts'
import { localFile, openBytes } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { databento } from '../../core/import/formats/databento.ts'
import type { DbnVersion } from '../../core/import/formats/dbn/layout.ts'
import type { DbnMetadata } from '../../core/import/formats/dbn/metadata.ts'
import { DbnRecords } from '../../core/import/formats/dbn/record-reader.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { dbnRow } from '../support/dbn-rows.ts'
import { eachMessage, type Imported, importInto, ordersCrc32 } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Level3Checkpoint {
  readonly record: number
  readonly orders: number
  readonly bids: number[][]
  readonly asks: number[][]
  readonly bid_levels: number
  readonly ask_levels: number
  readonly levels_crc32: string
  readonly orders_crc32: string
  readonly best_bid_queue: number[][]
  readonly best_ask_queue: number[][]
}
interface Trades {
  readonly count: number
  readonly sum_size: string
  readonly sum_notional: string
  readonly aggressor_sell: number
  readonly aggressor_none: number
}
interface Golden {
  readonly bytes: number
  readonly legacy_dbz?: true
  readonly metadata: null | {
    readonly version: number
    readonly dataset: string
    readonly schema: string
    readonly start: string
    readonly end: string
    readonly limit: number | null
    readonly stype_in: string
    readonly stype_out: string
    readonly ts_out: boolean
    readonly symbol_cstr_len: number
    readonly symbols: string[]
    readonly partial: string[]
    readonly not_found: string[]
    readonly mappings: number | Record<string, [string, string, string][]>
  }
  readonly records: number
  readonly by_rtype: Record<string, number>
  readonly rows_sha256: string
  readonly first_row?: string
  readonly last_row?: string
  readonly by_action?: Record<string, number>
  readonly trades?: Trades
  readonly top_of_book_of_rows_other_than_T?: Record<string, number | string>
  readonly book?: { readonly snapshot_resets: number; readonly checkpoints: Level3Checkpoint[] }
}
interface Synthetic {
  readonly records: number
  readonly by_action: Record<string, number>
  readonly instruments: Record<
    string,
    {
      readonly instrument_id: number
      readonly records: number
      readonly negative_prices: number
      readonly maybe_bad_book: number
      readonly trades: Trades
      readonly book: { readonly snapshot_resets: number; readonly checkpoints: Level3Checkpoint[] }
    }
  >
}

const root = temporaryFolder('import-databento')
const folder = () => path.join(root, String(made++))
let made = 0

describeGolden('Databento DBN', () => {
  const files: Record<string, Golden> = goldenJson('captures/dbn/expected.json')
  for (const [name, golden] of Object.entries(goldenJson<Record<string, Golden>>('captures/dbn/spec.expected.json')))
    files[`spec/${name}`] = golden
  const whole = Object.entries(files).filter(([, { metadata, legacy_dbz: isDbz }]) => metadata !== null && isDbz !== true)
  const others = Object.entries(files).filter(([, { metadata, legacy_dbz: isDbz }]) => metadata === null || isDbz === true)

  it('has all samples', () => {
    const there = [...fs.readdirSync(goldenPath('captures/dbn')), ...fs.readdirSync(goldenPath('captures/dbn/spec'))]
    // The synthetic one has an answer of its own.
    expect(whole.length + others.length).toBe(there.filter((name) => /\.db[nz]\b/.test(name)).length - 1)
  })

  it.each(whole)('%s: metadata and rows', async (name, golden) => {
    const records = new DbnRecords(openBytes(localFile(goldenPath('captures/dbn', name))), name)
    const metadata = await records.open()
    expect(shownMetadata(metadata)).toEqual({ ...golden.metadata, mappings: mappingsOf(golden) })
    expect(await readRows(records, metadata.version)).toEqual(expectedRows(golden))
  })

  it.each(others.filter(([, { legacy_dbz: isDbz }]) => isDbz !== true))('%s: rows without metadata', async (name, golden) => {
    const bytes = await unpacked(goldenPath('captures/dbn', name))
    const version = ({ 360: 1, 400: 2, 520: 3 } as const)[4 * bytes[0]!]!
    const records = new DbnRecords(openBytes(localFile(goldenPath('captures/dbn', name))), name)
    records.openFragment(version)
    expect(await readRows(records, version)).toEqual(expectedRows(golden))
  })

  it.each(others)('%s is refused', async (name) => {
    const glance = glanceAt(localFile(goldenPath('captures/dbn', name)))
    const refused = glance.then((file) => databento.recognise(file, { words: {} }))
    // Of an older file without a record nothing is left once it is decompressed.
    const code = name === 'spec/test_data.ohlcv-1d.dbz' ? 'input-empty' : 'import-refused'
    await expect(refused).rejects.toMatchObject({ code, category: 'input' })
  })

  it.each(whole)('%s: trades and tickers', async (name, golden) => {
    const imported = await importInto(folder(), databento, [goldenPath('captures/dbn', name)])
    expect(imported.counts).toMatchObject({ rows: golden.records, bad: {}, unrepresentable: {} })
    expect(await tradesOf(imported, null)).toEqual(shownTrades(golden.trades))
    const top = golden.top_of_book_of_rows_other_than_T
    // A tbbo record is a trade, and a ticker as well.
    const isTbbo = golden.metadata!.schema === 'tbbo'
    if (top !== undefined && !isTbbo) expect(await topOf(imported)).toEqual(top)
    if (isTbbo) expect(await topOf(imported)).toMatchObject({ count: golden.records })
    if (top !== undefined || golden.trades !== undefined) expect(imported.counts.leftOut.fills ?? 0).toBe(golden.by_action?.F ?? 0)
    else if (golden.by_action === undefined) expect(imported.counts.written).toBe(0)
  })

  it('mbo: books equal those of the official decoder', async () => {
    const name = 'orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst'
    const { book } = files[name]!
    const cuts = await cutFile(goldenPath('captures/dbn', name), book!.checkpoints, () => true)
    expect(cuts).toHaveLength(28)
    for (const { file, checkpoint } of cuts) expect(await bookAfter(file, 'ESM4')).toEqual(shownCheckpoint(checkpoint))
  })

  it('mbo with its definition: the scale is that of the smallest increment', async () => {
    const names = ['orderbooks_definition.dbn.zst', 'orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst']
    const paths = names.map((name) => goldenPath('captures/dbn', name))
    const units = await Promise.all(paths.map(async (file) => databento.recognise(await glanceAt(localFile(file)), { words: {} })!))
    expect(units[0]!.unit).toBe(units[1]!.unit)
    expect(units[0]!.order! < units[1]!.order!).toBe(true)
    expect(units[1]).toMatchObject({ holds: 'mbo', venue: 'glbx-mdp3', symbols: ['ESM4'], dates: ['2024-05-08'] })
    const imported = await importInto(folder(), databento, paths)
    expect(imported.folders.get('glbx-mdp3/esm4/2024-05-08/l3')!.scales).toEqual([2, 0])
    expect(imported.counts.leftOut).toEqual({ definition: 1, fills: 5 })
    expect(imported.counts.noted.snapshots).toBe(files[names[1]!]!.book!.snapshot_resets)
  })

  describe('synthetic mbo of three instruments', () => {
    const file = goldenPath('captures/dbn/synthetic-3-instruments.mbo.dbn.zst')
    const golden: Synthetic = goldenJson('captures/dbn/synthetic-3-instruments.mbo.expected.json')

    it('counts and trades', async () => {
      const imported = await importInto(folder(), databento, [file])
      const { counts } = imported
      expect(counts).toMatchObject({
        rows: golden.records,
        leftOut: { fills: golden.by_action.F, 'no-action': golden.by_action.N },
        bad: {},
      })
      let snapshots = 0
      for (const [symbol, { trades, maybe_bad_book: maybe, book }] of Object.entries(golden.instruments)) {
        expect(await tradesOf(imported, symbol)).toEqual(shownTrades(trades))
        expect(counts.noted[`maybe-bad-book glbx-mdp3 ${symbol}`]).toBe(maybe)
        snapshots += book.snapshot_resets
      }
      expect(counts.noted.snapshots).toBe(snapshots)
      expect([...imported.folders.keys()].filter((key) => key.includes('/zn-m4/')).sort()).toEqual([
        'glbx-mdp3/zn-m4/2024-06-10/l3',
        'glbx-mdp3/zn-m4/2024-06-10/trades',
        'glbx-mdp3/zn-m4/2024-06-11/l3',
        'glbx-mdp3/zn-m4/2024-06-11/trades',
      ])
      expect(imported.folders.get('glbx-mdp3/zn-m4/2024-06-10/l3')!.scales).toEqual([6, 0])
    })

    it('negative prices are left out of books, and counted', async () => {
      const { counts } = await importInto(folder(), databento, [file])
      let negative = 0
      await eachRow(file, (row) => {
        if (row.action !== 'T' && row.action !== 'F' && row.action !== 'N' && row.price.startsWith('-')) negative++
      })
      expect(counts.unrepresentable).toEqual({ 'negative-price': negative })
      expect(await bookAfter(file, 'ESM4-ESU4')).toMatchObject({ orders: 0, bids: [], asks: [] })
    })

    it.each(['ESM4', 'ZN/M4'])('books of %s', async (symbol) => {
      const { instrument_id: id, book } = golden.instruments[symbol]!
      const cuts = await cutFile(file, book.checkpoints, (instrument) => instrument === id)
      for (const { file: cut, checkpoint } of cuts) expect(await bookAfter(cut, symbol)).toEqual(shownCheckpoint(checkpoint))
      expect(cuts).toHaveLength(book.checkpoints.length)
    })
  })

  it('mbp-10: the ten levels of each record', async () => {
    const imported = await importInto(folder(), databento, [goldenPath('captures/dbn/spec/test_data.mbp-10.v3.dbn.zst')])
    const book = new L2Book()
    const rows: string[][] = []
    await eachMessage(imported, 'ESH1', 'book', (message) => {
      expect(book.apply(message)).toBe(0)
      const [bids, asks] = [nanoLevels(book.bids, book.priceScale), nanoLevels(book.asks, book.priceScale)]
      rows.push(bids.flatMap(([price, size], i) => [price!, asks[i]![0]!, size!, asks[i]![1]!].map(String)))
    })
    const golden = files['spec/test_data.mbp-10.v3.dbn.zst']!
    const levelsOf = (row: string) => row.split(',').filter((_, i) => i >= 13 && (i - 13) % 6 < 4)
    expect(rows).toEqual([levelsOf(golden.first_row!), levelsOf(golden.last_row!)])
    expect(imported.folders.get('glbx-mdp3/esh1/2020-12-28/book')!.depthLimit).toBe(10)
  })

  it('several files of a day: each stream comes from one of them', async () => {
    const names = ['mbo.v3.dbn', 'mbp-1.v3.dbn.zst', 'trades.v2.dbn.zst', 'trades.v3.dbn.zst', 'tbbo.v3.dbn.zst']
    const paths = names.map((name) => goldenPath('captures/dbn/spec', `test_data.${name}`))
    const { counts, folders } = await importInto(folder(), databento, paths)
    expect([...folders].map(([key, { records }]) => `${key} ${records}`)).toEqual([
      'glbx-mdp3/esh1/2020-12-28/ticker 2',
      'glbx-mdp3/esh1/2020-12-28/trades 2',
    ])
    expect(counts).toMatchObject({ rows: 10, written: 4, leftOut: { 'order-unknown': 2, 'given by another file': 4 } })
  })

  it('a file cut at any byte is an error, and what is before it is kept where that is asked for', async () => {
    const bytes = await unpacked(goldenPath('captures/dbn/spec/test_data.mbo.v3.dbn'))
    for (let length = 8; length < bytes.length; length++) {
      const file = written(bytes.subarray(0, length))
      const records = new DbnRecords(openBytes(localFile(file)), file)
      const read = async (): Promise<number> => {
        await records.open()
        let count = 0
        while (await records.block()) while (records.next()) count++
        return count
      }
      const headBytes = 8 + Buffer.from(bytes).readUInt32LE(4)
      const isBetween = length >= headBytes && (length - headBytes) % 56 === 0
      if (isBetween) expect(await read()).toBe((length - headBytes) / 56)
      else
        await expect(read()).rejects.toMatchObject({ category: 'corrupt', code: expect.stringMatching(/^databento-(metadata|truncated)$/) })
    }
    const cut = written(bytes.subarray(0, bytes.length - 1))
    await expect(importInto(folder(), databento, [cut])).rejects.toMatchObject({ code: 'databento-truncated', category: 'corrupt' })
    const kept = await importInto(folder(), databento, [cut], { onError: 'skip' })
    expect(kept.counts).toMatchObject({ rows: 2, bad: { truncated: 1 } })
  })

  it('a compressed file that is cut keeps its whole records where that is asked for', async () => {
    const bytes = fs.readFileSync(goldenPath('captures/dbn/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst'))
    const cut = written(bytes.subarray(0, 150_000), '.dbn.zst')
    await expect(importInto(folder(), databento, [cut])).rejects.toMatchObject({ code: 'zstd-damaged', category: 'corrupt' })
    const { counts } = await importInto(folder(), databento, [cut], { keepsTruncated: true })
    expect(counts.rows).toBeGreaterThan(5000)
    expect(counts).toMatchObject({ bad: {}, noted: { 'files cut short (zstd-damaged)': 1 } })
  })

  it('a byte that is flipped in the head of a record is an error, or changes no other record', async () => {
    const bytes = await unpacked(goldenPath('captures/dbn/orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst'))
    const start = 8 + Buffer.from(bytes).readUInt32LE(4)
    for (const offset of [0, 1]) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const flipped = bytes.slice(0, start + 56 * 20)
        flipped[start + 56 * 7 + offset]! ^= mask
        const file = written(flipped)
        await expect(importInto(folder(), databento, [file])).rejects.toMatchObject({ code: 'databento-record', category: 'corrupt' })
        const { counts } = await importInto(folder(), databento, [file], { onError: 'skip' })
        expect(counts).toMatchObject({ rows: 8, written: 7, bad: { record: 1 }, noted: { 'files not read to their end': 1 } })
      }
    }
  })
})

// Raw records

const STYPES = ['instrument_id', 'raw_symbol', 'smart', 'continuous', 'parent']

function shownMetadata(metadata: DbnMetadata): object {
  const { asked, partial, notFound, mappings } = metadata.symbols!
  return {
    version: metadata.version,
    dataset: metadata.dataset,
    schema: metadata.schema,
    start: String(metadata.startNs),
    end: metadata.endNs === null ? 'None' : String(metadata.endNs),
    limit: metadata.limit === null ? null : Number(metadata.limit),
    stype_in: STYPES[metadata.stypeIn!],
    stype_out: STYPES[metadata.stypeOut],
    ts_out: metadata.hasTsOut,
    symbol_cstr_len: metadata.symbolBytes,
    symbols: asked,
    partial,
    not_found: notFound,
    mappings:
      mappings.length > 40
        ? mappings.length
        : Object.fromEntries(
            mappings.map(({ symbol, intervals }) => [symbol, intervals.map(({ from, to, symbol: id }) => [from, to, id])]),
          ),
  }
}

function mappingsOf({ metadata }: Golden): unknown {
  const { mappings } = metadata!
  if (typeof mappings === 'number') return mappings
  const dateOf = (text: string) => Number(text.replaceAll('-', ''))
  return Object.fromEntries(
    Object.entries(mappings).map(([symbol, list]) => [symbol, list.map(([from, to, id]) => [dateOf(from), dateOf(to), id])]),
  )
}

async function readRows(records: DbnRecords, version: DbnVersion): Promise<object> {
  const hash = createHash('sha256')
  const kinds: Record<string, number> = {}
  const rows: string[] = []
  while (await records.block()) {
    while (records.next()) {
      const row = dbnRow(records, version)
      hash.update(`${row}\n`)
      rows.push(row)
      kinds[records.rtype] = (kinds[records.rtype] ?? 0) + 1
    }
  }
  return { records: rows.length, kinds, sha256: hash.digest('hex'), first: rows[0], last: rows.at(-1) }
}

function expectedRows({ records, by_rtype: kinds, rows_sha256: sha256, first_row: first, last_row: last }: Golden): object {
  return { records, kinds, sha256, first, last }
}

async function unpacked(file: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of openBytes(localFile(file))) pieces.push(piece.slice())
  return Buffer.concat(pieces)
}

async function eachRow(file: string, each: (row: { readonly action: string; readonly price: string }) => void): Promise<void> {
  const records = new DbnRecords(openBytes(localFile(file)), file)
  const { version } = await records.open()
  while (await records.block()) {
    while (records.next()) {
      const fields = dbnRow(records, version).split(',')
      each({ action: fields[9]!, price: fields[5]! })
    }
  }
}

function written(bytes: Uint8Array, ending = '.dbn'): string {
  const file = path.join(root, `made-${made++}${ending}`)
  fs.writeFileSync(file, bytes)
  return file
}

/** Files that end behind records of an instrument, by its own numbers. */
async function cutFile(
  file: string,
  checkpoints: readonly Level3Checkpoint[],
  isCounted: (instrument: number) => boolean,
): Promise<{ readonly file: string; readonly checkpoint: Level3Checkpoint }[]> {
  const bytes = await unpacked(file)
  const records = new DbnRecords(openBytes(localFile(file)), file)
  await records.open()
  const wanted = new Map(checkpoints.map((each) => [each.record, each]))
  const cuts: { file: string; checkpoint: Level3Checkpoint }[] = []
  let count = 0
  while (await records.block()) {
    while (records.next()) {
      if (!isCounted(records.view.getUint32(records.at + 4, true))) continue
      const checkpoint = wanted.get(count++)
      if (checkpoint !== undefined) cuts.push({ file: written(bytes.subarray(0, records.position + records.bytes)), checkpoint })
    }
  }
  return cuts
}

// Books

/** What the golden checkpoints say, of the book that the whole log of an instrument makes. */
async function bookAfter(file: string, symbol: string): Promise<object> {
  const imported = await importInto(folder(), databento, [file])
  const book = new L3Book()
  await eachMessage(imported, symbol, 'l3', (message) => {
    expect(book.apply(message)).toBe(0)
  })
  fs.rmSync(imported.root, { recursive: true })
  const [bids, asks] = [allLevels(book, book.bids), allLevels(book, book.asks)]
  return {
    orders: book.orders.count,
    bids: bids.slice(0, 10),
    asks: asks.slice(0, 10),
    bid_levels: bids.length,
    ask_levels: asks.length,
    levels_crc32: crcOf([...bids, ...asks].map(([price, size]) => [price!, size!])),
    orders_crc32: hex32(ordersCrc32(book, 10 ** (9 - book.priceScale))),
    best_bid_queue: bestQueue(book, book.bids),
    best_ask_queue: bestQueue(book, book.asks),
  }
}

function shownCheckpoint({ orders, bids, asks, bid_levels, ask_levels, levels_crc32, orders_crc32, ...queues }: Level3Checkpoint): object {
  const { best_bid_queue, best_ask_queue } = queues
  return { orders, bids, asks, bid_levels, ask_levels, levels_crc32, orders_crc32, best_bid_queue, best_ask_queue }
}

/** Price in 1e-9, size, orders. */
function allLevels({ priceScale }: L3Book, side: PriceLevels): number[][] {
  const count = side.totals.count
  const [prices, sizes] = [new Float64Array(count), new Float64Array(count)]
  side.totals.topInto(prices, sizes)
  return Array.from(prices, (price, i) => [price * 10 ** (9 - priceScale), sizes[i]!, side.ordersAt(price)])
}

function nanoLevels(side: L2Book['bids'], priceScale: number): number[][] {
  const [prices, sizes] = [new Float64Array(side.count), new Float64Array(side.count)]
  side.topInto(prices, sizes)
  return Array.from(prices, (price, i) => [price * 10 ** (9 - priceScale), sizes[i]!])
}

function crcOf(pairs: readonly number[][]): string {
  const words = new BigInt64Array(pairs.flat().map(BigInt))
  return hex32(zlib.crc32(new Uint8Array(words.buffer)))
}

function bestQueue({ orders }: L3Book, side: PriceLevels): number[][] {
  const queue: number[][] = []
  const { words, doubles } = orders
  if (side.totals.count === 0) return queue
  for (let slot = side.headAt(side.totals.bestPrice); slot >= 0 && queue.length < 10; slot = words[slot * 16 + ORDER_NEXT]!) {
    const id = (words[slot * 16 + ORDER_ID_LOW]! >>> 0) + words[slot * 16 + ORDER_ID_HIGH]! * 2 ** 32
    queue.push([id, doubles[slot * 8 + ORDER_QUANTITY]!])
  }
  return queue
}

// Trades and tickers

async function tradesOf(imported: Imported, symbol: string | null): Promise<object | null> {
  if (![...imported.folders.keys()].some((key) => key.endsWith('/trades'))) return null
  const view = new TradeView()
  let [count, size, sell] = [0, 0, 0]
  let notional = 0n
  await eachMessage(imported, symbol, 'trades', (message) => {
    view.wrapMessage(message)
    count++
    size += view.quantity
    notional += BigInt(Math.round(view.price * 1e9)) * BigInt(view.quantity)
    if (view.isBuyerMaker) sell++
  })
  return { count, size, notional: String(notional), sell }
}

function shownTrades(trades: Trades | undefined): object | null {
  if (trades === undefined || trades.count === 0) return null
  const [whole, fraction = ''] = trades.sum_notional.split('.')
  const notional = String(BigInt(whole! + fraction.padEnd(9, '0')))
  return { count: trades.count, size: Number(trades.sum_size), notional, sell: trades.aggressor_sell }
}

async function topOf(imported: Imported): Promise<object> {
  const tops: number[][] = []
  if ([...imported.folders.keys()].some((key) => key.endsWith('/book'))) {
    const book = new L2Book()
    await eachMessage(imported, null, 'book', (message) => {
      expect(book.apply(message)).toBe(0)
      const [[bid], [ask]] = [nanoLevels(book.bids, book.priceScale), nanoLevels(book.asks, book.priceScale)]
      tops.push([bid![0]!, bid![1]!, ask![0]!, ask![1]!])
    })
  } else {
    const view = new BookTickerView()
    const nano = (price: number) => Math.round(price * 1e9)
    await eachMessage(imported, null, 'ticker', (message) => {
      view.wrapMessage(message)
      tops.push([nano(view.bidPrice), view.bidQuantity, nano(view.askPrice), view.askQuantity])
    })
  }
  const sum = (column: number) => String(tops.reduce((total, top) => total + BigInt(top[column]!), 0n))
  return {
    count: tops.length,
    sum_bid_px_nano: sum(0),
    sum_ask_px_nano: sum(2),
    sum_bid_sz: sum(1),
    sum_ask_sz: sum(3),
    empty_bid: tops.filter(([bid]) => bid === 0).length,
    empty_ask: tops.filter((top) => top[2] === 0).length,
  }
}
