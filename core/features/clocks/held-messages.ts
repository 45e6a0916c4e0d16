import type { BookMemory } from '../../book/kernel/book-memory.ts'
import { ReplayError } from '../../errors.ts'
import { EngineMessage } from '../engine-message.ts'

/** What messages inside the skew may take, as of kernel/rows/held-messages.as. */
const MAX_HELD_BYTES = 2 ** 28
/** Payloads up to this are copied word by word. */
const SHORT_WORDS = 64

/** Words of the kernel's `Bucket`. */
const ENTRIES = 2
const END = 3

/** Takes entries of a bar that lie from one address to another as far as it can; gives where the first lies that it leaves. */
export type EntryTaker = (from: number, to: number) => number

/**
 * Messages put aside until their bar is closed, then handed out bar by bar, within a bar in order of arrival: a view of what
 * kernel/rows/held-messages.as holds in the memory of the book.
 *
 * The messages of a bar lie one behind the other, each with a header of 16 words: micros (a double), time and position (2 words each),
 * length, type, verdict, gap, gapOpen, path, record time (2 words), and a spare pair.
 */
export class HeldMessages {
  readonly #memory: BookMemory
  /** Address of the kernel's. */
  readonly #at: number
  readonly #paths: string[] = []
  readonly #out = new EngineMessage()
  #bytes = new Uint8Array(0)

  constructor(memory: BookMemory, at: number) {
    this.#memory = memory
    this.#at = at
  }

  /** Copies a message. @throws ReplayError input `skew-too-large` */
  hold(message: EngineMessage, index: number): void {
    const memory = this.#memory
    const { length, view, offset } = message
    const start = this.#room(index, length)
    if (start === 0) throw tooMuch()
    const { words } = memory
    const at = start >>> 2
    memory.doubles[start >>> 3] = message.micros
    words[at + 2] = message.timeLow
    words[at + 3] = message.timeHigh
    words[at + 4] = message.positionLow
    words[at + 5] = message.positionHigh
    words[at + 6] = length
    words[at + 7] = message.type
    words[at + 8] = message.verdict
    words[at + 9] = message.gap
    words[at + 10] = message.gapOpen
    words[at + 11] = this.numberOf(message.path)
    words[at + 12] = message.recordLow
    words[at + 13] = message.recordHigh
    const whole = length >>> 2
    copyWords(message.words, message.at, words, (start + HEADER_BYTES) >>> 2, whole)
    for (let i = whole << 2; i < length; i++) memory.bytes[start + HEADER_BYTES + i] = view.getUint8(offset + i)
  }

  /**
   * Hands out, and lets go of, all messages of bars before `firstOpen`. The same object each time.
   * @param takeMany is asked first
   */
  release(firstOpen: number, take: (message: EngineMessage) => void, takeMany: EntryTaker | null): void {
    const { kernel } = this.#memory
    for (let bucket = kernel.dueBucket(this.#at, firstOpen); bucket !== 0; bucket = kernel.dueBucket(this.#at, firstOpen)) {
      const { words } = this.#memory
      let start = words[(bucket >>> 2) + ENTRIES]!
      const end = start + words[(bucket >>> 2) + END]!
      while (start < end) {
        if (takeMany !== null) start = takeMany(start, end)
        if (start === end) break
        const message = this.read(start)
        this.#lookAtPayload(message)
        start += HEADER_BYTES + ((message.length + 7) & ~7)
        take(message)
      }
      if (kernel.dropBucket(this.#at) !== 0) this.#paths.length = 0
    }
  }

  /** The message at an address, but for its payload. */
  read(start: number): EngineMessage {
    const { words, doubles } = this.#memory
    const out = this.#out
    const at = start >>> 2
    out.stored = start + HEADER_BYTES
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
    return out
  }

  /** The number that entries have for the path of their log, as long as any is held. */
  numberOf(path: string): number {
    const last = this.#paths.length - 1
    if (last >= 0 && this.#paths[last] === path) return last
    const known = this.#paths.indexOf(path)
    return known >= 0 ? known : this.#paths.push(path) - 1
  }

  #room(index: number, length: number): number {
    try {
      return this.#memory.kernel.holdEntry(this.#at, index, length) >>> 0
    } catch (cause) {
      throw this.#memory.trapped(cause)
    }
  }

  /** A copy: the memory may grow while handlers look at it. */
  #lookAtPayload(message: EngineMessage): void {
    const { stored, length } = message
    const count = (length + 3) >>> 2
    if (4 * count > this.#bytes.length) {
      this.#bytes = new Uint8Array(2 ** Math.ceil(Math.log2(4 * count)))
      message.view = new DataView(this.#bytes.buffer)
      message.words = new Uint32Array(this.#bytes.buffer)
    }
    copyWords(this.#memory.words, stored >>> 2, message.words, 0, count)
    message.offset = 0
    message.at = 0
  }
}

/** Of a few words a loop is faster than `set`, which needs a view made of what it copies. */
function copyWords(from: Uint32Array, at: number, to: Uint32Array, start: number, count: number): void {
  if (count > SHORT_WORDS) to.set(from.subarray(at, at + count), start)
  else for (let i = 0; i < count; i++) to[start + i] = from[at + i]!
}

function tooMuch(): ReplayError {
  const message = `more than ${MAX_HELD_BYTES} bytes of messages lie within the skew of the exchange clock; lower maxSkew or use shorter bars`
  return new ReplayError('skew-too-large', message, { category: 'input' })
}

const HEADER_BYTES = 64
