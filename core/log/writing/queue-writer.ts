import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { type KnownOptions, requireOptions } from '../../known-options.ts'
import { ControlWriter } from '../format/control.ts'
import { type LogPosition, replaceFile, writeIndexMeta } from '../format/reader-meta.ts'
import { DEFAULT_INDEX_STRIDE } from '../format/seek-index.ts'
import { DATA_OFFSET, DEFAULT_SEGMENT_BYTES, indexName, segmentName } from '../format/segment.ts'
import { isOccupied } from '../reading/segment-file.ts'
import { DiskFolder } from '../stores/disk-folder.ts'
import { completeIndexOf } from './index-completion.ts'
import { recoverQueue } from './queue-recovery.ts'
import { RecordAppender } from './record-appender.ts'
import { checkPayloadLength, checkSegmentBytes, checkSegmentFile, createSegmentFile, RecordStage, SegmentWriter } from './segment-writer.ts'
import { WriterLock } from './writer-lock.ts'

export interface QueueWriterOptions {
  /** Bytes of a segment file; an existing queue keeps its own. @default 128 MiB */
  readonly segmentBytes?: number
  /** Records per entry of the seek index. @default 4096 */
  readonly indexStride?: number
  /** Gives the record time of `append`, nanoseconds since the epoch. @default the wall clock */
  readonly clock?: () => bigint
  /**
   * 0: every append is committed when it returns (about 4 system calls). Greater: appends are staged and committed
   * together once they are this many bytes (at most 1 MiB), on flush, and on roll. Staged records die with the process.
   * @default 0
   */
  readonly groupBytes?: number
}

const KNOWN: KnownOptions<QueueWriterOptions> = { segmentBytes: true, indexStride: true, clock: true, groupBytes: true }

/**
 * Appends to a queue directory that other processes read at the same time, byte for byte as chronicle-rs does
 * (docs/format.md). One writer at a time, enforced by a lock. Committed means: visible to all readers, and it survives the death of
 * this process; only `flushSync` waits for the disk. Record sequences start at 0 each time a queue is opened.
 * All calls are synchronous: what an append costs is a few short system calls, and a roll an fsync of the full segment.
 * Unlike chronicle-rs it never deletes segments.
 */
export class QueueWriter extends RecordAppender {
  readonly #options: Required<QueueWriterOptions>
  readonly #lock: WriterLock
  readonly #control: ControlWriter
  readonly #stage: RecordStage
  #segment: SegmentWriter
  /** Records appended since readers were last told. */
  #unannounced = 0
  #closed = false

  /**
   * Opens a queue for writing, creating the directory and an empty queue when there is none, and repairs what a killed
   * writer left (see recoverQueue).
   * @throws ReplayError input `writer-active`, `flock-missing`, `segment-bytes`, `index-stride`, `disk-full`, `store-not-writable`; corrupt `control-*`, `segment-*`
   */
  static open(directory: string, options: QueueWriterOptions = {}): QueueWriter {
    requireOptions('QueueWriter.open', options, KNOWN)
    const full = { segmentBytes: DEFAULT_SEGMENT_BYTES, indexStride: DEFAULT_INDEX_STRIDE, clock: wallClockNs, groupBytes: 0, ...options }
    checkSegmentBytes(full.segmentBytes)
    needingRoom(directory, 'queue', () => fs.mkdirSync(directory, { recursive: true }))
    const lock = WriterLock.acquire(directory)
    let control: ControlWriter | null = null
    try {
      const opened = ControlWriter.openOrCreate(directory, full.segmentBytes)
      control = opened.control
      const epoch = opened.state.writerEpoch + 1n
      control.setWriterEpoch(epoch)
      lock.describe(epoch)
      const start = recoverQueue(directory, opened.state)
      return new QueueWriter(directory, { ...full, segmentBytes: opened.state.segmentBytes }, lock, control, start)
    } catch (error) {
      control?.close()
      lock.release()
      throw error
    }
  }

  private constructor(
    directory: string,
    options: Required<QueueWriterOptions>,
    lock: WriterLock,
    control: ControlWriter,
    start: LogPosition,
  ) {
    super(directory, options.segmentBytes)
    this.#options = options
    this.#lock = lock
    this.#control = control
    this.#stage = new RecordStage(options.segmentBytes)
    this.#segment = this.#openSegment(start.segment, start.offset)
    try {
      control.moveTo(start.segment, start.offset)
      control.heartbeat(Date.now())
      this.#prepare(start.segment + 1)
    } catch (error) {
      this.#segment.close()
      throw error
    }
  }

