import { type ErrorPlace, ReplayError } from '../errors.ts'
import type { MessageBatch } from './batch.ts'
import type { Message, MessageCursor } from './message.ts'

/** Something found while reading that a user should hear about. */
export interface ReadIssue extends ErrorPlace {
  /** Stable and kebab-case, e.g. `record-crc`. */
  readonly code: string
  /** `error`: data is damaged or missing, and `abort` stops here. `warning`: nothing was lost. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** Records left out because they were given before: nothing is missing for it. @default it tells of something else */
  readonly repeated?: number
}

/** What a pipeline would like its source to filter. Half-open: fromNs ≤ t < toNs. Absent = all. */
export interface SourceFilter {
  readonly fromNs?: bigint | undefined
  readonly toNs?: bigint | undefined
  readonly types?: ReadonlySet<number> | undefined
  readonly symbols?: ReadonlySet<string> | undefined
}

/** The filter that passes what both pass. */
export function combineFilters(a: SourceFilter, b: SourceFilter): SourceFilter {
  return {
    fromNs: a.fromNs === undefined || (b.fromNs !== undefined && b.fromNs > a.fromNs) ? b.fromNs : a.fromNs,
    toNs: a.toNs === undefined || (b.toNs !== undefined && b.toNs < a.toNs) ? b.toNs : a.toNs,
    types: intersect(a.types, b.types),
    symbols: intersect(a.symbols, b.symbols),
  }
}

/** What a pipeline asks of its source before the first batch. */
export interface SourceRequest {
  readonly filter: SourceFilter
  /** What to do at damaged data: stop with a ReplayError, or report, skip and go on. */
  readonly onCorrupt: 'abort' | 'skip'
  /** Receives every issue, at the time it is met. */
  readonly report: (issue: ReadIssue) => void
}

/** Which parts of the filter the source will apply exactly; the pipeline applies the rest. */
export interface SourceGrant {
  readonly time: boolean
  readonly types: boolean
  readonly symbols: boolean
}

/** What a source grants that applies no part of a filter. */
export const NO_GRANT: SourceGrant = { time: false, types: false, symbols: false }

/**
 * A source of messages: live, offline, merged, synthetic, hybrid.
 * A batch is valid until the next call to its source.
 */
export interface MessageSource extends AsyncIterable<MessageCursor> {
  /** The next batch, possibly with no selected rows; null at the end (offline) or when closed (live). */
  nextBatch(): Promise<MessageBatch | null>
  /** The next message as an owned copy, or null at the end. Convenient, not fast. */
  next(): Promise<Message | null>
  /** Positions at the first message in file order with sequence ≥ `seq`; false (and at the end) when there is none. */
  seekToSeq(seq: bigint): Promise<boolean>
  /** Positions at the first message in file order with time ≥ `timestampNs`; false (and at the end) when there is none. */
  seekToTimestamp(timestampNs: bigint): Promise<boolean>
  /**
   * Optional: takes over filters and the error strategy. Called at most once; what was read before and not handed out stays unfiltered,
   * so a source in that state grants nothing.
   */
  prepare?(request: SourceRequest): SourceGrant
  close(): Promise<void>
}

/** `next()` and async iteration, derived once for all sources. */
export abstract class BatchSource implements MessageSource {
  #current: MessageBatch | null = null
  #taken = 0

  /** Reads the next batch; whatever an earlier batch held may be overwritten. */
  protected abstract readBatch(): MessageBatch | null | Promise<MessageBatch | null>
  protected abstract seekSeq(seq: bigint): boolean | Promise<boolean>
  protected abstract seekTimestamp(timestampNs: bigint): boolean | Promise<boolean>
  abstract close(): Promise<void>

  /** Whether `next()` has left part of a batch, which no filter can be applied to any more. */
  protected get isWithinBatch(): boolean {
    return this.#current !== null && this.#taken < this.#current.length
  }

  /** While `isWithinBatch`: how many of that batch's messages `next()` or an iterator has given. */
  protected get taken(): number {
    return this.#taken
  }

  /** Forgets what `next()` has left of a batch: for sources that go elsewhere. */
  protected dropBatch(): void {
    this.#current = null
  }

  async nextBatch(): Promise<MessageBatch | null> {
    const current = this.#current
    if (current !== null && this.isWithinBatch) {
      // next() took some messages of this batch: hand out the rest.
      this.#current = null
      if (this.#taken === 0) return current
      current.dropFirst(this.#taken)
      current.scanned = current.length
      current.skipped = 0
      current.scannedBytes = 0
      return current
    }
    this.#current = null
    return this.readBatch()
  }

  async next(): Promise<Message | null> {
    const cursor = await this.#advance()
    return cursor === null ? null : cursor.toOwned()
  }

  /** What `next()` is going to give. */
  async peek(): Promise<Message | null> {
    const cursor = await this.#advance()
    if (cursor === null) return null
    this.#taken--
    return cursor.toOwned()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MessageCursor, void, undefined> {
    for (let cursor = await this.#advance(); cursor !== null; cursor = await this.#advance()) yield cursor
  }

  async seekToSeq(seq: bigint): Promise<boolean> {
    checkU64(seq, 'sequence')
    this.dropBatch()
    return this.seekSeq(seq)
  }

  async seekToTimestamp(timestampNs: bigint): Promise<boolean> {
    checkU64(timestampNs, 'timestamp')
    this.dropBatch()
    return this.seekTimestamp(timestampNs)
  }

  async #advance(): Promise<MessageCursor | null> {
    while (this.#current === null || this.#taken === this.#current.length) {
      this.#current = await this.readBatch()
      this.#taken = 0
      if (this.#current === null) return null
    }
    return this.#current.at(this.#current.rowAt(this.#taken++))
  }
}

/** @throws ReplayError input `not-u64`: nothing in a log can lie there, and the kernel would take it modulo 2⁶⁴ */
export function checkU64(value: bigint, what: string): void {
  if (value >= 0n && value < 2n ** 64n) return
  throw new ReplayError('not-u64', `${what}: expected an integer in [0, 2^64), got ${value}`, { category: 'input' })
}

function intersect<T>(a: ReadonlySet<T> | undefined, b: ReadonlySet<T> | undefined): ReadonlySet<T> | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return new Set([...a].filter((item) => b.has(item)))
}
