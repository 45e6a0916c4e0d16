import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KnownOptions, requireOptions } from '../../known-options.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { identifyLog } from '../format/log-path.ts'
import { DayTail, type DayTailOptions } from './day-tail.ts'

export interface LiveMergeOptions extends DayTailOptions {
  /** How long a log that shows nothing new may hold up the others, milliseconds. @default 1000 */
  readonly patienceMs?: number
  /** Called once, when all that was written so far has been given and waiting for new messages begins. */
  readonly onLive?: () => void | Promise<void>
  /** Gives logs that have begun since it was last called, which is some times a second; they are merged from then on. @default there are none */
  readonly begun?: () => readonly string[]
  /** A log of `begun` is merged. */
  readonly onJoin?: (joined: JoinedLog) => void
}

/** A log that began when others had been read for a while. */
export interface JoinedLog {
  readonly path: string
  /** Time of its first message, nanoseconds since the epoch; null: it has none yet. */
  readonly firstNs: bigint | null
  /** Messages of its first batch that lie before what had been given of others: they are given behind it. */
  readonly behind: number
  /** Time up to which others had been given. */
  readonly givenNs: bigint
}

const KNOWN: KnownOptions<LiveMergeOptions> = {
  ...{ onCorrupt: true, onIssue: true, signal: true, onLog: true, patienceMs: true, onLive: true, begun: true, onJoin: true },
}

interface Tail {
  readonly reader: DayTail
  readonly stream: string
  /** Given in parts: rows of it from `given` on are still to come. */
  batch: MessageBatch | null
  rows: Uint32Array
  given: number
  /** Time of its last message so far: none that comes is before it. */
  lastNs: bigint
  /** When it was last seen to have nothing new, or −1. */
  quietMs: number
}

const POLL_MS = 4
/** How often it is looked for logs that have begun. */
const LOOK_MS = 200

/**
 * Several logs that are being written, those of later days, and those that begin later, by record time: history, and then what comes. A
 * message is given when each other log has shown a later one, or has shown nothing for `patienceMs`; what comes of it after that is given
 * where it comes. Of equal times streams have the order of their names, book before trades, as runs merge them.
 */
export class LiveMerge {
  readonly #tails: Tail[] = []
  readonly #options: LiveMergeOptions
  #isLive = false
  #lookedMs = performance.now()
  /** The latest time that was given. */
  #givenNs = 0n

  /** @throws ReplayError as DayTail.open */
  static async open(paths: readonly string[], options: LiveMergeOptions = {}): Promise<LiveMerge> {
    requireOptions('LiveMerge.open', options, KNOWN)
    const merge = new LiveMerge(options)
    try {
      for (const log of paths) await merge.#add(log)
      return merge
    } catch (error) {
      await merge.close()
      throw error
    }
  }

  private constructor(options: LiveMergeOptions) {
    this.#options = options
  }

  /** The next messages, valid until the next call; waits for them. @throws what the signal was aborted with; ReplayError as QueueReader */
  async nextBatch(): Promise<MessageBatch> {
    const { signal, patienceMs = 1000 } = this.#options
    for (;;) {
      signal?.throwIfAborted()
      await this.#join()
      for (const tail of this.#tails) if (tail.batch === null) await poll(tail)
      const found = this.#take(patienceMs)
      if (found !== null) return found
      if (!this.#isLive && this.#tails.every(({ batch, reader }) => batch === null && reader.atEnd)) {
        this.#isLive = true
        await this.#options.onLive?.()
      }
      await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    }
  }

  async close(): Promise<void> {
    for (const { reader } of this.#tails) await reader.close()
  }

  async #add(log: string): Promise<Tail> {
    const tail: Tail = {
      reader: await DayTail.open(log, this.#options),
      stream: identifyLog(path.resolve(log)).stream ?? '',
      ...{ batch: null, rows: NO_ROWS, given: 0, lastNs: 0n, quietMs: -1 },
    }
    const at = this.#tails.findIndex(({ stream }) => stream > tail.stream)
    this.#tails.splice(at < 0 ? this.#tails.length : at, 0, tail)
    return tail
  }

  /** Takes in what has begun. */
  async #join(): Promise<void> {
    const { begun, onJoin } = this.#options
    const nowMs = performance.now()
    if (begun === undefined || nowMs - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = nowMs
    for (const log of begun()) {
      const tail = await this.#add(log)
      await poll(tail)
      const times = Array.from(tail.rows, (row) => BigInt.asUintN(64, tail.batch!.times[row]!))
      const givenNs = this.#givenNs
      onJoin?.({ path: log, firstNs: times[0] ?? null, behind: times.filter((time) => time < givenNs).length, givenNs })
    }
  }

  /** What of the log with the earliest message comes before all others'; null when that is not known yet. */
  #take(patienceMs: number): MessageBatch | null {
    const nowMs = performance.now()
    let first: Tail | null = null
    for (const tail of this.#tails) if (tail.batch !== null && (first === null || timeOf(tail) < timeOf(first))) first = tail
    if (first === null) return null
    let boundNs = END_NS
    let isAfter = false
    for (const tail of this.#tails) {
      if (tail === first) {
        isAfter = true
        continue
      }
      if (tail.batch === null && tail.quietMs >= 0 && nowMs - tail.quietMs >= patienceMs) continue
      const nextNs = tail.batch === null ? tail.lastNs : timeOf(tail)
      const ownNs = isAfter ? nextNs : nextNs - 1n
      if (ownNs < boundNs) boundNs = ownNs
    }
    const { rows } = first
    const batch = first.batch!
    let end = first.given
    while (end < rows.length && BigInt.asUintN(64, batch.times[rows[end]!]!) <= boundNs) end++
    if (end === first.given) return null
    const lastNs = BigInt.asUintN(64, batch.times[rows[end - 1]!]!)
    if (lastNs > this.#givenNs) this.#givenNs = lastNs
    batch.giveAgain(rows.subarray(first.given, end))
    first.given = end
    if (end === rows.length) first.batch = null
    return batch
  }
}

async function poll(tail: Tail): Promise<void> {
  const batch = await tail.reader.poll()
  if (batch === null || batch.length === 0) {
    if (tail.quietMs < 0) tail.quietMs = performance.now()
    return
  }
  tail.batch = batch
  tail.rows = batch.rowsFrom(0)
  tail.given = 0
  tail.quietMs = -1
  tail.lastNs = BigInt.asUintN(64, batch.times[batch.rowAt(batch.length - 1)]!)
}

function timeOf({ batch, rows, given }: Tail): bigint {
  return BigInt.asUintN(64, batch!.times[rows[given]!]!)
}

const END_NS = 2n ** 64n
const NO_ROWS = new Uint32Array(0)
