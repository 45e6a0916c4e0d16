/**
 * Record: a 64-byte header and its payload, together rounded up to 64 bytes (docs/format.md, Records), little-endian.
 *
 * | offset | type | field      | unit, sentinel                                      |
 * |      0 | u32  | commitLen  | payload bytes + 1; 0 = not committed                |
 * |      4 | u8   | version    | 1                                                   |
 * |      5 | 3    | zero       |                                                     |
 * |      8 | u64  | seq        | counter of the writer session, starts at 0          |
 * |     16 | u64  | timestamp  | nanoseconds since the epoch                         |
 * |     24 | u16  | typeId     | 0xFFFF = PAD                                        |
 * |     26 | u16  | flags      | 0                                                   |
 * |     28 | u32  | crc32      | of the payload only; 0 for an empty payload and PAD |
 * |     32 | 32   | zero       |                                                     |
 */
export const RECORD_HEADER_BYTES = 64
export const RECORD_ALIGNMENT = 64
export const RECORD_VERSION = 1
export const PAD_TYPE = 0xffff

export const COMMIT_LEN_OFFSET = 0
export const VERSION_OFFSET = 4
export const SEQ_OFFSET = 8
export const TIMESTAMP_OFFSET = 16
export const TYPE_OFFSET = 24
export const CRC32_OFFSET = 28

/** Bytes a record with this payload takes in a segment. */
export function recordBytes(payloadLength: number): number {
  return Math.ceil((RECORD_HEADER_BYTES + payloadLength) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT
}

/** A record header to encode. `commitLen` is derived from `payloadLength`. */
export interface RecordHeader {
  readonly seq: bigint
  readonly timestampNs: bigint
  readonly typeId: number
  readonly payloadLength: number
  readonly crc32: number
}

/** Writes the whole 64-byte header at `offset`. With `committed` false, commitLen is 0: invisible to readers. */
export function encodeRecordHeader(view: DataView, offset: number, header: RecordHeader, committed = true): void {
  view.setUint32(offset + COMMIT_LEN_OFFSET, committed ? header.payloadLength + 1 : 0, true)
  view.setUint32(offset + VERSION_OFFSET, RECORD_VERSION, true)
  view.setBigUint64(offset + SEQ_OFFSET, header.seq, true)
  view.setBigUint64(offset + TIMESTAMP_OFFSET, header.timestampNs, true)
  view.setUint32(offset + TYPE_OFFSET, header.typeId, true) // flags, the upper half, are 0
  view.setUint32(offset + CRC32_OFFSET, header.crc32, true)
  for (let zero = 32; zero < RECORD_HEADER_BYTES; zero += 8) view.setBigUint64(offset + zero, 0n, true)
}

/** Reads a header without judging it; payloadLength is -1 when the record is not committed. */
export function decodeRecordHeader(view: DataView, offset: number): RecordHeader & { readonly version: number } {
  return {
    seq: view.getBigUint64(offset + SEQ_OFFSET, true),
    timestampNs: view.getBigUint64(offset + TIMESTAMP_OFFSET, true),
    typeId: view.getUint16(offset + TYPE_OFFSET, true),
    payloadLength: view.getUint32(offset + COMMIT_LEN_OFFSET, true) - 1,
    crc32: view.getUint32(offset + CRC32_OFFSET, true),
    version: view.getUint8(offset + VERSION_OFFSET),
  }
}
