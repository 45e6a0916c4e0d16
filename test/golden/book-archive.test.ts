import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { HEARTBEAT } from '../../core/book/apply-result.ts'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { bookHash } from '../../core/book/book-hash.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import type { L2Side } from '../../core/book/l2-side.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { ORDER_ID_HIGH, ORDER_ID_LOW, ORDER_NEXT, ORDER_QUANTITY } from '../../core/book/order-store.ts'
import type { PriceLevels } from '../../core/book/price-levels.ts'
import { depthLimitOf } from '../../core/book/stream-depth.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

interface Checkpoint {
  index: number
  bid: number[] | null
  ask: number[] | null
  bids: number[][]
  asks: number[][]
  bid_levels: number
  ask_levels: number
  levels_crc32: string
  orders: number
  best_bid_queue: number[][]
  best_ask_queue: number[][]
  book_hash: string
}
interface Golden {
  path: string
  records: number
  book: {
    mode: string
    price_scale: number
    size_scale: number
    depth_limit: number | null
    levels_dropped_by_depth_limit?: number
    checkpoints: Checkpoint[]
    checksums?: { rule: string; count: number; values: [number, number][] }
    bbo_checks?: { count: number; values: number[][] }
    final: {
      index: number
      bid_levels: number
      ask_levels: number
      levels_crc32: string
      sum_bid_size: string
      sum_ask_size: string
      orders: number
      book_hash: string
    }
    golden?: {
      levels_compared: number
      rows: number
      rows_bbo_crc32: string
      lobster_file_bbo_crc32: string
      lobster_file_levels_crc32: string
    }
    bbo_after_every_record_crc32?: string
  }
}

describeGolden('books of real archives', () => {
  for (const name of fs.readdirSync(goldenPath('archive-real/expected')).filter((each) => /\.(book|l3)\.json$/.test(each))) {
    const golden = goldenJson<Golden>('archive-real/expected', name)
    if (golden.book.mode === 'L2') it(name.replace('.json', ''), () => expectL2(golden))
    else it(name.replace('.json', ''), () => expectL3(golden))
  }
})

async function replay(golden: Golden, each: (message: MessageCursor, index: number) => void): Promise<void> {
  let index = 0
  const reader = await ReplayReader.open(goldenPath('archive-real', golden.path))
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch())
    for (const message of batch) each(message, index++)
  await reader.close()
  expect(index).toBe(golden.records)
}

