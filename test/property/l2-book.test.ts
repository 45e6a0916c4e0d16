import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  APPLIED,
  CORRUPT_EVENT,
  CORRUPT_LENGTH,
  CORRUPT_SCHEMA,
  FIRST_BAD_RESULT,
  HEARTBEAT,
  namedCounts,
  OUT_OF_RANGE,
  SKIPPED_MODE,
  SKIPPED_TYPE,
} from '../../core/book/apply-result.ts'
import { levelsCrc32 } from '../../core/book/book-digest.ts'
import { BookReplay } from '../../core/book/book-replay.ts'
import { BookSet } from '../../core/book/book-set.ts'
import { BookMemory } from '../../core/book/kernel/book-memory.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L2Side } from '../../core/book/l2-side.ts'
import { depthLimitOf } from '../../core/book/stream-depth.ts'
import { ReplayError } from '../../core/errors.ts'
import { batchOf, diff, heartbeat, l3, messageOf, reset, snapshot } from '../support/book-messages.ts'
import { NaiveBook } from '../support/naive-book.ts'

type Levels = [bigint, bigint][]
type Event =
  | { kind: 'diff' | 'snapshot'; bids: Levels; asks: Levels; priceScale: number; sizeScale: number }
  | { kind: 'reset' | 'heartbeat' }

const price = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 9_990, max: 10_010 }).map((tick) => BigInt(tick * 10)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 40_000 }).map((tick) => BigInt(tick * 10)) },
  { weight: 1, arbitrary: fc.integer({ min: 99_900, max: 100_100 }).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 2n ** 53n - 4n, max: 2n ** 53n + 8n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 51n - 1n }).map((high) => high << 13n) },
)
const size = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: 5n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 2n ** 40n }) },
)
const levels = fc.array(fc.tuple(price, size), { maxLength: 8 })
const scale = fc.constantFrom(2, 2, 2, 2, 2, 2, 0, 1, 3, 4)
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('diff' as const), bids: levels, asks: levels, priceScale: scale, sizeScale: scale }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('snapshot' as const), bids: levels, asks: levels, priceScale: scale, sizeScale: scale }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'reset' as const }, { kind: 'heartbeat' as const }) },
)

function payloadOf(each: Event): Uint8Array {
  if (each.kind === 'diff') return diff(each.bids, each.asks, each)
  if (each.kind === 'snapshot') return snapshot(each.bids, each.asks, each)
  return each.kind === 'reset' ? reset() : heartbeat()
}

/** Applies to the naive book; whether the message is good. */
function applyNaively(naive: NaiveBook, each: Event): boolean {
  if (each.kind === 'diff') return naive.diff(each.bids, each.asks, each.priceScale, each.sizeScale)
  if (each.kind === 'snapshot') return naive.snapshot(each.bids, each.asks, each.priceScale, each.sizeScale)
  if (each.kind === 'reset') naive.reset()
  return true
}

function levelsOf(side: L2Side): [number, number][] {
  const prices = new Float64Array(side.count)
  const sizes = new Float64Array(side.count)
  expect(side.topInto(prices, sizes)).toBe(side.count)
  return [...prices].map((p, i) => [p, sizes[i]!])
}

function expectEqual(book: L2Book, naive: NaiveBook): void {
  for (const side of ['bids', 'asks'] as const) {
    const expected = naive.sorted(side)
    expect(levelsOf(book[side])).toEqual(expected)
    expect(book[side].bestPrice).toEqual(expected[0]?.[0] ?? Number.NaN)
    expect(book[side].bestSize).toBe(expected[0]?.[1] ?? 0)
    const sum = (list: [number, number][]) => list.reduce((total, [, s]) => total + s, 0)
    expect(book[side].depthSum(3)).toBe(sum(expected.slice(0, 3)))
    for (const [p, s] of expected) expect(book[side].sizeAt(p)).toBe(s)
    const middle = expected[Math.floor(expected.length / 2)]?.[0]
    if (middle !== undefined)
      expect(book[side].sumToPrice(middle)).toBe(sum(expected.filter(([p]) => (side === 'bids' ? p >= middle : p <= middle))))
  }
  expect([book.priceScale, book.sizeScale]).toEqual([naive.priceScale, naive.sizeScale])
}

