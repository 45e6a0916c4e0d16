import { expect } from 'vitest'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { summarizeLog } from '../../core/log/checking/log-summary.ts'
import { BookTickerView } from '../../core/protocol/book-ticker.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { goldenJson } from '../golden-data.ts'
import { eachMessage, type Imported, topLevels } from './imported.ts'

interface Checkpoint {
  readonly index: number
  readonly bids: number[][]
  readonly asks: number[][]
  readonly bid_levels: number
  readonly ask_levels: number
  readonly levels_crc32: string
}
interface Place {
  readonly seq: number
  readonly ts_ns: string
  readonly exchange_ts_ns: string
}
interface Golden {
  readonly path: string
  readonly venue: string
  readonly venue_id: number
  readonly symbol: string
  readonly exchange_symbol: string
  readonly stream: string
  readonly stream_id: number
  readonly records: number
  readonly payload_bytes: number
  readonly by_type: Record<string, number>
  readonly by_event: Record<string, number>
  readonly first: Place
  readonly last: Place
  readonly ts_range_ns: [string, string]
  readonly exchange_ts_range_ns: [string, string]
  readonly seq_sum: string
  readonly ts_xor: string
  readonly payload_crc32_xor: string
  readonly payload_crc32_sum: string
  readonly update_ids?: { readonly first: string; readonly last: string }
  readonly book?: {
    readonly price_scale: number
    readonly size_scale: number
    readonly depth_limit: number | null
    readonly checkpoints: Checkpoint[]
    readonly checksums?: { readonly count: number }
    readonly bbo_checks?: { readonly count: number; readonly values: number[][] }
    readonly final: { readonly bid_levels: number; readonly ask_levels: number; readonly levels_crc32: string }
  }
  readonly trades?: {
    readonly buyer_maker: number
    readonly sum_qty: string
    readonly sum_notional: string
    readonly first_trade_id: string
    readonly last_trade_id: string
  }
  readonly ticker?: {
    readonly sum_bid_price: string
    readonly sum_bid_qty: string
    readonly sum_ask_price: string
    readonly sum_ask_qty: string
  }
}

/** What an import made of a capture is what archive-real has of it: times and payloads of records to the byte, books, sums. */
export async function expectRealArchive(made: Imported, name: string): Promise<void> {
  const golden = goldenJson<Golden>('archive-real/expected', `${name}.json`)
  const key = golden.path.replace('v1/', '')
  const folder = made.folders.get(key)
  if (folder === undefined) throw new Error(`${key} was not made; there are ${[...made.folders.keys()].join(', ')}`)
  const { venueId, streamId, records, minNs, maxNs, identity } = folder
  expect({ venueId, streamId, records, times: [minNs, maxNs], symbol: identity.symbol, exchange: identity.exchangeSymbol }).toEqual({
    venueId: golden.venue_id,
    streamId: golden.stream_id,
    records: golden.records,
    times: golden.ts_range_ns,
    symbol: golden.symbol,
    exchange: golden.exchange_symbol,
  })
  await expectRecords(folder.directory, golden)
  if (golden.book !== undefined) await expectBook(made, golden, golden.book)
  if (golden.trades !== undefined) await expectTrades(made, golden, golden.trades)
  if (golden.ticker !== undefined) await expectTicker(made, golden, golden.ticker)
}

async function expectRecords(directory: string, golden: Golden): Promise<void> {
  const summary = await summarizeLog(directory)
  expect(summary.issues).toEqual([])
  expect({
    records: summary.messages,
    payload_bytes: summary.payloadBytes,
    by_type: Object.fromEntries([...summary.byType].map(([type, count]) => [`0x${type.toString(16).padStart(4, '0')}`, count])),
    first: [String(summary.firstSeq), String(summary.firstTimestampNs)],
    last: [String(summary.lastSeq), String(summary.lastTimestampNs)],
    seq_sum: String(summary.seqSum),
    ts_xor: String(summary.timestampXor),
    payload_crc32_xor: hex32(summary.payloadCrc32Xor),
    payload_crc32_sum: String(summary.payloadCrc32Sum),
  }).toEqual({
    records: golden.records,
    payload_bytes: golden.payload_bytes,
    by_type: golden.by_type,
    first: [String(golden.first.seq), golden.first.ts_ns],
    last: [String(golden.last.seq), golden.last.ts_ns],
    seq_sum: golden.seq_sum,
    ts_xor: golden.ts_xor,
    payload_crc32_xor: golden.payload_crc32_xor,
    payload_crc32_sum: golden.payload_crc32_sum,
  })
}

