import type { MessageBatch } from './batch.ts'
import { BatchRest } from './batch-rest.ts'
import { BatchSource, type MessageSource, NO_GRANT, type ReadIssue, type SourceGrant, type SourceRequest } from './source.ts'
import { isBefore, type TimeWords, timeWordsOf } from './time-words.ts'

const DAY_NS = 86_400_000_000_000n

/**
 * A log without the records whose time is of another UTC day than its folder's (FORMAT.md §19): a record's header has no
 * checksum, and one damaged time would keep back all that lies behind it, or end a slice before its time. Each is reported, as
 * `record-date`, once all before it have been given.
 */
export class DatedSource extends BatchSource {
  readonly #inner: MessageSource
  readonly #date: string
  readonly #start: TimeWords
  readonly #end: TimeWords
  #report: (issue: ReadIssue) => void
  /** From the next misdated record on. */
  readonly #rest = new BatchRest()

  /** @param inner closed with this; @param date `YYYY-MM-DD` */
  constructor(inner: MessageSource, date: string, report: (issue: ReadIssue) => void) {
    super()
    this.#inner = inner
    this.#date = date
    const startNs = BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000_000n
    this.#start = timeWordsOf(startNs)
    this.#end = timeWordsOf(startNs + DAY_NS)
    this.#report = report
  }

  prepare(request: SourceRequest): SourceGrant {
    this.#report = request.report
    return this.#inner.prepare?.(request) ?? NO_GRANT
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    const batch = this.#rest.take() ?? (await this.#inner.nextBatch())
    if (batch !== null) this.#cut(batch)
    return batch
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    this.#rest.forget()
    return this.#inner.seekToSeq(seq)
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    this.#rest.forget()
    return this.#inner.seekToTimestamp(timestampNs)
  }

  /** Leaves out the misdated records that a batch begins with, and ends it before the next one. */
  #cut(batch: MessageBatch): void {
    let first = 0
    while (first < batch.length && !this.#isOfDay(batch, batch.rowAt(first))) this.#tell(batch, batch.rowAt(first++))
    let end = first
    while (end < batch.length && this.#isOfDay(batch, batch.rowAt(end))) end++
    if (end < batch.length) this.#rest.keepFrom(batch, end)
    if (first > 0) batch.dropFirst(first)
    batch.skipped += first
  }

  #isOfDay({ timeWords }: MessageBatch, row: number): boolean {
    return !isBefore(timeWords, row, this.#start) && isBefore(timeWords, row, this.#end)
  }

  #tell(batch: MessageBatch, row: number): void {
    const { segment, segmentOffset, seq, timestampNs } = batch.at(row)
    const message = `record time ${timestampNs} ns is of another day than its folder, ${this.#date}: the record's header is damaged, or it was misfiled`
    const { path } = batch.originAt(row)
    this.#report({ code: 'record-date', severity: 'error', message, path, segment, offset: segmentOffset, seq })
  }
}
