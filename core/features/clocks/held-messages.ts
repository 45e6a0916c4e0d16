import { ReplayError } from '../../errors.ts'
import { EngineMessage } from '../engine-message.ts'

/** What messages inside the skew may take. */
const MAX_HELD_BYTES = 2 ** 28

/**
 * Messages put aside until their bucket is closed, then handed out bucket by bucket, within a bucket in order of arrival.
 *
 * They lie one behind the other in one buffer, each with a header of 16 words: bucket and micros (doubles), time and position
 * (2 words each), length, type, verdict, gap, gapOpen, path, record time (2 words).
 */
export class HeldMessages {
  #bytes = new Uint8Array(1 << 20)
  #view = new DataView(this.#bytes.buffer)
  #words = new Uint32Array(this.#bytes.buffer)
  #doubles = new Float64Array(this.#bytes.buffer)
  /** Bytes used. */
  #end = 0
  /** Where each message's header starts, in order of arrival. */
  #starts: number[] = []
  #paths: string[] = []
  readonly #out = new EngineMessage()

  /** Messages held. */
  get count(): number {
    return this.#starts.length
  }

  /** Copies a message. @throws ReplayError input `skew-too-large` */
  hold(message: EngineMessage, bucket: number): void {
    const size = HEADER_BYTES + Math.ceil(message.length / 8) * 8
    if (this.#end + size > this.#bytes.length) this.#grow(this.#end + size)
    const start = this.#end
    const at = start >>> 2
    const words = this.#words
    this.#doubles[start >>> 3] = bucket
    this.#doubles[(start >>> 3) + 1] = message.micros
    words[at + 4] = message.timeLow
    words[at + 5] = message.timeHigh
    words[at + 6] = message.positionLow
    words[at + 7] = message.positionHigh
    words[at + 8] = message.length
    words[at + 9] = message.type
    words[at + 10] = message.verdict
    words[at + 11] = message.gap
    words[at + 12] = message.gapOpen
    words[at + 13] = this.#pathIndex(message.path)
    words[at + 14] = message.recordLow
    words[at + 15] = message.recordHigh
    const { view, offset } = message
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset + offset, message.length), start + HEADER_BYTES)
    this.#starts.push(start)
    this.#end += size
  }

  /** Hands out, and lets go of, all messages of buckets before `firstOpen`. The same object each time. */
  release(firstOpen: number, take: (message: EngineMessage) => void): void {
    const doubles = this.#doubles
    const due = this.#starts.filter((start) => doubles[start >>> 3]! < firstOpen)
    if (due.length === 0) return
    // Stable: within a bucket the order of arrival stays.
    due.sort((a, b) => doubles[a >>> 3]! - doubles[b >>> 3]!)
    for (const start of due) take(this.#read(start))
    this.#compact(firstOpen)
  }

  #read(start: number): EngineMessage {
    const out = this.#out
    const words = this.#words
    const at = start >>> 2
    out.view = this.#view
    out.words = words
    out.offset = start + HEADER_BYTES
    out.at = out.offset >>> 2
    out.micros = this.#doubles[(start >>> 3) + 1]!
    out.timeLow = words[at + 4]!
    out.timeHigh = words[at + 5]!
    out.positionLow = words[at + 6]!
    out.positionHigh = words[at + 7]! | 0
    out.length = words[at + 8]!
    out.type = words[at + 9]!
    out.verdict = words[at + 10]!
    out.gap = words[at + 11]!
    out.gapOpen = words[at + 12]!
    out.path = this.#paths[words[at + 13]!]!
    out.recordLow = words[at + 14]!
    out.recordHigh = words[at + 15]!
    return out
  }

  /** Moves what is left to the front. */
  #compact(firstOpen: number): void {
    const left: number[] = []
    let end = 0
    for (const start of this.#starts) {
      if (this.#doubles[start >>> 3]! < firstOpen) continue
      const size = HEADER_BYTES + Math.ceil(this.#words[(start >>> 2) + 8]! / 8) * 8
      this.#bytes.copyWithin(end, start, start + size)
      left.push(end)
      end += size
    }
    this.#starts = left
    this.#end = end
    if (left.length === 0) this.#paths = []
  }

  #pathIndex(path: string): number {
    const last = this.#paths.length - 1
    if (last >= 0 && this.#paths[last] === path) return last
    const known = this.#paths.indexOf(path)
    return known >= 0 ? known : this.#paths.push(path) - 1
  }

  #grow(needed: number): void {
    if (needed > MAX_HELD_BYTES) {
      const message = `more than ${MAX_HELD_BYTES} bytes of messages lie within the skew of the exchange clock; lower maxSkew or use shorter bars`
      throw new ReplayError('skew-too-large', message, { category: 'input' })
    }
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
    this.#words = new Uint32Array(grown.buffer, 0, grown.length >>> 2)
    this.#doubles = new Float64Array(grown.buffer, 0, grown.length >>> 3)
  }
}

const HEADER_BYTES = 64
