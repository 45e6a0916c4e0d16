import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { levelsCrc32 } from '../../core/book/book-digest.ts'
import { bookHash } from '../../core/book/book-hash.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import * as file from '../../core/book/snapshot/snapshot-file.ts'
import { encodeL2Payload, encodeL3Payload, loadL2Payload, loadL3Payload } from '../../core/book/snapshot/snapshot-payload.ts'
import { ReplayError } from '../../core/errors.ts'
import { diff, l3, messageOf, snapshot } from '../support/book-messages.ts'

const header: file.SnapshotHeader = {
  bookMode: 0,
  venueId: 0x01020304,
  marketId: 0x11121314,
  seq: 0x2122232425262728n,
  ingestStartNs: 0x3132333435363738n,
  ingestEndNs: 0x4142434445464748n,
  exchangeStartNs: 0x5152535455565758n,
  exchangeEndNs: 0x6162636465666768n,
  bookHash: Uint8Array.from({ length: 16 }, (_, i) => 0x70 + i),
}

describe('CHRSNAP1', () => {
  it.each([
    [file.SNAPSHOT_VERSION_OFFSET, 8, '0100'],
    [file.SNAPSHOT_HEADER_LENGTH_OFFSET, 10, '8000'],
    [file.SNAPSHOT_ENDIANNESS_OFFSET, 12, '0000'],
    [file.SNAPSHOT_MODE_OFFSET, 14, '0000'],
    [file.SNAPSHOT_VENUE_ID_OFFSET, 16, '04030201'],
    [file.SNAPSHOT_MARKET_ID_OFFSET, 20, '14131211'],
    [file.SNAPSHOT_SEQ_OFFSET, 24, '2827262524232221'],
    [file.SNAPSHOT_INGEST_START_OFFSET, 32, '3837363534333231'],
    [file.SNAPSHOT_INGEST_END_OFFSET, 40, '4847464544434241'],
    [file.SNAPSHOT_EXCHANGE_START_OFFSET, 48, '5857565554535251'],
    [file.SNAPSHOT_EXCHANGE_END_OFFSET, 56, '6867666564636261'],
    [file.SNAPSHOT_BOOK_HASH_OFFSET, 64, '707172737475767778797a7b7c7d7e7f'],
    [file.SNAPSHOT_PAYLOAD_LENGTH_OFFSET, 80, '0500000000000000'],
    [file.SNAPSHOT_FLAGS_OFFSET, 88, '00'.repeat(40)],
    [file.SNAPSHOT_HEADER_BYTES, 128, '0102030405'],
  ])('layout: field at %i', (offset, expected, hex) => {
    const bytes = Buffer.from(file.encodeSnapshot(header, Uint8Array.of(1, 2, 3, 4, 5)))
    expect(offset).toBe(expected)
    expect(bytes.toString('latin1', 0, 8)).toBe('CHRSNAP1')
    expect(bytes.toString('hex', offset, offset + hex.length / 2)).toBe(hex)
    expect(bytes.length).toBe(133)
  })

  it('decode is the inverse of encode', () => {
    const { header: decoded, payload } = file.decodeSnapshot(file.encodeSnapshot(header, Uint8Array.of(9)))
    expect(decoded).toEqual(header)
    expect(payload).toEqual(Uint8Array.of(9))
  })

  it('truncated anywhere, or with a wrong magic, version or length: a named error', () => {
    const bytes = file.encodeSnapshot(header, new Uint8Array(20))
    for (let length = 0; length < bytes.length; length++) expect(() => file.decodeSnapshot(bytes.slice(0, length))).toThrow(ReplayError)
    for (const offset of [0, 7, 8, 9, 10, 11, 12, 13, 15, 80, 87]) {
      const flipped = bytes.slice()
      flipped[offset]! ^= 0x80
      expect(() => file.decodeSnapshot(flipped)).toThrow(expect.objectContaining({ category: 'corrupt' }))
    }
  })
})

