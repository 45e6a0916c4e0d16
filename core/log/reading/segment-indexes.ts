import { ReplayError } from '../../errors.ts'
import { giveBack } from '../../large-piece.ts'
import { decodeRecordHeader, PAD_TYPE, RECORD_HEADER_BYTES, RECORD_VERSION, recordBytes } from '../../message/record.ts'
import type { ReadIssue, SourceFilter } from '../../message/source.ts'
import { openSeekIndex, type SeekIndex } from '../format/seek-index.ts'
import { DATA_OFFSET, segmentName } from '../format/segment.ts'
import type { LogFile, LogFolder } from '../stores/log-folder.ts'
import type { SegmentFile } from './segment-file.ts'

/**
 * The seek indexes of a log, and what a reader may conclude from them. An index is trusted only when its segment is
 * sealed, it belongs to it (its first and last entries match their records), and it covers the whole segment: neither
 * PARTIAL nor stale. Stale is what `flushSync` wrote of a segment that grew on, until its writer was killed and the
 * segment sealed by repair. Damage to the times in an index is not detected: they have no checksum.
 */
export class SegmentIndexes {
  readonly #folder: LogFolder
  readonly #maxStepBackNs: bigint
  readonly #report: (issue: ReadIssue) => void
  readonly #known = new Map<number, SeekIndex | null>()
  readonly #covering = new Map<number, boolean>()

  constructor(folder: LogFolder, maxStepBackNs: bigint, report: (issue: ReadIssue) => void) {
    this.#folder = folder
    this.#maxStepBackNs = maxStepBackNs
    this.#report = report
  }

