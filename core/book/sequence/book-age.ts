import { BOOK_EVENT_EXCHANGE_TS_OFFSET, BOOK_EVENT_NATIVE_SEQ_OFFSET } from '../../protocol/book-event.ts'

/** Plain numbers, so that restart points can keep them; words of times and ids are signed. */
export interface BookAgeState {
  /** 1 once the book began with a snapshot, or with a reset of orders: what is older has nothing to add. */
  isBased: number
  /** 1 once the session has shown an event: what it begins with is never too old. */
  isComparable: number
  /** Of the last event that had one, nanoseconds since the epoch; 0 = none. */
  exchangeLow: number
  exchangeHigh: number
  /** Of the last event that had one; 0 = none. */
  nativeLow: number
  nativeHigh: number
}

/** How new a book is: what tells a snapshot that was overtaken by newer events from one that replaces the book. */
export class BookAge {
  readonly state: BookAgeState = { isBased: 0, isComparable: 0, exchangeLow: 0, exchangeHigh: 0, nativeLow: 0, nativeHigh: 0 }

  get isKnown(): boolean {
    return (this.state.isBased & this.state.isComparable) !== 0
  }

  /** A new session, of which nothing is known. */
  restart(): void {
    const { state } = this
    state.isComparable = 0
    state.exchangeLow = 0
    state.exchangeHigh = 0
    state.nativeLow = 0
    state.nativeHigh = 0
  }

  /** An event that goes into the book. @param at word of its payload */
  note(words: Uint32Array, at: number): void {
    const { state } = this
    const exchangeLow = words[at + EXCHANGE]!
    const exchangeHigh = words[at + EXCHANGE + 1]!
    const nativeLow = words[at + NATIVE]!
    const nativeHigh = words[at + NATIVE + 1]!
    state.isComparable = 1
    // Signed, because signed words are kept without allocation.
    if ((exchangeLow | exchangeHigh) !== 0) {
      state.exchangeLow = exchangeLow | 0
      state.exchangeHigh = exchangeHigh | 0
    }
    if ((nativeLow | nativeHigh) !== 0) {
      state.nativeLow = nativeLow | 0
      state.nativeHigh = nativeHigh | 0
    }
  }

  /** Exchange time of an event against that of the last one: −1, 0 or 1; NaN when one of them has none. */
  compareTime(words: Uint32Array, at: number): number {
    return compareWords(words[at + EXCHANGE]!, words[at + EXCHANGE + 1]!, this.state.exchangeLow, this.state.exchangeHigh)
  }

  /** Whether it is older by more than exchange times within a stream step back anyway. */
  isLongPast(words: Uint32Array, at: number): boolean {
    if (!(this.compareTime(words, at) < 0)) return false
    const { exchangeLow, exchangeHigh } = this.state
    const time = (words[at + EXCHANGE + 1]! >>> 0) * 2 ** 32 + (words[at + EXCHANGE]! >>> 0)
    return (exchangeHigh >>> 0) * 2 ** 32 + (exchangeLow >>> 0) - time > JITTER_NS
  }

  /** Likewise the exchange's own id. */
  compareNative(words: Uint32Array, at: number): number {
    return compareWords(words[at + NATIVE]!, words[at + NATIVE + 1]!, this.state.nativeLow, this.state.nativeHigh)
  }
}

/** Compares two u64 of two words each, in which 0 means none. */
export function compareWords(low: number, high: number, otherLow: number, otherHigh: number): number {
  if ((low | high) === 0 || (otherLow | otherHigh) === 0) return Number.NaN
  return Math.sign((high >>> 0) - (otherHigh >>> 0)) || Math.sign((low >>> 0) - (otherLow >>> 0))
}

/** Against record times, exchange times of real captures lie from −0.7 to +1.3 s. */
const JITTER_NS = 2e9
const EXCHANGE = BOOK_EVENT_EXCHANGE_TS_OFFSET >>> 2
const NATIVE = BOOK_EVENT_NATIVE_SEQ_OFFSET >>> 2
