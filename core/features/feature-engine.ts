import { PayloadInput } from '../book/kernel/payload-input.ts'
import { L2Book } from '../book/l2-book.ts'
import { PayloadWords } from '../book/payload-words.ts'
import { type SequencePolicy, VERDICT_APPLY } from '../book/sequence/sequence-policy.ts'
import { type ErrorPlace, ReplayError } from '../errors.ts'
import { isoTime } from '../instant.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { MessageCursor } from '../message/message.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { Arrivals } from './arrivals.ts'
import { BookTrust, type LogLoss } from './book-trust.ts'
import { parseDuration } from './clocks/duration.ts'
import { ExchangeClock } from './clocks/exchange-clock.ts'
import type { EntryTaker } from './clocks/held-messages.ts'
import { microsOf, wholeMicros } from './clocks/microseconds.ts'
import { NO_TRIGGER, planTrigger, type TriggerPlan } from './clocks/trigger.ts'
import { timeTooLarge } from './engine-errors.ts'
import { EngineMessage, placeOf } from './engine-message.ts'
import type { EngineRestart, FeatureEngineOptions, FeatureStats } from './engine-options.ts'
import { featureStats } from './engine-stats.ts'
import { EventTaker } from './event-taker.ts'
import { FeatureBook } from './feature-book.ts'
import { GapWatch } from './gap-watch.ts'
import type { HeldFeed } from './held-feed.ts'
import { HeldRun } from './held-run.ts'
import { MessageRun } from './message-run.ts'
import { MessageTally } from './message-tally.ts'
import type { OpenLosses } from './open-losses.ts'
import type { FeatureTable } from './rows/feature-table.ts'
import { RowMaker } from './rows/row-maker.ts'

/**
 * Turns the book events and trades of one instrument into rows of features.
 *
 * It owns decoding, the book, gaps, clock and trigger: give it batches in order (of one log, or several merged by record
 * time), then call `finish`. L2 books, or L3 books through their L2 view: what the log's first book event is.
 */
export class FeatureEngine {
  readonly tables: readonly FeatureTable[]
  readonly book: FeatureBook
  /** What became of the messages, by cell. */
  readonly tally: MessageTally
  /** Everything before `toNs` has been seen: the rest is of no interest. */
  isDone = false

  readonly #plan: TriggerPlan
  readonly #exchange: ExchangeClock | null
  readonly #fromMicros: number
  readonly #toMicros: number
  readonly #startMicros: number
  readonly #doneMicros: number
  readonly #hasBook: boolean
  readonly #barMicros: number
  /** 0 with the record clock. */
  readonly #skewMicros: number
  readonly #isFilled: boolean

  readonly #payload = new PayloadWords()
  readonly #input: PayloadInput
  readonly #message = new EngineMessage()
  /** With the record clock, the message being handled. */
  #cursor: MessageCursor | null = null
  readonly #watch: GapWatch
  readonly #rows: RowMaker
  readonly #trust: BookTrust
  /** Those of the trust. */
  readonly #losses: OpenLosses
  readonly #events: EventTaker
  readonly #arrivals: Arrivals
  /** Takes most messages; null: each is to be looked at by itself. */
  readonly #run: MessageRun | null
  /** Likewise of those that were put aside. */
  readonly #takeHeld: EntryTaker | null
  #batch: MessageBatch | null = null

  /** What comes is of before the start, and only its sequences are looked at. */
  #isLeadIn: boolean

  /** The message being handled, or the last one. */
  #handled: EngineMessage | null = null
  /** Of the message being handled, in its batch. */
  #bufferIndex = 0
  /** Why the columns cannot use the message being handled. */
  #unusable: string | null = null

