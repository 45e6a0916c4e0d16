import { ReplayError } from '../../errors.ts'
import type { MessageCursor } from '../../message/message.ts'
import {
  BOOK_EVENT_EXCHANGE_TS_OFFSET,
  BOOK_EVENT_INGEST_TS_OFFSET,
  BOOK_EVENT_MARKET_ID_OFFSET,
  BOOK_EVENT_MODE_OFFSET,
  BOOK_EVENT_NATIVE_SEQ_OFFSET,
  BOOK_EVENT_SEQ_OFFSET,
  BOOK_EVENT_VENUE_ID_OFFSET,
  MODE_L2,
  MODE_L3,
} from '../../protocol/book-event.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { bookHash } from '../book-hash.ts'
import type { BookReplay } from '../book-replay.ts'
import { PayloadWords } from '../payload-words.ts'
import { join } from '../sequence/sequence-counter.ts'
import type { SnapshotInputs } from './snapshot-inputs.ts'
import { encodeL2Payload, encodeL3Payload } from './snapshot-payload.ts'
import { type SnapshotEntry, SnapshotStore } from './snapshot-store.ts'

/** Where the snapshots of a stream folder go: `<prefix>snapshots/…` in a store. */
export interface SnapshotHome {
  readonly store: ObjectStore
  readonly prefix: string
}

/** Applied events of a market since its last restart point. */
interface MarketPoint {
  readonly marketId: number
  readonly mode: number
  readonly venueId: number
  events: number
  /** u64 as two words each, at the *_AT places. */
  readonly words: Uint32Array
}

const INGEST_START_AT = 0
const EXCHANGE_START_AT = 2
const INGEST_END_AT = 4
const EXCHANGE_END_AT = 6
const SEQ_AT = 8
const NATIVE_SEQ_AT = 10
const POINT_WORDS = 12

/**
 * Writes restart points of all books of a replay: the state behind the last message that was read.
 *
 * A market gets one only if events were applied since its last one, and none while it is quarantined. One that is there
 * already, for the same position and inputs, is left alone, so a repeated pass writes nothing. Sequences repeat after a
 * writer's restart, and so do file names: a name that a valid restart point of an earlier session has, or a snapshot of
 * the peer, is not taken from it.
 */
export class RestartPoints {
  written = 0
  /** Found already there. */
  existing = 0

  readonly #replay: BookReplay
  readonly #inputs: SnapshotInputs
  readonly #points = new Map<string, MarketPoint>()
  readonly #stores = new Map<string, { readonly store: SnapshotStore; readonly taken: Map<bigint, SnapshotEntry | null> }>()
  readonly #payload = new PayloadWords()
  #point: MarketPoint | null = null
  #home: SnapshotHome | null = null
  #date: string | null = null
  // The last message: the cursor moves on.
  #segment = -1
  #offset = -1
  #seqLow = 0
  #seqHigh = 0

  constructor(replay: BookReplay, inputs: SnapshotInputs) {
    this.#replay = replay
    this.#inputs = inputs
  }

  /** What follows is read from this folder. */
  enterFolder(home: SnapshotHome, date: string | null): void {
    this.#home = home
    this.#date = date
    this.#stores.clear()
    this.#segment = -1
  }

  /** Notes the message that was read last, and whether it was applied to a book. */
  observe(message: MessageCursor, isApplied: boolean): void {
    const { seqWords } = message.batch
    this.#segment = message.segment
    this.#offset = message.segmentOffset
    this.#seqLow = seqWords[2 * message.index]!
    this.#seqHigh = seqWords[2 * message.index + 1]!
    if (isApplied) this.#observeEvent(message)
  }

