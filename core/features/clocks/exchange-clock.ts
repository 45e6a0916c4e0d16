import { BOOK_EVENT_EXCHANGE_TS_OFFSET } from '../../protocol/book-event.ts'
import { BOOK_TICKER_TIMESTAMP_OFFSET } from '../../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_TRADE } from '../../protocol/message-type.ts'
import { TRADE_TIMESTAMP_OFFSET } from '../../protocol/trade.ts'
import type { EngineMessage } from '../engine-message.ts'
import { HeldMessages } from './held-messages.ts'
import { microsOf, putMicros } from './microseconds.ts'

/**
 * Puts messages into the order of the exchange clock, as far as bars need it: bar by bar, within a bar in order of arrival.
 *
 * A trade, or ticker, belongs to the bar of its own time. Book events cannot change places, so each has the greatest time of those
 * up to it. A bar is closed when record time has passed its end by `skew`: until then its messages are held.
 *
 * Left out, and counted: a trade whose time is further than `skew` from its record's (`beyondSkew`), and one that comes
 * after its bar was closed, which takes record times that step back (`late`). A book event is never left out, for the book
 * would be wrong without it: where its time cannot be believed it has the time of the book event before it.
 */
export class ExchangeClock {
  /** Trades left out, and book events whose time was not believed, because they are further off than the skew. */
  beyondSkew = 0
  /** Trades left out because their bar was closed. */
  late = 0
  /** The latest record time seen, in microseconds. */
  recordMicros = Number.NEGATIVE_INFINITY

  readonly #barMicros: number
  readonly #skewMicros: number
  readonly #held = new HeldMessages()
  /** Bars below this are closed. */
  #firstOpen = Number.NEGATIVE_INFINITY
  /** The latest time of a book event. */
  #bookMicros = Number.NEGATIVE_INFINITY

  constructor(barMicros: number, skewMicros: number) {
    this.#barMicros = barMicros
    this.#skewMicros = skewMicros
  }

  /** The latest time of a book event so far, in microseconds: none that is held has a later one. */
  get bookMicros(): number {
    return this.#bookMicros
  }

  /** Tells the time of any record, of other types too. */
  see(recordMicros: number): void {
    if (recordMicros <= this.recordMicros) return
    this.recordMicros = recordMicros
    this.#firstOpen = Math.floor((recordMicros - this.#skewMicros) / this.#barMicros)
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
    this.skewMicros = micros - message.micros
    const isBelieved = Math.abs(this.skewMicros) <= this.#skewMicros
    this.isDisbelieved = !isTrade && !isBelieved
    if (!isBelieved) this.beyondSkew++
    if (isTrade) {
      if (!isBelieved) return 'beyond-skew'
      if (Math.floor(micros / this.#barMicros) < this.#firstOpen) {
        this.late++
        return 'late'
      }
    }
    if (isTrade || (isBelieved && micros >= this.#bookMicros && micros >= this.#firstOpen * this.#barMicros)) {
      message.timeLow = low
      message.timeHigh = high
      message.micros = micros
    } else {
      message.micros = Math.max(this.#bookMicros, this.#firstOpen * this.#barMicros, 0)
      putMicros(TIME, 0, message.micros)
      message.timeLow = TIME[0]!
      message.timeHigh = TIME[1]!
    }
    if (!isTrade) this.#bookMicros = message.micros
    this.#held.hold(message, Math.floor(message.micros / this.#barMicros))
    return 'taken'
  }

  /** Hands out what lies in closed bars; at the end everything. */
  release(isEnd: boolean, take: (message: EngineMessage) => void): void {
    this.#held.release(isEnd ? Number.POSITIVE_INFINITY : this.#firstOpen, take)
  }
}

function timeOffsetOf(type: number): number {
  if (type === TYPE_TRADE) return TRADE_TIMESTAMP_OFFSET
  return type === TYPE_BOOK_EVENT ? BOOK_EVENT_EXCHANGE_TS_OFFSET : BOOK_TICKER_TIMESTAMP_OFFSET
}

const TIME = new Uint32Array(2)
