/**
 * Seek index `NNNNNNNNN.idx` (docs/format.md, Seek indexes), little-endian: an 80-byte header, then 24 bytes per entry.
 *
 * | offset | type | field          | unit, sentinel                                                  |
 * |      0 | 8    | magic          | "CHRIDX1\0"                                                     |
 * |      8 | u16  | version        | 1                                                               |
 * |     10 | u16  | headerLength   | 80 bytes                                                        |
 * |     12 | u32  | flags          | bit 0 = PARTIAL: records before the writer's last open are missing |
 * |     16 | u64  | segmentId      |                                                                 |
 * |     24 | u64  | segmentBytes   | bytes of the segment file                                       |
 * |     32 | u32  | dataOffset     | 64                                                              |
 * |     36 | u32  | stride         | records per entry                                               |
 * |     40 | u64  | minSeq         | over all observed records, indexed or not; maxSeq at 48         |
 * |     56 | u64  | minTimestampNs | likewise, nanoseconds since the epoch; maxTimestampNs at 64     |
 * |     72 | u64  | entryCount     |                                                                 |
 * |     80 | 24 each | entry       | u64 seq, u64 timestampNs, u64 offset of the record header       |
 */
import { ReplayError } from '../../errors.ts'
import { RECORD_ALIGNMENT } from '../../message/record.ts'
import type { LoadedFile, LogFolder } from '../stores/log-folder.ts'
import { DATA_OFFSET, indexName } from './segment.ts'

export const INDEX_HEADER_BYTES = 80
export const INDEX_ENTRY_BYTES = 24
/** Records per entry that chronicle-rs uses for queues. */
export const DEFAULT_INDEX_STRIDE = 4096

/** A decoded seek index. Entries are in file order: offsets ascend; sequences and times need not. */
export interface SeekIndex {
  /** The index covers only records written after the writer reopened the segment: nothing is known of earlier ones. */
  readonly partial: boolean
  readonly segmentId: number
  readonly segmentBytes: number
  /** Records per entry. */
  readonly stride: number
  readonly minSeq: bigint
  readonly maxSeq: bigint
  readonly minTimestampNs: bigint
  readonly maxTimestampNs: bigint
  readonly entryCount: number
  seqAt(entry: number): bigint
  timestampNsAt(entry: number): bigint
  /** Byte offset of the record header in the segment. */
  offsetAt(entry: number): number
  /** The first entry, in list order, with time ≥ `timestampNs`; `entryCount` when there is none. */
  firstAtTime(timestampNs: bigint): number
  /**
   * The first entry, in list order, whose time is more than `maxStepBackNs` before that of one in front of it; `entryCount` when
   * there is none. Between it and the entry before it any time can hide.
   */
  firstStepBack(maxStepBackNs: bigint): number
  /** The first entry, in list order, with sequence > `seq`; `entryCount` when there is none. */
  firstBehindSeq(seq: bigint): number
  /**
   * Of an index that was opened, not decoded, only the first and last entries can be read before this is called.
   * @throws ReplayError corrupt `index-entry`
   */
  loadEntries(): void
}

/**
 * Decodes and validates an index; the bytes are kept, not copied.
 * @throws ReplayError corrupt: `index-truncated`, `index-magic`, `index-version`, `index-header`, `index-length`, `index-entry`
 */
export function decodeSeekIndex(bytes: Uint8Array, path: string): SeekIndex {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  checkHeader(view, path)
  const index = new IndexView(view, path, null)
  index.loadEntries()
  return index
}

/**
 * Opens the index of a segment for what most readers ask of most indexes, the extremes of the segment: reads its header and
 * its first and last entry. Null when there is none.
 * @throws ReplayError corrupt, as `decodeSeekIndex` without `index-entry`; input `index-unreadable`
 */
export function openSeekIndex(folder: LogFolder, segment: number): SeekIndex | null {
  const file = openIndex(folder, segment)
  if (file === null) return null
  try {
    const bytes = new Uint8Array(file.bytes)
    const head = Math.min(bytes.length, INDEX_HEADER_BYTES + INDEX_ENTRY_BYTES)
    file.read(bytes, 0, head, 0)
    const last = Math.max(head, bytes.length - INDEX_ENTRY_BYTES)
    file.read(bytes, last, bytes.length - last, last)
    const view = new DataView(bytes.buffer)
    checkHeader(view, file.path)
    return new IndexView(view, file.path, () => {
      const again = openIndex(folder, segment)
      again?.read(bytes, 0, bytes.length, 0)
      again?.close()
    })
  } finally {
    file.close()
  }
}

function openIndex(folder: LogFolder, segment: number): LoadedFile | null {
  const name = indexName(segment)
  try {
    return folder.load(name)
  } catch (cause) {
    const path = `${folder.path}/${name}`
    throw new ReplayError('index-unreadable', `cannot open the seek index: ${(cause as Error).message}`, { category: 'input', path, cause })
  }
}

