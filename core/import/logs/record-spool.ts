import fs from 'node:fs'
import { needingRoom } from '../../disk-full.ts'

/** Hears of a record whose payload lies in a larger buffer. */
export type RecordTaker = (
  typeId: number,
  timestampLow: number,
  timestampHigh: number,
  bytes: Uint8Array,
  start: number,
  length: number,
) => void

/** Type, time, payload bytes: four words; then the payload, padded to words. */
const HEAD_WORDS = 4
const FIRST_BYTES = 4096
const DRAIN_BYTES = 1 << 20

/** Records that wait for their log, in memory or, where others need that, in a file. */
export class RecordSpool {
  /** Bytes in memory. */
  waitingBytes = 0
  readonly #file: string
  #words = new Uint32Array(0)
  #bytes = new Uint8Array(0)
  #spilt = 0

  constructor(file: string) {
    this.#file = file
  }

  get isSpilt(): boolean {
    return this.#spilt > 0
  }

  put(typeId: number, timestampLow: number, timestampHigh: number, payload: Uint8Array, length: number): void {
    const size = 4 * HEAD_WORDS + paddedBytes(length)
    if (this.waitingBytes + size > this.#bytes.length) this.#grow(size)
    const at = this.waitingBytes / 4
    this.#words[at] = typeId
    this.#words[at + 1] = timestampLow
    this.#words[at + 2] = timestampHigh
    this.#words[at + 3] = length
    this.#bytes.set(length === payload.length ? payload : payload.subarray(0, length), this.waitingBytes + 4 * HEAD_WORDS)
    this.waitingBytes += size
  }

  /** Puts what waits into the file; how many bytes that were. */
  spill(): number {
    const bytes = this.waitingBytes
    if (bytes === 0) return 0
    needingRoom(this.#file, 'file', () => fs.appendFileSync(this.#file, this.#bytes.subarray(0, bytes)))
    this.#spilt += bytes
    this.waitingBytes = 0
    this.#words = new Uint32Array(0)
    this.#bytes = new Uint8Array(0)
    return bytes
  }

  /** Gives all records in order, and is empty then. */
  drain(take: RecordTaker): void {
    if (this.#spilt > 0) this.#drainFile(take)
    giveRecords(this.#bytes, this.waitingBytes, take)
    this.waitingBytes = 0
    this.#words = new Uint32Array(0)
    this.#bytes = new Uint8Array(0)
  }

  #drainFile(take: RecordTaker): void {
    const fd = fs.openSync(this.#file, 'r')
    try {
      let buffer = new Uint8Array(DRAIN_BYTES)
      let left = 0
      for (let got = fs.readSync(fd, buffer, left, buffer.length - left, null); got > 0; ) {
        const end = left + got
        const taken = giveRecords(buffer, end, take)
        left = end - taken
        const next = taken === 0 && left === buffer.length ? new Uint8Array(2 * buffer.length) : buffer
        next.set(buffer.subarray(taken, end))
        buffer = next
        got = fs.readSync(fd, buffer, left, buffer.length - left, null)
      }
    } finally {
      fs.closeSync(fd)
    }
    fs.rmSync(this.#file)
    this.#spilt = 0
  }

  #grow(size: number): void {
    const words = new Uint32Array(Math.max(FIRST_BYTES, 2 * (this.waitingBytes + size)) / 4)
    words.set(this.#words.subarray(0, this.waitingBytes / 4))
    this.#words = words
    this.#bytes = new Uint8Array(words.buffer)
  }
}

/** Gives the whole records of a buffer; how many bytes they are. */
function giveRecords(bytes: Uint8Array, end: number, take: RecordTaker): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  while (at + 4 * HEAD_WORDS <= end) {
    const length = view.getUint32(at + 12, true)
    const next = at + 4 * HEAD_WORDS + paddedBytes(length)
    if (next > end) break
    take(view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint32(at + 8, true), bytes, at + 4 * HEAD_WORDS, length)
    at = next
  }
  return at
}

function paddedBytes(length: number): number {
  return (length + 3) & ~3
}
