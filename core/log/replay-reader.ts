import { resolve } from 'node:path'
import { ReplayError } from '../errors.ts'
import type { MessageBatch } from '../pipeline/batch.ts'
import type { MessageCursor } from '../pipeline/message.ts'
import {
  BatchSource,
  combineFilters,
  NO_GRANT,
  type ReadIssue,
  type SourceFilter,
  type SourceGrant,
  type SourceRequest,
} from '../pipeline/source.ts'
import { SCAN_BUFFER_BYTES, ScanKernel } from './kernel/scanner.ts'
import { identifyLog } from './log-path.ts'
import { committedEndOf, missingEndOf } from './queue-extent.ts'
import { checkSegmentHeader, DATA_OFFSET, SEGMENT_HEADER_BYTES, SEGMENT_SEALED } from './segment.ts'
import { listSegments, openSegmentFile, type SegmentEntry, type SegmentFile } from './segment-file.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import { errorOf, SegmentScan } from './segment-scan.ts'
import { expectedSegmentBytes } from './segment-size.ts'

export interface ReplayReaderOptions {
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
  /** Hears of every issue when no pipeline does. @default they are kept in `issues` */
  readonly onIssue?: (issue: ReadIssue) => void
  /** Bytes read at a time. @default 512 KiB */
  readonly bufferBytes?: number
  /** Test mode: a batch is overwritten when it is released. @default false */
  readonly checked?: boolean
}

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

  readonly #segments: readonly SegmentEntry[]
  readonly #segmentBytes: number
  /** To be reported when reading begins: only then it is known whether damage is skipped. */
  #controlDamage: ReplayError | null
  readonly #indexes: SegmentIndexes
  readonly #kernel: ScanKernel
  readonly #scan: SegmentScan
  readonly #symbol: string | null
  readonly #resolveSymbol: ((message: MessageCursor) => string | null) | null
  readonly #checkCrc: boolean
  #filter: SourceFilter = {}
  /** Index in `#segments` of the next segment to open. */
  #next = 0
  #sealed = false
  #records = 0
  #padsBefore = 0
  /** Sequence to start from while seeking by sequence. */
  #startSeq: bigint | null = null
  /** Whether the last thing met in the current segment was damage: then what is missing behind it has been reported. */
  #damaged = false
  #endReported = false

  /**
   * @throws ReplayError input `log-missing` when `path` is no directory or has no segments
   */
  static async open(path: string, options: ReplayReaderOptions = {}): Promise<ReplayReader> {
    const segments = listSegments(path)
    if (segments.length === 0) {
      throw new ReplayError('log-missing', 'no segments (NNNNNNNNN.q) in this directory', { category: 'input', path })
    }
    return new ReplayReader(path, segments, options)
  }

  /** Opens the log with messages of one symbol only: those of its path, or those `resolveSymbol` gives that symbol. */
  static async openWithFilter(path: string, symbol: string, options: ReplayReaderOptions = {}): Promise<ReplayReader> {
    const reader = await ReplayReader.open(path, options)
    reader.#filter = { symbols: new Set([symbol]) }
    if (!reader.#grantsSymbols()) {
      throw new ReplayError('symbol-unknown', 'neither the path of this log nor a resolveSymbol option tells the symbol of its messages', {
        category: 'input',
        path,
      })
    }
    return reader
  }

  private constructor(path: string, segments: readonly SegmentEntry[], options: ReplayReaderOptions) {
    super()
    this.path = path
    this.#segments = segments
    const { bytes, controlDamage } = expectedSegmentBytes(path, segments)
    this.#segmentBytes = bytes
    this.#controlDamage = controlDamage
    this.#symbol = options.symbol ?? identifyLog(resolve(path)).symbol
    this.#resolveSymbol = options.resolveSymbol ?? null
    this.#checkCrc = options.checkCrc ?? true
    const maxStepBackNs = options.maxStepBackNs ?? 1_000_000_000n
    this.#kernel = new ScanKernel(options.bufferBytes ?? SCAN_BUFFER_BYTES)
    this.#kernel.maxStepBackNs = maxStepBackNs
    this.#kernel.checkCrc = this.#checkCrc
    const report = options.onIssue ?? ((issue) => void (this.issues.length < MAX_ISSUES_KEPT && this.issues.push(issue)))
    const identity = { path, symbol: this.#symbol, resolveSymbol: this.#resolveSymbol }
    this.#scan = new SegmentScan(this.#kernel, identity, { onCorrupt: options.onCorrupt ?? 'abort', report }, options.checked ?? false)
    this.#indexes = new SegmentIndexes(maxStepBackNs, (issue) => this.#scan.policy.report(issue))
  }

  prepare(request: SourceRequest): SourceGrant {
    this.#scan.policy = { onCorrupt: request.onCorrupt, report: request.report }
    if (this.isWithinBatch) return NO_GRANT
    const grantsSymbols = this.#grantsSymbols()
    this.#filter = combineFilters(this.#filter, grantsSymbols ? request.filter : { ...request.filter, symbols: undefined })
    this.#applyFilter(this.#filter)
    return { time: true, types: true, symbols: grantsSymbols }
  }

  async close(): Promise<void> {
    this.#next = this.#segments.length
    this.#endReported = true
    await this.#scan.leave()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    const { symbols } = this.#filter
    // A log of one other symbol has nothing to read.
    if (symbols !== undefined && this.#symbol !== null && !symbols.has(this.#symbol)) return null
    const batch = await this.#readUnfiltered()
    if (batch !== null && symbols !== undefined && this.#symbol === null) {
      batch.narrow((row) => symbols.has(batch.symbolAt(row)!))
    }
    return batch
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    const low = Number(seq & 0xffff_ffffn)
    const high = Number(seq >> 32n)
    return this.#seek({}, seq, ({ seqWords, count }) => {
      for (let row = 0; row < count; row++) {
        const word = seqWords[2 * row + 1]!
        if (word > high || (word === high && seqWords[2 * row]! >= low)) return row
      }
      return -1
    })
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    return this.#seek({ fromNs: timestampNs }, null, (batch) => (batch.count > 0 ? 0 : -1))
  }

  /** Reads with the seek's own filter until `find` gives a row, and positions on it. */
  async #seek(filter: SourceFilter, startSeq: bigint | null, find: (batch: MessageBatch) => number): Promise<boolean> {
    await this.#scan.leave()
    this.#next = 0
    this.#endReported = false
    this.segmentsRead.length = 0
    this.#startSeq = startSeq
    this.#kernel.maxTimeNs = 0n
    this.#kernel.expectedSeq = null
    this.#kernel.checkCrc = false // what is found is checked when it is read
    const previous = this.#filter
    this.#filter = filter
    this.#applyFilter(filter)
    try {
      for (let batch = await this.#readUnfiltered(); batch !== null; batch = await this.#readUnfiltered()) {
        const row = find(batch)
        if (row < 0) continue
        this.#scan.offset = batch.originAt(row).bufferStart + batch.offsets[row]!
        this.#records = 0
        this.#padsBefore = this.#kernel.padCount
        return true
      }
      return false
    } finally {
      this.#startSeq = null
      this.#kernel.expectedSeq = null
      this.#kernel.maxTimeNs = 0n
      this.#kernel.checkCrc = this.#checkCrc
      this.#filter = previous
      this.#applyFilter(previous)
    }
  }

  async #readUnfiltered(): Promise<MessageBatch | null> {
    for (;;) {
      if (this.#scan.file === null && !(await this.#openNext())) return null
      const outcome = await this.#scan.step()
      if (outcome === 'rows') {
        this.#records += this.#scan.batch.scanned - this.#scan.batch.skipped
        this.#damaged = this.#scan.batch.skipped > 0 || (this.#damaged && this.#scan.batch.scanned === 0)
        return this.#scan.batch
      }
      if (outcome === 'uncommitted') {
        const tail = await this.#judgeTail()
        if (tail === 'damaged') return this.#scan.batch
        if (tail === 'grew') continue
      }
      if (await this.#lacksIndexedRecords()) return this.#scan.batch
      this.#reportUnsealed()
      this.#noteSegment()
      await this.#scan.leave()
    }
  }

  /** Opens the next segment that can match. False at the end of the log. */
  async #openNext(): Promise<boolean> {
    if (this.#controlDamage !== null) this.#failWith(this.#controlDamage)
    this.#controlDamage = null
    while (this.#next < this.#segments.length) {
      const entry = this.#segments[this.#next]!
      this.#reportHoleBefore(entry)
      const file = await this.#openSegment(entry)
      if (file === null) {
        this.#next++
        continue
      }
      const start = await this.#startIn(file)
      this.#next++
      if (start === null) {
        this.#kernel.expectedSeq = null
        await file.close()
        continue
      }
      if (start > DATA_OFFSET) this.#kernel.expectedSeq = null
      this.#damaged = false
      this.#records = 0
      this.#padsBefore = this.#kernel.padCount
      this.#scan.start(file, Math.max(this.#segmentBytes, file.bytes), start)
      return true
    }
    this.#reportMissingEnd()
    return false
  }

  async #startIn(file: SegmentFile): Promise<number | null> {
    try {
      return await this.#indexes.startOf(file, this.#sealed, this.#filter, this.#startSeq)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  #reportMissingEnd(): void {
    if (this.#endReported) return
    const last = this.#segments.at(-1)!.id
    const current = missingEndOf(this.path, last)
    if (current !== null) {
      const message = `the control block says that the writer is in segment ${current}, but the last one here is ${last}; restore from a copy, or skip`
      this.#fail({ code: 'segment-missing', severity: 'error', message, path: this.path, segment: last + 1 })
    }
    this.#endReported = true
  }

  #reportHoleBefore(entry: SegmentEntry): void {
    const previous = this.#segments[this.#next - 1]
    if (previous === undefined || entry.id === previous.id + 1) return
    const missing = entry.id - previous.id === 2 ? `segment ${previous.id + 1} is` : `segments ${previous.id + 1} to ${entry.id - 1} are`
    this.#fail({
      code: 'segment-missing',
      severity: 'error',
      message: `${missing} missing; restore from a copy, or skip to read on behind the hole`,
      path: this.path,
      segment: previous.id + 1,
    })
    this.#kernel.expectedSeq = null
  }

  /** Opens a segment and checks its length and header; null when it cannot be read at all and damage is skipped. */
  async #openSegment(entry: SegmentEntry): Promise<SegmentFile | null> {
    let file: SegmentFile
    try {
      file = openSegmentFile(entry, (error) => this.#failWith(error))
    } catch (error) {
      this.#failWith(error)
      return null
    }
    this.#sealed = entry.compressed // only sealed segments are; the header may be damaged
    try {
      const header = new Uint8Array(SEGMENT_HEADER_BYTES)
      const got = await file.read(header, 0, SEGMENT_HEADER_BYTES, 0)
      if (file.bytes !== this.#segmentBytes) {
        this.#fail({
          code: 'segment-size',
          severity: 'error',
          message: `segment size: expected ${this.#segmentBytes} bytes, found ${file.bytes}`,
          path: file.path,
          segment: file.id,
        })
      }
      // Under skip a damaged header does not hide the records: each has its own CRC.
      this.#sealed ||= (header[12]! & SEGMENT_SEALED) !== 0
      checkSegmentHeader(header.subarray(0, got), file.id, file.path)
    } catch (error) {
      try {
        this.#failWith(error)
      } catch (fatal) {
        await file.close()
        throw fatal
      }
    }
    return file
  }

  /** Judges what lies behind the first uncommitted record: nothing, a crashed write, a live writer's new record, or a hole. */
  async #judgeTail(): Promise<'clean' | 'grew' | 'damaged'> {
    const scan = this.#scan
    const dirty = await scan.firstNonZero(scan.offset)
    const file = scan.file!
    const isOpen = !this.#sealed && !this.#isFollowedByData()
    if (isOpen) {
      const committedEnd = committedEndOf(this.path, file.id) // before the record is looked at again: a writer may be at work
      if (await scan.isCommitted(scan.offset)) return 'grew'
      if (committedEnd > scan.offset)
        return this.#reportHole(`commitLen is 0, but the control block says that everything below ${committedEnd} is committed`)
    }
    if (dirty < 0) return 'clean'
    if (isOpen || (dirty >= scan.offset + 64 && (await scan.lacksSoundRecord()))) {
      scan.policy.report({
        code: 'uncommitted-tail',
        severity: 'warning',
        message: 'a write that was never committed lies behind the last record; its writer was killed',
        path: file.path,
        segment: file.id,
        offset: scan.offset,
      })
      return 'clean'
    }
    return this.#reportHole(`commitLen is 0, but data follows at offset ${dirty}: a record was zeroed or the file damaged`)
  }

  async #reportHole(message: string): Promise<'damaged'> {
    await this.#scan.damage('segment-hole', message)
    this.#damaged = true
    return 'damaged'
  }

  /** Compares the last sequence read with the segment's index: records zeroed at the very end leave no other trace. */
  async #lacksIndexedRecords(): Promise<boolean> {
    if (this.#damaged) return false
    const index = await this.#indexes.trusted(this.#scan.file!, this.#sealed)
    const expected = this.#kernel.expectedSeq
    const last = expected === null || this.#records === 0 ? -1n : expected - 1n
    if (index === null || last >= index.maxSeq) return false
    this.#damaged = true
    const found = last < 0n ? 'no record was found' : `the last one found is seq ${last}`
    await this.#scan.damage('segment-hole', `the seek index knows records up to seq ${index.maxSeq}, but ${found}`, this.#segmentBytes)
    return true
  }

  #reportUnsealed(): void {
    if (this.#sealed || !this.#isFollowedByData()) return
    const { path, id } = this.#scan.file!
    this.#scan.policy.report({
      code: 'segment-unsealed',
      severity: 'warning',
      message: 'segment is not sealed although later segments hold data; was its writer killed?',
      path,
      segment: id,
      offset: this.#scan.offset,
    })
  }

  #noteSegment(): void {
    const { path, id } = this.#scan.file!
    const padRecords = this.#kernel.padCount - this.#padsBefore
    this.segmentsRead.push({
      id,
      path,
      sealed: this.#sealed,
      compressed: path.endsWith('.zst'),
      records: this.#records,
      padRecords,
      endOffset: this.#scan.offset,
    })
  }

  #isFollowedByData(): boolean {
    return this.#segments.slice(this.#next).some((entry) => entry.compressed || hasRecords(entry))
  }

  #fail(issue: ReadIssue): void {
    if (this.#scan.policy.onCorrupt === 'abort') throw errorOf(issue)
    this.#scan.policy.report(issue)
  }

  #failWith(error: unknown): void {
    if (!(error instanceof ReplayError) || error.category !== 'corrupt' || this.#scan.policy.onCorrupt === 'abort') throw error
    this.#scan.policy.report({ code: error.code, severity: 'error', message: error.message, ...error.place })
  }

  #applyFilter(filter: SourceFilter): void {
    this.#kernel.filterTime(filter.fromNs, filter.toNs)
    this.#kernel.filterTypes(filter.types)
  }

  #grantsSymbols(): boolean {
    return this.#symbol !== null || this.#resolveSymbol !== null
  }
}

function hasRecords(entry: SegmentEntry): boolean {
  const file = openSegmentFile(entry)
  const word = new Uint8Array(4)
  file.read(word, 0, 4, DATA_OFFSET)
  file.close()
  return word.some((byte) => byte !== 0)
}
