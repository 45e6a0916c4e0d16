import fs from 'node:fs'
import { diskFull, needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { PAD_TYPE, RECORD_HEADER_BYTES, RECORD_VERSION, recordBytes } from '../../message/record.ts'
import { SeekIndexBuilder } from '../format/seek-index.ts'
import { checkSegmentHeader, DATA_OFFSET, encodeSegmentHeader, MIN_SEGMENT_BYTES } from '../format/segment.ts'

/** Most bytes of records held back in memory before they are written. */
export const STAGE_BYTES = 1024 * 1024

/**
 * The one place that writes records into a segment file, with positional writes (Node has no shared memory maps).
 *
 * Records are staged in memory and committed as a group. A group is written with the first record's commitLen 0, so that
 * nobody reads any of it, and then made visible at once by the 8 bytes that hold this commitLen: a reader, or whoever
 * looks after a crash of the process, finds nothing of the group or all of it. (8 bytes, the whole aligned word, because
 * the kernel copies those with one store; 4 it may copy byte by byte. Across a power failure only `sync` promises anything.)
 *
 * Segment files have their full length from the start, but are sparse: chronicle-rs touches every page, readers see the
 * same bytes. A full disk therefore shows as an error of `commit`, `disk-full`, which leaves the group uncommitted.
 */
export class SegmentWriter {
  readonly path: string
  readonly id: number
  readonly segmentBytes: number
  readonly index: SeekIndexBuilder
  readonly #descriptor: number
  readonly #stage: RecordStage
  #committedEnd: number
  #broken: unknown = null

  /** Opens an existing segment to write from `offset` on. The stage must be empty; writers of one log share it. */
  constructor(path: string, id: number, segmentBytes: number, offset: number, indexStride: number, stage: RecordStage) {
    this.index = new SeekIndexBuilder(id, segmentBytes, indexStride, offset > DATA_OFFSET)
    this.path = path
    this.id = id
    this.segmentBytes = segmentBytes
    this.#stage = stage
    this.#committedEnd = offset
    this.#descriptor = needingRoom(path, 'segment', () => fs.openSync(path, 'r+'))
  }

  /** Where the next record goes: behind all records, staged ones included. */
  get end(): number {
    return this.#committedEnd + this.#stage.bytes
  }

  /** Everything below it is committed. */
  get committedEnd(): number {
    return this.#committedEnd
  }

  /** A write failed: nothing more can be written here. */
  get broken(): boolean {
    return this.#broken !== null
  }

  get stagedBytes(): number {
    return this.#stage.bytes
  }

  /** Whether a record with this payload still fits. */
  fits(payloadLength: number): boolean {
    return this.end + recordBytes(payloadLength) <= this.segmentBytes
  }

  /**
   * Stages a record of which the caller knows that it fits; commits what is staged when the stage is full.
   * 64-bit values come as low and high 32-bit words.
   * @throws ReplayError as `commit`
   */
  append(
    seqLow: number,
    seqHigh: number,
    timestampLow: number,
    timestampHigh: number,
    typeId: number,
    source: Uint8Array,
    payloadStart: number,
    payloadLength: number,
    crc32: number,
  ): void {
    const stage = this.#stage
    const size = recordBytes(payloadLength)
    if (!stage.fits(payloadLength)) this.commit()
    this.index.observe(seqLow, seqHigh, timestampLow, timestampHigh, this.end)
    stage.putHeader(seqLow, seqHigh, timestampLow, timestampHigh, typeId, payloadLength, crc32)
    if (size > stage.capacity) this.#commitLarge(source, payloadStart, payloadLength, size)
    else stage.putPayload(source, payloadStart, payloadLength, size)
  }

  /**
   * Writes records that lie as they will in the file, CRCs included: as many as fit.
   * @param start of the first in `records`, a multiple of 4 @param words of all of `records`
   * @returns where the first lies that does not fit, or `end`
   * @throws ReplayError as `commit`
   */
  appendRecords(records: Uint8Array, words: Uint32Array, start: number, end: number): number {
    this.commit()
    let at = start
    while (at < end) {
      const word = at >>> 2
      const next = at + recordBytes(words[word]! - 1)
      const offset = this.#committedEnd + at - start
      if (offset + next - at > this.segmentBytes) break
      this.index.observe(words[word + 2]!, words[word + 3]!, words[word + 4]!, words[word + 5]!, offset)
      at = next
    }
    if (at > start) this.#writeGroup(records, words, start, at - start)
    return at
  }

  /**
   * Makes the staged records visible. After a failure nothing of the group is, and the segment takes no more records:
   * reopening the log repairs it.
   * @throws ReplayError input `disk-full`; transient `write-failed`
   */
  commit(): void {
    const stage = this.#stage
    if (stage.bytes === 0) return
    this.#writeGroup(stage.buffer, stage.words, 0, stage.bytes)
    stage.clear()
  }

  /** Commits, and marks the segment as complete. @throws ReplayError as `commit` */
  seal(): void {
    this.commit()
    this.#write(() => writeFully(this.#descriptor, encodeSegmentHeader(this.id, true), 0, DATA_OFFSET, 0))
  }

  /** Waits until everything committed is on the disk, which may only now say that it has no room. @throws ReplayError input `disk-full` */
  sync(): void {
    needingRoom(this.path, 'segment', () => fs.fsyncSync(this.#descriptor))
  }

  /** Closes the file; staged records are dropped. */
  close(): void {
    this.#stage.clear()
    fs.closeSync(this.#descriptor)
  }

  #writeGroup(records: Uint8Array, words: Uint32Array, start: number, bytes: number): void {
    this.#write(() => {
      const commitLen = words[start >>> 2]!
      words[start >>> 2] = 0
      writeFully(this.#descriptor, records, start, bytes, this.#committedEnd)
      words[start >>> 2] = commitLen
      writeFully(this.#descriptor, records, start, COMMIT_BYTES, this.#committedEnd)
    })
    this.#committedEnd += bytes
  }

  /** A record larger than the stage: header, then payload straight from its source, then the commit. */
  #commitLarge(source: Uint8Array, payloadStart: number, payloadLength: number, size: number): void {
    const stage = this.#stage
    this.#write(() => {
      const commitLen = stage.words[0]!
      stage.words[0] = 0
      writeFully(this.#descriptor, stage.buffer, 0, RECORD_HEADER_BYTES, this.#committedEnd)
      writeFully(this.#descriptor, source, payloadStart, payloadLength, this.#committedEnd + RECORD_HEADER_BYTES)
      stage.words[0] = commitLen
      writeFully(this.#descriptor, stage.buffer, 0, COMMIT_BYTES, this.#committedEnd)
    })
    this.#committedEnd += size
  }

  #write(group: () => void): void {
    const place = { category: 'transient', path: this.path, segment: this.id, offset: this.#committedEnd } as const
    if (this.#broken !== null) {
      throw new ReplayError('write-failed', 'an earlier write to this segment failed; close the writer and open it again', {
        ...place,
        cause: this.#broken,
      })
    }
    try {
      group()
    } catch (cause) {
      this.#broken = cause
      const full = diskFull(cause, this.path, 'segment')
      if (full !== null) throw full
      throw new ReplayError('write-failed', `cannot write records: ${(cause as Error).message}; close the writer and open it again`, {
        ...place,
        cause,
      })
    }
  }
}

/**
 * Records that are not yet in their file, laid out as they will be there. Words are written through a Uint32Array,
 * so in the byte order of the machine: little-endian on every processor that Node 24 and this library are used on.
 */
export class RecordStage {
  readonly capacity: number
  /** Made with the first record: writers that get theirs whole need none. */
  words = new Uint32Array(0)
  /** The same memory. */
  buffer = new Uint8Array(0)
  /** Bytes staged; a multiple of 64. */
  bytes = 0
  #source: ArrayBufferLike | null = null
  #sourceWords: Uint32Array = new Uint32Array(0)

  /** @param segmentBytes size of the segments it is for: no use in staging more */
  constructor(segmentBytes: number) {
    this.capacity = Math.min(STAGE_BYTES, Math.ceil(segmentBytes / 64) * 64)
  }

  /** Whether a record with this payload can still be staged. */
  fits(payloadLength: number): boolean {
    return this.bytes + recordBytes(payloadLength) <= this.capacity
  }

  putHeader(
    seqLow: number,
    seqHigh: number,
    timestampLow: number,
    timestampHigh: number,
    typeId: number,
    payloadLength: number,
    crc32: number,
  ): void {
    if (this.words.length === 0) this.#allocate()
    const { words } = this
    const at = this.bytes >>> 2
    words[at] = payloadLength + 1
    words[at + 1] = RECORD_VERSION
    words[at + 2] = seqLow
    words[at + 3] = seqHigh
    words[at + 4] = timestampLow
    words[at + 5] = timestampHigh
    words[at + 6] = typeId // the flags, its upper half, are 0
    words[at + 7] = crc32
    for (let zero = at + 8; zero < at + 16; zero++) words[zero] = 0
  }

  /** Puts the payload behind the header, zeros up to the record's end, and counts the record as staged. */
  putPayload(source: Uint8Array, start: number, length: number, size: number): void {
    const { words } = this
    const from = this.bytes + RECORD_HEADER_BYTES
    const end = (this.bytes + size) >>> 2
    let word = from >>> 2
    const position = source.byteOffset + start
    if (length > COPY_BY_WORD_BYTES || position % 4 !== 0) {
      for (let zero = (from + length) >>> 2; zero < end; zero++) words[zero] = 0
      this.buffer.set(source.subarray(start, start + length), from)
    } else {
      // A call into the engine's copy costs as much as 30 words.
      const input = this.#wordsOf(source)
      const whole = word + (length >>> 2)
      for (let at = position >>> 2; word < whole; at++, word++) words[word] = input[at]!
      for (; word < end; word++) words[word] = 0
      for (let tail = length & ~3; tail < length; tail++) this.buffer[from + tail] = source[start + tail]!
    }
    this.bytes += size
  }

  clear(): void {
    this.bytes = 0
  }

  #allocate(): void {
    this.words = new Uint32Array(this.capacity / 4)
    this.buffer = new Uint8Array(this.words.buffer)
  }

  /** The words of the buffer a payload lies in; payloads in a row mostly lie in the same one. */
  #wordsOf(source: Uint8Array): Uint32Array {
    if (source.buffer !== this.#source) {
      this.#source = source.buffer
      this.#sourceWords = new Uint32Array(source.buffer, 0, source.buffer.byteLength >>> 2)
    }
    return this.#sourceWords
  }
}

/**
 * Creates an empty segment file at `target`, in full length, aside and renamed. A file that is there is replaced.
 * @throws ReplayError input `disk-full`
 */
export function createSegmentFile(target: string, id: number, segmentBytes: number): void {
  const aside = `${target}.tmp`
  writeEmptySegment(aside, id, segmentBytes)
  needingRoom(target, 'segment', () => fs.renameSync(aside, target))
}

/** Writes an empty, unsealed segment to `file`. @throws ReplayError input `disk-full` */
export function writeEmptySegment(file: string, id: number, segmentBytes: number): void {
  needingRoom(file, 'segment', () => {
    const descriptor = fs.openSync(file, 'w')
    try {
      fs.ftruncateSync(descriptor, segmentBytes)
      writeFully(descriptor, encodeSegmentHeader(id, false), 0, DATA_OFFSET, 0)
    } finally {
      fs.closeSync(descriptor)
    }
  })
}

/**
 * Checks a segment that is to be written: its length and header (docs/format.md, Segments). Returns whether it is sealed.
 * @throws ReplayError corrupt `segment-size`, `segment-magic`, `segment-version`, `segment-id`
 */
export function checkSegmentFile(file: string, id: number, segmentBytes: number): { sealed: boolean } {
  const descriptor = fs.openSync(file, 'r')
  try {
    const { size } = fs.fstatSync(descriptor)
    if (size !== segmentBytes) {
      throw new ReplayError('segment-size', `segment size: expected ${segmentBytes} bytes, found ${size}`, {
        category: 'corrupt',
        path: file,
        segment: id,
      })
    }
    const header = new Uint8Array(DATA_OFFSET)
    return checkSegmentHeader(header.subarray(0, fs.readSync(descriptor, header, 0, DATA_OFFSET, 0)), id, file)
  } finally {
    fs.closeSync(descriptor)
  }
}

/**
 * @throws ReplayError input `type-id` unless it is a u16 other than PAD's, which readers skip
 */
export function checkTypeId(typeId: number): void {
  if (typeId >>> 0 !== typeId || typeId >= PAD_TYPE) {
    throw new ReplayError('type-id', `type id: expected an integer in [0, 0xffff), got ${typeId}`, { category: 'input' })
  }
}

/**
 * @throws ReplayError input `segment-bytes`
 */
export function checkSegmentBytes(segmentBytes: number): void {
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < MIN_SEGMENT_BYTES || segmentBytes > MAX_SEGMENT_BYTES) {
    throw new ReplayError(
      'segment-bytes',
      `segmentBytes: expected an integer in [${MIN_SEGMENT_BYTES}, ${MAX_SEGMENT_BYTES}], got ${segmentBytes}`,
      { category: 'input' },
    )
  }
}

/**
 * @throws ReplayError input `payload-too-large` when the record does not even fit into an empty segment
 */
export function checkPayloadLength(payloadLength: number, segmentBytes: number): void {
  if (DATA_OFFSET + recordBytes(payloadLength) > segmentBytes) {
    const most = Math.floor((segmentBytes - DATA_OFFSET) / 64) * 64 - RECORD_HEADER_BYTES
    throw new ReplayError(
      'payload-too-large',
      `payload: at most ${most} bytes fit into a segment of ${segmentBytes}, got ${payloadLength}`,
      { category: 'input' },
    )
  }
}

export function writeFully(descriptor: number, bytes: Uint8Array, start: number, length: number, offset: number): void {
  for (let done = 0; done < length; ) done += fs.writeSync(descriptor, bytes, start + done, length - done, offset + done)
}

/** commitLen and version: the first aligned 8-byte word of a record. */
const COMMIT_BYTES = 8
const COPY_BY_WORD_BYTES = 256
/** The scan kernel and record columns address a segment with 32 bits. */
const MAX_SEGMENT_BYTES = 2 ** 31