function checkHeader(view: DataView, path: string): void {
  const fail = (code: string, message: string): never => {
    throw indexError(code, message, path)
  }
  if (view.byteLength < INDEX_HEADER_BYTES) {
    fail('index-truncated', `seek index: expected at least ${INDEX_HEADER_BYTES} bytes, found ${view.byteLength}`)
  }
  const magic = view.getBigUint64(0, true)
  if (magic !== MAGIC) fail('index-magic', `seek index magic: expected "CHRIDX1", found 0x${magic.toString(16).padStart(16, '0')}`)
  const version = view.getUint16(8, true)
  if (version !== VERSION) fail('index-version', `seek index version: expected ${VERSION}, found ${version}`)
  const headerLength = view.getUint16(10, true)
  const dataOffset = view.getUint32(32, true)
  const stride = view.getUint32(36, true)
  const segmentId = view.getBigUint64(16, true)
  const segmentBytes = view.getBigUint64(24, true)
  const entryCount = view.getBigUint64(72, true)
  if (
    headerLength !== INDEX_HEADER_BYTES ||
    dataOffset !== DATA_OFFSET ||
    stride === 0 ||
    segmentId > MAX_SAFE ||
    segmentBytes > MAX_SAFE
  ) {
    fail(
      'index-header',
      `seek index header: expected header length ${INDEX_HEADER_BYTES}, data offset ${DATA_OFFSET}, stride > 0 and an id and size < 2^53, ` +
        `found ${headerLength}, ${dataOffset}, ${stride}, ${segmentId}, ${segmentBytes}`,
    )
  }
  const expected = BigInt(INDEX_HEADER_BYTES) + entryCount * BigInt(INDEX_ENTRY_BYTES)
  if (BigInt(view.byteLength) !== expected) {
    fail('index-length', `seek index: ${entryCount} entries need ${expected} bytes, found ${view.byteLength}`)
  }
}

function indexError(code: string, message: string, path: string): ReplayError {
  return new ReplayError(code, `${message}; delete the index to read the segment without it`, { category: 'corrupt', path })
}

/**
 * Collects the index of one segment while it is written: an entry for record 0, stride, 2·stride … counted from
 * where this writer started, and the extremes of all records. No allocation per record, except when entries grow.
 */
export class SeekIndexBuilder {
  readonly segmentId: number
  readonly segmentBytes: number
  readonly stride: number
  readonly partial: boolean
  #recordCount = 0
  #untilEntry = 0
  #entryCount = 0
  /** Six words per entry, as in the file. */
  #entries = new Uint32Array(6 * 64)
  /** minSeq, maxSeq, minTimestampNs, maxTimestampNs as low and high words. */
  readonly #extremes = new Uint32Array(8)

  /** @param partial the segment already holds records that will not be observed */
  constructor(segmentId: number, segmentBytes: number, stride: number, partial: boolean) {
    if (!Number.isInteger(stride) || stride < 1 || stride > 0xffff_ffff) {
      throw new ReplayError('index-stride', `index stride: expected an integer in [1, 2^32), got ${stride}`, { category: 'input' })
    }
    this.segmentId = segmentId
    this.segmentBytes = segmentBytes
    this.stride = stride
    this.partial = partial
  }

  /** Records observed so far; PAD records must not be observed. */
  get recordCount(): number {
    return this.#recordCount
  }

  /** Takes note of a record; 64-bit values as low and high 32-bit words. */
  observe(seqLow: number, seqHigh: number, timestampLow: number, timestampHigh: number, offset: number): void {
    if (this.#untilEntry === 0) {
      this.#addEntry(seqLow, seqHigh, timestampLow, timestampHigh, offset)
      this.#untilEntry = this.stride
    }
    this.#untilEntry--
    const e = this.#extremes
    if (this.#recordCount++ === 0) {
      e[0] = e[2] = seqLow
      e[1] = e[3] = seqHigh
      e[4] = e[6] = timestampLow
      e[5] = e[7] = timestampHigh
      return
    }
    widen(e, 0, seqLow, seqHigh)
    widen(e, 4, timestampLow, timestampHigh)
  }

