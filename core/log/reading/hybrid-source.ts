import { type KnownOptions, requireOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { BatchSource, NO_GRANT, type SourceGrant, type SourceRequest } from '../../message/source.ts'
import { QUEUE_READER_KEYS, QueueReader, type QueueReaderOptions } from './queue-reader.ts'

export interface HybridSourceOptions extends Omit<QueueReaderOptions, 'start' | 'stopAtEnd'> {
  /** Replay from the first message at or after this record time, nanoseconds since the epoch. @default from the oldest message */
  readonly fromNs?: bigint
  /** Called once, when all that was written so far has been read and waiting for new messages begins. */
  readonly onLive?: () => void
}

const { start: _start, stopAtEnd: _stop, ...QUEUE_KEYS } = QUEUE_READER_KEYS
const KNOWN: KnownOptions<HybridSourceOptions> = { ...QUEUE_KEYS, fromNs: true, onLive: true }

/**
 * Replays a queue from its past and goes on live, with no message lost or repeated.
 *
 * There is no hand-over between two readers that could go wrong: one live reader starts in the past. It reads history
 * as an offline reader does (bulk reads, seek indexes, compressed segments, filters pushed down) and is live when it
 * first finds nothing more.
 */
export class HybridSource extends BatchSource {
  readonly #reader: QueueReader
  readonly #onLive: () => void
  #live = false

  /** @throws ReplayError as QueueReader.open, and corrupt while it looks for `fromNs` */
  static async open(path: string, options: HybridSourceOptions = {}): Promise<HybridSource> {
    requireOptions('HybridSource.open', options, KNOWN)
    const { fromNs, onLive = () => {}, ...rest } = options
    const reader = await QueueReader.open(path, { ...rest, start: 'earliest' })
    try {
      // When there is no such message yet, this leaves the reader at the end, where it will come.
      if (fromNs !== undefined) await reader.seekToTimestamp(fromNs)
      return new HybridSource(reader, onLive)
    } catch (error) {
      await reader.close()
      throw error
    }
  }

  private constructor(reader: QueueReader, onLive: () => void) {
    super()
    this.#reader = reader
    this.#onLive = onLive
  }

  /** Whether history has been read, and messages now come as they are written. */
  get live(): boolean {
    return this.#live
  }

  prepare(request: SourceRequest): SourceGrant {
    if (!this.isWithinBatch) return this.#reader.prepare(request)
    this.#reader.prepare({ ...request, filter: {} })
    return NO_GRANT
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  protected async readBatch(): Promise<MessageBatch | null> {
    if (!this.#live) {
      const batch = await this.#reader.poll()
      if (batch !== null) return batch
      if (this.#reader.atEnd) {
        this.#live = true
        this.#onLive()
      }
    }
    return this.#reader.nextBatch()
  }

  /** Seeking begins a new replay. */
  protected async seekSeq(seq: bigint): Promise<boolean> {
    this.#live = false
    return this.#reader.seekToSeq(seq)
  }

  protected async seekTimestamp(timestampNs: bigint): Promise<boolean> {
    this.#live = false
    return this.#reader.seekToTimestamp(timestampNs)
  }
}
