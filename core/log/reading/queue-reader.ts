import { ReplayError } from '../../errors.ts'
import { type KnownOptions, requireOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { recordBytes } from '../../message/record.ts'
import { BatchSource, type ReadIssue, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import { ControlReader } from '../format/control.ts'
import type { LogPosition } from '../format/reader-meta.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import { writerAlive } from '../writing/writer-lock.ts'
import { LOG_SCAN_KEYS, LogScan, type LogScanOptions } from './log-scan.ts'
import { nowNs, oldestOf, type QueueStart, ReaderPlace } from './reader-place.ts'
import { listSegments } from './segment-file.ts'

export interface QueueReaderOptions extends LogScanOptions {
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
  /** Hears of issues when no pipeline does. @default nobody does */
  readonly onIssue?: (issue: ReadIssue) => void
}

export const QUEUE_READER_KEYS: KnownOptions<QueueReaderOptions> = {
  ...LOG_SCAN_KEYS,
  ...{ name: true, start: true, pollMs: true, signal: true, stopAtEnd: true, onIssue: true },
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
 * (docs/format.md, Retention). `readers/` is made by the first `commit`; when it is there, this reader registers, and keeps a heartbeat.
 */
export class QueueReader extends BatchSource {
  readonly path: string
  readonly #options: QueueReaderOptions
  readonly #control: ControlReader
  readonly #place: ReaderPlace
  readonly #log: LogScan
  /** Where to go on when no segment is open. */
  #next: LogPosition
  /** The last segment that was reported missing. */
  #missing = -1
  #atEnd = false
  #wait = true
  #closing: Promise<void> | null = null
  #reading: Promise<unknown> = Promise.resolve()
  #wake: (() => void) | null = null
  readonly #onAbort = (): void => void this.close()

  /**
   * @throws ReplayError input `queue-missing`, `position-gone`, `position-invalid`, `reader-name`; corrupt `control-*`, `reader-meta-*`
   */
  static async open(directory: string, options: QueueReaderOptions = {}): Promise<QueueReader> {
    requireOptions('QueueReader.open', options, QUEUE_READER_KEYS)
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
    this.#place = new ReaderPlace(directory, control, options.name, options.start ?? (options.name === undefined ? 'earliest' : 'resume'))
    this.#next = this.#place.start
    this.#log = new LogScan(directory, control.read().segmentBytes, options, options.onIssue ?? (() => {}))
    options.signal?.addEventListener('abort', this.#onAbort)
    if (options.signal?.aborted === true) void this.close()
  }

  /** Whether the last look found nothing behind the messages that were read. */
  get atEnd(): boolean {
    return this.#atEnd
  }

  /** Where the next message that was not handed out lies. */
  get position(): LogPosition {
    const { batch, file, offset } = this.#log.scan
    if (!this.isWithinBatch) return file === null ? this.#next : { segment: file.id, offset }
    const row = batch.rowAt(this.taken)
    const { segment, bufferStart } = batch.originAt(row)
    return { segment, offset: bufferStart + batch.offsets[row]! }
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
    return this.#log.prepare(request, this.isWithinBatch)
  }

  protected readBatch(): Promise<MessageBatch | null> {
    return this.#track(this.#read())
  }

  protected seekSeq(seq: bigint): Promise<boolean> {
    return this.#track(this.#goToOldest().then(() => this.#log.seekSeq(seq, () => this.#readAvailable())))
  }

  protected seekTimestamp(timestampNs: bigint): Promise<boolean> {
    return this.#track(this.#goToOldest().then(() => this.#log.seekTimestamp(timestampNs, () => this.#readAvailable())))
  }

  async #goToOldest(): Promise<void> {
    await this.#log.scan.leave()
    this.#next = oldestOf(this.path)
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
      if (batch !== null) return this.#log.narrow(batch)
      if (!this.#wait || (this.#atEnd && this.#options.stopAtEnd === true)) return null
      await this.#pause(looks)
    }
  }

  /** The next batch, of all symbols, of what is there now; null when nothing is. */
  async #readAvailable(): Promise<MessageBatch | null> {
    const { scan } = this.#log
    this.#atEnd = false
    for (;;) {
      if (this.#closing !== null) return null
      if (scan.file === null && !(await this.#openNext())) {
        this.#atEnd = true
        return null
      }
      const committedEnd = this.#control.writeOffsetOf(scan.file!.id)
      const found = committedEnd < 0 ? await this.#readLeft() : await this.#readCurrent(committedEnd)
      if (found === 'batch') return scan.batch
      if (found === 'nothing') return null
    }
  }

  /** Reads on in the segment that the writer appends to. */
  async #readCurrent(committedEnd: number): Promise<'batch' | 'nothing'> {
    const { scan, end } = this.#log
    if (scan.offset < committedEnd) {
      const outcome = await scan.step(committedEnd)
      // Committed by now: seen in the wrong order, the next look will do.
      if (outcome === 'uncommitted' && (await end.judgeRecord(committedEnd)) === 'grew') return 'nothing'
      // Skipping damage looks for a sound record up to the segment's end, but the next one is yet to be written.
      if (outcome !== 'end' && scan.batch.skipped > 0) scan.offset = Math.min(scan.offset, committedEnd)
      if (outcome !== 'end') return 'batch'
    }
    // Behind what is announced: a record committed this moment, or by a writer killed before it could announce it.
    const commitLen = await scan.commitLenAt(scan.offset)
    const next = scan.offset + recordBytes(commitLen - 1)
    if (commitLen > 0 && (await scan.step(next)) === 'rows') {
      scan.offset = Math.min(scan.offset, next)
      return 'batch'
    }
    this.#atEnd = true
    return 'nothing'
  }

  /** Reads on in a segment that the writer has left: everything in it was committed before. */
  async #readLeft(): Promise<'batch' | 'nothing' | 'more'> {
    const { scan, end } = this.#log
    const { currentSegment, heartbeatNs } = this.#control.read()
    const segment = scan.file!.id
    if (currentSegment <= segment) {
      this.#atEnd = currentSegment < segment // a stored position ahead of its writer
      return 'nothing'
    }
    const outcome = await scan.step()
    if (outcome === 'rows') return 'batch'
    const sealed = await this.#log.isSealed()
    if (!sealed && writerAlive(this.path, heartbeatNs, nowNs())) return 'nothing' // it is about to seal
    const verdict = await end.judge(outcome, { sealed, left: true, committedEnd: 0 })
    if (verdict === 'damaged') return 'batch'
    if (verdict === 'clean') {
      this.#next = { segment: segment + 1, offset: DATA_OFFSET }
      await scan.leave()
    }
    return 'more'
  }

  /** Opens the segment to go on in. False when the writer has not come that far. */
  async #openNext(): Promise<boolean> {
    for (;;) {
      const { segment: id, offset } = this.#next
      const { currentSegment } = this.#control.read()
      if (id > currentSegment) return false
      const entry = listSegments(this.path).find((candidate) => candidate.id >= id)
      if (entry?.id === id) {
        if (await this.#log.open(entry, offset)) {
          this.#log.reportOtherId()
          this.#log.reportCut()
          return true
        }
        this.#next = { segment: id + 1, offset: DATA_OFFSET }
      } else {
        this.#reportMissing(id, currentSegment)
        if (entry === undefined || entry.id > currentSegment) return false
        this.#next = { segment: entry.id, offset: DATA_OFFSET }
      }
      this.#log.expectBreak()
    }
  }

  /** Once, although it is looked for again and again. */
  #reportMissing(id: number, currentSegment: number): void {
    if (this.#missing !== id) {
      const message = `segment ${id} is missing although the writer is in segment ${currentSegment}; was it deleted before this reader had read it?`
      this.#log.policy.fail('segment-missing', message, { path: this.path, segment: id })
    }
    this.#missing = id
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
    await this.#log.close()
    this.#control.close()
  }
}

const DEFAULT_POLL_MS = 4
const BUSY_LOOKS = 32
