import type { BookMemory } from '../book/kernel/book-memory.ts'
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

/** Words of the kernel's `MarketEvents`. */
const LIST = 4
const ARENA = 7
/** Words of its `MarketEvent`, whose first two doubles are its times. */
const EVENT_WORDS = 12
const START = 4
const FIRST = 5
const SECOND = 6
const KIND = 7
/** Result of `addLevels` that is neither −1 nor a level. */
const TOO_MANY = -2

/**
 * Market events that at least one side has still to meet, in memory of the books that grows and is used again: a view of what
 * kernel/market-events.as holds. Each side meets them in the order of its own clock, events of one time in the order they came in.
 *
 * The arena holds, from the place that `add` gives on: of a DIFF or SNAPSHOT its levels as (tick, lots) pairs, bids first; of a TRADE
 * (tick, lots); of an ORDER_EVENT its payload, as words.
 */
export class MarketEvents {
  readonly memory: BookMemory
  /** Address of the kernel's. */
  readonly at: number

  constructor(memory: BookMemory) {
    this.memory = memory
    this.at = memory.kernel.newMarketEvents() >>> 0
  }

  /** To be asked for again after `add`. */
  get arena(): Float64Array {
    return this.memory.doubles
  }

  /** The arena as words: two for a double. */
  get words(): Uint32Array {
    return this.memory.words
  }

  /**
   * Adds an event, and room for so many doubles in the arena; gives where they start.
   * @param first of levels: bids; of a trade the taker's side; of a gap 1 when the book is lost @param second of levels: asks
   * @throws ReplayError input `events-too-many`
   */
  add(kind: number, exchangeNs: number, localNs: number, first: number, second: number, doubles: number): number {
    const { kernel } = this.memory
    try {
      const address = kernel.addEvent(this.at, kind, exchangeNs, localNs, first, second, doubles) >>> 0
      if (address !== 0) return address >>> 3
    } catch (cause) {
      throw this.memory.trapped(cause)
    }
    throw tooMany()
  }

  /**
   * Adds a DIFF or SNAPSHOT of a log's levels (price and size, words of u64 each) at an address of the memory, as ticks and lots.
   * @returns −1; or the number of the first level whose price is on no tick, which is an error @throws ReplayError as `add`
   */
  addLevels(
    kind: number,
    exchangeNs: number,
    localNs: number,
    levels: number,
    bids: number,
    asks: number,
    priceFactor: number,
    sizeFactor: number,
  ): number {
    let result: number
    try {
      result = this.memory.kernel.addLevels(this.at, kind, exchangeNs, localNs, levels, bids, asks, priceFactor, sizeFactor)
    } catch (cause) {
      throw this.memory.trapped(cause)
    }
    if (result === TOO_MANY) throw tooMany()
    return result
  }

  /** Local time of the next event of a set of kinds (a bit each); infinite when there is none. */
  nextLocalOf(kinds: number): number {
    return this.memory.kernel.nextLocalOf(this.at, kinds)
  }

  kindOf(event: number): number {
    return this.words[this.#wordsOf(event) + KIND]!
  }

  firstOf(event: number): number {
    return this.memory.ints[this.#wordsOf(event) + FIRST]!
  }

  secondOf(event: number): number {
    return this.words[this.#wordsOf(event) + SECOND]!
  }

  /** Where in the arena an event starts. */
  startOf(event: number): number {
    return (this.words[(this.at >>> 2) + ARENA]! >>> 3) + this.words[this.#wordsOf(event) + START]!
  }

  exchangeNsOf(event: number): number {
    return this.arena[this.#wordsOf(event) >>> 1]!
  }

  localNsOf(event: number): number {
    return this.arena[(this.#wordsOf(event) >>> 1) + 1]!
  }

  /** Forgets what both sides have met, when that is worth it. */
  compact(): void {
    try {
      this.memory.kernel.compactEvents(this.at)
    } catch (cause) {
      throw this.memory.trapped(cause)
    }
  }

  /** The origin of time moves on. */
  rebase(byNs: number): void {
    this.memory.kernel.rebaseEvents(this.at, byNs)
  }

  #wordsOf(event: number): number {
    return (this.words[(this.at >>> 2) + LIST]! >>> 2) + event * EVENT_WORDS
  }
}

function tooMany(): ReplayError {
  return new ReplayError('events-too-many', 'more than 128 MiB of market events between two steps; step more often', { category: 'input' })
}
