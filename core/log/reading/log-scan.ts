import { ReplayError } from '../../errors.ts'
import type { KnownOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import type { MessageCursor } from '../../message/message.ts'
import { combineFilters, NO_GRANT, type ReadIssue, type SourceFilter, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import { identifyFolder } from '../format/log-path.ts'
import type { SeekIndex } from '../format/seek-index.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import { giveBackKernel, type ScanKernel, takeKernel } from '../kernel/scanner.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LogFolder, SegmentEntry } from '../stores/log-folder.ts'
import { type CheckedSegment, isSealed, openCheckedSegment } from './checked-segment.ts'
import { DamagePolicy } from './damage-policy.ts'
import { SegmentEnd } from './segment-end.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import { type ScanOutcome, SegmentScan } from './segment-scan.ts'

/** What can be said of reading a log, live or not. */
export interface LogScanOptions {
  /** Symbol code of the whole log. @default what the path says */
  readonly symbol?: string
  /** For logs that mix markets: the symbol of a message (see SymbolCatalog). */
  readonly resolveSymbol?: (message: MessageCursor) => string | null
  /** Check the CRC of every record that passes the filters. @default true */
  readonly checkCrc?: boolean
  /** How far record times may step back without seeks by time becoming inexact; nanoseconds. @default 1 s */
  readonly maxStepBackNs?: bigint
  /** What to do at damaged data when no pipeline says so. @default 'abort' */
  readonly onCorrupt?: 'abort' | 'skip'
  /** Bytes read at a time. @default 512 KiB */
  readonly bufferBytes?: number
  /**
   * Reading most likely ends at records of about this time: no more than a hint, of how much to fetch from a store before it is
   * asked for. Nanoseconds since the epoch. @default the end of the log
   */
  readonly likelyEndNs?: bigint | undefined
  /** Test mode: a batch is overwritten when it is released. @default false */
  readonly checked?: boolean
}

export const LOG_SCAN_KEYS: KnownOptions<LogScanOptions> = {
  ...{ symbol: true, resolveSymbol: true, checkCrc: true, maxStepBackNs: true, onCorrupt: true, bufferBytes: true },
  ...{ likelyEndNs: true, checked: true },
}

/** Gives the next batch that the scan's own filter lets through, null at the end; it opens segments as it needs them. */
export type ReadOn = () => Promise<MessageBatch | null>

/**
 * What all readers of a log have in common: they scan one segment after the other under filters and a damage policy, and
 * seek by scanning. Which segment comes next, and when there is nothing more to read, is theirs to say.
 */
export class LogScan {
  readonly policy: DamagePolicy
  readonly scan: SegmentScan
  readonly end: SegmentEnd
  readonly #segmentBytes: number
  readonly #kernel: ScanKernel
  readonly #indexes: SegmentIndexes
  readonly #symbol: string | null
  readonly #grantsSymbols: boolean
  readonly #checkCrc: boolean
  readonly #likelyEndNs: bigint | undefined
  #filter: SourceFilter = {}
  /** Sequence to start from while seeking by sequence. */
  #startSeq: bigint | null = null
  #isSealed = false
  #isClosed = false
  #other: CheckedSegment['other'] = null
  #cut: CheckedSegment['cut'] = null

  /**
   * @param log its directory's path, or its folder
   * @param segmentBytes proper length of all segments of the log
   * @param report hears of issues until a pipeline takes over
   */
  constructor(log: string | LogFolder, segmentBytes: number, options: LogScanOptions, report: (issue: ReadIssue) => void) {
    const folder = folderOf(log)
    const { path } = folder
    const maxStepBackNs = options.maxStepBackNs ?? 1_000_000_000n
    const resolveSymbol = options.resolveSymbol ?? null
    this.#segmentBytes = segmentBytes
    this.#symbol = options.symbol ?? identifyFolder(folder).symbol
    this.#grantsSymbols = this.#symbol !== null || resolveSymbol !== null
    this.#checkCrc = options.checkCrc ?? true
    this.#likelyEndNs = options.likelyEndNs
    this.#kernel = takeKernel(options.bufferBytes)
    this.#kernel.maxStepBackNs = maxStepBackNs
    this.#kernel.checkCrc = this.#checkCrc
    this.policy = new DamagePolicy(options.onCorrupt ?? 'abort', report)
    this.scan = new SegmentScan(this.#kernel, { path, symbol: this.#symbol, resolveSymbol }, this.policy, options.checked ?? false)
    this.#indexes = new SegmentIndexes(folder, maxStepBackNs, (issue) => this.policy.report(issue))
    this.end = new SegmentEnd(this.scan, this.#indexes)
  }

  /** Whether no message can pass: the log is of one symbol, and not one of those that are asked for. */
  get isExcluded(): boolean {
    const { symbols } = this.#filter
    return symbols !== undefined && this.#symbol !== null && !symbols.has(this.#symbol)
  }

  /**
   * Lets only messages of one symbol pass.
   * @throws ReplayError input `symbol-unknown` when nothing tells the symbol of a message
   */
  restrictTo(symbol: string, path: string): void {
    if (!this.#grantsSymbols) {
      const message = 'neither the path of this log nor a resolveSymbol option tells the symbol of its messages'
      throw new ReplayError('symbol-unknown', message, { category: 'input', path })
    }
    this.#filter = { symbols: new Set([symbol]) }
  }

  /** Takes over the damage policy of a pipeline and, unless a part of a batch is still to be handed out, its filter. */
  prepare(request: SourceRequest, isWithinBatch: boolean): SourceGrant {
    this.policy.replace(request.onCorrupt, request.report)
    if (isWithinBatch) return NO_GRANT
    const symbols = this.#grantsSymbols
    this.#setFilter(combineFilters(this.#filter, symbols ? request.filter : { ...request.filter, symbols: undefined }))
    return { time: true, types: true, symbols }
  }

  /** Narrows a batch to the symbols that are asked for: the part of the filter that the kernel does not apply. */
  narrow(batch: MessageBatch): MessageBatch {
    const { symbols } = this.#filter
    if (this.isExcluded) batch.narrow(() => false)
    else if (symbols !== undefined && this.#symbol === null) batch.narrow((row) => symbols.has(batch.symbolAt(row)!))
    return batch
  }

  /**
   * Opens a segment, checks it, and starts on it at `offset`, or further on where its index allows. False when it is not
   * to be read: the filter cannot match, or it is damaged beyond reading and damage is skipped.
   */
  async open(entry: SegmentEntry, offset: number): Promise<boolean> {
    // Without a bound all of it is read, from here on: what is far away can be on its way before the header is looked at.
    const { isWhole } = this
    const scan = isWhole ? { start: offset, end: this.#likelyEndIn(entry) } : null
    const segment = await openCheckedSegment(entry, this.#segmentBytes, this.policy, scan)
    if (segment === null) return false
    const { file, sealed, other, cut } = segment
    this.#other = other
    this.#cut = cut
    try {
      const start = offset === DATA_OFFSET ? await this.#indexes.startOf(file, sealed, this.#filter, this.#startSeq) : offset
      if (start !== DATA_OFFSET) this.expectBreak()
      if (start !== null) {
        this.#isSealed = sealed
        if (!isWhole) file.readAhead?.(start, false, this.#segmentBytes)
        this.scan.start(file, Math.max(this.#segmentBytes, file.bytes), start)
        return true
      }
      this.reportOtherId()
      this.reportCut()
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
    return false
  }

  /** The id in the header of the segment that was opened, where it is another one's. */
  get otherId(): number | null {
    return this.#other?.id ?? null
  }

  /** Reports that the segment that was opened has the id of another one. @throws ReplayError corrupt `segment-id` under `abort` */
  reportOtherId(): void {
    if (this.#other !== null) this.policy.failWith(this.#other.error)
    this.#other = null
  }

  /** Offset in a segment behind which most likely nothing is wanted. */
  #likelyEndIn({ id }: SegmentEntry): number {
    if (this.#likelyEndNs === undefined) return this.#segmentBytes
    // Whole buffers are read.
    return Math.min(this.#segmentBytes, this.#indexes.likelyEndOf(id, this.#likelyEndNs) + this.#kernel.dataBytes)
  }

  /** See `SegmentIndexes.entriesOf`. */
  entriesOf(segment: number): SeekIndex | null {
    return this.#indexes.entriesOf(segment)
  }

  /** Greatest time that the index of a segment has, if it saw the record with this sequence; null: nobody knows. */
  latestIndexed(segment: number, seq: bigint): bigint | null {
    return this.#indexes.latestOf(segment, seq)
  }

  /** Whether the open segment is sealed by now. */
  async isSealed(): Promise<boolean> {
    this.#isSealed ||= await isSealed(this.scan.file!)
    return this.#isSealed
  }

  /** Ends the reading; batches handed out are no longer valid. */
  async close(): Promise<void> {
    await this.scan.leave()
    this.scan.batch.dropSelectionSpace()
    if (!this.#isClosed) giveBackKernel(this.#kernel)
    this.#isClosed = true
  }

  /**
   * The next records of the open segment.
   * @throws ReplayError corrupt, under `abort`: `segment-size` where the records end with a file that is too short
   */
  async step(): Promise<ScanOutcome> {
    try {
      const outcome = await this.scan.step()
      // The cause, before what follows from it is judged.
      if (outcome !== 'rows' && !this.policy.skips) this.reportCut()
      return outcome
    } catch (error) {
      if (this.#cut !== null && error instanceof ReplayError && error.code === 'record-truncated') throw this.#cut
      throw error
    }
  }

  /** Reports that the segment that was opened is too short. @throws ReplayError corrupt `segment-size` under `abort` */
  reportCut(): void {
    if (this.#cut !== null) this.policy.failWith(this.#cut)
    this.#cut = null
  }

  /** Whether nothing is left out: neither a seek nor a filter by time skips segments. */
  get isWhole(): boolean {
    return this.#startSeq === null && this.#filter.fromNs === undefined && this.#filter.toNs === undefined
  }

  /** Records are left out on purpose or known to be missing: the next one need not follow the last in sequence. */
  expectBreak(): void {
    this.#kernel.expectedSeq = null
  }

  /** Goes on to the first message with sequence ≥ `seq`, from where the reader put itself. False when there is none. */
  seekSeq(seq: bigint, readOn: ReadOn): Promise<boolean> {
    const low = Number(seq & 0xffff_ffffn)
    const high = Number(seq >> 32n)
    return this.#seek({}, seq, readOn, ({ seqWords, count }) => {
      for (let row = 0; row < count; row++) {
        const word = seqWords[2 * row + 1]!
        if (word > high || (word === high && seqWords[2 * row]! >= low)) return row
      }
      return -1
    })
  }

  /** Likewise to the first message with time ≥ `timestampNs`. */
  seekTimestamp(timestampNs: bigint, readOn: ReadOn): Promise<boolean> {
    return this.#seek({ fromNs: timestampNs }, null, readOn, firstRow)
  }

  /** Likewise to the first message there is. */
  seekNext(readOn: ReadOn): Promise<boolean> {
    return this.#seek({}, null, readOn, firstRow)
  }

  /** Reads with the seek's own filter until `find` gives a row, and goes back to it. */
  async #seek(filter: SourceFilter, startSeq: bigint | null, readOn: ReadOn, find: (batch: MessageBatch) => number): Promise<boolean> {
    // Another reader has the kernel by now.
    if (this.#isClosed) throw new ReplayError('reader-closed', 'seek after close; open the log again', { category: 'bug' })
    const previous = this.#filter
    this.#setFilter(filter)
    this.#startSeq = startSeq
    this.#kernel.checkCrc = false // what is found is checked when it is read
    this.scan.forgetOrder()
    try {
      for (let batch = await readOn(); batch !== null; batch = await readOn()) {
        const row = find(batch)
        if (row < 0) continue
        this.scan.jump(batch.originAt(row).bufferStart + batch.offsets[row]!)
        return true
      }
      return false
    } finally {
      this.#setFilter(previous)
      this.#startSeq = null
      this.#kernel.checkCrc = this.#checkCrc
      this.scan.forgetOrder()
    }
  }

  #setFilter(filter: SourceFilter): void {
    this.#filter = filter
    this.#kernel.filterTime(filter.fromNs, filter.toNs)
    this.#kernel.filterTypes(filter.types)
  }
}

function firstRow(batch: MessageBatch): number {
  return batch.count > 0 ? 0 : -1
}
