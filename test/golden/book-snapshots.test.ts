import fs from 'node:fs'
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { bookHash } from '../../core/book/book-hash.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { L3Book } from '../../core/book/l3-book.ts'
import { SequencePolicy } from '../../core/book/sequence/sequence-policy.ts'
import { encodeSnapshot } from '../../core/book/snapshot/snapshot-file.ts'
import { encodeL2Payload } from '../../core/book/snapshot/snapshot-payload.ts'
import { SnapshotStore } from '../../core/book/snapshot/snapshot-store.ts'
import { Snapshotter } from '../../core/book/snapshot/snapshotter.ts'
import { batchesBehind, restoreBook } from '../../core/book/snapshot/warm-start.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { temporaryDirectory } from '../support/queue-files.ts'

interface GoldenSnapshot {
  file: string
  bytes: number
  venue_id: number
  market_id: number
  seq_num: string
  payload_len: number
  payload_crc32: string
  book_hash: string
  ingest_ts_ns_start: string
  ingest_ts_ns_end: string
  exchange_ts_ns_start: string
  exchange_ts_ns_end: string
  book_at_snapshot: { levels_crc32: string; bid_levels: number; ask_levels: number }
  warm_start_then_replay: { final_levels_crc32: string; first_seq_after: string | null; messages: number }
}
interface GoldenSelection {
  ts: string
  latest_before_exchange_ts_seq: string | null
  warm_start_to_exchange_ts: {
    book: { levels_crc32: string; bid_levels: number; ask_levels: number }
    last_seq: string
    reached: boolean
    target: string
  }
}

const golden = () =>
  goldenJson<{ chrsnap: { snapshots: GoldenSnapshot[]; selection: GoldenSelection[] } }>('chronicle-rs/l2-btc/expected.json').chrsnap
const queue = () => goldenPath('chronicle-rs/l2-btc/queue')
const storeOf = (snapshot: GoldenSnapshot) => new SnapshotStore(new FileStore(queue()), '', snapshot.venue_id, snapshot.market_id)

