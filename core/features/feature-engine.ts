import { APPLIED, CORRUPT_LENGTH, FIRST_BAD_RESULT, newResultCounts, RESULT_NAMES, UNKNOWN_ORDER } from '../book/apply-result.ts'
import { L2Book } from '../book/l2-book.ts'
import { L3Book } from '../book/l3-book.ts'
import { PayloadWords } from '../book/payload-words.ts'
import { type SequencePolicy, VERDICT_APPLY } from '../book/sequence-policy.ts'
import { ReplayError } from '../errors.ts'
import type { MessageBatch } from '../pipeline/batch.ts'
import type { MessageCursor } from '../pipeline/message.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_MARKET_ID_OFFSET,
  BOOK_EVENT_TYPE_OFFSET,
  BookEventView,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  MODE_L3,
} from '../protocol/book-event.ts'
import { BOOK_TICKER_BYTES, BookTickerView } from '../protocol/book-ticker.ts'
import { L3_EVENT_TYPE_OFFSET, L3_RESET } from '../protocol/l3-event.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { TRADE_BYTES, TRADE_SYMBOL_HASH_OFFSET, TradeView } from '../protocol/trade.ts'
import type { EngineMoment } from './column.ts'
import { parseDuration } from './duration.ts'
import { EngineMessage, EVENT_LOST } from './engine-message.ts'
import type { FeatureEngineOptions, FeatureStats } from './engine-options.ts'
import { EventTrigger } from './event-trigger.ts'
import { ExchangeClock } from './exchange-clock.ts'
import { FeatureBook } from './feature-book.ts'
import { FeatureTable } from './feature-table.ts'
import { GapWatch } from './gap-watch.ts'
import { GridClock } from './grid-clock.ts'
import { microsOf, putMicros, wholeMicros } from './microseconds.ts'
import { NO_TRIGGER, planTrigger, type TriggerPlan } from './trigger.ts'

/**
 * Turns the book events and trades of one instrument into rows of features.
 *
 * It owns decoding, the book, gaps, clock and trigger: give it batches in order (of one log, or several merged by record
 * time), then call `finish`. L2 books, or L3 books through their L2 view: what the log's first book event is.
 */
export class FeatureEngine {
  readonly tables: readonly FeatureTable[]
  readonly book: FeatureBook
  /** Everything before `toNs` has been seen: the rest is of no interest. */
  isDone = false

  readonly #plan: TriggerPlan
  readonly #grid: GridClock
  readonly #exchange: ExchangeClock | null
  readonly #isSkipping: boolean
  readonly #isSkippingUnknown: boolean
  readonly #fromMicros: number
  readonly #toMicros: number
  readonly #startMicros: number
  readonly #doneMicros: number
  readonly #hasBook: boolean
  readonly #hearsBook: boolean
  readonly #hearsTickers: boolean
  readonly #hearsMessages: boolean
  readonly #hearsDays: boolean
  readonly #barMicros: number
  /** 0 with the record clock. */
  readonly #skewMicros: number
  readonly #isFilled: boolean

  readonly #payload = new PayloadWords()
  readonly #message = new EngineMessage()
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
  readonly #moment: EngineMoment = { timeLow: 0, timeHigh: 0, micros: 0, positionLow: 0, positionHigh: -1, number: 0 }
  /** With the record clock, the message being handled. */
  #cursor: MessageCursor | null = null
  readonly #event = new BookEventView()
  #l2: L2Book
  #l3: L3Book | null = null
  readonly #watch: GapWatch
  readonly #events: EventTrigger
  /** As the market of the watch, for trades. */
  #tradeMarket: number
  readonly #isMarketGiven: boolean
  /** What the watch says, in the order of the clock: the book is empty because of a gap. */
  #isBookOpen = false
  /** Tables were told of a gap whose end they wait for. */
  #isTableOpen = false

