import fs from 'node:fs'
import path from 'node:path'
import type { ControlState } from './control.ts'
import { type LogPosition, readIndexMeta } from './reader-meta.ts'
import { COMMIT_LEN_OFFSET, encodeRecordHeader, PAD_TYPE, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, recordBytes } from './record.ts'
import { DATA_OFFSET, encodeSegmentHeader, segmentName } from './segment.ts'
import { checkSegmentFile, createSegmentFile, writeFully } from './segment-writer.ts'

/**
 * Finds where a queue goes on, and repairs what a killed writer left (FORMAT.md §4). Only for the holder of the writer lock.
 *
 * Committed records are kept. A torn write is covered by a PAD record up to the segment's end, and the queue goes on in the
 * next segment. Sealed segments are not changed. Where the record area looks free but is not clean (a payload torn before
 * its header was written), it is zeroed, or its bytes would later pass for a record header.
 * @throws ReplayError corrupt `segment-*` when a segment that is to be written has a wrong length or header
 */
export function recoverQueue(directory: string, state: ControlState): LogPosition {
  let { segment, offset } = startOfScan(directory, state)
  for (; ; segment++, offset = DATA_OFFSET) {
    const file = path.join(directory, segmentName(segment))
    if (!fs.existsSync(file)) {
      createSegmentFile(file, segment, state.segmentBytes)
      return { segment, offset: DATA_OFFSET }
    }
    const { sealed } = checkSegmentFile(file, segment, state.segmentBytes)
    if (sealed) continue
    const tail = repairTail(file, segment, state.segmentBytes, offset)
    if (tail !== null) return { segment, offset: tail }
  }
}

/** The last flushSync, or the control block when it has moved to a later segment. */
function startOfScan(directory: string, state: ControlState): LogPosition {
  const hint = readIndexMeta(directory) ?? { segment: 0, offset: DATA_OFFSET }
  const { currentSegment: segment, segmentBytes } = state
  if (segment <= hint.segment) return { segment: hint.segment, offset: trusted(hint.offset, segmentBytes) }
  sealPrevious(directory, segment - 1, segmentBytes)
  // A writer that died within a roll leaves the old segment's offset beside the new segment's id.
  return { segment, offset: state.segmentGeneration % 2 === 1 ? DATA_OFFSET : trusted(state.writeOffset, segmentBytes) }
}

/** The control block moved on before the segment was sealed: complete the roll. */
function sealPrevious(directory: string, segment: number, segmentBytes: number): void {
  const file = path.join(directory, segmentName(segment))
  if (!fs.existsSync(file)) return // deleted by retention
  if (checkSegmentFile(file, segment, segmentBytes).sealed) return
  const tail = new SegmentTail(file, segment, segmentBytes)
  try {
    tail.walk(DATA_OFFSET)
    tail.padAndSeal()
  } finally {
    tail.close()
  }
}

/** The offset where an unsealed segment can go on, or null when it was torn and is now padded and sealed. */
function repairTail(file: string, segment: number, segmentBytes: number, from: number): number | null {
  const tail = new SegmentTail(file, segment, segmentBytes)
  try {
    const torn = tail.walk(from)
    if (torn) tail.padAndSeal()
    else tail.zero(tail.end)
    return torn ? null : tail.end
  } finally {
    tail.close()
  }
}

function trusted(offset: number, segmentBytes: number): number {
  return offset >= DATA_OFFSET && offset <= segmentBytes && offset % RECORD_ALIGNMENT === 0 ? offset : DATA_OFFSET
}

/** An unsealed segment whose end is looked for and repaired. */
class SegmentTail {
  /** Behind the last committed record, once walked. */
  end = DATA_OFFSET
  readonly #id: number
  readonly #segmentBytes: number
  readonly #descriptor: number
  readonly #chunk = new Uint8Array(CHUNK_BYTES)
  readonly #view = new DataView(this.#chunk.buffer)
  #chunkStart = 0
  #chunkEnd = 0

  constructor(file: string, id: number, segmentBytes: number) {
    this.#id = id
    this.#segmentBytes = segmentBytes
    this.#descriptor = fs.openSync(file, 'r+')
  }

  /** Walks the committed records from `from`. True when something other than free space follows: a torn write. */
  walk(from: number): boolean {
    let at = from
    for (; at + RECORD_HEADER_BYTES <= this.#segmentBytes; ) {
      const header = this.#headerAt(at)
      const commitLen = this.#view.getUint32(header + COMMIT_LEN_OFFSET, true)
      const next = at + recordBytes(commitLen - 1)
      if (commitLen === 0 || next > this.#segmentBytes) {
        this.end = at
        return this.#chunk.subarray(header, header + RECORD_HEADER_BYTES).some((byte) => byte !== 0)
      }
      at = next
    }
    this.end = at
    return false
  }

  /** Covers everything behind `end` with one PAD record, and seals the segment. */
  padAndSeal(): void {
    // Whole 64-byte units, lest the PAD run past a segment whose size is no multiple of 64.
    const remaining = Math.floor((this.#segmentBytes - this.end) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT
    if (remaining >= RECORD_HEADER_BYTES) {
      // A walk that stopped at a bad length stopped at a visible record: hide it before its payload goes.
      const header = new Uint8Array(RECORD_HEADER_BYTES)
      const view = new DataView(header.buffer)
      const pad = { seq: 0n, timestampNs: 0n, typeId: PAD_TYPE, payloadLength: remaining - RECORD_HEADER_BYTES, crc32: 0 }
      encodeRecordHeader(view, 0, pad, false)
      writeFully(this.#descriptor, header, 0, RECORD_HEADER_BYTES, this.end)
      this.zero(this.end + RECORD_HEADER_BYTES)
      encodeRecordHeader(view, 0, pad)
      writeFully(this.#descriptor, header, 0, 8, this.end)
    }
    writeFully(this.#descriptor, encodeSegmentHeader(this.#id, true), 0, DATA_OFFSET, 0)
    fs.fsyncSync(this.#descriptor)
  }

  /** Zeroes whatever is not zero from `from` on; what is free already is only read, so a sparse file stays sparse. */
  zero(from: number): void {
    const zeros = new Uint8Array(CHUNK_BYTES)
    for (let at = from; at < this.#segmentBytes; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, this.#segmentBytes - at)
      const got = fs.readSync(this.#descriptor, this.#chunk, 0, length, at)
      if (Buffer.compare(this.#chunk.subarray(0, got), zeros.subarray(0, got)) !== 0) writeFully(this.#descriptor, zeros, 0, got, at)
    }
    this.#chunkEnd = 0
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }

  /** Where in the chunk the header at a segment offset lies; reads on when it lies outside. */
  #headerAt(offset: number): number {
    if (offset < this.#chunkStart || offset + RECORD_HEADER_BYTES > this.#chunkEnd) {
      this.#chunkStart = offset
      this.#chunkEnd = offset + fs.readSync(this.#descriptor, this.#chunk, 0, CHUNK_BYTES, offset)
    }
    return offset - this.#chunkStart
  }
}

const CHUNK_BYTES = 256 * 1024
