/**
 * Segment header, 64 bytes (docs/format.md, Segments), little-endian. Records start right behind it.
 *
 * | offset | type | field     | unit, sentinel        |
 * |      0 | u32  | magic     | 0x53454730 ("0GES")   |
 * |      4 | u32  | version   | 2                     |
 * |      8 | u32  | segmentId | low 32 bits of the id |
 * |     12 | u32  | flags     | bit 0 = SEALED        |
 * |     16 | 48   | zero      |                       |
 */
import { ReplayError } from '../../errors.ts'

export const SEGMENT_HEADER_BYTES = 64
export const SEGMENT_MAGIC = 0x53454730
export const SEGMENT_VERSION = 2
export const SEGMENT_SEALED = 1
/** Where the first record starts. */
export const DATA_OFFSET = 64
export const MIN_SEGMENT_BYTES = 128
export const DEFAULT_SEGMENT_BYTES = 128 * 1024 * 1024

const SEGMENT_NAME = /^(\d{9})\.q$/

/** `7` → `000000007.q` */
export function segmentName(id: number): string {
  return `${String(id).padStart(9, '0')}.q`
}

/** `7` → `000000007.idx` */
export function indexName(id: number): string {
  return `${String(id).padStart(9, '0')}.idx`
}

/** The id in a segment's file name, or null when the name is none (exactly nine digits and `.q`). */
export function segmentIdOf(name: string): number | null {
  const match = SEGMENT_NAME.exec(name)
  return match === null ? null : Number(match[1])
}

export function encodeSegmentHeader(id: number, sealed: boolean): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, SEGMENT_MAGIC, true)
  view.setUint32(4, SEGMENT_VERSION, true)
  view.setUint32(8, id >>> 0, true)
  view.setUint32(12, sealed ? SEGMENT_SEALED : 0, true)
  return bytes
}

/** The id in a header: the low 32 bits of the segment's. */
export function segmentIdIn(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, SEGMENT_HEADER_BYTES).getUint32(8, true)
}

/**
 * Checks magic, version and id, in the order of docs/format.md, Segments, and returns whether the segment is sealed.
 * @throws ReplayError corrupt: `segment-truncated`, `segment-magic`, `segment-version`, `segment-id`
 */
export function checkSegmentHeader(header: Uint8Array, id: number, path: string): { sealed: boolean } {
  const place = { category: 'corrupt', segment: id, offset: 0, path } as const
  if (header.length < SEGMENT_HEADER_BYTES) {
    throw new ReplayError('segment-truncated', `segment header: expected ${SEGMENT_HEADER_BYTES} bytes, found ${header.length}`, place)
  }
  const view = new DataView(header.buffer, header.byteOffset, SEGMENT_HEADER_BYTES)
  const magic = view.getUint32(0, true)
  if (magic !== SEGMENT_MAGIC) {
    throw new ReplayError(
      'segment-magic',
      `segment magic: expected 0x53454730, found 0x${magic.toString(16).padStart(8, '0')}; not a Chronicle segment, or its header is damaged`,
      place,
    )
  }
  const version = view.getUint32(4, true)
  if (version !== SEGMENT_VERSION) {
    throw new ReplayError('segment-version', `segment version: expected ${SEGMENT_VERSION}, found ${version}`, place)
  }
  const found = segmentIdIn(header)
  if (found !== id >>> 0) {
    throw new ReplayError('segment-id', `segment id: expected ${id} from the file name, found ${found}; was the file renamed?`, place)
  }
  return { sealed: (view.getUint32(12, true) & SEGMENT_SEALED) !== 0 }
}
