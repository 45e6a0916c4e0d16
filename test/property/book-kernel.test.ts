import { afterAll, describe, expect, it } from 'vitest'
import { APPLIED, FIRST_BAD_RESULT, RESULT_NAMES } from '../../core/book/apply-result.ts'
import { stateOf } from '../../core/book/book-state.ts'
import { BookMemory } from '../../core/book/kernel/book-memory.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { MessageBatch } from '../../core/message/batch.ts'
import type { Level } from '../../core/protocol/level.ts'
import { batchOf, diff, heartbeat, l3, messageOf, reset, snapshot } from '../support/book-messages.ts'
import { drawer, mutated } from '../support/mutated-payloads.ts'

// Payloads of the fuzz: a million and more with CHRONICLE_FUZZ_PAYLOADS=1000000.
const PAYLOADS = Number(process.env.CHRONICLE_FUZZ_PAYLOADS ?? 40_000)
const SEED = Number(process.env.CHRONICLE_FUZZ_SEED ?? Date.now() % 1_000_000_000)
afterAll(() => console.log(`book kernel: CHRONICLE_FUZZ_SEED=${SEED}, ${PAYLOADS} payloads`))

type Draw = (n: number) => number

/** Of the kinds of prices below: all, and those of most markets. */
const ALL_KINDS = 20
const TAME_KINDS = 17

/** Prices around a touch, far from it, more than 2^32 ticks apart, and beyond 2^53. */
function price(draw: Draw, kinds: number): bigint {
  const kind = draw(kinds)
  if (kind < 15) return 1_000_000n + 10n * BigInt(draw(80))
  if (kind < 17) return BigInt(draw(3_000_000))
  if (kind < 19) return (BigInt(draw(2 ** 20)) << 32n) + BigInt(draw(1000))
  return (BigInt(draw(2 ** 31)) << 31n) + 1024n * BigInt(draw(1000))
}

function levels(draw: Draw, kinds: number): Level[] {
  const count = draw(draw(40) === 0 ? 100 : 7)
  return Array.from({ length: count }, () => [price(draw, kinds), draw(3) === 0 ? 0n : BigInt(1 + draw(1000))])
}

function l2Payload(draw: Draw, kinds = ALL_KINDS): Uint8Array {
  const kind = draw(200)
  const scales = draw(60) === 0 ? { priceScale: draw(5), sizeScale: draw(5) } : {}
  if (kind === 0) return reset()
  if (kind === 1) return heartbeat()
  return (kind < 4 ? snapshot : diff)(levels(draw, kinds), levels(draw, kinds), scales)
}

function l3Payload(draw: Draw, kinds = ALL_KINDS): Uint8Array {
  const id = (): bigint => (draw(50) === 0 ? 0n : BigInt(1 + draw(200)) << BigInt(draw(2) * 33))
  const kind = draw(100)
  const eventType = kind === 0 ? 5 : kind === 1 ? 6 : kind < 50 ? 1 : 2 + (kind % 3)
  const scales = draw(100) === 0 ? { priceScale: draw(4), sizeScale: draw(3) } : {}
  const ids = { orderId: id(), bidOrderId: draw(2) === 0 ? id() : 0n, askOrderId: draw(2) === 0 ? id() : 0n }
  return l3({
    eventType,
    side: draw(3),
    ...ids,
    price: price(draw, kinds),
    quantity: BigInt(draw(50)),
    l3Flags: draw(30) === 0 ? 1 : 0,
    ...scales,
  })
}

/** The messages of a batch in several buffers, of which only some are selected. */
function scattered(batch: MessageBatch, draw: Draw): MessageBatch {
  const mixed = new MessageBatch()
  mixed.allocateColumns(batch.count)
  for (const column of ['offsets', 'lengths', 'types', 'seqs', 'times'] as const) mixed[column].set(batch[column] as never)
  const [buffer] = batch.buffers
  mixed.buffers = Array.from({ length: 1 + draw(3) }, () => ({ ...buffer!, bytes: buffer!.bytes.slice() }))
  if (mixed.buffers.length > 1) mixed.bufferIndex = Uint16Array.from({ length: batch.count }, () => draw(mixed.buffers.length))
  mixed.reset(batch.count, batch.count)
  if (draw(2) === 0) mixed.narrow(() => draw(5) > 0)
  return mixed
}