  #trades = 0

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
    this.#fromMicros = this.#bound(options.fromNs, 'fromNs', Number.NEGATIVE_INFINITY)
    this.#toMicros = this.#bound(options.toNs, 'toNs', Number.POSITIVE_INFINITY)
    this.#doneMicros = this.#toMicros + this.#skewMicros
    this.tally = new MessageTally(options.cells ?? [{ startMicros: Number.NEGATIVE_INFINITY, endMicros: Number.POSITIVE_INFINITY }])
    this.#startMicros = options.startNs === undefined ? Number.POSITIVE_INFINITY : wholeMicros(options.startNs, 'startNs')
    if (options.startNs === undefined && options.fromNs !== undefined) this.#startMicros = this.#fromMicros
    this.#hasBook = options.hasBook ?? true
    this.#isLeadIn = options.hasLeadIn === true && options.startNs !== undefined
    const { onGap = 'quarantine', rule, onFinding } = options
    this.#watch = new GapWatch({ onGap, rule, onFinding }, options.marketId ?? -1)
    this.book = new FeatureBook(
      options.restart?.book ?? new L2Book({ depthLimit: options.depthLimit }),
      changeOf(options.restart, skewMicros),
    )
    const { memory } = this.book.source
    this.#exchange = options.clock === 'exchange' ? new ExchangeClock(memory, plan.barMicros, skewMicros) : null
    this.#input = new PayloadInput(memory)
    if (options.restart?.policy !== undefined) {
      this.#watch.restore(options.restart.policy)
      if (this.#watch.isOpen) this.book.source.clear()
    }
    this.#rows = new RowMaker(options.tables, this.book, { plan, isFilled: this.#isFilled, fromMicros: this.#fromMicros })
    this.tables = this.#rows.tables
    this.#trust = new BookTrust({
      ...{ rows: this.#rows, book: this.book, policy: this.#watch.policy },
      ...{ exchange: this.#exchange, hasBook: this.#hasBook, isOpen: this.#watch.isOpen, absences: options.absences },
    })
    this.#losses = this.#trust.losses
    this.#events = new EventTaker({ book: this.book, rows: this.#rows, trust: this.#trust, options })
    this.#arrivals = new Arrivals(
      {
        ...{ tally: this.tally, watch: this.#watch, trust: this.#trust, rows: this.#rows },
        ...{ exchange: this.#exchange, events: this.#events, hasBook: this.#hasBook },
      },
      options,
    )
    this.#run = this.#newRun()
    this.#takeHeld = this.#newHeldRun(options.feed)
    // The messages are those of all tables; what one made of them, so did the others.
    const [first] = this.tables
    if (first !== undefined) {
      first.hear = (reason, isMessage) => {
        if (isMessage) this.#unusable = reason
        else this.tally.note(reason, this.#rows.micros)
      }
    }
    if (this.#exchange !== null && this.#rows.hearsMessages) {
      throw new ReplayError(
        'clock-message',
        'the exchange clock puts messages aside, so that `message` cannot see them: use the record clock',
        {
          category: 'input',
        },
      )
    }
  }

  /** The latest time handled, in microseconds: all rows of what lies before have been made. */
  get clockMicros(): number {
    return this.#rows.micros
  }

  /** Where the message is that is being handled, or was last. */
  get place(): ErrorPlace {
    const message = this.#handled
    return message === null ? {} : { ...placeOf(message), time: isoTime((BigInt(message.recordHigh) << 32n) | BigInt(message.recordLow)) }
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
    return featureStats(this.tables, this.policy, this.#exchange, this.#events.results, {
      bookEvents: this.#events.bookEvents,
      trades: this.#trades,
      otherTypes: this.#arrivals.otherTypes,
      otherMarkets: this.#arrivals.otherMarkets,
      badTrades: this.#arrivals.badTrades,
    })
  }

  /**
   * Takes the selected messages of a batch.
   * @throws ReplayError corrupt `sequence-gap` (policy abort), `book-<result>`, `trade-truncated`; input `market-mixed`, `u64-range`, `skew-too-large`
   */
  write(batch: MessageBatch): void {
    const { selection, types, timeWords, timeFlags } = batch
    const message = this.#message
    const exchange = this.#exchange
    const run = this.#run
    const arrivals = this.#arrivals
    this.#input.begin(batch)
    this.#batch = batch
    run?.begin(batch)
    for (let k = 0; k < batch.length && !this.isDone; k++) {
      if (run !== null && !this.#isLeadIn) {
        k = run.take(k, arrivals.tradeMarket)
        if (k === batch.length) break
      }
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
      if (micros >= this.#trust.nextAbsence) this.#trust.meetAbsences(micros)
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
      const isBook = type === TYPE_BOOK_EVENT && this.#hasBook
      if (this.#losses.isWaiting && (exchange === null || !isBook)) this.#losses.meet(batch.originAt(row).path, micros, isBook)
      if (exchange === null) this.#comeTo(micros, timeLow, timeHigh)
      if (timeFlags !== null && timeFlags[row] !== 0 && !arrivals.isTimeUsable(cursor, timeFlags[row]!, isBook)) continue
      const isOther = type !== TYPE_TRADE && !isBook
      if (isOther && !arrivals.isOtherHeard(cursor)) continue
      this.#look(batch, row)
      message.verdict = verdict
      message.stored = isBook && exchange === null ? this.#input.addressOf(this.#bufferIndex, message.offset, message.length) : 0
      if (!arrivals.isWhole(message) || (!isOther && !arrivals.isOfMarket(message))) continue
      this.#watch.note(message)
      if (exchange === null) {
        this.#cursor = cursor
        this.#handle(message)
      } else if (!arrivals.hold(exchange, message)) continue
      else if (isBook && this.#losses.isWaiting) this.#losses.meet(message.path, message.micros, true)
      this.#watch.told()
    }
    this.#batch = null
    exchange?.release(false, this.#handleHeld, this.#takeHeld)
  }

  /** Makes `message` that of a row. */
  #look(batch: MessageBatch, row: number): void {
    const { types, offsets, lengths, timeWords } = batch
    const message = this.#message
    this.#bufferIndex = batch.bufferIndex === null ? 0 : batch.bufferIndex[row]!
    const { view, bytes, origin } = batch.buffers[this.#bufferIndex]!
    const offset = offsets[row]!
    message.type = types[row]!
    message.view = view
    message.offset = offset + 64
    message.length = lengths[row]!
    message.at = this.#payload.locate(bytes, offset + 64, message.length)
    message.words = this.#payload.words
    message.timeLow = timeWords[2 * row]!
    message.timeHigh = timeWords[2 * row + 1]!
    message.recordLow = message.timeLow
    message.recordHigh = message.timeHigh
    message.micros = microsOf(message.timeLow, message.timeHigh)
    message.positionHigh = origin.segment
    message.positionLow = (origin.bufferStart + offset) / 64
    message.path = origin.path
  }

  /**
   * A reader left out damaged records of a log, behind those given so far: what comes next of it is behind a gap, and so are rows
   * until then, which may never come.
   * @param path of the log's directory
   */
  lose(path: string, loss: LogLoss): void {
    this.#trust.lose(path, loss)
  }

  /** Makes the rows that were waiting for time to pass. Targets stay open. */
  finish(): void {
    this.#exchange?.release(true, this.#handleHeld, this.#takeHeld)
    const isBounded = this.#toMicros < Number.POSITIVE_INFINITY
    if (!this.#rows.hasStarted) {
      if (!isBounded || (!this.#isFilled && !this.#rows.hearsDays) || this.#startMicros === Number.POSITIVE_INFINITY) return
      this.#rows.start(this.#startMicros, this.#trust.isOpen)
    }
    this.#trust.meetAbsences(this.#toMicros - 1)
    this.#trust.tellLosses(this.#toMicros - 1)
    this.#rows.end(this.#toMicros)
  }

  readonly #handleHeld = (message: EngineMessage): void => this.#handle(message)

  // Runs of messages

  #newRun(): MessageRun | null {
    const rows = this.#rows
    const exchange = this.#exchange
    if (rows.hearsMessages || (exchange === null && rows.hearsBook)) return null
    return new MessageRun(
      {
        ...{ book: this.book, watch: this.#watch, trust: this.#trust, rows, tally: this.tally, plan: this.#plan },
        ...{ exchange, hasBook: this.#hasBook, fromMicros: this.#fromMicros, untilMicros: this.#doneMicros },
      },
      { passed: (...of) => this.#passed(...of), told: (...of) => this.#told(...of) },
    )
  }

  #newHeldRun(feed: HeldFeed | undefined): EntryTaker | null {
    if (this.#exchange === null || feed === undefined) return null
    const run = new HeldRun(
      {
        ...{ feed, held: this.#exchange.held, book: this.book, trust: this.#trust, rows: this.#rows, tally: this.tally },
        toMicros: this.#toMicros,
      },
      {
        comesTo: (message) => {
          this.#handled = message
          this.#comeTo(message.micros, message.timeLow, message.timeHigh)
        },
        passed: (...of) => this.#count(...of),
      },
    )
    return (from, to) => run.take(from, to)
  }

  #passed(bookEvents: number, trades: number, k: number): void {
    const batch = this.#batch!
    this.#look(batch, batch.rowAt(k))
    this.#count(bookEvents, trades, this.#message)
  }

  /** Messages were taken together, of which this is the last. */
  #count(bookEvents: number, trades: number, message: EngineMessage): void {
    this.#handled = message
    this.#events.passed(bookEvents)
    this.#trades += trades
    this.#rows.pass(bookEvents + trades, message)
    this.tally.handleMany(this.#rows.micros, bookEvents + trades)
  }

  #told(k: number, result: number, isRow: boolean): void {
    const batch = this.#batch!
    const message = this.#message
    const rows = this.#rows
    this.#look(batch, batch.rowAt(k))
    this.#handled = message
    message.verdict = VERDICT_APPLY
    message.gap = 0
    message.gapOpen = 0
    this.#comeTo(message.micros, message.timeLow, message.timeHigh)
    rows.enter(message)
    this.#unusable = null
    let refused: string | null = null
    if (message.type === TYPE_TRADE) {
      this.#trades++
      rows.tradeOfRun(message, isRow)
    } else {
      refused = this.#events.takeOfRun(message, result)
      if (isRow) rows.eventRow(message)
    }
    this.#settle(message, refused)
  }

  /** With the record clock time goes on with every record, also with those that are nothing to the rows. */
  #comeTo(micros: number, timeLow: number, timeHigh: number): void {
    const rows = this.#rows
    if (!rows.hasStarted) rows.start(Math.min(micros, this.#startMicros), this.#trust.isOpen)
    if (micros >= this.#losses.next) this.#trust.tellLosses(micros)
    rows.comeTo(micros, timeLow, timeHigh)
  }

  // In the order of the clock

  #handle(message: EngineMessage): void {
    const { micros } = message
    this.#handled = message
    if (micros >= this.#toMicros) return
    const rows = this.#rows
    if (this.#exchange !== null) this.#comeTo(micros, message.timeLow, message.timeHigh)
    if (message.gap !== 0 || message.gapOpen !== (this.#trust.isGap ? 1 : 0)) this.#trust.judge(message)
    rows.enter(message)
    if (rows.hearsMessages) rows.message(this.#cursor!)
    let refused: string | null = null
    this.#unusable = null
    if (message.type === TYPE_TRADE) this.#takeTrade(message)
    else if (message.type === TYPE_BOOK_EVENT && this.#hasBook) refused = this.#events.take(message)
    else if (message.type === TYPE_BOOK_TICKER && rows.hearsTickers) rows.ticker(message)
    this.#settle(message, refused)
  }

  /** Counts a message. @param refused why the book did without it */
  #settle(message: EngineMessage, refused: string | null): void {
    const { micros } = this.#rows
    const reason = refused ?? this.#unusable
    if (reason === null) this.tally.handle(micros)
    else this.#arrivals.leave(reason, message, micros)
  }

  #takeTrade(message: EngineMessage): void {
    this.#trades++
    this.#rows.trade(message)
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

/** When a restored book changed last, by the exchange's clock as far as that is believed; nanoseconds since the epoch. */
function changeOf(restart: EngineRestart | undefined, skewMicros: number): bigint | null {
  if (restart?.last === undefined) return null
  const { exchangeNs, recordNs } = restart.last
  return Math.abs(Number(exchangeNs - recordNs)) <= skewMicros * 1000 ? exchangeNs : recordNs
}