describe('L2 book', () => {
  it('equals a naive book on random streams: crossed and empty books, scale changes, depth limits', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(undefined, undefined, 1, 3, 10),
        (events, depthLimit) => {
          const book = new L2Book({ depthLimit })
          const naive = new NaiveBook(depthLimit)
          for (const each of events) {
            const result = book.apply(messageOf(payloadOf(each)))
            expect(result === APPLIED || result === HEARTBEAT).toBe(applyNaively(naive, each))
            expectEqual(book, naive)
          }
        },
      ),
    )
  })

  it('equals a naive side while the touch wanders out of every window', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.nat(2 ** 31 - 1)),
        fc.constantFrom(1 as const, -1 as const),
        fc.constantFrom(1, 10, 25),
        fc.constantFrom(50, 4),
        (random, sign, tick, deepOneIn) => {
          const memory = new BookMemory()
          const address = memory.kernel.newSide(sign)
          const side = new L2Side(sign, memory, address)
          const naive = new Map<number, number>()
          let centre = 50_000_000
          const next = () => random.next().value as number
          for (let i = 0; i < 6000; i++) {
            // Runs of drift both ways, mostly near the touch, some deep, a few off the grid.
            centre += (((i >>> 10) & 1) === 0 ? 1 : -1) * (next() % 5) * tick
            const depth = next() % deepOneIn === 0 ? next() % 40_000 : next() % 60
            const at = centre - sign * depth * tick + (next() % 997 === 0 ? 1 : 0)
            const quantity = next() % 3 === 0 ? 0 : 1 + (next() % 1000)
            // Both ways in: one level, and levels of a message.
            if (next() % 2 === 0) side.set(at, quantity)
            else memory.kernel.setLevels(address, memory.put(Uint32Array.of(at, 0, quantity, 0), 0, 16), 1, 1, 1)
            if (quantity === 0) naive.delete(at)
            else naive.set(at, quantity)
            if (i % 500 !== 0) continue
            const sorted = [...naive].sort((a, b) => sign * (b[0] - a[0]))
            expect(levelsOf(side)).toEqual(sorted)
          }
        },
      ),
      { numRuns: 16 },
    )
  })

  it('a refused payload changes nothing: truncated anywhere', () => {
    const good = diff(
      [
        [1000n, 5n],
        [990n, 0n],
      ],
      [[1010n, 7n]],
    )
    for (const payload of [good, snapshot([[1000n, 5n]], [[1010n, 7n]])]) {
      for (let length = 0; length < payload.length; length++) {
        const book = bookOf(diff([[990n, 1n]], [[2000n, 2n]]))
        const before = levelsCrc32(book.bids, book.asks)
        expect(book.apply(messageOf(payload.slice(0, length)))).toBe(CORRUPT_LENGTH)
        expect(levelsCrc32(book.bids, book.asks)).toBe(before)
      }
    }
  })

  it('any flipped bit gives a result, never an exception, and a refused message changes nothing', () => {
    const payload = diff(
      [
        [1000n, 5n],
        [990n, 0n],
      ],
      [[1010n, 7n]],
    )
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const flipped = payload.slice()
      flipped[bit >>> 3]! ^= 1 << (bit & 7)
      const book = bookOf(snapshot([[990n, 1n]], [[2000n, 2n]]))
      const before = levelsCrc32(book.bids, book.asks)
      if (book.apply(messageOf(flipped)) >= FIRST_BAD_RESULT) expect(levelsCrc32(book.bids, book.asks)).toBe(before)
    }
  })

  it('names what it does not apply', () => {
    const book = new L2Book()
    const wrongVersion = heartbeat()
    wrongVersion[0] = 4
    const wrongEvent = heartbeat()
    wrongEvent[56] = 9
    const longRecord = heartbeat()
    longRecord[4] = 65
    expect(book.apply(messageOf(new Uint8Array(48), 0x1001))).toBe(SKIPPED_TYPE)
    expect(book.apply(messageOf(l3({ eventType: 1 })))).toBe(SKIPPED_MODE)
    expect(book.apply(messageOf(wrongVersion))).toBe(CORRUPT_SCHEMA)
    expect(book.apply(messageOf(wrongEvent))).toBe(CORRUPT_EVENT)
    expect(book.apply(messageOf(longRecord))).toBe(CORRUPT_LENGTH)
    expect(book.apply(messageOf(diff([[2n ** 53n + 1n, 1n]], [])))).toBe(OUT_OF_RANGE)
    expect(book.apply(messageOf(diff([[1n, 1n]], [], { priceScale: 19 })))).toBe(OUT_OF_RANGE)
    expect(book.apply(messageOf(heartbeat()))).toBe(HEARTBEAT)
    expect(namedCounts(book.counts)).toEqual({
      'skipped-type': 1,
      'skipped-mode': 1,
      'corrupt-schema': 1,
      'corrupt-event': 1,
      'corrupt-length': 1,
      'out-of-range': 2,
      heartbeat: 1,
    })
  })

  it('refuses a depth limit that is none', () => {
    for (const depthLimit of [0, -1, 1.5])
      expect(() => new L2Book({ depthLimit })).toThrow(expect.objectContaining({ code: 'depth-limit', category: 'input' }))
  })

  it('reads a payload at any alignment', () => {
    const payload = diff([[1000n, 5n]], [[1010n, 7n]])
    for (let shift = 0; shift < 4; shift++) {
      const batch = batchOf([payload])
      const bytes = new Uint8Array(batch.buffers[0]!.bytes.length + shift)
      bytes.set(batch.buffers[0]!.bytes, shift)
      batch.buffers[0] = { ...batch.buffers[0]!, bytes: bytes.subarray(shift), view: new DataView(bytes.buffer, shift) }
      const book = new L2Book()
      expect(book.apply(batch.at(0))).toBe(APPLIED)
      expect(levelsOf(book.bids)).toEqual([[1000, 5]])
    }
  })
})