async function expectBook(made: Imported, golden: Golden, expected: NonNullable<Golden['book']>): Promise<void> {
  const folder = [...made.folders.values()].find(({ key }) => key === golden.path.replace('v1/', ''))!
  expect(folder.scales).toEqual([expected.price_scale, expected.size_scale])
  expect(folder.depthLimit).toBe(expected.depth_limit)
  const book = new L2Book({ depthLimit: expected.depth_limit ?? undefined })
  const checkpoints = new Map(expected.checkpoints.map((each) => [each.index, each]))
  const bestAt = new Map(expected.bbo_checks?.values.map((each) => [each[0]!, each]))
  const events: Record<string, number> = {}
  const ids: bigint[] = []
  let [index, checked] = [0, 0]
  await eachMessage(made, golden.exchange_symbol, 'book', (message) => {
    expect(book.apply(message)).toBe(0)
    const event = message.view.getUint8(message.payloadOffset + 56) === 1 ? 'snapshot' : 'diff'
    events[event] = (events[event] ?? 0) + 1
    if (event === 'diff' && golden.update_ids !== undefined) {
      const [first, last] = [64, 72].map((at) => message.view.getBigUint64(message.payloadOffset + at, true))
      ids[0] ??= first!
      ids[1] = last!
    }
    const checkpoint = checkpoints.get(index)
    if (checkpoint !== undefined) {
      checked++
      expect([topLevels(book.bids), topLevels(book.asks)]).toEqual([checkpoint.bids, checkpoint.asks])
      expect([book.bids.count, book.asks.count, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([
        checkpoint.bid_levels,
        checkpoint.ask_levels,
        checkpoint.levels_crc32,
      ])
    }
    const best = bestAt.get(index)
    if (best !== undefined) {
      checked++
      expect([book.bids.bestPrice, book.bids.bestSize, book.asks.bestPrice, book.asks.bestSize]).toEqual(best.slice(2))
    }
    index++
  })
  expect(events).toEqual(golden.by_event)
  expect(checked).toBe(checkpoints.size + bestAt.size)
  expect(checked).toBeGreaterThan(0)
  if (golden.update_ids !== undefined) expect(ids.map(String)).toEqual([golden.update_ids.first, golden.update_ids.last])
  const { bid_levels, ask_levels, levels_crc32 } = expected.final
  expect([book.bids.count, book.asks.count, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([bid_levels, ask_levels, levels_crc32])
}

async function expectTrades(made: Imported, golden: Golden, expected: NonNullable<Golden['trades']>): Promise<void> {
  const view = new TradeView()
  const ids: bigint[] = []
  let [makers, quantity, notional] = [0, 0, 0]
  await eachMessage(made, golden.exchange_symbol, 'trades', (message) => {
    view.wrapMessage(message)
    ids[0] ??= view.tradeId
    ids[1] = view.tradeId
    if (view.isBuyerMaker) makers++
    quantity += view.quantity
    notional += view.quantity * view.price
  })
  expect(makers).toBe(expected.buyer_maker)
  expect(ids.map(String)).toEqual([expected.first_trade_id, expected.last_trade_id])
  expectNear([quantity, notional], [expected.sum_qty, expected.sum_notional])
}

async function expectTicker(made: Imported, golden: Golden, expected: NonNullable<Golden['ticker']>): Promise<void> {
  const view = new BookTickerView()
  const sums = [0, 0, 0, 0]
  await eachMessage(made, golden.exchange_symbol, 'ticker', (message) => {
    view.wrapMessage(message)
    ;[view.bidPrice, view.bidQuantity, view.askPrice, view.askQuantity].forEach((value, i) => {
      sums[i]! += value
    })
  })
  expectNear(sums, [expected.sum_bid_price, expected.sum_bid_qty, expected.sum_ask_price, expected.sum_ask_qty])
}

/** Sums of doubles; the golden ones are exact. */
function expectNear(sums: readonly number[], exact: readonly string[]): void {
  for (const [i, sum] of sums.entries()) expect(Math.abs(sum / Number(exact[i]) - 1)).toBeLessThan(1e-9)
}
