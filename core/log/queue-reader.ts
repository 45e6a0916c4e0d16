import { ReplayError } from '../errors.ts'
import type { MessageBatch } from '../pipeline/batch.ts'
import type { Message, MessageCursor } from '../pipeline/message.ts'
import { BatchSource, combineFilters, type ReadIssue, type SourceFilter, type SourceGrant, type SourceRequest } from '../pipeline/source.ts'
import { ControlReader } from './control.ts'
import { SCAN_BUFFER_BYTES, ScanKernel } from './kernel/scanner.ts'
import { identifyLog } from './log-path.ts'
import type { LogPosition } from './reader-meta.ts'
import { nowNs, oldestOf, type QueueStart, ReaderPlace } from './reader-place.ts'
import { RECORD_HEADER_BYTES, recordBytes } from './record.ts'
import { checkSegmentHeader, DATA_OFFSET, SEGMENT_HEADER_BYTES, SEGMENT_SEALED } from './segment.ts'
import { SegmentEnd } from './segment-end.ts'
import { listSegments, openSegmentFile, type SegmentFile } from './segment-file.ts'
import { SegmentIndexes } from './segment-indexes.ts'
import { errorOf, SegmentScan } from './segment-scan.ts'
import { writerAlive } from './writer-lock.ts'

export interface QueueReaderOptions {
  /** Name that positions are stored under, in `readers/<name>.meta`. Without one there is no `commit` and no resuming. */
  readonly name?: string
  /** @default 'resume' with a name, 'earliest' without */
  readonly start?: QueueStart
  /** Longest pause between two looks for new messages, milliseconds. @default 4 */
  readonly pollMs?: number
  /** Aborting closes the reader. */
  readonly signal?: AbortSignal
  /** End (null) instead of waiting when all committed messages are read. @default false */
  readonly stopAtEnd?: boolean
  /** Symbol code of the whole queue. @default what the path says */
  readonly symbol?: string
  /** For queues that mix markets: the symbol of a message (see SymbolCatalog). */
  readonly resolveSymbol?: (message: MessageCursor) => string | null
  /** Check the CRC of every record that passes the filters. @default true */
  readonly checkCrc?: boolean
  /** How far record times may step back without seeks by time becoming inexact; nanoseconds. @default 1 s */
  readonly maxStepBackNs?: bigint
  /** What to do at damaged data when no pipeline says so. @default 'abort' */
  readonly onCorrupt?: 'abort' | 'skip'
  /** Hears of issues when no pipeline does. @default nobody does */
  readonly onIssue?: (issue: ReadIssue) => void
  /** Bytes read at a time. @default 512 KiB */
  readonly bufferBytes?: number
  /** Test mode: a batch is overwritten when it is released. @default false */
  readonly checked?: boolean
}

/**
 * Reads a queue while its writer appends, in this or another process: sealed segments in bulk, the open one as it grows.
 *
 * Never modifies segments or indexes; where a writer died before it sealed a segment and the queue went on, it reads on
 * (chronicle-rs's reader repairs the file instead). Torn data is never delivered: what the control block says is
 * committed is read in bulk; behind that, a record's commitLen is seen set before the record is read.
 * New messages are polled for: Node can neither wait on chronicle-rs's futex nor be woken through it; an idle reader
 * costs three small reads per `pollMs`. A hole (a missing segment, a zeroed record) is an error, not an end.
 *
 * Beware of a chronicle-rs writer in the same queue: once `readers/` exists it deletes what its live readers have passed
 * (FORMAT.md §20). `readers/` is made by the first `commit`; when it is there, this reader registers, and keeps a heartbeat.
 */
export class QueueReader extends BatchSource {
  readonly path: string
  readonly #options: QueueReaderOptions
  readonly #control: ControlReader
  readonly #segmentBytes: number
  readonly #place: ReaderPlace
  readonly #kernel: ScanKernel
  readonly #scan: SegmentScan
  readonly #indexes: SegmentIndexes
  readonly #end: SegmentEnd
  readonly #symbol: string | null
  #filter: SourceFilter = {}
  /** Where to go on when no segment is open. */
  #next: LogPosition
  readonly #peeked = new Uint8Array(8)
  readonly #peekedView = new DataView(this.#peeked.buffer)
  /** Sequence to start from while seeking by sequence. */
  #startSeq: bigint | null = null
  /** The last segment that was reported missing. */
  #missing = -1
  #atEnd = false
  /** Messages of the last batch that the user has seen, as far as they are given one by one. */
  #handedOut = Number.MAX_SAFE_INTEGER
  #wait = true
  #closing: Promise<void> | null = null
  #reading: Promise<unknown> = Promise.resolve()
  #wake: (() => void) | null = null
  readonly #onAbort = (): void => void this.close()

