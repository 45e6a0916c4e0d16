import type { MessageBatch } from './batch.ts'
import { BatchSource, type MessageSource, NO_GRANT, type ReadIssue, type SourceGrant, type SourceRequest } from './source.ts'

const DAY_NS = 86_400_000_000_000n

/**
 * A log without the records whose time is of another UTC day than its folder's (FORMAT.md §19): a record's header has no
 * checksum, and one damaged time would keep back all that lies behind it, or end a slice before its time. Each is reported, as
 * `record-date`, once all before it have been given.
 */
export class DatedSource extends BatchSource {
  readonly #inner: MessageSource
  readonly #date: string
  readonly #start: Words
  readonly #end: Words
  #report: (issue: ReadIssue) => void
  #rest: { readonly batch: MessageBatch; readonly rows: Uint32Array } | null = null

  /** @param inner closed with this; @param date `YYYY-MM-DD` */
  constructor(inner: MessageSource, date: string, report: (issue: ReadIssue) => void) {
    super()
    this.#inner = inner
    this.#date = date
    const startNs = BigInt(Date.parse(`${date}T00:00:00Z`)) * 1_000_000n
    this.#start = wordsOf(startNs)
    this.#end = wordsOf(startNs + DAY_NS)
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
    const batch = this.#takeRest() ?? (await this.#inner.nextBatch())
    if (batch !== null) this.#cut(batch)
    return batch
  }

  protected async seekSeq(seq: bigint): Promise<boolean> {
    this.#rest = null
    return this.#inner.seekToSeq(seq)
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    this.#rest = null
    return this.#inner.seekToTimestamp(timestampNs)
  }

  #takeRest(): MessageBatch | null {
    if (this.#rest === null) return null
    const { batch, rows } = this.#rest
    this.#rest = null
    batch.giveAgain(rows)
    return batch
  }

  /** Leaves out the misdated records that a batch begins with, and ends it before the next one. */
  #cut(batch: MessageBatch): void {
    let first = 0
    while (first < batch.length && !this.#isOfDay(batch, batch.rowAt(first))) this.#tell(batch, batch.rowAt(first++))
    let end = first
    while (end < batch.length && this.#isOfDay(batch, batch.rowAt(end))) end++
    if (end < batch.length) {
      this.#rest = { batch, rows: batch.rowsFrom(end) }
      batch.keepFirst(end)
    }
    if (first > 0) batch.dropFirst(first)
    batch.skipped += first
  }

  #isOfDay({ timeWords }: MessageBatch, row: number): boolean {
    const [low, high] = [timeWords[2 * row]!, timeWords[2 * row + 1]!]
    if (high > this.#start.high && high < this.#end.high) return true
    return !isBefore(low, high, this.#start) && isBefore(low, high, this.#end)
  }

  #tell(batch: MessageBatch, row: number): void {
    const { segment, segmentOffset, seq, timestampNs } = batch.at(row)
    const message = `record time ${timestampNs} ns is of another day than its folder, ${this.#date}: the record's header is damaged, or it was misfiled`
    const { path } = batch.originAt(row)
    this.#report({ code: 'record-date', severity: 'error', message, path, segment, offset: segmentOffset, seq })
  }
}

interface Words {
  readonly low: number
  readonly high: number
}

function wordsOf(timeNs: bigint): Words {
  return { low: Number(timeNs & 0xffff_ffffn), high: Number(timeNs >> 32n) }
}

function isBefore(low: number, high: number, time: Words): boolean {
  return high < time.high || (high === time.high && low < time.low)
}
