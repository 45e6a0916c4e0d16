import type { MessageCursor } from '../../message/message.ts'
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
  /** Goes on from a restored state. */
  isContinued: boolean
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
  /** Last record sequences of a restored state, by name of the log, for the directories of these names that are met first. */
  readonly #restored = new Map<string, bigint>()

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

  /** The session of a log that messages were met of. @param path of its directory */
  of(path: string): RecordSession | null {
    return this.#byPath.get(path) ?? null
  }

  /** Last record sequence of each log, by its name: the last part of its path, which is the same wherever the archive lies. */
  get last(): Record<string, bigint> {
    const met = [...this.#byPath].flatMap(([path, session]) =>
      session.has ? [[logName(path), join(session.low, session.high)] as const] : [],
    )
    return Object.fromEntries([...this.#restored, ...met])
  }

  /** Whether any session has a gap. */
  get hasGap(): boolean {
    return [...this.#byPath.values()].some(({ gaps }) => gaps > 0)
  }

  /** Name of the log that a session is of; null when the session is over. */
  nameOf(id: number): string | null {
    for (const [path, session] of this.#byPath) if (session.id === id) return logName(path)
    return null
  }

  /** Gaps of the session with this number so far; null when it is over. */
  gapsOf(id: number): number | null {
    for (const session of this.#byPath.values()) if (session.id === id) return session.gaps
    return null
  }

  /** Begins anew: the next message of each of these logs is the one behind the record with this sequence. */
  restore(last: Readonly<Record<string, bigint>>): void {
    this.#byPath.clear()
    this.current = null
    this.count = 0
    this.#restored.clear()
    for (const [name, seq] of Object.entries(last)) this.#restored.set(name, seq)
  }

  #sessionOf(path: string): RecordSession {
    this.#path = path
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    if (this.#byPath.size === MAX_SESSIONS) this.#byPath.clear()
    const last = this.#restored.get(logName(path))
    this.#restored.delete(logName(path))
    const session = {
      id: this.count++,
      has: last !== undefined,
      low: Number((last ?? 0n) & 0xffffffffn) | 0,
      high: Number((last ?? 0n) >> 32n) | 0,
      gaps: 0,
      isContinued: last !== undefined,
    }
    this.#byPath.set(path, session)
    return session
  }

  #judge(session: RecordSession, low: number, high: number, message: MessageCursor): void {
    const found = join(low, high)
    const expected = BigInt.asUintN(64, join(session.low, session.high) + 1n)
    if (found === expected) return
    if (found === 0n) {
      session.id = this.count++
      session.isContinued = false
    } else if (this.#onMismatch !== null) {
      session.gaps++
      // The message counts even when the listener throws.
      session.low = low
      session.high = high
      this.#onMismatch(expected, found, message)
    }
  }
}

/** The last part of a log's path, which may end with a slash. */
export function logName(path: string): string {
  const last = path.charCodeAt(path.length - 1)
  if (last === 47 || last === 92) return logName(path.slice(0, -1))
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}
