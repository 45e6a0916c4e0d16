import fs from 'node:fs'
import { needingRoom } from '../../disk-full.ts'
import type { LogWriter } from '../../log/writing/log-writer.ts'
import { RECORD_HEADER_BYTES, RECORD_VERSION, recordBytes } from '../../message/record.ts'
import type { RecordSealer } from './record-sealer.ts'

/** Chunks of a log, all powers of two: a file may have ten thousand logs of which most are small. */
const LEAST_CHUNK_BYTES = 4096
const MOST_CHUNK_BYTES = 64 << 10
/** Memory that nobody uses. */
const MAX_SPARE_BYTES = 8 << 20
const HEADER_WORDS = RECORD_HEADER_BYTES / 4
const COPY_BY_WORD = 64

/** Memory for records, used again by all logs of an import: touching fresh memory costs as much as making the records. */
export class RecordChunks {
  /** By their bytes. */
  readonly #spare = new Map<number, Uint32Array<ArrayBuffer>[]>()
  #spareBytes = 0

  /** @param bytes that it has at least */
  take(bytes: number): Uint32Array<ArrayBuffer> {
    let size = LEAST_CHUNK_BYTES
    while (size < bytes) size *= 2
    const spare = this.#spare.get(size)?.pop()
    if (spare !== undefined) this.#spareBytes -= size
    return spare ?? new Uint32Array(size / 4)
  }

  giveBack(chunk: Uint32Array<ArrayBuffer>): void {
    const size = chunk.byteLength
    if (this.#spareBytes + size > MAX_SPARE_BYTES) return
    this.#spareBytes += size
    const spare = this.#spare.get(size)
    if (spare === undefined) this.#spare.set(size, [chunk])
    else spare.push(chunk)
  }
}

/** Records that wait for their log, laid out as there (message/record.ts) but for their CRCs: in memory or, where others need that, in a file. */
export class WaitingRecords {
  /** Of all chunks. */
  memoryBytes = 0
  readonly #file: string
  readonly #chunks: RecordChunks
  /** Full ones, as far as they are used. */
  readonly #full: Uint8Array<ArrayBuffer>[] = []
  #words = new Uint32Array(0)
  /** Used of the last chunk. */
  #bytes = 0
  #spilt = 0

  constructor(file: string, chunks: RecordChunks) {
    this.#file = file
    this.#chunks = chunks
  }

  get isSpilt(): boolean {
    return this.#spilt > 0
  }

  /** Whether a record of so many bytes needs a further chunk. */
  isFull(bytes: number): boolean {
    return this.#bytes + bytes > this.#words.byteLength
  }

  /** Takes a further chunk. @param bytes of the next record */
  extend(bytes: number): void {
    if (this.#bytes > 0) this.#full.push(this.#used)
    const chunk = this.#chunks.take(Math.max(bytes, Math.min(this.memoryBytes, MOST_CHUNK_BYTES)))
    this.#words = chunk
    this.#bytes = 0
    this.memoryBytes += chunk.byteLength
  }

  /** Puts a record, for which there has to be room. @param length of the payload in bytes, a multiple of 4 */
  put(typeId: number, seq: number, timestampLow: number, timestampHigh: number, payload: Uint32Array, length: number): void {
    const words = this.#words
    const at = this.#bytes >>> 2
    words[at] = length + 1
    words[at + 1] = RECORD_VERSION
    words[at + 2] = seq
    words[at + 3] = seq / WORD
    words[at + 4] = timestampLow
    words[at + 5] = timestampHigh
    words[at + 6] = typeId
    for (let zero = at + 7; zero < at + HEADER_WORDS; zero++) words[zero] = 0
    const count = length >>> 2
    let to = at + HEADER_WORDS
    // A call into the engine's copy costs as much as so many words.
    if (count > COPY_BY_WORD) {
      words.set(payload.subarray(0, count), to)
      to += count
    } else for (let from = 0; from < count; from++, to++) words[to] = payload[from]!
    this.#bytes += recordBytes(length)
    for (const end = this.#bytes >>> 2; to < end; to++) words[to] = 0
  }

  /** Puts what is in memory into the file. */
  spill(): void {
    this.#empty((pieces) => {
      const bytes = Buffer.concat(pieces)
      // One call each: files of ten thousand symbols have as many of these.
      needingRoom(this.#file, 'file', () => fs.appendFileSync(this.#file, bytes))
      this.#spilt += bytes.length
    })
  }

  /** Moves all into their log. */
  drain(writer: LogWriter, sealer: RecordSealer): void {
    if (this.#spilt > 0) {
      sealer.appendFile(this.#file, writer)
      fs.rmSync(this.#file)
      this.#spilt = 0
    }
    this.#empty((pieces) => sealer.append(pieces, writer))
  }

  get #used(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#words.buffer, 0, this.#bytes)
  }

  #empty(take: (pieces: readonly Uint8Array<ArrayBuffer>[]) => void): void {
    if (this.#bytes > 0) this.#full.push(this.#used)
    take(this.#full)
    for (const { buffer } of this.#full) this.#chunks.giveBack(new Uint32Array(buffer))
    this.#full.length = 0
    this.#words = new Uint32Array(0)
    this.#bytes = 0
    this.memoryBytes = 0
  }
}

const WORD = 2 ** 32
