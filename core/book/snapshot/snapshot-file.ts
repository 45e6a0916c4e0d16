/**
 * CHRSNAP1: the state of one book in a file (docs/format.md, Snapshots), little-endian. The file is exactly 128 + payloadLength bytes.
 *
 * | offset | type | field           | unit, sentinel                                                  |
 * |      0 | 8    | magic           | "CHRSNAP1"                                                      |
 * |      8 | u16  | schemaVersion   | 1                                                               |
 * |     10 | u16  | headerLength    | 128                                                             |
 * |     12 | u16  | endianness      | 0 = little                                                      |
 * |     14 | u16  | bookMode        | 0 L2, 1 L3 (ours: the peer refuses it)                          |
 * |     16 | u32  | venueId         |                                                                 |
 * |     20 | u32  | marketId        |                                                                 |
 * |     24 | u64  | seq             | record sequence of the last applied message                     |
 * |     32 | u64  | ingestStartNs   | ns since the epoch, of the first event since the snapshot before |
 * |     40 | u64  | ingestEndNs     | ns since the epoch, of the last applied event                   |
 * |     48 | u64  | exchangeStartNs | as ingestStartNs                                                |
 * |     56 | u64  | exchangeEndNs   | as ingestEndNs                                                  |
 * |     64 | 16   | bookHash        | L2: zero; L3: BLAKE3 as in book-hash.ts, checked when loaded    |
 * |     80 | u64  | payloadLength   | bytes                                                           |
 * |     88 | u64  | flags           | 0                                                               |
 * |     96 | 32   | zero            |                                                                 |
 * |    128 |      | payload         | see snapshot-payload.ts                                         |
 */
import { ReplayError } from '../../errors.ts'
import { requireU64, requireUint } from '../../field-range.ts'

export const SNAPSHOT_HEADER_BYTES = 128
export const SNAPSHOT_SCHEMA_VERSION = 1

export const SNAPSHOT_VERSION_OFFSET = 8
export const SNAPSHOT_HEADER_LENGTH_OFFSET = 10
export const SNAPSHOT_ENDIANNESS_OFFSET = 12
export const SNAPSHOT_MODE_OFFSET = 14
export const SNAPSHOT_VENUE_ID_OFFSET = 16
export const SNAPSHOT_MARKET_ID_OFFSET = 20
export const SNAPSHOT_SEQ_OFFSET = 24
export const SNAPSHOT_INGEST_START_OFFSET = 32
export const SNAPSHOT_INGEST_END_OFFSET = 40
export const SNAPSHOT_EXCHANGE_START_OFFSET = 48
export const SNAPSHOT_EXCHANGE_END_OFFSET = 56
export const SNAPSHOT_BOOK_HASH_OFFSET = 64
export const SNAPSHOT_PAYLOAD_LENGTH_OFFSET = 80
export const SNAPSHOT_FLAGS_OFFSET = 88

const MAGIC = new TextEncoder().encode('CHRSNAP1')

export interface SnapshotHeader {
  /** 0 L2, 1 L3. */
  readonly bookMode: number
  readonly venueId: number
  readonly marketId: number
  readonly seq: bigint
  readonly ingestStartNs: bigint
  readonly ingestEndNs: bigint
  readonly exchangeStartNs: bigint
  readonly exchangeEndNs: bigint
  /** 16 bytes. */
  readonly bookHash: Uint8Array
}

/** A whole snapshot file. */
export function encodeSnapshot(header: SnapshotHeader, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_HEADER_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  requireUint('snapshot: bookMode', header.bookMode, 16)
  requireUint('snapshot: venueId', header.venueId, 32)
  requireUint('snapshot: marketId', header.marketId, 32)
  for (const field of ['seq', 'ingestStartNs', 'ingestEndNs', 'exchangeStartNs', 'exchangeEndNs'] as const)
    requireU64(`snapshot: ${field}`, header[field])
  bytes.set(MAGIC)
  view.setUint16(SNAPSHOT_VERSION_OFFSET, SNAPSHOT_SCHEMA_VERSION, true)
  view.setUint16(SNAPSHOT_HEADER_LENGTH_OFFSET, SNAPSHOT_HEADER_BYTES, true)
  view.setUint16(SNAPSHOT_MODE_OFFSET, header.bookMode, true)
  view.setUint32(SNAPSHOT_VENUE_ID_OFFSET, header.venueId, true)
  view.setUint32(SNAPSHOT_MARKET_ID_OFFSET, header.marketId, true)
  view.setBigUint64(SNAPSHOT_SEQ_OFFSET, header.seq, true)
  view.setBigUint64(SNAPSHOT_INGEST_START_OFFSET, header.ingestStartNs, true)
  view.setBigUint64(SNAPSHOT_INGEST_END_OFFSET, header.ingestEndNs, true)
  view.setBigUint64(SNAPSHOT_EXCHANGE_START_OFFSET, header.exchangeStartNs, true)
  view.setBigUint64(SNAPSHOT_EXCHANGE_END_OFFSET, header.exchangeEndNs, true)
  bytes.set(header.bookHash.subarray(0, 16), SNAPSHOT_BOOK_HASH_OFFSET)
  view.setBigUint64(SNAPSHOT_PAYLOAD_LENGTH_OFFSET, BigInt(payload.length), true)
  bytes.set(payload, SNAPSHOT_HEADER_BYTES)
  return bytes
}

