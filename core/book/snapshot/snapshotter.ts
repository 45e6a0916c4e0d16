import type { MessageCursor } from '../../message/message.ts'
import {
  BOOK_EVENT_EXCHANGE_TS_OFFSET,
  BOOK_EVENT_INGEST_TS_OFFSET,
  BOOK_EVENT_MARKET_ID_OFFSET,
  BOOK_EVENT_NATIVE_SEQ_OFFSET,
  BOOK_EVENT_SEQ_OFFSET,
  BOOK_EVENT_VENUE_ID_OFFSET,
  MODE_L2,
  MODE_L3,
} from '../../protocol/book-event.ts'
import { bookHash } from '../book-hash.ts'
import type { L2Book } from '../l2-book.ts'
import { L3Book } from '../l3-book.ts'
import type { SequencePolicy } from '../sequence/sequence-policy.ts'
import { encodeL2Payload, encodeL3Payload } from './snapshot-payload.ts'
import type { SnapshotStore } from './snapshot-store.ts'

/** When a snapshot is due; any of them. The first applied event always is. */
export interface SnapshotSchedule {
  /** Record time since the last snapshot, nanoseconds. */
  readonly everyNs?: bigint | undefined
  /** Applied events since the last snapshot. */
  readonly everyEvents?: number | undefined
  /** Payload bytes since the last snapshot. */
  readonly everyBytes?: number | undefined
}

export interface SnapshotterOptions extends SnapshotSchedule {
  readonly book: L2Book | L3Book
  readonly policy: SequencePolicy
  readonly store: SnapshotStore
  /** UTC day of the folder being read, `YYYY-MM-DD`; null outside an archive. */
  readonly date?: string | null | undefined
  /** Fingerprint of the inputs. */
  readonly inputs: string
}

/**
 * Writes snapshots of one book as it is replayed: `if (snapshotter.observe(message)) await snapshotter.write(message)`
 * after each event that was applied. Nothing is due while the market is quarantined.
 */
export class Snapshotter {
  written = 0
  readonly #options: SnapshotterOptions
  #events = 0
  #bytes = 0
  #lastNs = 0n
  #ingestStartNs = 0n
  #exchangeStartNs = 0n

  constructor(options: SnapshotterOptions) {
    this.#options = options
  }

  /** Counts an applied book event; true when a snapshot is due after it. */
  observe(message: MessageCursor): boolean {
    if (this.#events === 0) {
      const { view, payloadOffset } = message
      this.#ingestStartNs = view.getBigUint64(payloadOffset + BOOK_EVENT_INGEST_TS_OFFSET, true)
      this.#exchangeStartNs = view.getBigUint64(payloadOffset + BOOK_EVENT_EXCHANGE_TS_OFFSET, true)
    }
    this.#events++
    this.#bytes += message.length
    const { everyNs, everyEvents, everyBytes } = this.#options
    const isDue =
      this.written === 0 ||
      (everyNs !== undefined && message.timestampNs - this.#lastNs >= everyNs) ||
      (everyEvents !== undefined && this.#events >= everyEvents) ||
      (everyBytes !== undefined && this.#bytes >= everyBytes)
    return isDue && !this.#options.policy.isQuarantined(marketOf(message))
  }

  /** Writes the book as it is after `message`, the last applied event. */
  async write(message: MessageCursor): Promise<void> {
    const { book, policy, store, inputs } = this.#options
    const { view, payloadOffset } = message
    const isL3 = book instanceof L3Book
    const marketId = marketOf(message)
    // All of the message is read before the first await: the cursor moves on.
    const header = {
      bookMode: isL3 ? MODE_L3 : MODE_L2,
      venueId: view.getUint16(payloadOffset + BOOK_EVENT_VENUE_ID_OFFSET, true),
      marketId,
      seq: message.seq,
      ingestStartNs: this.#ingestStartNs,
      ingestEndNs: view.getBigUint64(payloadOffset + BOOK_EVENT_INGEST_TS_OFFSET, true),
      exchangeStartNs: this.#exchangeStartNs,
      exchangeEndNs: view.getBigUint64(payloadOffset + BOOK_EVENT_EXCHANGE_TS_OFFSET, true),
      bookHash: isL3 ? bookHash(book) : new Uint8Array(16),
    }
    const payload = isL3 ? encodeL3Payload(book) : encodeL2Payload(book)
    const lastIds = {
      updateId: String(policy.lastUpdateId(marketId)),
      nativeSeq: String(view.getBigUint64(payloadOffset + BOOK_EVENT_NATIVE_SEQ_OFFSET, true)),
      headerSeq: String(view.getBigUint64(payloadOffset + BOOK_EVENT_SEQ_OFFSET, true)),
    }
    const position = { date: this.#options.date ?? null, segment: message.segment, offset: message.segmentOffset }
    this.#lastNs = message.timestampNs
    this.#events = 0
    this.#bytes = 0
    await store.write(header, payload, { position, lastIds, policy: policy.state(), inputs })
    this.written++
  }
}

function marketOf(message: MessageCursor): number {
  return message.view.getUint32(message.payloadOffset + BOOK_EVENT_MARKET_ID_OFFSET, true)
}
