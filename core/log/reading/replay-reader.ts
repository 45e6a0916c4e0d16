import { ReplayError } from '../../errors.ts'
import { type KnownOptions, requireOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { RECORD_ALIGNMENT, recordBytes } from '../../message/record.ts'
import { BatchSource, type ReadIssue, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import { committedEndOf } from '../format/queue-extent.ts'
import type { SeekIndex } from '../format/seek-index.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import { type ExpectedSize, expectedSegmentBytes } from '../format/segment-size.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LogFolder, SegmentEntry } from '../stores/log-folder.ts'
import { FolderBounds, reportMissing } from './folder-bounds.ts'
import { LOG_SCAN_KEYS, LogScan, type LogScanOptions } from './log-scan.ts'
import { findRepeated, isCopyOf, type RepeatedRecords } from './repeated-records.ts'
import type { SegmentState } from './segment-end.ts'
import { isOccupied, listSegments } from './segment-file.ts'
import { UnseenTimes } from './unseen-times.ts'

export interface ReplayReaderOptions extends LogScanOptions {
  /** Hears of every issue when no pipeline does. @default they are kept in `issues` */
  readonly onIssue?: (issue: ReadIssue) => void
}

export const REPLAY_READER_KEYS: KnownOptions<ReplayReaderOptions> = { ...LOG_SCAN_KEYS, onIssue: true }

/** What a reader found in a segment that it has read to its end. */
export interface SegmentReading {
  readonly id: number
  readonly path: string
  readonly sealed: boolean
  readonly compressed: boolean
  /** Records examined, PAD not counted. */
  readonly records: number
  readonly padRecords: number
  /** Where the data ends: offset behind the last record. */
  readonly endOffset: number
}

/** So many times in a row are not all wild (`SoundTimes`). */
const FIRST_RECORDS = 9
/** Issues kept by a reader that nobody listens to; further ones are only counted. */
const MAX_ISSUES_KEPT = 1000

/**
 * Reads a log directory from start to end: sealed, open and compressed segments, mixed. Never modifies it.
 *
 * Segments and index blocks that a time filter cannot match are not read. Seeks and filters by time are exact as
 * long as record times step back by no more than `maxStepBackNs`; a larger step met while reading is reported.
 */
export class ReplayReader extends BatchSource {
  readonly path: string
  /** Issues met so far, when neither a pipeline nor `onIssue` takes them. */
  readonly issues: ReadIssue[] = []
  /** The segments read to their end so far. */
  readonly segmentsRead: SegmentReading[] = []

  readonly #folder: LogFolder
  readonly #segments: readonly SegmentEntry[]
  readonly #log: LogScan
  /** To be reported when reading begins: only then it is known whether damage is skipped. */
  #controlDamage: ReplayError | null
  /** Index in `#segments` of the next segment to open, and the offset to start at in it. */
  #next = 0
  #nextOffset = DATA_OFFSET
  readonly #bounds: FolderBounds
  readonly #unseen = new UnseenTimes()
  /** Everything was examined from the first record on, and all of it was sound. */
  #isComplete = true

  /**
   * @param log its directory's path, or its folder, which is closed with the reader
   * @throws ReplayError input `unknown-option`; `log-missing` when the path is no directory or has no segments
   */
  static async open(log: string | LogFolder, options: ReplayReaderOptions = {}): Promise<ReplayReader> {
    requireOptions('ReplayReader.open', options, REPLAY_READER_KEYS)
    const folder = folderOf(log)
    const segments = listSegments(folder)
    if (segments.length === 0) {
      throw new ReplayError('log-missing', 'no segments (NNNNNNNNN.q) in this directory', { category: 'input', path: folder.path })
    }
    return new ReplayReader(folder, segments, await expectedSegmentBytes(folder, segments), options)
  }

  /**
   * Opens the log with messages of one symbol only: those of its path, or those `resolveSymbol` gives that symbol.
   * @throws ReplayError input `log-missing`, `symbol-unknown`
   */
  static async openWithFilter(path: string, symbol: string, options: ReplayReaderOptions = {}): Promise<ReplayReader> {
    const reader = await ReplayReader.open(path, options)
    reader.#log.restrictTo(symbol, path)
    return reader
  }

  private constructor(folder: LogFolder, segments: readonly SegmentEntry[], size: ExpectedSize, options: ReplayReaderOptions) {
    super()
    this.path = folder.path
    this.#folder = folder
    this.#segments = segments
    this.#controlDamage = size.controlDamage
    const keep = (issue: ReadIssue): void => void (this.issues.length < MAX_ISSUES_KEPT && this.issues.push(issue))
    this.#log = new LogScan(folder, size.bytes, options, options.onIssue ?? keep)
    this.#bounds = new FolderBounds(folder, segments, this.#log)
  }

  prepare(request: SourceRequest): SourceGrant {
    return this.#log.prepare(request, this.isWithinBatch)
  }

  /** The segment that the log begins with. */
  get firstSegment(): number {
    return this.#segments[0]!.id
  }

  /** The index of a segment with its entries, for comparing them with the records; null where there is none to compare with. */
  entriesOf(segment: number): SeekIndex | null {
    return this.#log.entriesOf(segment)
  }

  /** Greatest record time that the index of a segment has, if it saw the record with this sequence; null: nobody knows. */
  latestIndexed(segment: number, seq: bigint): bigint | null {
    return this.#log.latestIndexed(segment, seq)
  }

  /**
   * Positions at the first message at or after a place in the log, in file order; false (and at the end) when there is none.
   * After an error in a segment the reader stands at its start.
   * @param offset of a record header, or behind the last record of the segment
   * @throws ReplayError input `position-invalid` when no record begins there; corrupt `segment-missing` when the segment is gone
   */
  async seekToPosition(segment: number, offset: number): Promise<boolean> {
    this.#checkPosition(segment, offset)
    this.dropBatch()
    const index = this.#segments.findIndex(({ id }) => id >= segment)
    await this.#goTo(index < 0 ? this.#segments.length : index)
    const first = this.#segments[0]!.id
    if (segment < first) {
      reportMissing(this.#log, this.path, segment, first - 1)
      this.#bounds.skipBegin()
    }
    if (this.#segments[index]?.id === segment) this.#nextOffset = offset
    return this.#sought(await this.#log.seekNext(() => this.#read()))
  }

  async close(): Promise<void> {
    this.#next = this.#segments.length
    await this.#log.close()
    this.#folder.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    const batch = this.#log.isExcluded ? null : await this.#read()
    return batch === null ? null : this.#log.narrow(batch)
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    await this.#goTo(0)
    return this.#sought(await this.#log.seekSeq(seq, () => this.#read()))
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    await this.#goTo(0)
    return this.#sought(await this.#log.seekTimestamp(timestampNs, () => this.#read()))
  }

  /** Of what was read for a seek, the times are no longer known. */
  #sought(isFound: boolean): boolean {
    this.#unseen.forget()
    return isFound
  }

  async #goTo(index: number): Promise<void> {
    await this.#log.scan.leave()
    this.#next = index
    this.#nextOffset = DATA_OFFSET
    this.#isComplete = false
    this.#bounds.forgetEnd()
    this.#unseen.forget()
    this.segmentsRead.length = 0
  }

  /** The next batch, of all symbols. */
  async #read(): Promise<MessageBatch | null> {
    const { scan, end } = this.#log
    for (;;) {
      if (scan.file === null) {
        const opened = await this.#openNext()
        if (opened === 'end') return null
        if (opened === 'left-out') return scan.batch
      }
      const outcome = await this.#log.step()
      if (outcome === 'rows') return scan.batch
      const state = await this.#stateOf(scan.file!.id)
      const verdict = await end.judge(outcome, state)
      if (verdict === 'damaged') return scan.batch
      if (verdict === 'grew') continue
      this.#log.reportCut()
      this.#noteSegment(state.sealed)
      await scan.leave()
    }
  }

  /** Opens the next segment that can match; `left-out`: its first records were given before. */
  async #openNext(): Promise<'opened' | 'left-out' | 'end'> {
    if (this.#controlDamage !== null) this.#log.policy.failWith(this.#controlDamage)
    this.#controlDamage = null
    if (this.#next === 0) await this.#bounds.reportBegin()
    while (this.#next < this.#segments.length) {
      const entry = this.#segments[this.#next]!
      this.#reportHoleBefore(entry)
      const offset = this.#nextOffset
      this.#nextOffset = DATA_OFFSET
      const isOpen = await this.#log.open(entry, offset)
      let leftOut = 0
      if (isOpen && offset !== DATA_OFFSET) await this.#checkRecord(entry, offset)
      if (isOpen) leftOut = await this.#checkBegin(entry)
      if (!isOpen || !this.#log.isWhole || offset !== DATA_OFFSET) this.#isComplete = false
      this.#next++
      if (isOpen) return leftOut > 0 ? 'left-out' : 'opened'
    }
    this.#bounds.reportEnd(this.#isComplete && !this.#log.policy.hasFailed ? this.#log.scan.maxTimeNs : null)
    return 'end'
  }

  /** Looks at the first record of a segment that was opened; gives how many of its records were given before and are left out. */
  async #checkBegin(entry: SegmentEntry): Promise<number> {
    const { scan } = this.#log
    const isAtBegin = scan.offset === DATA_OFFSET
    if (isAtBegin) this.#unseen.see(entry)
    try {
      if (this.#next === 0 && isAtBegin) await this.#bounds.reportFirstRecord(entry)
      const repeated = await this.#findRepeated(entry, isAtBegin)
      if (repeated === null || repeated.end <= scan.offset) {
        this.#log.reportOtherId()
        return 0
      }
      this.#leaveOut(entry, repeated)
      return repeated.records
    } catch (error) {
      await scan.leave() // to be met again
      throw error
    }
  }

  /** Looks for the records of a segment in others where anything hints at it: an id that is not its own, or a sequence or time that is back. */
  async #findRepeated(entry: SegmentEntry, isAtBegin: boolean): Promise<RepeatedRecords | null> {
    const { scan, otherId } = this.#log
    if (otherId !== null) {
      const original = this.#segments.find(({ id }) => id === otherId)
      const copied = original === undefined ? null : await isCopyOf(entry, original)
      if (copied !== null) return copied
    } else {
      if (!isAtBegin || this.#next === 0) return null
      const first = await scan.recordAt(DATA_OFFSET)
      if (first === null || first.seq === scan.kernel.expectedSeq || (await this.#beginsLater())) return null
    }
    return findRepeated(this.#segments, this.#next)
  }

  /** Whether a segment begins behind all times before it. One of them says little, as it may be wild. */
  async #beginsLater(): Promise<boolean> {
    const { scan } = this.#log
    const { maxTimeNs } = scan
    let offset = DATA_OFFSET
    let earliestNs: bigint | null = null
    for (let records = 0; records < FIRST_RECORDS; records++) {
      const record = await scan.recordAt(offset)
      if (record === null || record.payloadLength < 0) break
      if (record.timestampNs <= maxTimeNs) return false
      if (earliestNs === null || record.timestampNs < earliestNs) earliestNs = record.timestampNs
      offset += recordBytes(record.payloadLength)
    }
    // Where nothing was read yet, there is nothing that it could repeat.
    if (earliestNs === null || maxTimeNs === 0n) return true
    return earliestNs > (await this.#unseen.latestOf(this.#segments.slice(0, this.#next)))
  }

  #leaveOut(entry: SegmentEntry, { of, records, firstSeq, lastSeq, end, goesOn }: RepeatedRecords): void {
    const { scan, policy } = this.#log
    const { expectedSeq } = scan.kernel
    const what =
      records === 1 ? `its first record repeats seq ${firstSeq}` : `its first ${records} records repeat seq ${firstSeq} to ${lastSeq}`
    const message = `${what} of segment ${of.id}: a copy, or recorded twice; remove it, or skip to leave them out`
    policy.fail(
      'duplicate-segment',
      message,
      { path: entry.path, segment: entry.id, offset: DATA_OFFSET, seq: firstSeq },
      { repeated: records },
    )
    scan.leaveOut(records, end)
    if (expectedSeq === null || !goesOn) this.#log.expectBreak()
  }

  async #stateOf(segment: number): Promise<SegmentState> {
    const sealed = await this.#log.isSealed()
    const left = sealed || (await this.#isFollowedByData())
    return { sealed, left, committedEnd: left ? 0 : committedEndOf(this.#folder, segment) }
  }

  async #isFollowedByData(): Promise<boolean> {
    for (const { compressed, folder, name } of this.#segments.slice(this.#next)) {
      if (compressed || (await isOccupied(folder.open(name)))) return true
    }
    return false
  }

  #noteSegment(sealed: boolean): void {
    const { file, records, padRecords, offset } = this.#log.scan
    const { id, path } = file!
    this.segmentsRead.push({ id, path, sealed, compressed: path.endsWith('.zst'), records, padRecords, endOffset: offset })
  }

  #reportHoleBefore(entry: SegmentEntry): void {
    const previous = this.#segments[this.#next - 1]
    if (previous !== undefined && entry.id > previous.id + 1) reportMissing(this.#log, this.path, previous.id + 1, entry.id - 1)
  }

  #checkPosition(segment: number, offset: number): void {
    if (Number.isSafeInteger(segment) && segment >= 0 && Number.isSafeInteger(offset) && offset >= DATA_OFFSET) return
    const message = `position: expected a segment id and an offset of at least ${DATA_OFFSET}, got ${segment} and ${offset}`
    throw new ReplayError('position-invalid', message, { category: 'input', path: this.path })
  }

  /** Checks that a record begins where reading is to begin, or that it is free space, which the data ends before. */
  async #checkRecord({ path, id }: SegmentEntry, offset: number): Promise<void> {
    const { scan } = this.#log
    if (offset === scan.segmentBytes) return
    if (offset % RECORD_ALIGNMENT === 0 && offset < scan.segmentBytes) {
      const committedEnd = committedEndOf(this.#folder, id)
      if (committedEnd > 0 && offset >= committedEnd) return // whatever a writer is about to leave there
      if ((await scan.looksLikeRecord(offset)) || (await scan.isFreeFrom(offset))) return
    }
    await scan.leave()
    const message = 'position: no record begins here; take positions from messages'
    throw new ReplayError('position-invalid', message, { category: 'input', path, segment: id, offset })
  }
}