async function expectL2(golden: Golden): Promise<void> {
  const { book: expected } = golden
  const depthLimit = depthLimitOf(fs.readFileSync(goldenPath('archive-real', golden.path, 'meta.json')))
  expect(depthLimit).toBe(expected.depth_limit ?? undefined)
  const book = new L2Book({ depthLimit })
  const checkpoints = new Map(expected.checkpoints.map((each) => [each.index, each]))
  const checksums = new Map(expected.checksums?.values)
  const bestAt = new Map(expected.bbo_checks?.values.map((each) => [each[0]!, each]))
  let checked = 0
  await replay(golden, (message, index) => {
    expect(book.apply(message)).toBe(0)
    const checkpoint = checkpoints.get(index)
    if (checkpoint !== undefined) {
      checked++
      expect(top(book.bids, 10)).toEqual(checkpoint.bids)
      expect(top(book.asks, 10)).toEqual(checkpoint.asks)
      expect([book.bids.count, book.asks.count, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([
        checkpoint.bid_levels,
        checkpoint.ask_levels,
        checkpoint.levels_crc32,
      ])
    }
    const checksum = checksums.get(index)
    if (checksum !== undefined) {
      checked++
      expect(expected.checksums!.rule.startsWith('kraken') ? krakenChecksum(book) : okxChecksum(book)).toBe(checksum)
    }
    const best = bestAt.get(index)
    if (best !== undefined) {
      checked++
      expect([book.bids.bestPrice, book.bids.bestSize, book.asks.bestPrice, book.asks.bestSize]).toEqual(best.slice(2))
    }
  })
  expect(checked).toBe(checkpoints.size + (expected.checksums?.count ?? 0) + (expected.bbo_checks?.count ?? 0))
  expect(checked).toBeGreaterThan(0)
  expect([book.priceScale, book.sizeScale]).toEqual([expected.price_scale, expected.size_scale])
  if (expected.levels_dropped_by_depth_limit !== undefined) expect(book.levelsCut).toBe(expected.levels_dropped_by_depth_limit)
  const sum = (side: L2Side) => String(top(side, side.count).reduce((total, level) => total + BigInt(level[1]!), 0n))
  expect({
    bid_levels: book.bids.count,
    ask_levels: book.asks.count,
    levels_crc32: hex32(levelsCrc32(book.bids, book.asks)),
    sum_bid_size: sum(book.bids),
    sum_ask_size: sum(book.asks),
  }).toEqual(
    expect.objectContaining({
      bid_levels: expected.final.bid_levels,
      ask_levels: expected.final.ask_levels,
      levels_crc32: expected.final.levels_crc32,
      sum_bid_size: expected.final.sum_bid_size,
      sum_ask_size: expected.final.sum_ask_size,
    }),
  )
}

async function expectL3(golden: Golden): Promise<void> {
  const { book: expected } = golden
  const book = new L3Book()
  const checkpoints = new Map(expected.checkpoints.map((each) => [each.index, each]))
  const depth = expected.golden!.levels_compared
  const row = new BigUint64Array(depth * 4)
  let rows = 0
  let rowsCrc = 0
  let rowsBestCrc = 0
  let recordsBestCrc = 0
  await replay(golden, (message, index) => {
    // A row of the order book file is the state before the next message that is not synthetic.
    const nativeSeq = message.view.getBigUint64(message.payloadOffset + 48, true)
    if (nativeSeq > 1n) takeRow()
    const result = book.apply(message)
    expect(result === 0 || result === HEARTBEAT).toBe(true)
    recordsBestCrc = crc32(bestOf(book), recordsBestCrc)
    const checkpoint = checkpoints.get(index)
    if (checkpoint === undefined) return
    expect(Buffer.from(bookHash(book)).toString('hex')).toBe(checkpoint.book_hash)
    expect(withOrders(book.bids)).toEqual(checkpoint.bids)
    expect(withOrders(book.asks)).toEqual(checkpoint.asks)
    expect(bestQueue(book, book.bids)).toEqual(checkpoint.best_bid_queue)
    expect(bestQueue(book, book.asks)).toEqual(checkpoint.best_ask_queue)
    expect([book.orders.count, book.bids.totals.count, book.asks.totals.count]).toEqual([
      checkpoint.orders,
      checkpoint.bid_levels,
      checkpoint.ask_levels,
    ])
    expect(hex32(levelsCrc32(book.bids.totals, book.asks.totals))).toBe(checkpoint.levels_crc32)
  })
  takeRow()
  expect(rows).toBe(expected.golden!.rows)
  expect(hex32(rowsBestCrc)).toBe(expected.golden!.lobster_file_bbo_crc32)
  expect(hex32(rowsCrc)).toBe(expected.golden!.lobster_file_levels_crc32)
  expect(hex32(recordsBestCrc)).toBe(expected.bbo_after_every_record_crc32)
  expect(Buffer.from(bookHash(book)).toString('hex')).toBe(expected.final.book_hash)

  function takeRow(): void {
    rows++
    row.fill(0n)
    for (const [i, level] of top(book.bids.totals, depth).entries()) row.set(level.map(BigInt), i * 2)
    for (const [i, level] of top(book.asks.totals, depth).entries()) row.set(level.map(BigInt), (depth + i) * 2)
    rowsCrc = crc32(new Uint8Array(row.buffer), rowsCrc)
    rowsBestCrc = crc32(bestOf(book), rowsBestCrc)
  }
}

function top(side: L2Side, limit: number): number[][] {
  const prices = new Float64Array(limit)
  const sizes = new Float64Array(limit)
  return Array.from({ length: side.topInto(prices, sizes) }, (_, i) => [prices[i]!, sizes[i]!])
}

/** Best bid price and size, best ask price and size as u64; 0 where a side is empty. */
function bestOf(book: L3Book): Uint8Array {
  const values = [book.bids.totals.bestPrice, book.bids.totals.bestSize, book.asks.totals.bestPrice, book.asks.totals.bestSize]
  return new Uint8Array(BigUint64Array.from(values.map((value) => BigInt(Number.isNaN(value) ? 0 : value))).buffer)
}

function withOrders(levels: PriceLevels): number[][] {
  return top(levels.totals, 10).map((level) => [...level, levels.ordersAt(level[0]!)])
}

/** [order id, size] of the first 20 orders at the best price. */
function bestQueue(book: L3Book, levels: PriceLevels): number[][] {
  const queue: number[][] = []
  const { words, doubles } = book.orders
  for (let order = levels.headAt(levels.totals.bestPrice); order >= 0 && queue.length < 20; order = words[order * 16 + ORDER_NEXT]!) {
    const id = (words[order * 16 + ORDER_ID_HIGH]! >>> 0) * 2 ** 32 + (words[order * 16 + ORDER_ID_LOW]! >>> 0)
    expect(book.queuePosition(BigInt(id))).toBe(queue.length)
    queue.push([id, doubles[order * 8 + ORDER_QUANTITY]!])
  }
  return queue
}

function krakenChecksum(book: L2Book): number {
  return crc32([...top(book.asks, 10), ...top(book.bids, 10)].map(([price, size]) => `${price}${size}`).join(''))
}

function okxChecksum(book: L2Book): number {
  const bids = top(book.bids, 25)
  const asks = top(book.asks, 25)
  const parts: string[] = []
  for (let i = 0; i < 25; i++) {
    for (const level of [bids[i], asks[i]])
      if (level !== undefined) parts.push(decimal(level[0]!, book.priceScale), decimal(level[1]!, book.sizeScale))
  }
  return crc32(parts.join(':')) | 0
}

/** Shortest decimal text of value / 10^scale. */
function decimal(value: number, scale: number): string {
  const digits = String(value).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}
