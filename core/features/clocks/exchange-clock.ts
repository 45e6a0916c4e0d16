import type { BookMemory } from '../../book/kernel/book-memory.ts'
import { BOOK_EVENT_EXCHANGE_TS_OFFSET } from '../../protocol/book-event.ts'
import { BOOK_TICKER_TIMESTAMP_OFFSET } from '../../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_TRADE } from '../../protocol/message-type.ts'
import { TRADE_TIMESTAMP_OFFSET } from '../../protocol/trade.ts'
import type { EngineMessage } from '../engine-message.ts'
import { type EntryTaker, HeldMessages } from './held-messages.ts'
import { microsOf, putMicros } from './microseconds.ts'

/** Doubles of the kernel's `ExchangeClock`. */
const RECORD = 0
const BOOK = 1
const FIRST_OPEN = 2
/** Word of it. */
const HELD = 10

/**
 * Puts messages into the order of the exchange clock, as far as bars need it: bar by bar, within a bar in order of arrival.
 *
 * A trade, or ticker, belongs to the bar of its own time. Book events cannot change places, so each has the greatest time of those
 * up to it. A bar is closed when record time has passed its end by `skew`: until then its messages are held.
 *
 * Left out, and counted: a trade whose time is further than `skew` from its record's (`beyondSkew`), and one that comes
 * after its bar was closed, which takes record times that step back (`late`). A book event is never left out, for the book
 * would be wrong without it: where its time cannot be believed it has the time of the book event before it.
 *
 * What it has come to lies in the memory of the book, where the kernel takes messages that there is nothing to say of
 * (kernel/rows/exchange-clock.as).
 */
export class ExchangeClock {
  /** Trades left out, and book events whose time was not believed, because they are further off than the skew. */
  beyondSkew = 0
  /** Trades left out because their bar was closed. */
  late = 0
  /** Address of the kernel's. */
  readonly at: number
  /** What is put aside. */
  readonly held: HeldMessages

  readonly #memory: BookMemory
  readonly #barMicros: number
  readonly #skewMicros: number

  constructor(memory: BookMemory, barMicros: number, skewMicros: number) {
    this.#memory = memory
    this.#barMicros = barMicros
    this.#skewMicros = skewMicros
    this.at = memory.kernel.newExchangeClock(barMicros, skewMicros) >>> 0
    this.held = new HeldMessages(memory, memory.words[(this.at >>> 2) + HELD]!)
  }

  /** The latest record time seen, in microseconds. */
  get recordMicros(): number {
    return this.#memory.doubles[(this.at >>> 3) + RECORD]!
  }

  /** The latest time of a book event so far, in microseconds: none that is held has a later one. */
  get bookMicros(): number {
    return this.#memory.doubles[(this.at >>> 3) + BOOK]!
  }

  /** Bars below this are closed. */
  get #firstOpen(): number {
    return this.#memory.doubles[(this.at >>> 3) + FIRST_OPEN]!
  }

  /** Tells the time of any record, of other types too. */
  see(recordMicros: number): void {
    if (recordMicros <= this.recordMicros) return
    const { doubles } = this.#memory
    doubles[(this.at >>> 3) + RECORD] = recordMicros
    doubles[(this.at >>> 3) + FIRST_OPEN] = Math.floor((recordMicros - this.#skewMicros) / this.#barMicros)
  }

  /** Exchange time minus record time of the message taken last, microseconds. */
  skewMicros = 0
  /** The book event taken last was not believed: it has the time of the one before. */
  isDisbelieved = false

  /** Takes a book event, trade or ticker, of which `see` was told; `message.micros` is its record time. Else why it was left out. */
  take(message: EngineMessage): 'taken' | 'beyond-skew' | 'late' {
    const isTrade = message.type !== TYPE_BOOK_EVENT
    const timeAt = message.at + (timeOffsetOf(message.type) >>> 2)
    const low = message.words[timeAt]!
    const high = message.words[timeAt + 1]!
    const micros = microsOf(low, high)
    const firstOpen = this.#firstOpen
    this.skewMicros = micros - message.micros
    const isBelieved = Math.abs(this.skewMicros) <= this.#skewMicros
    this.isDisbelieved = !isTrade && !isBelieved
    if (!isBelieved) this.beyondSkew++
    if (isTrade) {
      if (!isBelieved) return 'beyond-skew'
      if (Math.floor(micros / this.#barMicros) < firstOpen) {
        this.late++
        return 'late'
      }
    }
    if (isTrade || (isBelieved && micros >= this.bookMicros && micros >= firstOpen * this.#barMicros)) {
      message.timeLow = low
      message.timeHigh = high
      message.micros = micros
    } else {
      message.micros = Math.max(this.bookMicros, firstOpen * this.#barMicros, 0)
      putMicros(TIME, 0, message.micros)
      message.timeLow = TIME[0]!
      message.timeHigh = TIME[1]!
    }
    if (!isTrade) this.#memory.doubles[(this.at >>> 3) + BOOK] = message.micros
    this.held.hold(message, Math.floor(message.micros / this.#barMicros))
    return 'taken'
  }

  /** Hands out what lies in closed bars; at the end everything. @param takeMany is asked first */
  release(isEnd: boolean, take: (message: EngineMessage) => void, takeMany: EntryTaker | null): void {
    this.held.release(isEnd ? Number.POSITIVE_INFINITY : this.#firstOpen, take, takeMany)
  }
}

function timeOffsetOf(type: number): number {
  if (type === TYPE_TRADE) return TRADE_TIMESTAMP_OFFSET
  return type === TYPE_BOOK_EVENT ? BOOK_EVENT_EXCHANGE_TS_OFFSET : BOOK_TICKER_TIMESTAMP_OFFSET
}

const TIME = new Uint32Array(2)
