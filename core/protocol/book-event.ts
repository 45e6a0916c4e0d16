import { ReplayError } from '../errors.ts'
import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_EVENT } from './message-type.ts'
import { locateError, requirePayload, requireType, setU8, setU16, setU32, setU64 } from './payload.ts'

/**
 * Book event header: the first 64 bytes of every 0x1000 payload (docs/format.md, Messages), little-endian.
 *
 * | offset | type | field         | unit, sentinel                                                    |
 * |      0 | u16  | schemaVersion | 3                                                                 |
 * |      2 | 2    | gap           | unspecified on read, written 0                                    |
 * |      4 | u32  | recordLength  | payload bytes including this header                               |
 * |      8 | u8   | endianness    | 0 = little                                                        |
 * |      9 | u8   | zero          |                                                                   |
 * |     10 | u16  | venueId       |                                                                   |
 * |     12 | u32  | marketId      | fold of the symbol hash, see symbol-hash.ts                       |
 * |     16 | u32  | streamId      | channel; 0 where the feed has none                                |
 * |     20 | 4    | gap           | unspecified on read, written 0                                    |
 * |     24 | u64  | ingestTsNs    | nanoseconds since the epoch, clock of the recorder                |
 * |     32 | u64  | exchangeTsNs  | nanoseconds since the epoch, clock of the exchange                |
 * |     40 | u64  | seq           | sequence of the feed; 0 where it has none                         |
 * |     48 | u64  | nativeSeq     | the exchange's own id; 0 where it has none                        |
 * |     56 | u8   | eventType     | 1 snapshot, 2 diff, 3 reset, 4 heartbeat                          |
 * |     57 | u8   | bookMode      | 0 L2, 1 L3                                                        |
 * |     58 | u16  | flags         | 1 ABSOLUTE, 2 DELTA, 4 HAS_SCALE                                  |
 * |     60 | u32  | zero          |                                                                   |
 */
export const BOOK_EVENT_BYTES = 64
export const BOOK_EVENT_SCHEMA_VERSION = 3

export const BOOK_EVENT_SCHEMA_VERSION_OFFSET = 0
export const BOOK_EVENT_RECORD_LENGTH_OFFSET = 4
export const BOOK_EVENT_ENDIANNESS_OFFSET = 8
export const BOOK_EVENT_VENUE_ID_OFFSET = 10
export const BOOK_EVENT_MARKET_ID_OFFSET = 12
export const BOOK_EVENT_STREAM_ID_OFFSET = 16
export const BOOK_EVENT_INGEST_TS_OFFSET = 24
export const BOOK_EVENT_EXCHANGE_TS_OFFSET = 32
export const BOOK_EVENT_SEQ_OFFSET = 40
export const BOOK_EVENT_NATIVE_SEQ_OFFSET = 48
export const BOOK_EVENT_TYPE_OFFSET = 56
export const BOOK_EVENT_MODE_OFFSET = 57
export const BOOK_EVENT_FLAGS_OFFSET = 58

/** `eventType` */
export const EVENT_SNAPSHOT = 1
export const EVENT_DIFF = 2
export const EVENT_RESET = 3
export const EVENT_HEARTBEAT = 4
/** `bookMode` */
export const MODE_L2 = 0
export const MODE_L3 = 1
/** `flags` */
export const FLAG_ABSOLUTE = 1
export const FLAG_DELTA = 2
export const FLAG_HAS_SCALE = 4

/** A flyweight on the header of a book event. Resets and heartbeats are this header alone. */
export class BookEventView {
  view: DataView = EMPTY
  /** Where the payload starts in `view`. */
  offset = 0
  /** Payload bytes. */
  length = 0

  /**
   * Moves to the payload of `length` bytes at `offset`. `recordLength` is not judged: its writers differ, and the body's own counts bound it.
   * @throws ReplayError corrupt: `payload-truncated`, `schema-version`, `endianness`
   */
  wrap(view: DataView, offset: number, length: number): this {
    requirePayload('book event', BOOK_EVENT_BYTES, length)
    this.view = view
    this.offset = offset
    this.length = length
    if (this.schemaVersion !== BOOK_EVENT_SCHEMA_VERSION) {
      throw new ReplayError('schema-version', `book event schema version: expected 3, found ${this.schemaVersion}`, { category: 'corrupt' })
    }
    const endianness = view.getUint8(offset + BOOK_EVENT_ENDIANNESS_OFFSET)
    if (endianness !== 0) {
      throw new ReplayError('endianness', `book event endianness: expected 0 (little), found ${endianness}`, { category: 'corrupt' })
    }
    return this
  }

  /** As `wrap`; @throws also ReplayError bug `message-type` when the message is no book event. */
  wrapMessage(message: MessageCursor): this {
    requireType('book event', TYPE_BOOK_EVENT, message)
    try {
      return this.wrap(message.view, message.payloadOffset, message.length)
    } catch (error) {
      throw locateError(error, message)
    }
  }

  get schemaVersion(): number {
    return this.view.getUint16(this.offset + BOOK_EVENT_SCHEMA_VERSION_OFFSET, true)
  }

