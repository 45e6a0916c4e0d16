import { CORRUPT_LENGTH } from '../book/apply-result.ts'
import { TIME_DIFFERS, TIME_STEPPED_BACK, TIME_WILD } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { BOOK_EVENT_BYTES, BOOK_EVENT_MARKET_ID_OFFSET } from '../protocol/book-event.ts'
import { BOOK_TICKER_BYTES } from '../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TRADE_BYTES, TRADE_SYMBOL_HASH_OFFSET } from '../protocol/trade.ts'
import type { BookTrust } from './book-trust.ts'
import type { ExchangeClock } from './clocks/exchange-clock.ts'
import { damaged, marketMixed } from './engine-errors.ts'
import type { EngineMessage } from './engine-message.ts'
import type { FeatureEngineOptions } from './engine-options.ts'
import type { EventTaker } from './event-taker.ts'
import type { GapWatch } from './gap-watch.ts'
import type { MessageTally } from './message-tally.ts'
import type { RowMaker } from './rows/row-maker.ts'

export interface ArrivalsParts {
  readonly tally: MessageTally
  readonly watch: GapWatch
  readonly trust: BookTrust
  readonly rows: RowMaker
  /** Null with the record clock. */
  readonly exchange: ExchangeClock | null
  readonly events: EventTaker
  readonly hasBook: boolean
}

/** Which messages an engine takes of those that arrive; the rest is counted by reason. */
export class Arrivals {
  otherTypes = 0
  otherMarkets = 0
  badTrades = 0
  /** As the market of the watch, for trades. −1: unknown */
  tradeMarket: number
  readonly #parts: ArrivalsParts
  readonly #isSkipping: boolean
  readonly #isMarketGiven: boolean

  constructor(parts: ArrivalsParts, { onCorrupt, marketId }: Pick<FeatureEngineOptions, 'onCorrupt' | 'marketId'>) {
    this.#parts = parts
    this.#isSkipping = onCorrupt === 'skip'
    this.#isMarketGiven = marketId !== undefined
    this.tradeMarket = marketId ?? -1
  }

  /** Whether a message with an odd record time can be used: a book would be wrong without it, anything else can be done without. */
  isTimeUsable(cursor: MessageCursor, flag: number, isBook: boolean): boolean {
    const { tally, trust } = this.#parts
    if (flag === TIME_STEPPED_BACK || flag === TIME_DIFFERS) {
      tally.note(flag === TIME_DIFFERS ? 'index-differs' : 'clock-step-back', this.#micros)
      return true
    }
    if (flag === TIME_WILD && isBook) {
      tally.note('time-corrected', this.#micros)
      return true
    }
    this.#leaveAt('wild-time', cursor)
    if (isBook) {
      const loss = { isBook, fromMicros: this.#micros, untilMicros: Number.POSITIVE_INFINITY }
      trust.lose(cursor.batch.originAt(cursor.index).path, loss)
    }
    return false
  }

  /** Whether anyone hears of a message that is neither of the book nor a trade. */
  isOtherHeard(cursor: MessageCursor): boolean {
    const { rows } = this.#parts
    this.otherTypes++
    if (rows.hearsMessages || (rows.hearsTickers && cursor.typeId === TYPE_BOOK_TICKER)) return true
    this.#leaveAt('other-type', cursor)
    return false
  }

  /** Whether market and time are there to be read. @throws ReplayError corrupt `trade-truncated`, `book-corrupt-length`, `ticker-truncated` */
  isWhole(message: EngineMessage): boolean {
    const { watch, rows, events, hasBook } = this.#parts
    const isTrade = message.type === TYPE_TRADE
    const isBook = message.type === TYPE_BOOK_EVENT && hasBook
    const least = isTrade
      ? TRADE_BYTES
      : isBook
        ? BOOK_EVENT_BYTES
        : message.type === TYPE_BOOK_TICKER && rows.hearsTickers
          ? BOOK_TICKER_BYTES
          : 0
    if (message.length >= least) return true
    const code = isTrade ? 'trade-truncated' : isBook ? 'book-corrupt-length' : 'ticker-truncated'
    if (!this.#isSkipping) throw damaged(code, `expected at least ${least} bytes, found ${message.length}`, message)
    this.leave(code, message, this.#micros)
    if (!isBook) this.badTrades++
    else {
      events.results[CORRUPT_LENGTH]!++
      watch.lose()
    }
    return false
  }

  /** Whether a book event or trade is of the one market; without a given one, that of the first. @throws ReplayError input `market-mixed` */
  isOfMarket(message: EngineMessage): boolean {
    const { watch } = this.#parts
    const { words, at } = message
    const isTrade = message.type === TYPE_TRADE
    const hashAt = at + (TRADE_SYMBOL_HASH_OFFSET >>> 2)
    const market = isTrade ? (words[hashAt]! ^ words[hashAt + 1]!) >>> 0 : words[at + (BOOK_EVENT_MARKET_ID_OFFSET >>> 2)]!
    const expected = isTrade ? this.tradeMarket : watch.market
    if (market === expected) return true
    if (this.#isMarketGiven) {
      this.otherMarkets++
      this.leave('other-market', message, this.#micros)
      return false
    }
    if (expected >= 0) throw marketMixed(expected, market, message)
    if (isTrade) this.tradeMarket = market
    else watch.market = market
    return true
  }

  /** Puts a message aside for the exchange's clock; false: it comes too late, or its time cannot be believed. */
  hold(exchange: ExchangeClock, message: EngineMessage): boolean {
    const { tally } = this.#parts
    const fate = exchange.take(message)
    if (exchange.isDisbelieved) tally.note('beyond-skew', exchange.recordMicros)
    if (fate === 'taken') return true
    this.leave(fate, message, exchange.recordMicros)
    if (fate === 'beyond-skew') tally.skew(exchange.recordMicros, exchange.skewMicros)
    return false
  }

  /** A message is left out, of the cell of a time. */
  leave(reason: string, { path, positionHigh, positionLow }: EngineMessage, micros: number): void {
    this.#parts.tally.leave(reason, micros, path, positionHigh, positionLow * 64)
  }

  #leaveAt(reason: string, cursor: MessageCursor): void {
    const { segment, segmentOffset, batch, index } = cursor
    this.#parts.tally.leave(reason, this.#micros, batch.originAt(index).path, segment, segmentOffset)
  }

  /** Record time so far. */
  get #micros(): number {
    const { exchange, rows } = this.#parts
    return exchange === null ? rows.micros : exchange.recordMicros
  }
}
