import fs from 'node:fs'
import path from 'node:path'
import { diskFull, needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { type KnownOptions, requireOptions } from '../../known-options.ts'
import { replaceFile } from '../format/reader-meta.ts'
import { DATA_OFFSET, DEFAULT_SEGMENT_BYTES, indexName, segmentIdOf, segmentName } from '../format/segment.ts'
import { listSegments, openSegmentFile } from '../reading/segment-file.ts'
import { RecordAppender } from './record-appender.ts'
import { checkPayloadLength, checkSegmentBytes, RecordStage, SegmentWriter, writeEmptySegment } from './segment-writer.ts'

export interface LogWriterOptions {
  /** Bytes of a segment file; a log that has segments keeps their size. @default 128 MiB */
  readonly segmentBytes?: number
  /** Records per entry of the seek index. @default 100, as in chronicle-rs's tables */
  readonly indexStride?: number
  /** Whether a segment is on the disk when it appears; false: the caller waits for the disk before others may see the log. @default true */
  readonly isDurable?: boolean
  /** Hears of each segment that is complete: its file. */
  readonly onSegment?: ((file: string) => void) | undefined
}

const DEFAULT_LOG_STRIDE = 100
const KNOWN: KnownOptions<LogWriterOptions> = { segmentBytes: true, indexStride: true, isDurable: true, onSegment: true }

/**
 * Writes an offline log: sealed segments with their seek indexes and nothing else (docs/format.md, Offline logs). A segment appears when
 * it is complete; what was appended since is invisible until `finish()` and lost with the process.
 * It goes on behind the segments that are there, compressed ones included, and never replaces a file.
 * Memory: at most 1 MiB of records. One writer per directory is the caller's duty; a second one is noticed when it is too late
 * for its segment, and refused.
 */
export class LogWriter extends RecordAppender {
  readonly #indexStride: number
  readonly #isDurable: boolean
  readonly #onSegment: ((file: string) => void) | undefined
  readonly #stage: RecordStage
  #nextId: number
  #segment: SegmentWriter | null = null
  /** The inode of the segment being prepared: tells whether somebody replaced it. */
  #inode = 0
  #finished = false

  /**
   * Opens a log for appending; the directory is created.
   * @throws ReplayError input `segment-bytes`, `index-stride`, `log-is-queue`, `disk-full`, `store-not-writable`
   */
  static open(directory: string, options: LogWriterOptions = {}): LogWriter {
    requireOptions('LogWriter.open', options, KNOWN)
    const { segmentBytes = DEFAULT_SEGMENT_BYTES, indexStride = DEFAULT_LOG_STRIDE, isDurable = true, onSegment } = options
    checkSegmentBytes(segmentBytes)
    const names = needingRoom(directory, 'log', () => {
      fs.mkdirSync(directory, { recursive: true })
      return fs.readdirSync(directory)
    })
    if (names.includes('control.meta')) {
      throw new ReplayError('log-is-queue', 'this directory is a queue (it has control.meta); append to it with QueueWriter', {
        category: 'input',
        path: directory,
      })
    }
    return new LogWriter(directory, segmentBytesOf(directory) ?? segmentBytes, indexStride, isDurable, nextIdAfter(names), onSegment)
  }

  private constructor(
    directory: string,
    segmentBytes: number,
    indexStride: number,
    isDurable: boolean,
    nextId: number,
    onSegment: ((file: string) => void) | undefined,
  ) {
    super(directory, segmentBytes)
    this.#indexStride = indexStride
    this.#isDurable = isDurable
    this.#onSegment = onSegment
    this.#stage = new RecordStage(segmentBytes)
    this.#nextId = nextId
  }

  /**
   * Appends a message.
   * @param timestampNs nanoseconds since the epoch (u64; need not ascend)
   * @throws ReplayError input `payload-too-large`, `type-id`, `number-range`, `log-writer-active`, `disk-full`; transient `write-failed`
   */
  append(typeId: number, timestampNs: bigint, payload: Uint8Array): void {
    this.appendAt(typeId, timestampNs, payload)
  }

  /**
   * Appends whole records as they lie in segments: with sequences from `nextSeq` on and their CRCs, for which the caller vouches.
   * @param records and `words` are one memory, from its begin on; where records begin is a multiple of 64 behind `start`
   * @throws ReplayError as `append`
   */
  appendRecords(records: Uint8Array, words: Uint32Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const segment = this.segmentFor(words[at >>> 2]! - 1)
      const before = segment.index.recordCount
      at = segment.appendRecords(records, words, at, end)
      this.skipSeqs(segment.index.recordCount - before)
    }
  }

  /**
   * Completes the last segment. No append may follow; without a single append no segment is made.
   * @throws ReplayError input `log-writer-active`, `disk-full`; transient `write-failed`
   */
  finish(): void {
    this.#publish()
    this.#finished = true
  }

  protected override segmentFor(payloadLength: number): SegmentWriter {
    if (this.#segment?.fits(payloadLength)) return this.#segment
    checkPayloadLength(payloadLength, this.segmentBytes)
    return this.#startNext()
  }

  #startNext(): SegmentWriter {
    if (this.#finished) throw new ReplayError('writer-closed', 'append after finish', { category: 'bug', path: this.path })
    this.#publish()
    const id = this.#nextId++
    const aside = this.#asideOf(id)
    needingRoom(aside, 'segment', () => fs.rmSync(aside, { force: true })) // of a writer that was killed
    writeEmptySegment(aside, id, this.segmentBytes)
    this.#inode = fs.statSync(aside).ino
    this.#segment = new SegmentWriter(aside, id, this.segmentBytes, DATA_OFFSET, this.#indexStride, this.#stage)
    return this.#segment
  }

  /** Seals the segment, waits for the disk, and gives it its name; then its index, without which it can be read as well. */
  #publish(): void {
    const segment = this.#segment
    if (segment === null) return
    this.#segment = null
    try {
      segment.seal()
      if (this.#isDurable) segment.sync()
    } finally {
      segment.close()
    }
    const target = path.join(this.path, segmentName(segment.id))
    this.#moveInto(segment.path, target)
    replaceFile(path.join(this.path, indexName(segment.id)), segment.index.encode(), this.#isDurable)
    this.#onSegment?.(target)
  }

  /** A link fails where a rename would replace. */
  #moveInto(aside: string, target: string): void {
    const found = fs.statSync(aside, { throwIfNoEntry: false })?.ino
    try {
      if (found !== this.#inode) throw new Error(`${aside} was replaced`)
      fs.linkSync(aside, target)
    } catch (cause) {
      const full = diskFull(cause, target, 'segment')
      if (full !== null) throw full
      throw new ReplayError(
        'log-writer-active',
        `cannot complete a segment: ${(cause as Error).message}; is another writer at work in this log?`,
        {
          category: 'input',
          path: target,
          cause,
        },
      )
    }
    fs.unlinkSync(aside)
  }

  #asideOf(id: number): string {
    return path.join(this.path, `${segmentName(id)}.tmp`)
  }
}

/** All segments of a log have one size; null for a log without any. */
function segmentBytesOf(directory: string): number | null {
  const first = listSegments(directory)[0]
  if (first === undefined) return null
  const file = openSegmentFile(first)
  file.close()
  return file.bytes
}

/** One more than the greatest id of any segment, compressed segment or index. */
function nextIdAfter(names: readonly string[]): number {
  let next = 0
  for (const name of names) {
    const id = segmentIdOf(name.replace(/\.(q|q\.zst|idx)$/, '.q'))
    if (id !== null) next = Math.max(next, id + 1)
  }
  return next
}