describe.each([
  ['L2', l2Payload, (memory?: BookMemory) => new L2Book({ memory })],
  ['L3', l3Payload, (memory?: BookMemory) => new L3Book({ memory })],
] as const)('%s book', (_name, payloadOf, newBook) => {
  it('takes a batch as it takes its messages one by one: of one buffer or several, all or some, other types between', () => {
    const draw = drawer(SEED)
    for (let run = 0; run < 12; run++) {
      const [single, batched] = [newBook(), newBook()]
      const kinds = run % 2 === 0 ? ALL_KINDS : TAME_KINDS
      for (let round = 0; round < 6; round++) {
        const messages = Array.from({ length: draw(run < 3 ? 6000 : 400) }, () => ({
          payload: payloadOf(draw, kinds),
          typeId: draw(20) === 0 ? 0x1002 : 0x1000,
        }))
        const whole = batchOf(messages)
        const batch = draw(2) === 0 ? whole : scattered(whole, draw)
        for (const message of batch) single.apply(message)
        batched.applyBatch(batch)
        expect(stateOf(batched, 20)).toEqual(stateOf(single, 20))
        expect(batched.counts).toEqual(single.counts)
      }
    }
  })

  it(
    'gives a result for whatever a payload holds, and leaves other books of its memory alone',
    () => {
      const draw = drawer(SEED + 1)
      const memory = new BookMemory()
      const books = [newBook(memory), newBook(memory), newBook(memory)]
      const [before, book, behind] = books as [L2Book, L2Book, L2Book]
      for (const other of [before, behind]) for (let i = 0; i < 300; i++) other.apply(messageOf(payloadOf(draw)))
      const states = [stateOf(before, 5), stateOf(behind, 5)]
      for (let left = PAYLOADS; left > 0; left -= 1000) {
        const batch = batchOf(Array.from({ length: 1000 }, () => mutated(payloadOf(draw), draw)))
        if (draw(2) === 0) book.applyBatch(batch)
        else for (const message of batch) expect(book.apply(message)).toBeLessThan(RESULT_NAMES.length)
        stateOf(book, 5)
      }
      expect(book.counts.subarray(FIRST_BAD_RESULT).some((count) => count > 0)).toBe(true)
      expect([stateOf(before, 5), stateOf(behind, 5)]).toEqual(states)
    },
    60_000 + PAYLOADS,
  )
})

describe('memory of books', () => {
  it('holds a million levels, which go and come back without taking more', () => {
    const book = new L2Book()
    const side = (from: number, step: number): Level[] =>
      Array.from({ length: 500_000 }, (_, i) => [BigInt(from + i * step), BigInt(1 + i)])
    const [bids, asks] = [side(50_000_000, -7), side(50_000_007, 11)]
    const payload = snapshot(bids, asks)
    for (let round = 0, taken = 0; round < 3; round++) {
      expect(book.apply(messageOf(payload))).toBe(APPLIED)
      expect([book.bids.count, book.asks.count, book.bids.bestPrice, book.asks.bestPrice]).toEqual([
        500_000, 500_000, 50_000_000, 50_000_007,
      ])
      expect(book.bids.depthSum(1_000_000)).toBe((500_000 * 500_001) / 2)
      book.apply(messageOf(diff([[bids[499_999]![0], 0n]], [[asks[250_000]![0], 3n]])))
      expect([book.bids.count, book.asks.sizeAt(Number(asks[250_000]![0]))]).toEqual([499_999, 3])
      book.clear()
      expect(book.bids.count).toBe(0)
      if (round > 0) expect(book.memory.takenBytes).toBe(taken)
      taken = book.memory.takenBytes
    }
    expect(book.memory.takenBytes).toBeLessThan(256 * 2 ** 20)
  })

  it('holds a million orders, which go and come back without taking more', () => {
    const book = new L3Book()
    // One batch, of which ids, sides and prices are written anew: a million messages are dear to make.
    const batch = batchOf(Array.from({ length: 10_000 }, () => l3({ eventType: 1, orderId: 1n, price: 1n, quantity: 3n })))
    const { view } = batch.buffers[0]!
    const applyAll = (eventType: number): void => {
      for (let id = 1; id <= 1_000_000; id++) {
        const at = batch.offsets[(id - 1) % 10_000]! + 64
        view.setUint8(at + 64, eventType)
        view.setUint8(at + 65, 1 + (id % 2))
        view.setUint32(at + 80, id, true)
        view.setUint32(at + 104, (id % 2 === 0 ? 100_000 : 900_000) + (id % 5000), true)
        if (id % 10_000 === 0) book.applyBatch(batch)
      }
    }
    let taken = 0
    for (let round = 0; round < 2; round++) {
      applyAll(1)
      expect([book.orders.count, book.bids.totals.count + book.asks.totals.count]).toEqual([1_000_000, 5000])
      expect(book.queuePosition(BigInt(999_999))).toBe(199)
      applyAll(2)
      expect([book.orders.count, book.bids.totals.count, book.counts[APPLIED]]).toEqual([0, 0, 2_000_000 * (round + 1)])
      if (round > 0) expect(book.memory.takenBytes).toBe(taken)
      taken = book.memory.takenBytes
    }
    expect(taken).toBeLessThan(256 * 2 ** 20)
  })

  it('goes with its book: more books, one after the other, than a process has room for at once', () => {
    for (let i = 0; i < 17_000; i++) expect(new L2Book().bids.count).toBe(0)
  })

  it('names a call that trapped, and memory that is not there', () => {
    const book = new L2Book()
    book.apply(messageOf(diff([[10n, 1n]], [])))
    book.memory.words.fill(0xfffffff0, 64)
    expect(() => book.apply(messageOf(diff([[10n, 2n]], [])))).toThrow(expect.objectContaining({ code: 'book-trap', category: 'bug' }))
    expect(() => new BookMemory().alloc(2 ** 31 + 1)).toThrow(expect.objectContaining({ code: 'book-memory', category: 'input' }))
  })

  it('refuses rows of a batch that lie beyond its buffer', () => {
    const batch = batchOf([diff([[10n, 1n]], [])])
    batch.lengths[0] = 100_000
    expect(() => new L2Book().applyBatch(batch)).toThrow(expect.objectContaining({ code: 'batch-row', category: 'bug' }))
  })
})