  /**
   * @throws ReplayError input `queue-missing`, `position-gone`, `position-invalid`, `reader-name`; corrupt `control-*`, `reader-meta-*`
   */
  static async open(directory: string, options: QueueReaderOptions = {}): Promise<QueueReader> {
    const control = ControlReader.open(directory)
    if (control === null) {
      throw new ReplayError('queue-missing', 'no queue here (it would have control.meta); read an offline log with ReplayReader', {
        category: 'input',
        path: directory,
      })
    }
    try {
      return new QueueReader(directory, control, options)
    } catch (error) {
      control.close()
      throw error
    }
  }

  private constructor(directory: string, control: ControlReader, options: QueueReaderOptions) {
    super()
    this.path = directory
    this.#options = options
    this.#control = control
    this.#segmentBytes = control.read().segmentBytes
    this.#place = new ReaderPlace(directory, control, options.name, options.start ?? (options.name === undefined ? 'earliest' : 'resume'))
    this.#next = this.#place.start
    this.#symbol = options.symbol ?? identifyLog(directory).symbol
    const maxStepBackNs = options.maxStepBackNs ?? 1_000_000_000n
    this.#kernel = new ScanKernel(options.bufferBytes ?? SCAN_BUFFER_BYTES)
    this.#kernel.checkCrc = options.checkCrc ?? true
    this.#kernel.maxStepBackNs = maxStepBackNs
    const identity = { path: directory, symbol: this.#symbol, resolveSymbol: options.resolveSymbol ?? null }
    const policy = { onCorrupt: options.onCorrupt ?? 'abort', report: options.onIssue ?? (() => {}) } as const
    this.#scan = new SegmentScan(this.#kernel, identity, policy, options.checked ?? false)
    this.#indexes = new SegmentIndexes(maxStepBackNs, (issue) => this.#scan.policy.report(issue))
    this.#end = new SegmentEnd(this.#scan, this.#indexes)
    options.signal?.addEventListener('abort', this.#onAbort)
    if (options.signal?.aborted === true) void this.close()
  }

  /** Whether the last look found nothing behind the messages that were read. */
  get atEnd(): boolean {
    return this.#atEnd
  }

  /** Where the next message that was not handed out lies. */
  get position(): LogPosition {
    const { batch, file } = this.#scan
    if (this.#handedOut < batch.length) return positionOf(batch, batch.rowAt(this.#handedOut))
    return file === null ? this.#next : { segment: file.id, offset: this.#scan.offset }
  }

  /** As `nextBatch`, but null at once when there is no new message. */
  async poll(): Promise<MessageBatch | null> {
    this.#wait = false
    try {
      return await this.nextBatch()
    } finally {
      this.#wait = true
    }
  }

  /**
   * Stores the position behind all messages handed out so far, durably: a reader of this name resumes there.
   * @throws ReplayError input `reader-unnamed`
   */
  async commit(): Promise<void> {
    this.#place.commit(this.position)
  }

  /** Ends the reader, and a `nextBatch` that waits: it gives null. Does not commit. */
  close(): Promise<void> {
    this.#closing ??= this.#release()
    return this.#closing
  }

  prepare(request: SourceRequest): SourceGrant {
    const symbols = this.#symbol !== null || this.#options.resolveSymbol !== undefined
    this.#scan.policy = { onCorrupt: request.onCorrupt, report: request.report }
    this.#filter = combineFilters(this.#filter, symbols ? request.filter : { ...request.filter, symbols: undefined })
    this.#applyFilter(this.#filter)
    return { time: true, types: true, symbols }
  }

  override async nextBatch(): Promise<MessageBatch | null> {
    const batch = await super.nextBatch()
    this.#handedOut = Number.MAX_SAFE_INTEGER
    return batch
  }

  override async next(): Promise<Message | null> {
    const message = await super.next()
    if (message !== null) this.#handedOut++
    return message
  }

  override async *[Symbol.asyncIterator](): AsyncGenerator<MessageCursor, void, undefined> {
    for await (const cursor of super[Symbol.asyncIterator]()) {
      this.#handedOut++
      yield cursor
    }
  }

  protected readBatch(): Promise<MessageBatch | null> {
    return this.#track(this.#read())
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    const find = (batch: MessageBatch): number => {
      for (let row = 0; row < batch.count; row++) if (BigInt.asUintN(64, batch.seqs[row]!) >= seq) return row
      return -1
    }
    return this.#track(this.#seek({}, seq, find))
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    return this.#track(this.#seek({ fromNs: timestampNs }, null, (batch) => (batch.count > 0 ? 0 : -1)))
  }

  /** Remembers what is under way, so that close waits for it before it closes files. */
  #track<T>(reading: Promise<T>): Promise<T> {
    this.#reading = reading
    return reading
  }

  async #read(): Promise<MessageBatch | null> {
    for (let looks = 0; ; looks++) {
      if (this.#closing !== null) return null
      this.#place.beat()
      const batch = await this.#readAvailable()
      if (batch !== null) {
        this.#handedOut = 0
        const { symbols } = this.#filter
        if (symbols !== undefined) batch.narrow((row) => symbols.has(batch.symbolAt(row)!))
        return batch
      }
      if (!this.#wait || (this.#atEnd && this.#options.stopAtEnd === true)) return null
      await this.#pause(looks)
    }
  }

  /** The next batch of what is there now; null when nothing is. */
  async #readAvailable(): Promise<MessageBatch | null> {
    this.#atEnd = false
    for (;;) {
      if (this.#closing !== null) return null
      if (this.#scan.file === null && !(await this.#openNext())) {
        this.#atEnd = true
        return null
      }
      const committedEnd = this.#control.writeOffsetOf(this.#scan.file!.id)
      const found = committedEnd < 0 ? await this.#readLeft() : await this.#readCurrent(committedEnd)
      if (found === 'batch') return this.#scan.batch
      if (found === 'nothing') return null
    }
  }

  /** Reads on in the segment that the writer appends to. */
  async #readCurrent(committedEnd: number): Promise<'batch' | 'nothing'> {
    const scan = this.#scan
    if (scan.offset < committedEnd) {
      const outcome = await scan.step(committedEnd)
      if (outcome === 'uncommitted') {
        if ((await this.#peekCommitLen()) > 0) return 'nothing' // seen in the wrong order: the next look will do
        await scan.damage(
          'segment-hole',
          `commitLen is 0, but the writer has committed everything below ${committedEnd}: a record was zeroed or the file damaged`,
        )
      }
      // Skipping damage looks for a sound record up to the segment's end, but the next one is yet to be written.
      if (outcome !== 'end' && scan.batch.skipped > 0) scan.offset = Math.min(scan.offset, committedEnd)
      if (outcome !== 'end') return this.#took()
    }
    // Behind what is announced: a record committed this moment, or by a writer killed before it could announce it.
    const commitLen = await this.#peekCommitLen()
    const next = scan.offset + recordBytes(commitLen - 1)
    if (commitLen > 0 && (await scan.step(next)) === 'rows') {
      scan.offset = Math.min(scan.offset, next)
      return this.#took()
    }
    this.#atEnd = true
    return 'nothing'
  }

  /** Reads on in a segment that the writer has left: everything in it was committed before. */
  async #readLeft(): Promise<'batch' | 'nothing' | 'left'> {
    const scan = this.#scan
    const { currentSegment, heartbeatNs } = this.#control.read()
    if (currentSegment <= scan.file!.id) {
      this.#atEnd = currentSegment < scan.file!.id // a stored position ahead of its writer
      return 'nothing'
    }
    const outcome = await scan.step()
    if (outcome === 'rows') return this.#took()
    const sealed = await isSealed(scan.file!)
    if (!sealed && writerAlive(this.path, heartbeatNs, nowNs())) return 'nothing' // it is about to seal
    if ((await this.#end.judge(outcome === 'uncommitted', sealed)) === 'damaged') return this.#took()
    if (!sealed) this.#warn('segment-unsealed', 'segment is not sealed although later segments hold data; was its writer killed?')
    this.#next = { segment: scan.file!.id + 1, offset: DATA_OFFSET }
    await scan.leave()
    return 'left'
  }

  #took(): 'batch' {
    this.#end.took()
    return 'batch'
  }

  /** commitLen at the read position, 0 when there is no record (yet). */
  async #peekCommitLen(): Promise<number> {
    const { file, offset } = this.#scan
    if (offset + RECORD_HEADER_BYTES > this.#segmentBytes) return 0
    // The whole aligned word that writers set at once; fewer bytes the kernel might copy one by one.
    const got = await file!.read(this.#peeked, 0, 8, offset)
    return got < 8 ? 0 : this.#peekedView.getUint32(0, true)
  }

  /** Opens the segment to go on in. False when the writer has not come that far. */
  async #openNext(): Promise<boolean> {
    for (;;) {
      const { segment: id, offset } = this.#next
      const { currentSegment } = this.#control.read()
      if (id > currentSegment) return false
      const entry = listSegments(this.path).find((candidate) => candidate.id >= id)
      if (entry === undefined || entry.id > id) {
        if (this.#missing !== id) {
          this.#fail(
            'segment-missing',
            `segment ${id} is missing although the writer is in segment ${currentSegment}; was it deleted before this reader had read it?`,
            id,
          )
        }
        this.#missing = id
        if (entry === undefined || entry.id > currentSegment) return false
        this.#next = { segment: entry.id, offset: DATA_OFFSET }
        this.#kernel.expectedSeq = null
        continue
      }
      const file = openSegmentFile(entry)
      try {
        const start = await this.#checkedStart(file, offset)
        if (start !== null) {
          if (start > DATA_OFFSET) this.#kernel.expectedSeq = null
          this.#end.begin(start === DATA_OFFSET)
          this.#scan.start(file, this.#segmentBytes, start)
          return true
        }
      } catch (error) {
        await file.close()
        throw error
      }
      await file.close()
      this.#kernel.expectedSeq = null
      this.#next = { segment: id + 1, offset: DATA_OFFSET }
    }
  }

  /** Checks a segment, and says where to start in it; null when the filter cannot match. */
  async #checkedStart(file: SegmentFile, offset: number): Promise<number | null> {
    if (file.bytes !== this.#segmentBytes)
      this.#fail('segment-size', `segment size: expected ${this.#segmentBytes} bytes, found ${file.bytes}`, file.id)
    const header = new Uint8Array(SEGMENT_HEADER_BYTES)
    const got = await file.read(header, 0, SEGMENT_HEADER_BYTES, 0)
    try {
      checkSegmentHeader(header.subarray(0, got), file.id, file.path)
    } catch (error) {
      // Under skip a damaged header does not hide the records: each has its own CRC.
      if (!(error instanceof ReplayError) || this.#scan.policy.onCorrupt === 'abort') throw error
      this.#scan.policy.report({ code: error.code, severity: 'error', message: error.message, ...error.place })
    }
    if (offset !== DATA_OFFSET) return offset
    return this.#indexes.startOf(file, (header[12]! & SEGMENT_SEALED) !== 0, this.#filter, this.#startSeq)
  }

  /** Reads with the seek's own filter, from the oldest segment, until `find` gives a row, and positions on it. */
  async #seek(filter: SourceFilter, startSeq: bigint | null, find: (batch: MessageBatch) => number): Promise<boolean> {
    await this.#scan.leave()
    const previous = this.#filter
    this.#next = oldestOf(this.path)
    this.#startSeq = startSeq
    this.#handedOut = Number.MAX_SAFE_INTEGER
    this.#filter = filter
    this.#applyFilter(filter)
    this.#kernel.checkCrc = false // what is found is checked when it is read
    this.#kernel.expectedSeq = null
    this.#kernel.maxTimeNs = 0n
    try {
      for (let batch = await this.#readAvailable(); batch !== null; batch = await this.#readAvailable()) {
        const row = find(batch)
        if (row < 0) continue
        this.#scan.offset = positionOf(batch, row).offset
        this.#end.jumped()
        return true
      }
      return false
    } finally {
      this.#startSeq = null
      this.#filter = previous
      this.#applyFilter(previous)
      this.#kernel.checkCrc = this.#options.checkCrc ?? true
      this.#kernel.expectedSeq = null
      this.#kernel.maxTimeNs = 0n
    }
  }

  #applyFilter(filter: SourceFilter): void {
    this.#kernel.filterTime(filter.fromNs, filter.toNs)
    this.#kernel.filterTypes(filter.types)
  }

  /** Waits a little: at first just for other work of this thread, then 1, 2, 4 … milliseconds. */
  #pause(looks: number): Promise<void> {
    return new Promise((resolve) => {
      if (looks < BUSY_LOOKS) {
        setImmediate(resolve)
        return
      }
      const timer = setTimeout(resolve, Math.min(2 ** Math.min(looks - BUSY_LOOKS, 20), this.#options.pollMs ?? DEFAULT_POLL_MS))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #release(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#wake?.()
    await this.#reading.catch(() => {}) // its error is for whoever waits for the batch
    await this.#scan.leave()
    this.#control.close()
  }

  #warn(code: string, message: string): void {
    const { path: file, id } = this.#scan.file!
    this.#scan.policy.report({ code, severity: 'warning', message, path: file, segment: id, offset: this.#scan.offset })
  }

  #fail(code: string, message: string, segment: number): void {
    const issue: ReadIssue = { code, severity: 'error', message, path: this.path, segment }
    if (this.#scan.policy.onCorrupt === 'abort') throw errorOf(issue)
    this.#scan.policy.report(issue)
  }
}

function positionOf(batch: MessageBatch, row: number): LogPosition {
  const { segment, bufferStart } = batch.originAt(row)
  return { segment, offset: bufferStart + batch.offsets[row]! }
}

async function isSealed(file: SegmentFile): Promise<boolean> {
  const header = new Uint8Array(SEGMENT_HEADER_BYTES)
  await file.read(header, 0, SEGMENT_HEADER_BYTES, 0)
  return (header[12]! & SEGMENT_SEALED) !== 0
}

const DEFAULT_POLL_MS = 4
const BUSY_LOOKS = 32
