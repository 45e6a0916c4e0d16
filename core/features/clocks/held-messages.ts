import { ReplayError } from '../../errors.ts'
import { EngineMessage } from '../engine-message.ts'

/** What messages inside the skew may take. */
const MAX_HELD_BYTES = 2 ** 28
/** Of a bucket's first buffer: short bars have thousands of buckets open at a time. */
const FIRST_BYTES = 4096
/** Payloads up to this are copied word by word. */
const SHORT_WORDS = 64
/** Buffers kept to be used again. */
const MAX_SPARE = 256

/**
 * Messages put aside until their bucket is closed, then handed out bucket by bucket, within a bucket in order of arrival.
 *
 * Each bucket has a buffer, in which its messages lie one behind the other, each with a header of 16 words: micros (a double), time and
 * position (2 words each), length, type, verdict, gap, gapOpen, path, record time (2 words), and a spare pair.
 */
export class HeldMessages {
  /** Messages held. */
  count = 0
  readonly #buckets = new Map<number, Bucket>()
  /** The bucket of the message before, which mostly is that of the next one. */
  #last: Bucket | null = null
  #lastIndex = Number.NaN
  /** No bucket lies below this. */
  #least = Number.POSITIVE_INFINITY
  #bytes = 0
  readonly #spare: Bucket[] = []
  #paths: string[] = []
  readonly #out = new EngineMessage()

  /** Copies a message. @throws ReplayError input `skew-too-large` */
  hold(message: EngineMessage, index: number): void {
    const bucket = index === this.#lastIndex ? this.#last! : this.#bucket(index)
    const { length } = message
    const size = HEADER_BYTES + ((length + 7) & ~7)
    const start = bucket.end
    this.#bytes += size
    if (this.#bytes > MAX_HELD_BYTES) throw tooMuch()
    if (start + size > bucket.bytes.length) bucket.grow(start + size)
    const at = start >>> 2
    const { words } = bucket
    bucket.doubles[start >>> 3] = message.micros
    words[at + 2] = message.timeLow
    words[at + 3] = message.timeHigh
    words[at + 4] = message.positionLow
    words[at + 5] = message.positionHigh
    words[at + 6] = length
    words[at + 7] = message.type
    words[at + 8] = message.verdict
    words[at + 9] = message.gap
    words[at + 10] = message.gapOpen
    words[at + 11] = this.#pathIndex(message.path)
    words[at + 12] = message.recordLow
    words[at + 13] = message.recordHigh
    bucket.put(message, start + HEADER_BYTES)
    bucket.end = start + size
    this.count++
  }

  /** Hands out, and lets go of, all messages of buckets before `firstOpen`. The same object each time. */
  release(firstOpen: number, take: (message: EngineMessage) => void): void {
    if (this.#least >= firstOpen) return
    const due: number[] = []
    this.#least = Number.POSITIVE_INFINITY
    for (const index of this.#buckets.keys()) {
      if (index < firstOpen) due.push(index)
      else if (index < this.#least) this.#least = index
    }
    due.sort((a, b) => a - b)
    for (const index of due) this.#empty(index, take)
    if (this.count === 0) this.#paths = []
  }

  #empty(index: number, take: (message: EngineMessage) => void): void {
    const bucket = this.#buckets.get(index)!
    this.#buckets.delete(index)
    if (index === this.#lastIndex) this.#lastIndex = Number.NaN
    this.#bytes -= bucket.end
    const out = this.#out
    out.view = bucket.view
    out.words = bucket.words
    for (let start = 0; start < bucket.end; ) {
      this.#read(bucket, start)
      start += HEADER_BYTES + ((out.length + 7) & ~7)
      this.count--
      take(out)
    }
    bucket.end = 0
    if (this.#spare.length < MAX_SPARE) this.#spare.push(bucket)
  }

  #read({ words, doubles }: Bucket, start: number): void {
    const out = this.#out
    const at = start >>> 2
    out.offset = start + HEADER_BYTES
    out.at = out.offset >>> 2
    out.micros = doubles[start >>> 3]!
    out.timeLow = words[at + 2]!
    out.timeHigh = words[at + 3]!
    out.positionLow = words[at + 4]!
    out.positionHigh = words[at + 5]! | 0
    out.length = words[at + 6]!
    out.type = words[at + 7]!
    out.verdict = words[at + 8]!
    out.gap = words[at + 9]!
    out.gapOpen = words[at + 10]!
    out.path = this.#paths[words[at + 11]!]!
    out.recordLow = words[at + 12]!
    out.recordHigh = words[at + 13]!
  }

  #bucket(index: number): Bucket {
    let bucket = this.#buckets.get(index)
    if (bucket === undefined) {
      bucket = this.#spare.pop() ?? new Bucket()
      this.#buckets.set(index, bucket)
      if (index < this.#least) this.#least = index
    }
    this.#last = bucket
    this.#lastIndex = index
    return bucket
  }

  #pathIndex(path: string): number {
    const last = this.#paths.length - 1
    if (last >= 0 && this.#paths[last] === path) return last
    const known = this.#paths.indexOf(path)
    return known >= 0 ? known : this.#paths.push(path) - 1
  }
}

class Bucket {
  bytes = new Uint8Array(FIRST_BYTES)
  view = new DataView(this.bytes.buffer)
  words = new Uint32Array(this.bytes.buffer)
  doubles = new Float64Array(this.bytes.buffer)
  /** Bytes used. */
  end = 0

  /** Copies the payload. Of a short one a loop is faster than `set`, which needs a view made of what it copies. */
  put({ words, at, view, offset, length }: EngineMessage, start: number): void {
    const whole = length >>> 2
    const to = start >>> 2
    const own = this.words
    if (whole > SHORT_WORDS) own.set(words.subarray(at, at + whole), to)
    else for (let i = 0; i < whole; i++) own[to + i] = words[at + i]!
    for (let i = whole << 2; i < length; i++) this.bytes[start + i] = view.getUint8(offset + i)
  }

  grow(needed: number): void {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(needed)))
    grown.set(this.bytes.subarray(0, this.end))
    this.bytes = grown
    this.view = new DataView(grown.buffer)
    this.words = new Uint32Array(grown.buffer)
    this.doubles = new Float64Array(grown.buffer)
  }
}

function tooMuch(): ReplayError {
  const message = `more than ${MAX_HELD_BYTES} bytes of messages lie within the skew of the exchange clock; lower maxSkew or use shorter bars`
  return new ReplayError('skew-too-large', message, { category: 'input' })
}

const HEADER_BYTES = 64