describeGolden('CHRSNAP1 of chronicle-rs', () => {
  it('every file: header, book, the same bytes written again, warm start and replay to the end', async () => {
    const { snapshots } = golden()
    const store = storeOf(snapshots[0]!)
    expect((await store.list()).map(({ seq }) => String(seq))).toEqual(snapshots.map(({ seq_num }) => seq_num))
    for (const expected of snapshots) {
      const loaded = (await store.find({ by: 'seq', at: BigInt(expected.seq_num) }))!
      const { header, payload, sidecar } = loaded
      expect(sidecar).toBeNull()
      expect({ ...header, bookHash: Buffer.from(header.bookHash).toString('hex') }).toEqual({
        bookMode: 0,
        venueId: expected.venue_id,
        marketId: expected.market_id,
        seq: BigInt(expected.seq_num),
        ingestStartNs: BigInt(expected.ingest_ts_ns_start),
        ingestEndNs: BigInt(expected.ingest_ts_ns_end),
        exchangeStartNs: BigInt(expected.exchange_ts_ns_start),
        exchangeEndNs: BigInt(expected.exchange_ts_ns_end),
        bookHash: expected.book_hash,
      })
      expect([payload.length, hex32(crc32(payload))]).toEqual([expected.payload_len, expected.payload_crc32])
      const book = new L2Book()
      restoreBook(loaded, book)
      expect([book.bids.count, book.asks.count, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([
        expected.book_at_snapshot.bid_levels,
        expected.book_at_snapshot.ask_levels,
        expected.book_at_snapshot.levels_crc32,
      ])
      expect(
        Buffer.from(encodeSnapshot(header, encodeL2Payload(book))).equals(
          fs.readFileSync(goldenPath('chronicle-rs/l2-btc/queue', expected.file)),
        ),
      ).toBe(true)

      const reader = await ReplayReader.open(queue())
      let messages = 0
      let firstSeq: string | null = null
      for await (const batch of batchesBehind(reader, loaded)) {
        for (const message of batch) {
          firstSeq ??= String(message.seq)
          book.apply(message)
          messages++
        }
      }
      await reader.close()
      const after = expected.warm_start_then_replay
      expect([messages, firstSeq, hex32(levelsCrc32(book.bids, book.asks))]).toEqual([
        after.messages,
        after.first_seq_after,
        after.final_levels_crc32,
      ])
    }
  })

  it('selection by exchange time, and warm start to an exchange time', async () => {
    const { snapshots, selection } = golden()
    const store = storeOf(snapshots[0]!)
    for (const expected of selection) {
      const selected = await store.find({ by: 'exchange', at: BigInt(expected.ts) })
      expect(selected === null ? null : String(selected.header.seq)).toBe(expected.latest_before_exchange_ts_seq)
      const { target, reached, last_seq, book: expectedBook } = expected.warm_start_to_exchange_ts
      const start = (await store.find({ by: 'exchange', at: BigInt(target) }))!
      const book = new L2Book()
      restoreBook(start, book)
      const reader = await ReplayReader.open(queue())
      let last = start.header.seq
      let isReached = false
      replay: for await (const batch of batchesBehind(reader, start)) {
        for (const message of batch) {
          book.apply(message)
          last = message.seq
          isReached = message.view.getBigUint64(message.payloadOffset + 32, true) >= BigInt(target)
          if (isReached) break replay
        }
      }
      await reader.close()
      expect({ reached: isReached, last: String(last), crc: hex32(levelsCrc32(book.bids, book.asks)) }).toEqual({
        reached,
        last: last_seq,
        crc: expectedBook.levels_crc32,
      })
    }
  })
})

describeGolden('our snapshots', () => {
  for (const [name, log, market] of [
    ['L2', 'l2-gaps/queue-restart', 3467451262],
    ['L3', 'l3-sym/queue', 300750],
  ] as const) {
    it(`${name}: warm start from any of them = one pass, over writer sessions and with policy state`, async () => {
      const path = goldenPath('chronicle-rs', log)
      const files = new FileStore(temporaryDirectory())
      const newBook = () => (name === 'L3' ? new L3Book() : new L2Book())
      const digest = (book: L2Book | L3Book) =>
        book instanceof L3Book ? Buffer.from(bookHash(book)).toString('hex') : hex32(levelsCrc32(book.bids, book.asks))
      const positions: { segment: number; offset: number }[] = []

      const policy = new SequencePolicy({ onGap: 'ignore' })
      const book = newBook()
      const store = new SnapshotStore(files, '', 1, market)
      const snapshotter = new Snapshotter({ book, policy, store, inputs: 'golden', everyEvents: name === 'L3' ? 40_000 : 1_717 })
      const reader = await ReplayReader.open(path)
      for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
        for (const message of batch) {
          policy.check(message)
          book.apply(message)
          if (!snapshotter.observe(message)) continue
          positions.push({ segment: message.segment, offset: message.segmentOffset })
          await snapshotter.write(message)
        }
      }
      await reader.close()
      expect(positions.length).toBeGreaterThan(3)

      const written = new SnapshotStore(files, '', 1, market)
      const entries = await written.list()
      expect(entries.length).toBeGreaterThan(3)
      for (const entry of entries) {
        const loaded = (await written.find({ by: 'seq', at: entry.seq, inputs: 'golden' }))!
        expect(positions).toContainEqual({ segment: loaded.sidecar!.position.segment, offset: loaded.sidecar!.position.offset })
        const resumed = newBook()
        const resumedPolicy = new SequencePolicy({ onGap: 'ignore' })
        restoreBook(loaded, resumed, resumedPolicy)
        const again = await ReplayReader.open(path)
        for await (const batch of batchesBehind(again, loaded)) {
          for (const message of batch) {
            resumedPolicy.check(message)
            resumed.apply(message)
          }
        }
        await again.close()
        expect(digest(resumed)).toBe(digest(book))
        expect(resumedPolicy.state()).toEqual(policy.state())
      }
    })
  }
})