  /**
   * Where to start reading a segment for a time filter or a sequence, or null when it cannot match.
   * Between two entries a time ≥ fromNs can hide only if times then step back by more than maxStepBackNs: what the entries show of
   * that is minded, as one wild time shows so, too. What they do not show, as the entry itself is of a wild time or of a clock that
   * was just set back, is behind the entries before it.
   */
  async startOf(file: SegmentFile, sealed: boolean, filter: SourceFilter, startSeq: bigint | null): Promise<number | null> {
    const { fromNs, toNs } = filter
    if (fromNs === undefined && toNs === undefined && startSeq === null) return DATA_OFFSET
    const index = sealed ? await this.#fitting(file) : null
    if (index === null) return DATA_OFFSET
    const cannotMatch =
      (fromNs !== undefined && index.maxTimestampNs < fromNs) ||
      (toNs !== undefined && index.minTimestampNs >= toNs) ||
      (startSeq !== null && index.maxSeq < startSeq)
    if (cannotMatch && (await this.#coversEnd(file, index))) return null
    if ((startSeq === null && fromNs === undefined) || !this.#loads(file, index)) return DATA_OFFSET
    const earliestNs = (fromNs ?? 0n) - this.#maxStepBackNs
    const entry =
      startSeq === null
        ? Math.min(index.firstAtTime(earliestNs < 0n ? 0n : earliestNs), index.firstStepBack(this.#maxStepBackNs)) - spareEntries(index)
        : index.firstBehindSeq(startSeq)
    if (entry <= 1) return DATA_OFFSET
    const record = await this.#recordAt(file, index, entry - 1)
    if (record === 'other') this.#distrust(file, `entry ${entry - 1} does not match the record it points at`)
    return record === 'same' ? index.offsetAt(entry - 1) : DATA_OFFSET
  }

  /** Offset behind the first record that the index has of a time or later; Infinity where it has none. Nobody checked the index. */
  likelyEndOf(segment: number, timeNs: bigint): number {
    try {
      const index = openSeekIndex(this.#folder, segment)
      if (index === null || index.partial || index.maxTimestampNs < timeNs) return Number.POSITIVE_INFINITY
      index.loadEntries()
      const entry = index.firstAtTime(timeNs) + 1
      return entry < index.entryCount ? index.offsetAt(entry) : Number.POSITIVE_INFINITY
    } catch {
      return Number.POSITIVE_INFINITY // told when the segment is read
    }
  }

  /** The index of a segment with its entries, for comparing them with the records; null where it cannot be read, or is PARTIAL. */
  entriesOf(segment: number): SeekIndex | null {
    try {
      const index = openSeekIndex(this.#folder, segment)
      if (index === null || index.partial || index.segmentId !== segment) return null
      index.loadEntries()
      return index
    } catch {
      return null // told when the segment is read
    }
  }

  /** Greatest time of a segment by its index, if that saw the record with this sequence; else null. Nobody checked the index. */
  latestOf(segment: number, seq: bigint): bigint | null {
    try {
      const index = openSeekIndex(this.#folder, segment)
      if (index === null || index.partial || index.segmentId !== segment) return null
      return seq >= index.minSeq && seq <= index.maxSeq ? index.maxTimestampNs : null
    } catch {
      return null // told when the segment is read
    }
  }

  /** The segment's index when it can be trusted, else null. A damaged one is reported once. */
  async trusted(file: SegmentFile, sealed: boolean): Promise<SeekIndex | null> {
    const index = sealed ? await this.#fitting(file) : null
    return index !== null && (await this.#coversEnd(file, index)) ? index : null
  }

  /** The segment's index when it belongs to it and is not PARTIAL; it may be stale, which does no harm to its entries. */
  async #fitting(file: SegmentFile): Promise<SeekIndex | null> {
    const known = this.#known.get(file.id)
    if (known !== undefined) return known
    const index = this.#load(file)
    this.#known.set(file.id, index)
    if (index === null || index.partial || index.entryCount === 0) return this.#forget(file)
    if (!(await this.#describes(file, index))) {
      this.#distrust(file, 'it does not describe this segment')
      return null
    }
    return index
  }

  async #describes(file: SegmentFile, index: SeekIndex): Promise<boolean> {
    const last = index.entryCount - 1
    return (
      index.segmentId === file.id &&
      index.segmentBytes === file.bytes &&
      index.offsetAt(0) === DATA_OFFSET &&
      index.minSeq === index.seqAt(0) &&
      index.maxSeq >= index.seqAt(last) &&
      index.maxSeq < index.seqAt(last) + BigInt(index.stride) &&
      index.minTimestampNs <= index.timestampNsAt(0) &&
      index.maxTimestampNs >= index.timestampNsAt(last) &&
      (await this.#recordAt(file, index, 0)) !== 'other' &&
      (await this.#recordAt(file, index, last)) !== 'other'
    )
  }

  /** Whether the segment holds no record behind those the index knows. That it holds less is for the scan to find. */
  async #coversEnd(file: SegmentFile, index: SeekIndex): Promise<boolean> {
    let covers = this.#covering.get(file.id)
    if (covers === undefined) {
      covers = await this.#findsNoRecordBehind(file, index)
      this.#covering.set(file.id, covers)
    }
    return covers
  }

  async #findsNoRecordBehind(file: SegmentFile, index: SeekIndex): Promise<boolean> {
    if ((await this.#firstSeqOf(file.id + 1)) === index.maxSeq + 1n) return true
    const chunk = new Uint8Array(WALK_BYTES)
    try {
      return await this.#walksToEnd(file, index, chunk)
    } finally {
      giveBack(chunk)
    }
  }

  async #walksToEnd(file: SegmentFile, index: SeekIndex, chunk: Uint8Array): Promise<boolean> {
    const view = new DataView(chunk.buffer)
    let [start, end] = [0, 0]
    let seq = index.maxSeq
    let at = index.offsetAt(index.entryCount - 1)
    // Behind the last entry are fewer than `stride` records that the index knows.
    for (let record = 0; record <= index.stride; record++) {
      if (at + RECORD_HEADER_BYTES > end) {
        const read = file.read(chunk, 0, chunk.length, at)
        start = at
        end = at + (typeof read === 'number' ? read : await read)
        if (at + RECORD_HEADER_BYTES > end) return true
      }
      const found = decodeRecordHeader(view, at - start)
      if (found.payloadLength < 0) return true
      const next = at + recordBytes(found.payloadLength)
      if (found.version !== RECORD_VERSION || next > file.bytes) return found.typeId === PAD_TYPE
      if (found.typeId !== PAD_TYPE) {
        const follows = record === 0 || found.seq === seq + 1n
        if (!follows || found.seq > index.maxSeq) return false
        seq = found.seq
      }
      at = next
    }
    return false
  }

  /** Sequence of the first record of a plain segment, or null when there is none. */
  async #firstSeqOf(segment: number): Promise<bigint | null> {
    const name = segmentName(segment)
    if (this.#folder.versionOf(name) === null) return null
    let file: LogFile
    try {
      file = this.#folder.open(name)
    } catch {
      return null
    }
    try {
      const header = new Uint8Array(RECORD_HEADER_BYTES)
      const got = await file.read(header, 0, RECORD_HEADER_BYTES, DATA_OFFSET)
      const record = decodeRecordHeader(new DataView(header.buffer), 0)
      return got < RECORD_HEADER_BYTES || record.payloadLength < 0 || record.typeId === PAD_TYPE ? null : record.seq
    } finally {
      file.close()
    }
  }

  /** Opens the index; null when there is none: many segments have none, and are then scanned. */
  #load(file: SegmentFile): SeekIndex | null {
    try {
      return openSeekIndex(this.#folder, file.id)
    } catch (error) {
      this.#reportDamage(file, error)
      return null
    }
  }

  /** Whether the entries are sound; if not, the index is given up. */
  #loads(file: SegmentFile, index: SeekIndex): boolean {
    try {
      index.loadEntries()
      return true
    } catch (error) {
      this.#forget(file)
      this.#reportDamage(file, error)
      return false
    }
  }

  #reportDamage(file: SegmentFile, error: unknown): void {
    if (!(error instanceof ReplayError)) throw error
    this.#report({
      code: error.code,
      severity: 'warning',
      message: `${error.message}; the segment is scanned instead`,
      path: indexPath(file),
      segment: file.id,
    })
  }

  /** Whether the record that an entry points at is that of the entry; `lost` when there is none: it was zeroed. */
  async #recordAt(file: SegmentFile, index: SeekIndex, entry: number): Promise<'same' | 'other' | 'lost'> {
    const header = new Uint8Array(RECORD_HEADER_BYTES)
    if ((await file.read(header, 0, RECORD_HEADER_BYTES, index.offsetAt(entry))) < RECORD_HEADER_BYTES) return 'lost'
    const record = decodeRecordHeader(new DataView(header.buffer), 0)
    if (record.payloadLength < 0) return 'lost'
    return record.seq === index.seqAt(entry) && record.timestampNs === index.timestampNsAt(entry) ? 'same' : 'other'
  }

  #distrust(file: SegmentFile, why: string): void {
    this.#forget(file)
    this.#report({
      code: 'index-mismatch',
      severity: 'warning',
      message: `seek index not used: ${why}; the segment is scanned instead`,
      path: indexPath(file),
      segment: file.id,
    })
  }

  #forget(file: SegmentFile): null {
    this.#known.set(file.id, null)
    return null
  }
}

/** Records in a row of which none may have a sound time. */
const WILD_RUN = 8

/** Entries that one may not be able to believe. */
function spareEntries({ stride }: SeekIndex): number {
  return Math.ceil(WILD_RUN / stride)
}

/** Bytes read at a time when walking records behind the last entry. */
const WALK_BYTES = 16 * 1024

function indexPath(file: SegmentFile): string {
  return file.path.replace(/\.q(\.zst)?$/, '.idx')
}