  get recordLength(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_RECORD_LENGTH_OFFSET, true)
  }

  get venueId(): number {
    return this.view.getUint16(this.offset + BOOK_EVENT_VENUE_ID_OFFSET, true)
  }

  get marketId(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_MARKET_ID_OFFSET, true)
  }

  get streamId(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_STREAM_ID_OFFSET, true)
  }

  /** Nanoseconds since the epoch. Creates a BigInt. */
  get ingestTsNs(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_EVENT_INGEST_TS_OFFSET, true)
  }

  get ingestTsNsLow(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_INGEST_TS_OFFSET, true)
  }

  get ingestTsNsHigh(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_INGEST_TS_OFFSET + 4, true)
  }

  /** Nanoseconds since the epoch. Creates a BigInt. */
  get exchangeTsNs(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_EVENT_EXCHANGE_TS_OFFSET, true)
  }

  get exchangeTsNsLow(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_EXCHANGE_TS_OFFSET, true)
  }

  get exchangeTsNsHigh(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_EXCHANGE_TS_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get seq(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_EVENT_SEQ_OFFSET, true)
  }

  get seqLow(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_SEQ_OFFSET, true)
  }

  get seqHigh(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_SEQ_OFFSET + 4, true)
  }

  /** Creates a BigInt. */
  get nativeSeq(): bigint {
    return this.view.getBigUint64(this.offset + BOOK_EVENT_NATIVE_SEQ_OFFSET, true)
  }

  get nativeSeqLow(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_NATIVE_SEQ_OFFSET, true)
  }

  get nativeSeqHigh(): number {
    return this.view.getUint32(this.offset + BOOK_EVENT_NATIVE_SEQ_OFFSET + 4, true)
  }

  get eventType(): number {
    return this.view.getUint8(this.offset + BOOK_EVENT_TYPE_OFFSET)
  }

  get bookMode(): number {
    return this.view.getUint8(this.offset + BOOK_EVENT_MODE_OFFSET)
  }

  get flags(): number {
    return this.view.getUint16(this.offset + BOOK_EVENT_FLAGS_OFFSET, true)
  }
}

/** The fields of a book event header. `recordLength` is derived; u64 as bigint, or as a number below 2^53. */
export interface BookEventFields {
  readonly venueId: number
  readonly marketId: number
  readonly streamId: number
  /** Nanoseconds since the epoch. */
  readonly ingestTsNs: bigint | number
  /** Nanoseconds since the epoch. */
  readonly exchangeTsNs: bigint | number
  readonly seq: bigint | number
  readonly nativeSeq: bigint | number
  readonly flags: number
}

/** Writes the 64 bytes of a header whose whole payload has `recordLength` bytes; returns 64. @throws ReplayError input `number-range` naming a field that cannot hold its value */
export function encodeBookEvent(
  view: DataView,
  offset: number,
  fields: BookEventFields,
  eventType: number,
  bookMode: number,
  recordLength = BOOK_EVENT_BYTES,
): number {
  view.setUint32(offset + BOOK_EVENT_SCHEMA_VERSION_OFFSET, BOOK_EVENT_SCHEMA_VERSION, true)
  setU32(view, offset + BOOK_EVENT_RECORD_LENGTH_OFFSET, recordLength, 'book event: recordLength')
  view.setUint16(offset + BOOK_EVENT_ENDIANNESS_OFFSET, 0, true)
  setU16(view, offset + BOOK_EVENT_VENUE_ID_OFFSET, fields.venueId, 'book event: venueId')
  setU32(view, offset + BOOK_EVENT_MARKET_ID_OFFSET, fields.marketId, 'book event: marketId')
  setU32(view, offset + BOOK_EVENT_STREAM_ID_OFFSET, fields.streamId, 'book event: streamId')
  view.setUint32(offset + 20, 0, true)
  setU64(view, offset + BOOK_EVENT_INGEST_TS_OFFSET, fields.ingestTsNs, 'book event: ingestTsNs')
  setU64(view, offset + BOOK_EVENT_EXCHANGE_TS_OFFSET, fields.exchangeTsNs, 'book event: exchangeTsNs')
  setU64(view, offset + BOOK_EVENT_SEQ_OFFSET, fields.seq, 'book event: seq')
  setU64(view, offset + BOOK_EVENT_NATIVE_SEQ_OFFSET, fields.nativeSeq, 'book event: nativeSeq')
  setU8(view, offset + BOOK_EVENT_TYPE_OFFSET, eventType, 'book event: eventType')
  setU8(view, offset + BOOK_EVENT_MODE_OFFSET, bookMode, 'book event: bookMode')
  setU16(view, offset + BOOK_EVENT_FLAGS_OFFSET, fields.flags, 'book event: flags')
  view.setUint32(offset + 60, 0, true)
  return BOOK_EVENT_BYTES
}

/** @throws ReplayError corrupt `event-type` when the header announces another body than the one being wrapped. */
export function requireEvent(record: string, header: BookEventView, eventType: number, bookMode: number): void {
  if (header.eventType !== eventType || header.bookMode !== bookMode) {
    const found = `event type ${header.eventType}, book mode ${header.bookMode}`
    throw new ReplayError('event-type', `${record}: expected event type ${eventType}, book mode ${bookMode}; found ${found}`, {
      category: 'corrupt',
    })
  }
}

const EMPTY = new DataView(new ArrayBuffer(0))
