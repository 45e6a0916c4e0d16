import type { MessageCursor } from '../pipeline/message.ts'
import { join } from './sequence-counter.ts'

/** The record sequence of one log directory. */
export interface RecordSession {
  /** Number of the writer session, over all directories; changes when the sequence restarts at 0. */
  id: number
  /** Whether a record was seen. */
  has: boolean
  low: number
  high: number
  /** Gaps in the sequence so far. */
  gaps: number
}

export type RecordMismatch = (expected: bigint, found: bigint, message: MessageCursor) => void

/** Logs read through one policy at the same time (a merged source); beyond that the sessions are forgotten. */
const MAX_SESSIONS = 65_536

/** Follows the record sequences of a stream of messages, one per log directory. */
export class RecordSessions {
  /** Sessions met: directories, and restarts of a writer in them. */
  count = 0
  /** The session of the last message. */
  current: RecordSession | null = null

  readonly #onMismatch: RecordMismatch | null
  readonly #byPath = new Map<string, RecordSession>()
  #path = ''
  /** Last record sequence of a restored state, for the first directory met. */
  #restored: bigint | null = null

  /** @param onMismatch hears of values that are neither the next one nor 0; null = they are not checked */
  constructor(onMismatch: RecordMismatch | null) {
    this.#onMismatch = onMismatch
  }

  /** The session of a message, which is then its last one. */
  advance(message: MessageCursor): RecordSession {
    const { batch, index } = message
    const { path } = batch.originAt(index)
    if (this.current === null || path !== this.#path) this.current = this.#sessionOf(path)
    const session = this.current
    // Signed, because signed words are kept without allocation.
    const low = batch.seqWords[index * 2]! | 0
    const high = batch.seqWords[index * 2 + 1]! | 0
    if (session.has && (low !== ((session.low + 1) | 0) || low === 0 || high !== session.high)) this.#judge(session, low, high, message)
    session.has = true
    session.low = low
    session.high = high
    return session
  }

  /** Last record sequence of the current directory; null before the first record. */
  get last(): bigint | null {
    if (this.current === null) return this.#restored
    return this.current.has ? join(this.current.low, this.current.high) : null
  }

  /** Gaps of the session with this number so far; null when it is over. */
  gapsOf(id: number): number | null {
    for (const session of this.#byPath.values()) if (session.id === id) return session.gaps
    return null
  }

  /** Begins anew: the next message is the one behind the record with this sequence, in session 0. */
  restore(last: bigint | null): void {
    this.#byPath.clear()
    this.current = null
    this.count = 0
    this.#restored = last
  }

  #sessionOf(path: string): RecordSession {
    this.#path = path
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    if (this.#byPath.size === MAX_SESSIONS) this.#byPath.clear()
    const last = this.#restored ?? 0n
    const session = {
      id: this.count++,
      has: this.#restored !== null,
      low: Number(last & 0xffffffffn) | 0,
      high: Number(last >> 32n) | 0,
      gaps: 0,
    }
    this.#restored = null
    this.#byPath.set(path, session)
    return session
  }

  #judge(session: RecordSession, low: number, high: number, message: MessageCursor): void {
    const found = join(low, high)
    const expected = BigInt.asUintN(64, join(session.low, session.high) + 1n)
    if (found === expected) return
    if (found === 0n) session.id = this.count++
    else if (this.#onMismatch !== null) {
      session.gaps++
      // The message counts even when the listener throws.
      session.low = low
      session.high = high
      this.#onMismatch(expected, found, message)
    }
  }
}