  /** Writes what is due. False when a file name was taken: to be tried again behind the next message. */
  async write(): Promise<boolean> {
    if (this.#segment < 0) return true // no message of this folder yet: the end of the one before had its turn
    let isDone = true
    for (const point of this.#points.values()) {
      if (point.events === 0 || this.#replay.policy.isQuarantined(point.marketId)) continue
      if (await this.#writePoint(point)) point.events = 0
      else isDone = false
    }
    return isDone
  }

  #observeEvent(message: MessageCursor): void {
    const at = this.#payload.locate(message.buffer, message.payloadOffset, message.length)
    const { words } = this.#payload
    const marketId = words[at + (BOOK_EVENT_MARKET_ID_OFFSET >>> 2)]!
    const mode = (words[at + (BOOK_EVENT_MODE_OFFSET >>> 2)]! >>> 8) & 0xff
    let point = this.#point
    if (point === null || point.marketId !== marketId || point.mode !== mode) {
      const venueId = words[at + (BOOK_EVENT_VENUE_ID_OFFSET >>> 2)]! >>> 16
      point = this.#pointOf(marketId, mode, venueId)
      this.#point = point
    }
    const target = point.words
    if (point.events++ === 0) {
      copyU64(words, at + (BOOK_EVENT_INGEST_TS_OFFSET >>> 2), target, INGEST_START_AT)
      copyU64(words, at + (BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2), target, EXCHANGE_START_AT)
    }
    copyU64(words, at + (BOOK_EVENT_INGEST_TS_OFFSET >>> 2), target, INGEST_END_AT)
    copyU64(words, at + (BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2), target, EXCHANGE_END_AT)
    copyU64(words, at + (BOOK_EVENT_SEQ_OFFSET >>> 2), target, SEQ_AT)
    copyU64(words, at + (BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2), target, NATIVE_SEQ_AT)
  }

  #pointOf(marketId: number, mode: number, venueId: number): MarketPoint {
    const key = `${marketId} ${mode}`
    let point = this.#points.get(key)
    if (point === undefined) {
      point = { marketId, mode, venueId, events: 0, words: new Uint32Array(POINT_WORDS) }
      this.#points.set(key, point)
    }
    return point
  }

  async #writePoint(point: MarketPoint): Promise<boolean> {
    const { marketId, mode, venueId, words } = point
    const seq = join(this.#seqLow, this.#seqHigh)
    const position = { date: this.#date, segment: this.#segment, offset: this.#offset }
    const { store, taken } = await this.#storeOf(point)
    const holder = taken.get(seq)
    if (holder === null) return false
    if (holder !== undefined) {
      const verdict = await this.#judge(store, holder)
      if (verdict === 'same') this.existing++
      if (verdict !== 'outdated') return verdict === 'same'
    }
    const l3 = mode === MODE_L3 ? this.#replay.books.l3.get(marketId)! : null
    const header = {
      bookMode: l3 === null ? MODE_L2 : MODE_L3,
      venueId,
      marketId,
      seq,
      ingestStartNs: join(words[INGEST_START_AT]!, words[INGEST_START_AT + 1]!),
      ingestEndNs: join(words[INGEST_END_AT]!, words[INGEST_END_AT + 1]!),
      exchangeStartNs: join(words[EXCHANGE_START_AT]!, words[EXCHANGE_START_AT + 1]!),
      exchangeEndNs: join(words[EXCHANGE_END_AT]!, words[EXCHANGE_END_AT + 1]!),
      bookHash: l3 === null ? new Uint8Array(16) : bookHash(l3),
    }
    const payload = l3 === null ? encodeL2Payload(this.#replay.books.l2.get(marketId)!) : encodeL3Payload(l3)
    const lastIds = {
      updateId: String(this.#replay.policy.lastUpdateId(marketId)),
      nativeSeq: String(join(words[NATIVE_SEQ_AT]!, words[NATIVE_SEQ_AT + 1]!)),
      headerSeq: String(join(words[SEQ_AT]!, words[SEQ_AT + 1]!)),
    }
    const inputs = this.#inputs.upTo(position.segment)
    await store.write(header, payload, { position, lastIds, policy: this.#replay.policy.state(), inputs })
    taken.set(seq, null)
    this.written++
    return true
  }

  /** The market's snapshots in the current folder: by sequence, those found there; null = written in this pass. */
  async #storeOf({ marketId, venueId }: MarketPoint): Promise<{ store: SnapshotStore; taken: Map<bigint, SnapshotEntry | null> }> {
    const key = `${venueId} ${marketId}`
    let known = this.#stores.get(key)
    if (known === undefined) {
      const { store: objects, prefix } = this.#home!
      const store = new SnapshotStore(objects, prefix, venueId, marketId)
      known = { store, taken: new Map((await store.list()).map((entry) => [entry.seq, entry])) }
      this.#stores.set(key, known)
    }
    return known
  }

  /** What the snapshot is that has the name which is wanted now. */
  async #judge(store: SnapshotStore, entry: SnapshotEntry): Promise<'same' | 'other' | 'outdated'> {
    try {
      const { sidecar } = await store.load(entry)
      if (sidecar === null) return 'other'
      const { position, inputs } = sidecar
      if (position.date !== this.#date || inputs !== this.#inputs.upTo(position.segment)) return 'outdated'
      return position.segment === this.#segment && position.offset === this.#offset ? 'same' : 'other'
    } catch (error) {
      if (error instanceof ReplayError && (error.category === 'corrupt' || error.code === 'snapshot-missing')) return 'outdated'
      throw error
    }
  }
}

function copyU64(from: Uint32Array, at: number, to: Uint32Array, target: number): void {
  to[target] = from[at]!
  to[target + 1] = from[at + 1]!
}