/**
 * Checks and reads the first 128 bytes of a snapshot.
 * @param size bytes of the whole file, to compare with what the header says
 * @throws ReplayError corrupt: `snapshot-truncated`, `snapshot-magic`, `snapshot-version`, `snapshot-length`
 */
export function decodeSnapshotHeader(bytes: Uint8Array, size: number, path = ''): SnapshotHeader {
  const fail = (code: string, what: string, expected: number | string, found: number | string) =>
    new ReplayError(code, `snapshot ${what}: expected ${expected}, found ${found}`, {
      category: 'corrupt',
      ...(path === '' ? {} : { path }),
    })
  if (bytes.length < SNAPSHOT_HEADER_BYTES) throw fail('snapshot-truncated', 'header bytes', SNAPSHOT_HEADER_BYTES, bytes.length)
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw fail('snapshot-magic', 'magic', 'CHRSNAP1', 'other bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, SNAPSHOT_HEADER_BYTES)
  const version = view.getUint16(SNAPSHOT_VERSION_OFFSET, true)
  if (version !== SNAPSHOT_SCHEMA_VERSION) throw fail('snapshot-version', 'schema version', SNAPSHOT_SCHEMA_VERSION, version)
  const headerLength = view.getUint16(SNAPSHOT_HEADER_LENGTH_OFFSET, true)
  if (headerLength !== SNAPSHOT_HEADER_BYTES) throw fail('snapshot-version', 'header length', SNAPSHOT_HEADER_BYTES, headerLength)
  const endianness = view.getUint16(SNAPSHOT_ENDIANNESS_OFFSET, true)
  if (endianness !== 0) throw fail('snapshot-version', 'endianness', 0, endianness)
  const bookMode = view.getUint16(SNAPSHOT_MODE_OFFSET, true)
  if (bookMode > 1) throw fail('snapshot-version', 'book mode', '0 or 1', bookMode)
  const payloadLength = view.getBigUint64(SNAPSHOT_PAYLOAD_LENGTH_OFFSET, true)
  if (BigInt(SNAPSHOT_HEADER_BYTES) + payloadLength !== BigInt(size)) {
    throw fail('snapshot-length', 'file bytes', `128 + ${payloadLength}`, size)
  }
  return {
    bookMode,
    venueId: view.getUint32(SNAPSHOT_VENUE_ID_OFFSET, true),
    marketId: view.getUint32(SNAPSHOT_MARKET_ID_OFFSET, true),
    seq: view.getBigUint64(SNAPSHOT_SEQ_OFFSET, true),
    ingestStartNs: view.getBigUint64(SNAPSHOT_INGEST_START_OFFSET, true),
    ingestEndNs: view.getBigUint64(SNAPSHOT_INGEST_END_OFFSET, true),
    exchangeStartNs: view.getBigUint64(SNAPSHOT_EXCHANGE_START_OFFSET, true),
    exchangeEndNs: view.getBigUint64(SNAPSHOT_EXCHANGE_END_OFFSET, true),
    bookHash: bytes.slice(SNAPSHOT_BOOK_HASH_OFFSET, SNAPSHOT_BOOK_HASH_OFFSET + 16),
  }
}

/** Header and payload of a whole file. @throws ReplayError as `decodeSnapshotHeader` */
export function decodeSnapshot(bytes: Uint8Array, path = ''): { header: SnapshotHeader; payload: Uint8Array } {
  return { header: decodeSnapshotHeader(bytes, bytes.length, path), payload: bytes.subarray(SNAPSHOT_HEADER_BYTES) }
}
