import { expect, it } from 'vitest'
import { namedCounts } from '../../core/book/apply-result.ts'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { bookHash } from '../../core/book/book-hash.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import type { L2Side } from '../../core/book/l2-side.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

interface GoldenBook {
  after_messages: number
  bid_levels: number
  ask_levels: number
  bids: string[][]
  asks: string[][]
  levels_crc32: string
  price_scale?: number
  size_scale?: number
  orders?: number
  book_hash?: string
  scales?: number[]
}
interface GoldenReplay {
  applied: number
  skipped: Record<string, number>
  messages: number
  checkpoints: GoldenBook[]
  final: GoldenBook
}

/** [price, size] of the best levels, as the golden files write them. */
function top(side: L2Side, limit: number): string[][] {
  const prices = new Float64Array(limit)
  const sizes = new Float64Array(limit)
  const count = side.topInto(prices, sizes)
  return Array.from({ length: count }, (_, i) => [String(prices[i]), String(sizes[i])])
}

function expectL2(book: L2Book, golden: GoldenBook): void {
  expect({ bids: book.bids.count, asks: book.asks.count }).toEqual({ bids: golden.bid_levels, asks: golden.ask_levels })
  expect(top(book.bids, golden.bids.length)).toEqual(golden.bids)
  expect(top(book.asks, golden.asks.length)).toEqual(golden.asks)
  expect([book.priceScale, book.sizeScale]).toEqual([golden.price_scale, golden.size_scale])
  expect(hex32(levelsCrc32(book.bids, book.asks))).toBe(golden.levels_crc32)
}

async function expectReplay(log: string, golden: GoldenReplay, resets: number): Promise<void> {
  const book = new L2Book()
  const checkpoints = [...golden.checkpoints]
  let messages = 0
  const reader = await ReplayReader.open(log)
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (const message of batch) {
      book.apply(message)
      if (++messages === checkpoints[0]?.after_messages) expectL2(book, checkpoints.shift()!)
    }
  }
  await reader.close()
  expect(checkpoints).toEqual([])
  expect(messages).toBe(golden.messages)
  expectL2(book, golden.final)
  // The peer skips resets, we apply them.
  const counts = namedCounts(book.counts)
  expect(counts.applied).toBe(golden.applied + resets)
  expect((counts.heartbeat ?? 0) + resets).toBe(golden.skipped.UnsupportedEvent ?? 0)
  expect(counts['skipped-type'] ?? 0).toBe(golden.skipped.NonBookEvent ?? 0)
}

describeGolden('L2 books equal chronicle-rs', () => {
  it('l2-btc', async () => {
    await expectReplay(goldenPath('chronicle-rs/l2-btc/queue'), goldenJson<{ l2: GoldenReplay }>('chronicle-rs/l2-btc/expected.json').l2, 1)
  })

  for (const symbol of ['ada', 'bnb', 'btc', 'doge', 'eth', 'link', 'sol', 'xrp']) {
    it(`trades-8sym ${symbol}-usdt`, async () => {
      const { l2 } = goldenJson<{ l2: GoldenReplay }>(`chronicle-rs/trades-8sym/expected.${symbol}-usdt.json`)
      await expectReplay(goldenPath(`chronicle-rs/trades-8sym/streams/clean/binance-perp/${symbol}-usdt/mixed/queue`), l2, 0)
    })
  }

  for (const [queue, expected] of [
    ['queue', 'expected.json'],
    ['queue-restart', 'expected-restart.json'],
  ] as const) {
    it(`l2-gaps ${queue}, gaps ignored`, async () => {
      const golden = goldenJson<{ l2_by_policy: (GoldenReplay & { policy: string })[] }>('chronicle-rs/l2-gaps', expected)
      await expectReplay(goldenPath('chronicle-rs/l2-gaps', queue), golden.l2_by_policy.find((each) => each.policy === 'Ignore')!, 0)
    })
  }
})

describeGolden('L3 book equals chronicle-rs', () => {
  it('l3-sym: totals, order counts, digests and book hashes', async () => {
    const { l3 } = goldenJson<{
      l3: { messages: number; channel_checkpoint: { channel: number }; checkpoints: GoldenBook[]; final: GoldenBook }
    }>('chronicle-rs/l3-sym/expected.json')
    const book = new L3Book()
    const checkpoints = [...l3.checkpoints]
    const expectL3 = (golden: GoldenBook) => {
      expect(Buffer.from(bookHash(book)).toString('hex')).toBe(golden.book_hash)
      expect(hex32(levelsCrc32(book.bids.totals, book.asks.totals))).toBe(golden.levels_crc32)
      // The third value, queue length, is unreliable in the peer.
      expect(top(book.bids.totals, golden.bids.length)).toEqual(golden.bids.map((level) => level.slice(0, 2)))
      expect(top(book.asks.totals, golden.asks.length)).toEqual(golden.asks.map((level) => level.slice(0, 2)))
      expect(book.orders.count).toBe(golden.orders)
      expect([book.priceScale, book.sizeScale]).toEqual(golden.scales)
    }
    let messages = 0
    const reader = await ReplayReader.open(goldenPath('chronicle-rs/l3-sym/queue'))
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      for (const message of batch) {
        book.apply(message)
        if (++messages === checkpoints[0]?.after_messages) expectL3(checkpoints.shift()!)
      }
    }
    expect(checkpoints).toEqual([])
    expect(messages).toBe(l3.messages)
    expect(book.channel).toBe(l3.channel_checkpoint.channel)
    expectL3(l3.final)
    expect(Object.keys(namedCounts(book.counts)).sort()).toEqual(['applied', 'heartbeat'])
  })
})