  /** Where the next record goes, unless it does not fit and the segment is rolled first. */
  get position(): LogPosition {
    return { segment: this.#segment.id, offset: this.#segment.end }
  }

  /**
   * Appends a message with the time of the writer's clock.
   * @throws ReplayError input `payload-too-large`, `type-id`, `disk-full`; transient `write-failed`
   */
  append(typeId: number, payload: Uint8Array): void {
    this.appendWithTimestamp(typeId, this.#options.clock(), payload)
  }

  /** As `append`, with a given time in nanoseconds since the epoch (u64; need not ascend). @throws ReplayError also input `number-range` */
  appendWithTimestamp(typeId: number, timestampNs: bigint, payload: Uint8Array): void {
    this.appendAt(typeId, timestampNs, payload)
  }

  override appendRecord(
    typeId: number,
    timestampLow: number,
    timestampHigh: number,
    source: Uint8Array,
    payloadStart: number,
    payloadLength: number,
    payloadCrc32: number,
  ): void {
    super.appendRecord(typeId, timestampLow, timestampHigh, source, payloadStart, payloadLength, payloadCrc32)
    this.#unannounced++
    if (this.#segment.stagedBytes >= this.#options.groupBytes) this.flush()
  }

  /** Commits what is staged and tells the readers. */
  flush(): void {
    if (this.#unannounced === 0) return
    this.#segment.commit()
    this.#control.advance(this.#segment.committedEnd, Date.now())
    this.#control.notify(this.#unannounced)
    this.#unannounced = 0
  }

  /** Commits, waits until everything is on the disk, and writes the seek index of the open segment and `index.meta`. */
  flushSync(): void {
    if (this.#closed) throw closedError(this.path)
    this.flush()
    this.#segment.sync()
    this.#control.sync()
    this.#writeIndex()
    writeIndexMeta(this.path, this.position)
  }

  /** Completes the open segment now, unless it is empty, and goes on in the next one. */
  seal(): void {
    if (this.#closed) throw closedError(this.path)
    if (this.#segment.end > DATA_OFFSET) this.#roll()
  }

  /**
   * Commits what is staged, unless a write has failed before, and gives the queue up.
   * The open segment stays open, as with chronicle-rs.
   */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    try {
      if (!this.#segment.broken) this.flush()
    } finally {
      this.#segment.close()
      this.#control.close()
      this.#lock.release()
    }
  }

  protected override segmentFor(payloadLength: number): SegmentWriter {
    if (this.#closed) throw closedError(this.path)
    if (!this.#segment.fits(payloadLength)) {
      checkPayloadLength(payloadLength, this.segmentBytes)
      this.#roll()
    } else if (!this.#stage.fits(payloadLength)) {
      this.flush()
    }
    return this.#segment
  }

  /** In the order of docs/format.md, Rolling: index, move the readers on, seal, sync, tell, prepare the segment after. */
  #roll(): void {
    this.flush()
    const full = this.#segment
    if (full.index.recordCount > 0) this.#writeIndex()
    else completeIndexOf(this.path, full.id, this.segmentBytes) // reopened, and nothing was appended to it
    const id = full.id + 1
    this.#prepare(id)
    this.#segment = this.#openSegment(id, DATA_OFFSET)
    this.#control.moveTo(id, DATA_OFFSET)
    full.seal()
    full.sync()
    full.close()
    this.#control.heartbeat(Date.now())
    this.#control.notify(1)
    this.#prepare(id + 1)
  }

  /** Makes sure an empty segment `id` is ready; one that holds records is never touched. */
  #prepare(id: number): void {
    const file = this.#fileOf(id)
    if (!fs.existsSync(file)) {
      createSegmentFile(file, id, this.segmentBytes)
    } else if (isOccupied(new DiskFolder(this.path).open(segmentName(id)))) {
      throw new ReplayError(
        'segment-occupied',
        'the segment after the current one already holds records; was the control block damaged? Verify the log',
        {
          category: 'corrupt',
          path: file,
          segment: id,
        },
      )
    } else if (!isReady(file, id, this.segmentBytes)) {
      createSegmentFile(file, id, this.segmentBytes)
    }
  }

  #openSegment(id: number, offset: number): SegmentWriter {
    return new SegmentWriter(this.#fileOf(id), id, this.segmentBytes, offset, this.#options.indexStride, this.#stage)
  }

  #writeIndex(): void {
    const { index } = this.#segment
    if (index.recordCount > 0) replaceFile(path.join(this.path, indexName(this.#segment.id)), index.encode())
  }

  #fileOf(id: number): string {
    return path.join(this.path, segmentName(id))
  }
}

/** The wall clock in nanoseconds since the epoch; between calls it runs with the monotonic clock's resolution. */
function wallClockNs(): bigint {
  return WALL_CLOCK_START_NS + process.hrtime.bigint()
}

const WALL_CLOCK_START_NS = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()

function isReady(file: string, id: number, segmentBytes: number): boolean {
  try {
    return !checkSegmentFile(file, id, segmentBytes).sealed
  } catch {
    return false // an empty file of a wrong shape is of no use to anybody
  }
}

function closedError(directory: string): ReplayError {
  return new ReplayError('writer-closed', 'append after close', { category: 'bug', path: directory })
}
