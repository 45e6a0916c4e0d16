import { ReplayError } from '../errors.ts'
import type { MessageTally } from '../features/message-tally.ts'
import { type MessageBatch, TIME_DIFFERS, TIME_UNUSABLE, TIME_WILD } from '../message/batch.ts'
import { BatchRest } from '../message/batch-rest.ts'
import type { BatchOrigin, MessageCursor } from '../message/message.ts'
import { BatchSource, type MessageSource, NO_GRANT, type ReadIssue, type SourceGrant, type SourceRequest } from '../message/source.ts'
import { isBefore, type TimeWords, timeWordsOf } from '../message/time-words.ts'

export interface CellSourceOptions {
  /** The cell, nanoseconds since the epoch, half-open. */
  readonly startNs: bigint
  readonly endNs: bigint
  /** Where the warm-up begins in each log, nanoseconds since the epoch. */
  readonly fromNs: bigint
  /** Counts the messages of the cell. */
  readonly tally: MessageTally
  /** Damage is left out, whatever the pipeline asks for. */
  readonly isSkipping: boolean
  /** Hears of every issue, besides the pipeline. */
  readonly onIssue: (issue: ReadIssue) => void
  /** Hears of messages and bytes read since the last call. */
  readonly onProgress: (messages: number, bytes: number) => void
}

/**
 * The messages of a cell and of its warm-up: up to the first with time ≥ the cell's end. Those of the cell begin, in each
 * log, behind the first with time ≥ its start: so cells share no message, also where times step back.
 *
 * Filters are not handed on, because where a cell begins and ends is told by messages that a filter may leave out.
 */
export class CellSource extends BatchSource {
  readonly #inner: MessageSource
  readonly #options: CellSourceOptions
  readonly #start: TimeWords
  readonly #end: TimeWords
  readonly #from: TimeWords
  /** Logs whose warm-up has begun. */
  readonly #begun = new Set<string>()
  /** Where the cell's messages begin, by log. */
  readonly #begins = new Map<string, { readonly segment: number; readonly offset: number }>()
  /** Of a batch that the cell begins in. */
  readonly #rest = new BatchRest()
  /** The batch given last is of the cell, none of it of the warm-up. */
  #isInCell = false
  #isOver = false
  /** A time of the cell, microseconds. */
  readonly #micros: number

  /** @param inner closed with this; it begins with the warm-up */
  constructor(inner: MessageSource, options: CellSourceOptions) {
    super()
    this.#inner = inner
    this.#options = options
    this.#start = timeWordsOf(options.startNs)
    this.#end = timeWordsOf(options.endNs)
    this.#from = timeWordsOf(options.fromNs)
    this.#micros = Number(options.startNs / 1000n)
  }

  /** Whether the cell has begun. */
  get isInCell(): boolean {
    return this.#isInCell
  }

  /**
   * Whether a message that came through this source is of the cell: by where it lies in its log, or, when a transform made it,
   * by what was read when it did.
   */
  isOfCell(message: MessageCursor): boolean {
    const { segment } = message
    if (segment < 0) return this.#isInCell
    const begin = this.#begins.get(message.batch.originAt(message.index).path)
    if (begin === undefined) return false
    return segment > begin.segment || (segment === begin.segment && message.segmentOffset >= begin.offset)
  }

  prepare(request: SourceRequest): SourceGrant {
    const { isSkipping, onIssue } = this.#options
    const report = (issue: ReadIssue): void => {
      onIssue(issue)
      request.report(issue)
    }
    this.#inner.prepare?.({ ...request, filter: {}, report, ...(isSkipping && { onCorrupt: 'skip' }) })
    return NO_GRANT
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#inner.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    let batch = this.#rest.take()
    if (batch === null) {
      batch = this.#isOver ? null : await this.#inner.nextBatch()
      if (batch === null) return null
      this.#leaveOutLeadIn(batch)
    }
    this.#options.onProgress(batch.scanned, batch.scannedBytes)
    this.#cut(batch)
    if (this.#isInCell) this.#count(batch)
    const { timeFlags } = batch
    if (timeFlags !== null) batch.narrow((row) => !isWild(timeFlags[row]!))
    return batch
  }

  protected seekSeq(): boolean {
    throw noSeek()
  }

  protected seekTimestamp(): boolean {
    throw noSeek()
  }

  /** Leaves out what comes before the warm-up: in each log up to its first message with time ≥ `fromNs`. */
  #leaveOutLeadIn(batch: MessageBatch): void {
    const from = this.#from
    let path = ''
    batch.narrow((row) => {
      const own = batch.originAt(row).path
      if (own === path || this.#begun.has(own)) {
        path = own
        return true
      }
      if (isBefore(batch.timeWords, row, from)) return false
      this.#begun.add(own)
      return true
    })
  }

  /** Messages of the cell; those with a wild time are left out. */
  #count(batch: MessageBatch): void {
    const { tally } = this.#options
    const { timeFlags } = batch
    for (let k = 0; k < batch.length; k++) {
      const flag = timeFlags === null ? 0 : timeFlags[batch.rowAt(k)]!
      if (flag === 0) tally.handle(this.#micros)
      else if (isWild(flag)) {
        const { segment, segmentOffset: offset, index } = batch.at(batch.rowAt(k))
        tally.leave('wild-time', this.#micros, batch.originAt(index).path, segment, offset)
      } else {
        tally.handle(this.#micros)
        tally.note(flag === TIME_DIFFERS ? 'index-differs' : 'clock-step-back', this.#micros)
      }
    }
  }

  /** Ends a batch where the cell begins, and where it ends. */
  #cut(batch: MessageBatch): void {
    const { timeWords } = batch
    let origin: BatchOrigin | null = null
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      if (!isBefore(timeWords, row, this.#end)) {
        this.#isOver = true
        batch.keepFirst(k)
        return
      }
      if (!this.#isInCell) {
        if (isBefore(timeWords, row, this.#start)) continue
        if (k > 0) {
          this.#rest.keepFrom(batch, k)
          return
        }
        this.#isInCell = true
      }
      const own = batch.originAt(row)
      if (own === origin) continue
      origin = own
      if (!this.#begins.has(own.path)) {
        const { segment, segmentOffset } = batch.at(row)
        this.#begins.set(own.path, { segment, offset: segmentOffset })
      }
    }
  }
}

function isWild(flag: number): boolean {
  return flag === TIME_WILD || flag === TIME_UNUSABLE
}

function noSeek(): ReplayError {
  return new ReplayError('cell-seek', 'the source of a partition begins with its warm-up and cannot be sought; set warmUp of the job', {
    category: 'input',
  })
}