describe('book replay', () => {
  it('leaves out what the policy says, and counts it', () => {
    const ids = (price: bigint, first: number) => diff([[price, 1n]], [], { updateIdFirst: first, updateIdLast: first, nativeSeq: first })
    const replay = new BookReplay({ onGap: 'quarantine', rule: { updateIds: 'first-follows-last' } })
    const stream = [
      snapshot([[10n, 1n]], [], { nativeSeq: 5 }),
      ids(20n, 4),
      ids(11n, 6),
      ids(12n, 6),
      ids(30n, 9),
      ids(31n, 10),
      snapshot([[40n, 1n]], [], { nativeSeq: 20 }),
    ]
    for (const message of batchOf(stream)) replay.apply(message)
    expect(levelsOf(replay.books.l2Book(7).bids)).toEqual([[40, 1]])
    expect(namedCounts(replay.counts)).toEqual({ applied: 3, stale: 1, duplicate: 1, quarantined: 2 })
  })
})

describe('depth limit of a stream', () => {
  it('is read from meta.json', () => {
    expect(depthLimitOf('{"depth_limit": 1000}')).toBe(1000)
    expect(depthLimitOf('{"venue": "okx", "depth_limit": null}')).toBeUndefined()
    for (const text of ['{', '{"depth_limit": 0}', '{"depth_limit": "10"}'])
      expect(() => depthLimitOf(text)).toThrow(expect.objectContaining({ code: 'meta-json' }))
  })
})

describe('book set', () => {
  it('keeps a book per market and mode', () => {
    const books = new BookSet({ depthLimit: (market) => (market === 8 ? 1 : undefined) })
    const batch = batchOf([
      diff(
        [
          [10n, 1n],
          [11n, 1n],
        ],
        [],
      ),
      diff(
        [
          [10n, 1n],
          [11n, 1n],
        ],
        [],
        { marketId: 8 },
      ),
      l3({ eventType: 1, side: 1, orderId: 1n, price: 5n, quantity: 2n }),
      { payload: new Uint8Array(64), typeId: 0x1002 },
    ])
    for (const message of batch) books.apply(message)
    expect(levelsOf(books.l2Book(7).bids)).toEqual([
      [11, 1],
      [10, 1],
    ])
    expect(levelsOf(books.l2Book(8).bids)).toEqual([[11, 1]])
    expect(levelsOf(books.l3Book(7).bids.totals)).toEqual([[5, 2]])
    expect(namedCounts(books.counts)).toEqual({ applied: 3, 'skipped-type': 1 })
  })

  it('stops at damage with a named error and its place, or counts it', () => {
    const batch = batchOf([diff([[10n, 1n]], []).slice(0, 100)])
    expect(() => new BookSet().apply(batch.at(0))).toThrow(ReplayError)
    expect(() => new BookSet().apply(batch.at(0))).toThrow(/payload 100 bytes, record length 112 \(segment 0, offset 64, seq 0, in \/log\)/)
    expect(new BookSet({ onCorrupt: 'skip' }).apply(batch.at(0))).toBe(CORRUPT_LENGTH)
    const unknown = batchOf([l3({ eventType: 2, orderId: 9n })])
    expect(() => new BookSet().apply(unknown.at(0))).toThrow(expect.objectContaining({ code: 'book-unknown-order', category: 'corrupt' }))
  })
})

function bookOf(payload: Uint8Array): L2Book {
  const book = new L2Book()
  book.apply(messageOf(payload))
  return book
}
