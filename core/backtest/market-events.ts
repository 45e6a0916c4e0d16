import { ReplayError } from '../errors.ts'

/** Kinds of events. */
export const DIFF = 0
/** Replaces the book. */
export const SNAPSHOT = 1
/** Empties the book. */
export const RESET = 2
export const TRADE = 3
/** An L3 event; its payload's words lie in the arena. */
export const ORDER_EVENT = 4
/** Messages are missing: the book is not known until it is whole again. */
export const GAP = 5

/** What events on their way may take, doubles (128 MiB). */
const MAX_ARENA = 2 ** 24

/**
 * Market events that at least one side has still to meet, in arrays that grow and are used again. Each side meets them in the order of
 * its own clock, events of one time in the order they came in.
 *
 * The arena holds, from `starts[event]` on: of a DIFF or SNAPSHOT its levels as (tick, lots) pairs, bids first; of a TRADE (tick, lots);
 * of an ORDER_EVENT its payload, as words.
 */
export class MarketEvents {
  arena = new Float64Array(4096)
  words = new Uint32Array(this.arena.buffer)
  kinds = new Uint8Array(256)
  exchangeNs = new Float64Array(256)
  localNs = new Float64Array(256)
  starts = new Int32Array(256)
  /** Of levels: bids and asks. Of a trade: the taker's side, and nothing. */
  firsts = new Int32Array(256)
  seconds = new Int32Array(256)
  /** Events by exchange and by local time. */
  byExchange = new Int32Array(256)
  byLocal = new Int32Array(256)
  count = 0
  /** How many of `byExchange` and of `byLocal` are done. */
  exchangeDone = 0
  localDone = 0
  #end = 0

  /** Next time at the exchange; infinite when there is none. */
  get nextExchangeNs(): number {
    return this.exchangeDone === this.count ? Number.POSITIVE_INFINITY : this.exchangeNs[this.byExchange[this.exchangeDone]!]!
  }

  get nextLocalNs(): number {
    return this.localDone === this.count ? Number.POSITIVE_INFINITY : this.localNs[this.byLocal[this.localDone]!]!
  }

  /** Adds an event, and room for so many doubles in the arena; gives where they start. */
  add(kind: number, exchangeNs: number, localNs: number, first: number, second: number, doubles: number): number {
    if (this.count === this.kinds.length) this.#growEvents()
    if (this.#end + doubles > this.arena.length) this.#growArena(this.#end + doubles)
    const event = this.count++
    const start = this.#end
    this.#end += doubles
    this.kinds[event] = kind
    this.exchangeNs[event] = exchangeNs
    this.localNs[event] = localNs
    this.starts[event] = start
    this.firsts[event] = first
    this.seconds[event] = second
    insert(this.byExchange, this.exchangeDone, event, this.exchangeNs)
    insert(this.byLocal, this.localDone, event, this.localNs)
    return start
  }

  /** Forgets what both sides have met, when that is worth it. */
  compact(): void {
    const { count, exchangeDone, localDone } = this
    if (exchangeDone === count && localDone === count) {
      this.clear()
      return
    }
    if (Math.min(exchangeDone, localDone) < 4096 || Math.min(exchangeDone, localDone) * 2 < count) return
    const isOpen = new Uint8Array(count)
    for (let i = exchangeDone; i < count; i++) isOpen[this.byExchange[i]!] = 1
    for (let i = localDone; i < count; i++) isOpen[this.byLocal[i]!] = 1
    const moved = new Int32Array(count).fill(-1)
    let kept = 0
    let end = 0
    for (let event = 0; event < count; event++) {
      if (isOpen[event] === 0) continue
      const start = this.starts[event]!
      const stop = event + 1 < count ? this.starts[event + 1]! : this.#end
      this.arena.copyWithin(end, start, stop)
      this.kinds[kept] = this.kinds[event]!
      this.exchangeNs[kept] = this.exchangeNs[event]!
      this.localNs[kept] = this.localNs[event]!
      this.firsts[kept] = this.firsts[event]!
      this.seconds[kept] = this.seconds[event]!
      this.starts[kept] = end
      end += stop - start
      moved[event] = kept++
    }
    this.#end = end
    this.count = kept
    this.exchangeDone = renumber(this.byExchange, count, exchangeDone, moved)
    this.localDone = renumber(this.byLocal, count, localDone, moved)
  }

  clear(): void {
    this.count = 0
    this.exchangeDone = 0
    this.localDone = 0
    this.#end = 0
  }

  /** The origin of time moves on. */
  rebase(byNs: number): void {
    for (let event = 0; event < this.count; event++) {
      this.exchangeNs[event]! -= byNs
      this.localNs[event]! -= byNs
    }
  }

  #growEvents(): void {
    const length = 2 * this.kinds.length
    const grown = <A extends Float64Array | Int32Array | Uint8Array>(old: A): A => {
      const made = new (old.constructor as new (length: number) => A)(length)
      made.set(old)
      return made
    }
    this.kinds = grown(this.kinds)
    this.exchangeNs = grown(this.exchangeNs)
    this.localNs = grown(this.localNs)
    this.starts = grown(this.starts)
    this.firsts = grown(this.firsts)
    this.seconds = grown(this.seconds)
    this.byExchange = grown(this.byExchange)
    this.byLocal = grown(this.byLocal)
  }

  #growArena(needed: number): void {
    if (needed > MAX_ARENA) {
      throw new ReplayError('events-too-many', `more than ${MAX_ARENA * 8} bytes of market events between two steps; step more often`, {
        category: 'input',
      })
    }
    const grown = new Float64Array(Math.max(needed, 2 * this.arena.length))
    grown.set(this.arena.subarray(0, this.#end))
    this.arena = grown
    this.words = new Uint32Array(grown.buffer)
  }
}

/** Puts an event behind those of its time; mostly it comes last. What is done stays done. */
function insert(order: Int32Array, done: number, event: number, times: Float64Array): void {
  const time = times[event]!
  let at = event
  while (at > done && times[order[at - 1]!]! > time) {
    order[at] = order[at - 1]!
    at--
  }
  order[at] = event
}

/** Events that are kept by their new numbers; gives how many of them were done. */
function renumber(order: Int32Array, count: number, done: number, moved: Int32Array): number {
  let kept = 0
  let keptDone = 0
  for (let i = 0; i < count; i++) {
    const event = moved[order[i]!]!
    if (event < 0) continue
    order[kept++] = event
    if (i < done) keptDone = kept
  }
  return keptDone
}