  /** The bytes of the index file. With no record observed there should be no file. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(INDEX_HEADER_BYTES + this.#entryCount * INDEX_ENTRY_BYTES)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, MAGIC, true)
    view.setUint16(8, VERSION, true)
    view.setUint16(10, INDEX_HEADER_BYTES, true)
    view.setUint32(12, this.partial ? PARTIAL : 0, true)
    view.setBigUint64(16, BigInt(this.segmentId), true)
    view.setBigUint64(24, BigInt(this.segmentBytes), true)
    view.setUint32(32, DATA_OFFSET, true)
    view.setUint32(36, this.stride, true)
    for (let word = 0; word < 8; word++) view.setUint32(40 + word * 4, this.#extremes[word]!, true)
    view.setBigUint64(72, BigInt(this.#entryCount), true)
    for (let word = 0; word < this.#entryCount * 6; word++) view.setUint32(INDEX_HEADER_BYTES + word * 4, this.#entries[word]!, true)
    return bytes
  }

  #addEntry(seqLow: number, seqHigh: number, timestampLow: number, timestampHigh: number, offset: number): void {
    const at = this.#entryCount * 6
    if (at === this.#entries.length) {
      const larger = new Uint32Array(at * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    const entries = this.#entries
    entries[at] = seqLow
    entries[at + 1] = seqHigh
    entries[at + 2] = timestampLow
    entries[at + 3] = timestampHigh
    entries[at + 4] = offset
    entries[at + 5] = Math.floor(offset / 0x1_0000_0000)
    this.#entryCount++
  }
}

/** Widens the range at words `at … at+3` (minimum, then maximum) to include a value. */
function widen(range: Uint32Array, at: number, low: number, high: number): void {
  if (high < range[at + 1]! || (high === range[at + 1]! && low < range[at]!)) {
    range[at] = low
    range[at + 1] = high
  } else if (high > range[at + 3]! || (high === range[at + 3]! && low > range[at + 2]!)) {
    range[at + 2] = low
    range[at + 3] = high
  }
}

class IndexView implements SeekIndex {
  readonly #view: DataView
  readonly entryCount: number
  readonly segmentBytes: number

  readonly #path: string
  /** Reads the rest into the view while only a part has been read. */
  #readRest: (() => void) | null

  constructor(view: DataView, path: string, readRest: (() => void) | null) {
    this.#view = view
    this.#path = path
    this.#readRest = readRest
    this.entryCount = Number(view.getBigUint64(72, true))
    this.segmentBytes = Number(view.getBigUint64(24, true))
  }

  get partial(): boolean {
    return (this.#view.getUint32(12, true) & PARTIAL) !== 0
  }

  get segmentId(): number {
    return Number(this.#view.getBigUint64(16, true))
  }

  get stride(): number {
    return this.#view.getUint32(36, true)
  }

  get minSeq(): bigint {
    return this.#view.getBigUint64(40, true)
  }

  get maxSeq(): bigint {
    return this.#view.getBigUint64(48, true)
  }

  get minTimestampNs(): bigint {
    return this.#view.getBigUint64(56, true)
  }

  get maxTimestampNs(): bigint {
    return this.#view.getBigUint64(64, true)
  }

  seqAt(entry: number): bigint {
    return this.#view.getBigUint64(INDEX_HEADER_BYTES + entry * INDEX_ENTRY_BYTES, true)
  }

  timestampNsAt(entry: number): bigint {
    return this.#view.getBigUint64(INDEX_HEADER_BYTES + entry * INDEX_ENTRY_BYTES + 8, true)
  }

  offsetAt(entry: number): number {
    const at = INDEX_HEADER_BYTES + entry * INDEX_ENTRY_BYTES + 16
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32
  }

  firstAtTime(timestampNs: bigint): number {
    return this.#firstAt(8, timestampNs)
  }

  firstStepBack(maxStepBackNs: bigint): number {
    const [view, maxStepBack] = [this.#view, Number(maxStepBackNs)]
    let latest = 0
    for (let entry = 0, at = INDEX_HEADER_BYTES + 8; entry < this.entryCount; entry++, at += INDEX_ENTRY_BYTES) {
      const time = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
      if (time < latest - maxStepBack) return entry
      if (time > latest) latest = time
    }
    return this.entryCount
  }

  firstBehindSeq(seq: bigint): number {
    return seq === MAX_U64 ? this.entryCount : this.#firstAt(0, seq + 1n)
  }

  loadEntries(): void {
    this.#readRest?.()
    this.#readRest = null
    let previous = 0
    for (let entry = 0; entry < this.entryCount; entry++) {
      const offset = this.offsetAt(entry)
      if (offset <= previous || offset < DATA_OFFSET || offset >= this.segmentBytes || offset % RECORD_ALIGNMENT !== 0) {
        const message = `seek index entry ${entry}: expected an aligned offset in (${previous}, ${this.segmentBytes}), found ${offset}`
        throw indexError('index-entry', message, this.#path)
      }
      previous = offset
    }
  }

  /** The first entry whose u64 at `field` is at least `least`; compared in halves, so that long indexes are searched quickly. */
  #firstAt(field: number, least: bigint): number {
    const view = this.#view
    const low = Number(least & 0xffff_ffffn)
    const high = Number(least >> 32n)
    for (let entry = 0, at = INDEX_HEADER_BYTES + field; entry < this.entryCount; entry++, at += INDEX_ENTRY_BYTES) {
      const word = view.getUint32(at + 4, true)
      if (word > high || (word === high && view.getUint32(at, true) >= low)) return entry
    }
    return this.entryCount
  }
}

const MAGIC = 0x0031_5844_4952_4843n // "CHRIDX1\0" as a little-endian u64
const VERSION = 1
const PARTIAL = 1
const MAX_U64 = 2n ** 64n - 1n
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