const price = fc.integer({ min: 90, max: 110 }).map(BigInt)
const levels = fc.array(fc.tuple(price, fc.bigInt({ min: 0n, max: 3n })), { maxLength: 5 })

describe('snapshot payloads', () => {
  it('L2: a snapshot at any message and the rest = the whole', () => {
    const event = fc.tuple(levels, levels, fc.constantFrom(1, 2, 3), fc.boolean())
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.constantFrom(undefined, 3),
        (events, cutAt, depthLimit) => {
          const messages = events.map(([bids, asks, scale, whole]) =>
            messageOf((whole ? snapshot : diff)(bids, asks, { priceScale: scale, sizeScale: scale })),
          )
          const full = new L2Book({ depthLimit })
          const resumed = new L2Book({ depthLimit })
          const cut = cutAt % messages.length
          for (const [i, message] of messages.entries()) {
            full.apply(message)
            if (i === cut) loadL2Payload(resumed, encodeL2Payload(full))
            else if (i > cut) resumed.apply(message)
          }
          expect(levelsCrc32(resumed.bids, resumed.asks)).toBe(levelsCrc32(full.bids, full.asks))
          expect([resumed.priceScale, resumed.sizeScale]).toEqual([full.priceScale, full.sizeScale])
        },
      ),
    )
  })

  it('L3: a snapshot at any message and the rest = the whole, queues too', () => {
    const event = fc.record({
      eventType: fc.constantFrom(1, 1, 1, 2, 3, 4),
      side: fc.constantFrom(0, 1, 2),
      l3Flags: fc.constantFrom(0, 0, 0, 1),
      orderId: fc.bigInt({ min: 1n, max: 9n }),
      bidOrderId: fc.constantFrom(0n, 1n, 2n),
      price: fc.constantFrom(0n, 100n, 101n),
      quantity: fc.bigInt({ min: 0n, max: 4n }),
      exchangeTsNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    })
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), fc.nat(), (events, cutAt) => {
        const full = new L3Book()
        const resumed = new L3Book()
        const cut = cutAt % events.length
        for (const [i, each] of events.entries()) {
          full.apply(messageOf(l3(each)))
          if (i === cut) loadL3Payload(resumed, encodeL3Payload(full), bookHash(full))
          else if (i > cut) resumed.apply(messageOf(l3(each)))
          if (i < cut) continue
          expect(bookHash(resumed)).toEqual(bookHash(full))
          expect(levelsCrc32(resumed.bids.totals, resumed.asks.totals)).toBe(levelsCrc32(full.bids.totals, full.asks.totals))
          for (let id = 1n; id < 10n; id++) expect(resumed.queuePosition(id)).toBe(full.queuePosition(id))
        }
        expect(resumed.channel).toBe(full.channel)
      }),
    )
  })

  it('damaged: a named error, never a wrong book', () => {
    const l2 = new L2Book()
    l2.apply(messageOf(diff([[100n, 1n]], [[101n, 2n]])))
    const l2Payload = encodeL2Payload(l2)
    for (let length = 0; length < l2Payload.length; length++)
      expect(() => loadL2Payload(new L2Book(), l2Payload.slice(0, length))).toThrow(ReplayError)

    const book = new L3Book()
    for (const orderId of [1n, 2n, 3n]) book.apply(messageOf(l3({ eventType: 1, side: 1, orderId, price: 100n, quantity: 5n })))
    const payload = encodeL3Payload(book)
    const hash = bookHash(book)
    for (let length = 0; length < payload.length; length++)
      expect(() => loadL3Payload(new L3Book(), payload.slice(0, length), hash)).toThrow(ReplayError)
    for (let at = 24; at < payload.length; at++) {
      const flipped = payload.slice()
      flipped[at]! ^= 1
      expect(() => loadL3Payload(new L3Book(), flipped, hash)).toThrow(expect.objectContaining({ code: 'snapshot-payload' }))
    }
  })
})
