import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import {
  COMMIT_LEN_OFFSET,
  encodeRecordHeader,
  PAD_TYPE,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  recordBytes,
} from '../../message/record.ts'
import { DATA_OFFSET, encodeSegmentHeader, segmentName } from '../format/segment.ts'
import { writeFully } from './segment-writer.ts'

/** An unsealed segment whose end is looked for and repaired. */
export class SegmentTail {
  /** Behind the last committed record, once walked. */
  end = DATA_OFFSET
  readonly id: number
  readonly segmentBytes: number
  readonly #file: string
  readonly #descriptor: number
  readonly #chunk = new Uint8Array(CHUNK_BYTES)
  readonly #view = new DataView(this.#chunk.buffer)
  #chunkStart = 0
  #chunkEnd = 0

  constructor(directory: string, id: number, segmentBytes: number) {
    this.id = id
    this.segmentBytes = segmentBytes
    this.#file = path.join(directory, segmentName(id))
    this.#descriptor = needingRoom(this.#file, 'segment', () => fs.openSync(this.#file, 'r+'))
  }

  /** Walks the committed records from `from`. True when something other than free space follows: a torn write. */
  walk(from: number): boolean {
    this.end = this.eachRecord(from, () => {})
    if (this.end + RECORD_HEADER_BYTES > this.segmentBytes) return false
    const header = this.#headerAt(this.end)
    return this.#chunk.subarray(header, header + RECORD_HEADER_BYTES).some((byte) => byte !== 0)
  }

  /** Visits the committed records from `from` on: a view, the address of the header in it, its offset. Returns where they end. */
  eachRecord(from: number, visit: (view: DataView, header: number, offset: number) => void): number {
    let at = from
    while (at + RECORD_HEADER_BYTES <= this.segmentBytes) {
      const header = this.#headerAt(at)
      const commitLen = this.#view.getUint32(header + COMMIT_LEN_OFFSET, true)
      const next = at + recordBytes(commitLen - 1)
      if (commitLen === 0 || next > this.segmentBytes) break
      visit(this.#view, header, at)
      at = next
    }
    return at
  }

  /** Covers everything behind `end` with one PAD record, and seals the segment. @throws ReplayError input `disk-full` */
  padAndSeal(): void {
    needingRoom(this.#file, 'segment', () => this.#padAndSeal())
  }

  #padAndSeal(): void {
    // Whole 64-byte units, lest the PAD run past a segment whose size is no multiple of 64.
    const remaining = Math.floor((this.segmentBytes - this.end) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT
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
    writeFully(this.#descriptor, encodeSegmentHeader(this.id, true), 0, DATA_OFFSET, 0)
    fs.fsyncSync(this.#descriptor)
  }

  /** Zeroes whatever is not zero from `from` on; what is free already is only read, so a sparse file stays sparse. @throws ReplayError input `disk-full` */
  zero(from: number): void {
    const zeros = new Uint8Array(CHUNK_BYTES)
    for (let at = from; at < this.segmentBytes; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, this.segmentBytes - at)
      const got = fs.readSync(this.#descriptor, this.#chunk, 0, length, at)
      if (Buffer.compare(this.#chunk.subarray(0, got), zeros.subarray(0, got)) === 0) continue
      needingRoom(this.#file, 'segment', () => writeFully(this.#descriptor, zeros, 0, got, at))
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