  /** What comes is of before the start, and only its sequences are looked at. */
  #isLeadIn: boolean
  #hasStarted = false
  #micros = Number.NEGATIVE_INFINITY
  /** Of the bar that is being filled; without bars, of the day. */
  #barHasMessages = false
  #positionLow = 0
  #positionHigh = -1

  #bookEvents = 0
  #trades = 0
  #otherTypes = 0
  #otherMarkets = 0
  #badTrades = 0
  readonly #results = newResultCounts()

  /** @throws ReplayError input `trigger`, `duration`, `time-unaligned`, `clock-without-bars`, `column-params` */
  constructor(options: FeatureEngineOptions) {
    const plan = options.trigger === null ? NO_TRIGGER : planTrigger(options.trigger)
    this.#plan = plan
    this.#barMicros = plan.barMicros
    this.#isFilled = plan.barMicros > 0 && options.fill === true
    const skewMicros = parseDuration(options.maxSkew ?? '5s') / 1000
    this.#skewMicros = options.clock === 'exchange' ? skewMicros : 0
    if (options.clock === 'exchange' && plan.barMicros === 0) {
      throw new ReplayError('clock-without-bars', 'the exchange clock orders messages by time bars: expected a trigger with `every`', {
        category: 'input',
      })
    }
    this.#exchange = options.clock === 'exchange' ? new ExchangeClock(plan.barMicros, skewMicros) : null
    this.#fromMicros = this.#bound(options.fromNs, 'fromNs', Number.NEGATIVE_INFINITY)
    this.#toMicros = this.#bound(options.toNs, 'toNs', Number.POSITIVE_INFINITY)
    this.#doneMicros = this.#toMicros + this.#skewMicros
    this.#startMicros = options.startNs === undefined ? Number.POSITIVE_INFINITY : wholeMicros(options.startNs, 'startNs')
    if (options.startNs === undefined && options.fromNs !== undefined) this.#startMicros = this.#fromMicros
    this.#isSkipping = options.onCorrupt === 'skip'
    this.#isSkippingUnknown = this.#isSkipping || options.onGap === 'ignore'
    this.#hasBook = options.hasBook ?? true
    this.#isLeadIn = options.hasLeadIn === true && options.startNs !== undefined
    this.#isMarketGiven = options.marketId !== undefined
    this.#tradeMarket = options.marketId ?? -1
    const { onGap = 'quarantine', rule, onFinding } = options
    this.#watch = new GapWatch({ onGap, rule, onFinding }, this.#tradeMarket)
    const book = options.restart?.book
    this.#l2 = book instanceof L2Book ? book : new L2Book({ depthLimit: options.depthLimit })
    if (book instanceof L3Book) this.#l3 = book
    this.book = new FeatureBook(book ?? this.#l2)
    if (options.restart?.policy !== undefined) {
      this.#watch.restore(options.restart.policy)
      this.#isBookOpen = this.#watch.isOpen
      if (this.#isBookOpen) this.book.source.clear()
    }
    this.#events = new EventTrigger(plan, this.book)
    this.tables = options.tables.map((table) => new FeatureTable(table, this.book, plan.barMicros, plan.hasEventRows, this.#moment))
    this.#hearsBook = this.tables.some(({ hearsBook }) => hearsBook)
    this.#hearsTickers = this.tables.some(({ hearsTickers }) => hearsTickers)
    this.#hearsMessages = this.tables.some(({ hearsMessages }) => hearsMessages)
    this.#hearsDays = this.tables.some(({ hearsDays }) => hearsDays)
    if (this.#exchange !== null && this.#hearsMessages) {
      throw new ReplayError(
        'clock-message',
        'the exchange clock puts messages aside, so that `message` cannot see them: use the record clock',
        {
          category: 'input',
        },
      )
    }
    this.#grid = new GridClock(
      plan.barMicros,
      this.#isFilled,
      this.tables.flatMap(({ samplers }) => samplers),
      { barEnds: (bar) => this.#barEnds(bar), dayEnds: (endMicros) => this.#dayEnds(endMicros) },
    )
  }

  /** The latest time handled, in microseconds: all rows of what lies before have been made. */
  get clockMicros(): number {
    return this.#micros
  }

  get policy(): SequencePolicy {
    return this.#watch.policy
  }

  /**
   * How far before a slice a pass has to begin, so that its rows are those of one long pass: at a snapshot message that lies
   * before `fromNs` − `warmUpNs`, or with a restored book and `startNs` at it.
   */
  get warmUpNs(): number {
    const windows = Math.max(...this.tables.map(({ warmUpMicros }) => warmUpMicros))
    return (windows + this.#skewMicros) * 1000
  }

  /** Rows depend on all of their UTC day, so that a pass can only begin with a day: rows at every N events, or sums since the row before. */
  get beginsWithDay(): boolean {
    return this.#plan.everyEvents > 0 || (this.#barMicros === 0 && this.tables.some(({ countsPerRow }) => countsPerRow))
  }

  get stats(): FeatureStats {
    const { policy } = this
    const bad = [...this.#results].map((count, code): [string, number] => [
      RESULT_NAMES[code]!,
      code === UNKNOWN_ORDER || code >= FIRST_BAD_RESULT ? count : 0,
    ])
    return {
      rows: this.tables.reduce((sum, { rows }) => sum + rows, 0),
      bookEvents: this.#bookEvents,
      trades: this.#trades,
      otherTypes: this.#otherTypes,
      otherMarkets: this.#otherMarkets,
      skipped: Object.fromEntries([...bad, ['trade-truncated', this.#badTrades] as const].filter(([, count]) => count > 0)),
      beyondSkew: this.#exchange?.beyondSkew ?? 0,
      late: this.#exchange?.late ?? 0,
      gaps: Object.fromEntries(Object.entries(policy.findings).filter(([, count]) => count > 0)),
      quarantined: policy.quarantinedMessages,
      duplicates: policy.duplicateMessages,
      stale: policy.staleMessages,
    }
  }

  /**
   * Takes the selected messages of a batch.
   * @throws ReplayError corrupt `sequence-gap` (policy abort), `book-<result>`, `trade-truncated`; input `market-mixed`, `u64-range`, `skew-too-large`
   */
  write(batch: MessageBatch): void {
    const { selection, types, offsets, lengths, timeWords } = batch
    const message = this.#message
    const exchange = this.#exchange
    for (let k = 0; k < batch.length && !this.isDone; k++) {
      const row = selection === null ? k : selection[k]!
      const timeLow = timeWords[2 * row]!
      const timeHigh = timeWords[2 * row + 1]!
      const micros = microsOf(timeLow, timeHigh)
      if (micros >= this.#doneMicros) {
        this.isDone = true
        break
      }
      if (timeHigh >= 2 ** 31) throw timeTooLarge(batch, row)
      exchange?.see(micros)
      const cursor = batch.at(row)
      const verdict = this.#watch.check(cursor)
      if (this.#isLeadIn) {
        if (micros < this.#startMicros) {
          this.#watch.told()
          continue
        }
        this.#isLeadIn = false
      }
      const type = types[row]!
      const isOther = type !== TYPE_TRADE && (type !== TYPE_BOOK_EVENT || !this.#hasBook)
      if (isOther) {
        this.#otherTypes++
        if (!this.#hearsMessages && !(this.#hearsTickers && type === TYPE_BOOK_TICKER)) continue
      }
      const buffer = batch.buffers[batch.bufferIndex === null ? 0 : batch.bufferIndex[row]!]!
      const { origin } = buffer
      const offset = offsets[row]!
      message.type = type
      message.view = buffer.view
      message.offset = offset + 64
      message.length = lengths[row]!
      message.at = this.#payload.locate(buffer.bytes, offset + 64, message.length)
      message.words = this.#payload.words
      message.timeLow = timeLow
      message.timeHigh = timeHigh
      message.micros = micros
      message.positionHigh = origin.segment
      message.positionLow = (origin.bufferStart + offset) / 64
      message.path = origin.path
      message.verdict = verdict
      if (!this.#isWhole(message)) continue
      if (!isOther && !this.#isOfMarket(message)) {
        this.#otherMarkets++
        continue
      }
      this.#watch.note(message)
      if (exchange === null) {
        this.#cursor = cursor
        this.#handle(message)
      } else if (!exchange.take(message)) continue
      this.#watch.told()
    }
    exchange?.release(false, this.#handleHeld)
  }

  /** Makes the rows that were waiting for time to pass. Targets stay open. */
  finish(): void {
    this.#exchange?.release(true, this.#handleHeld)
    const isBounded = this.#toMicros < Number.POSITIVE_INFINITY
    if (!this.#hasStarted) {
      if (!isBounded || (!this.#isFilled && !this.#hearsDays) || this.#startMicros === Number.POSITIVE_INFINITY) return
      this.#start(this.#startMicros)
    }
    if (isBounded) this.#grid.advance(this.#toMicros)
    else if (this.#barMicros > 0) this.#grid.advance(this.#grid.barEnd)
  }

  readonly #handleHeld = (message: EngineMessage): void => this.#handle(message)

  // In order of arrival

  /** Whether market and time are there to be read. */
  #isWhole(message: EngineMessage): boolean {
    const isTrade = message.type === TYPE_TRADE
    const isBook = message.type === TYPE_BOOK_EVENT && this.#hasBook
    const least = isTrade
      ? TRADE_BYTES
      : isBook
        ? BOOK_EVENT_BYTES
        : message.type === TYPE_BOOK_TICKER && this.#hearsTickers
          ? BOOK_TICKER_BYTES
          : 0
    if (message.length >= least) return true
    const code = isTrade ? 'trade-truncated' : isBook ? 'book-corrupt-length' : 'ticker-truncated'
    if (!this.#isSkipping) throw damaged(code, `expected at least ${least} bytes, found ${message.length}`, message)
    if (!isBook) this.#badTrades++
    else {
      this.#results[CORRUPT_LENGTH]!++
      this.#watch.lose()
    }
    return false
  }

  #isOfMarket(message: EngineMessage): boolean {
    const { words, at } = message
    const isTrade = message.type === TYPE_TRADE
    const hashAt = at + (TRADE_SYMBOL_HASH_OFFSET >>> 2)
    const market = isTrade ? (words[hashAt]! ^ words[hashAt + 1]!) >>> 0 : words[at + (BOOK_EVENT_MARKET_ID_OFFSET >>> 2)]!
    const expected = isTrade ? this.#tradeMarket : this.#watch.market
    if (market === expected) return true
    if (this.#isMarketGiven) return false
    if (expected >= 0) throw marketMixed(expected, market, message)
    if (isTrade) this.#tradeMarket = market
    else this.#watch.market = market
    return true
  }

  // In the order of the clock

  #handle(message: EngineMessage): void {
    const { micros } = message
    if (micros >= this.#toMicros) return
    if (!this.#hasStarted) this.#start(Math.min(micros, this.#startMicros))
    if (micros >= this.#grid.next) this.#grid.advance(micros)
    if (micros > this.#micros) this.#micros = micros
    if (message.gap !== 0 || message.gapOpen !== (this.#isTableOpen ? 1 : 0)) this.#judgeGap(message)
    this.#barHasMessages = true
    this.#positionLow = message.positionLow
    this.#positionHigh = message.positionHigh
    const moment = this.#moment
    moment.timeLow = message.timeLow
    moment.timeHigh = message.timeHigh
    moment.micros = this.#micros
    moment.positionLow = message.positionLow
    moment.positionHigh = message.positionHigh
    moment.number++
    if (this.#hearsMessages) for (let i = 0; i < this.tables.length; i++) this.tables[i]!.message(this.#cursor!)
    if (message.type === TYPE_TRADE) this.#takeTrade(message)
    else if (message.type === TYPE_BOOK_EVENT && this.#hasBook) this.#takeBookEvent(message)
    else if (message.type === TYPE_BOOK_TICKER && this.#hearsTickers) this.#takeTicker(message)
  }

  #start(micros: number): void {
    this.#hasStarted = true
    this.#micros = micros
    this.#grid.start(micros)
    for (const table of this.tables) table.start()
    if (this.#isBookOpen) this.#tellGap(micros, true)
    this.#events.start()
  }

  #judgeGap(message: EngineMessage): void {
    const isBook = message.type === TYPE_BOOK_EVENT
    const isOpen = message.gapOpen !== 0
    // By the exchange clock a trade may come before book events that arrived earlier: only book events say what the book is.
    if (isOpen && !this.#isBookOpen && (isBook || this.#exchange === null)) {
      this.#isBookOpen = true
      // An empty book says nothing; a stale one would say something wrong.
      this.book.source.clear()
    }
    const isLost = message.gap === EVENT_LOST && this.policy.onGap === 'quarantine'
    if (message.gap !== 0) this.#tellGap(message.micros, isOpen || this.#isBookOpen || isLost)
    if (isBook && !isOpen && this.#isTableOpen && (this.#isBookOpen || isRestart(message))) {
      this.#isBookOpen = false
      this.#isTableOpen = false
      const isAtStart = message.micros % (this.#barMicros === 0 ? DAY_MICROS : this.#barMicros) === 0
      const isWhole = isAtStart && !this.#barHasMessages && message.gap === 0
      for (const table of this.tables) table.gapEnds(message.micros, isWhole)
    }
  }

  #tellGap(micros: number, isOpen: boolean): void {
    this.#isTableOpen = isOpen
    for (const table of this.tables) table.gap(micros, isOpen)
  }

  #takeTrade(message: EngineMessage): void {
    this.#trades++
    const trade = this.#trade.wrap(message.view, message.offset, message.length)
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.trade(trade)
    if (this.#plan.hasEventRows && this.#events.trade()) this.#eventRow(message)
  }

  #takeTicker(message: EngineMessage): void {
    const ticker = this.#ticker.wrap(message.view, message.offset, message.length)
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.ticker(ticker)
  }

  #takeBookEvent(message: EngineMessage): void {
    this.#bookEvents++
    if (message.verdict !== VERDICT_APPLY) return
    const result = this.#apply(message)
    this.#results[result]!++
    if (result !== APPLIED && (result !== UNKNOWN_ORDER || !this.#isSkippingUnknown)) {
      if (result === UNKNOWN_ORDER || result >= FIRST_BAD_RESULT) this.#refuse(result, message)
      return
    }
    const restarted = isRestart(message)
    if (this.#hearsBook) {
      const event = this.#event.wrap(message.view, message.offset, message.length)
      for (let i = 0; i < this.tables.length; i++) this.tables[i]!.book(event, restarted)
    }
    if (!this.#plan.hasEventRows) return
    const isReset = restarted && (this.book.priceScale < 0 || isL3Reset(message))
    if (this.#events.book(restarted, isReset)) this.#eventRow(message)
  }

  #apply(message: EngineMessage): number {
    const { words, at, length } = message
    const isL3 = ((words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! >>> 8) & 0xff) === MODE_L3
    if (isL3 && this.#l3 === null && this.#results[APPLIED] === 0) {
      this.#l3 = new L3Book()
      this.book.bind(this.#l3)
    }
    return (this.#l3 ?? this.#l2).applyPayload(words, at, length)
  }

  #refuse(result: number, message: EngineMessage): void {
    const name = RESULT_NAMES[result]!
    if (!this.#isSkipping) {
      throw damaged(`book-${name}`, `a book event that cannot be applied (${name}); leave such events out with onCorrupt "skip"`, message)
    }
    // What the event would have changed is missing until the book is replaced.
    this.#tellGap(message.micros, this.policy.onGap === 'quarantine')
  }

  #eventRow(message: EngineMessage): void {
    const isMuted = this.#micros < this.#fromMicros
    for (let i = 0; i < this.tables.length; i++) {
      const table = this.tables[i]!
      if (isMuted) table.mutedRow()
      else table.eventRow(message.timeLow, message.timeHigh, message.micros, this.#micros, message.positionLow, message.positionHigh)
    }
  }

  #barEnds(bar: number): void {
    const startMicros = bar * this.#barMicros
    const isRow = this.#barHasMessages || this.#isFilled
    for (const table of this.tables) {
      if (!isRow) table.nextRow()
      else if (startMicros < this.#fromMicros) table.mutedRow()
      else table.barRow(startMicros, startMicros + this.#barMicros, this.#positionLow, this.#barHasMessages ? this.#positionHigh : -1)
    }
    this.#barHasMessages = false
  }

  /** What rows at events count up begins anew each UTC day, so that a pass can begin there. */
  #dayEnds(endMicros: number): void {
    if (this.#hearsDays) this.#tellDay(endMicros)
    this.#events.dayEnds()
    if (this.#barMicros > 0) return
    this.#barHasMessages = false
    for (const table of this.tables) table.nextRow()
  }

  #tellDay(endMicros: number): void {
    const moment = this.#moment
    // The last nanosecond of the day.
    putMicros(TIME, 0, endMicros)
    moment.timeHigh = TIME[0] === 0 ? TIME[1]! - 1 : TIME[1]!
    moment.timeLow = (TIME[0]! - 1) >>> 0
    moment.micros = endMicros - 1
    moment.positionHigh = -1
    moment.number++
    for (const table of this.tables) table.dayEnds()
  }

  #bound(timestampNs: bigint | undefined, what: string, none: number): number {
    if (timestampNs === undefined) return none
    const micros = wholeMicros(timestampNs, what)
    if (this.#barMicros === 0 || micros % this.#barMicros === 0) return micros
    throw new ReplayError('time-unaligned', `${what}: expected a multiple of the bars' ${this.#barMicros} us, found ${timestampNs} ns`, {
      category: 'input',
    })
  }
}

const TIME = new Uint32Array(2)
const DAY_MICROS = 86_400e6

function isRestart(message: EngineMessage): boolean {
  const kind = message.words[message.at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! & 0xffff
  return kind === EVENT_SNAPSHOT || kind === EVENT_RESET || isL3Reset(message)
}

function isL3Reset({ words, at }: EngineMessage): boolean {
  return (
    ((words[at + (BOOK_EVENT_TYPE_OFFSET >>> 2)]! >>> 8) & 0xff) === MODE_L3 &&
    (words[at + (L3_EVENT_TYPE_OFFSET >>> 2)]! & 0xff) === L3_RESET
  )
}

function marketMixed(expected: number, found: number, message: EngineMessage): ReplayError {
  const text = `features are of one market: the log begins with market ${expected}, then has ${found}; choose one (marketId)`
  return new ReplayError('market-mixed', text, { category: 'input', ...placeOf(message) })
}

function timeTooLarge(batch: MessageBatch, row: number): ReplayError {
  const { path } = batch.originAt(row)
  const text = 'record time: expected at most 2^63 - 1 ns, which is what ts_ns, an i64, holds'
  return new ReplayError('u64-range', text, { category: 'input', path, seq: batch.at(row).seq })
}

function damaged(code: string, text: string, message: EngineMessage): ReplayError {
  return new ReplayError(code, text, { category: 'corrupt', ...placeOf(message) })
}

function placeOf({ path, positionLow, positionHigh }: EngineMessage): { path?: string; segment?: number; offset?: number } {
  return { ...(path !== '' && { path }), ...(positionHigh >= 0 && { segment: positionHigh, offset: positionLow * 64 }) }
}
