import { APPLIED } from '../book/apply-result.ts'
import { SequenceLoan } from '../book/sequence/sequence-loan.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { BookTrust } from './book-trust.ts'
import type { ExchangeClock } from './clocks/exchange-clock.ts'
import type { TriggerPlan } from './clocks/trigger.ts'
import type { FeatureBook } from './feature-book.ts'
import type { GapWatch } from './gap-watch.ts'
import type { MessageTally } from './message-tally.ts'
import type { FeatureTable } from './rows/feature-table.ts'
import type { RowMaker } from './rows/row-maker.ts'
import { RUN_ROWS, RUN_SOURCES, RunInput } from './run-input.ts'

/** Why the kernel's `runMessages` ended; 0: there are no more rows in the columns. */
const OUTSIDE = 1
const REFUSED = 2
const TOLD = 3
const FULL = 4

/** `MessageRun.rowsTo` */
const ROWS_BY_ENGINE = 0
const ROWS_TO_BLOCK = 1
const NO_ROWS = 2

/** Words of the kernel's `MessageRun`. */
const TAKES_BOOK = 18
const TAKES_TRADES = 19
const TRADE_MARKET = 20
const HEARS_TRADES = 21
const ROWS_TO = 22
const RESULT = 23
const IS_ROW = 24
const BOOK_EVENTS = 25
const TRADES = 26
const LAST_ROW = 27

/** Messages that the engine takes by itself where runs come to nothing, at most. */
const MAX_PAUSE = 256

export interface MessageRunParts {
  readonly book: FeatureBook
  readonly watch: GapWatch
  readonly trust: BookTrust
  readonly rows: RowMaker
  readonly tally: MessageTally
  readonly plan: TriggerPlan
  /** Which messages are put aside for; null: they are taken as they come. */
  readonly exchange: ExchangeClock | null
  readonly hasBook: boolean
  /** Rows before this are not written, what comes from `untilMicros` on is for the engine; microseconds since the epoch. */
  readonly fromMicros: number
  readonly untilMicros: number
}

/** What hears of the messages of a run. */
export interface RunListener {
  /** So many were taken, without anything to be told of them; the last of them is the k-th selected one of the batch. */
  passed(bookEvents: number, trades: number, k: number): void
  /** The k-th was taken, sequences and book have come to it: the rest is the engine's. @param result what became of a book event */
  told(k: number, result: number, isRow: boolean): void
}

/**
 * Takes runs of messages in the kernel (core/book/kernel/rows/message-run.as): with the record clock, while the sequences are in
 * order, the book can be trusted, no bar ends, and no handler has to hear of a message. With the exchange's it puts them aside
 * (exchange-clock.as), while the sequences are in order and times are believed. What it leaves is for the engine, as it is.
 */
export class MessageRun {
  readonly #parts: MessageRunParts
  readonly #listener: RunListener
  readonly #at: number
  readonly #address: number
  readonly #loan: SequenceLoan
  readonly #input: RunInput
  /** The one table whose rows the kernel can make, and all tables where none has to hear of a row. */
  readonly #blockTable: FeatureTable | null
  readonly #areOfKernel: boolean
  #batch: MessageBatch | null = null
  /** Messages that are not tried, and how many it were when runs came to nothing last. */
  #pause = 0
  #lastPause = 0

  constructor(parts: MessageRunParts, listener: RunListener) {
    this.#parts = parts
    this.#listener = listener
    const { book, watch, rows, plan } = parts
    const { memory } = book.source
    const { kernel } = memory
    this.#loan = new SequenceLoan(memory, watch.policy.rule)
    const { tables } = rows
    this.#address = kernel.newMessageRun(book.view, this.#loan.address, rows.events.address, RUN_ROWS, RUN_SOURCES, tables.length) >>> 0
    this.#at = this.#address >>> 2
    for (const table of tables) if (table.kernel !== null) kernel.addTable(this.#address, table.kernel.address)
    this.#input = new RunInput(memory, this.#address)
    this.#areOfKernel = plan.hasEventRows && tables.length > 0 && tables.every(({ isOfKernel }) => isOfKernel)
    this.#blockTable = this.#areOfKernel && tables.length === 1 ? tables[0]! : null
    const { words } = memory
    words[this.#at + TAKES_BOOK] = parts.hasBook ? 1 : 0
    words[this.#at + HEARS_TRADES] = rows.hearsTrades ? 1 : 0
  }

  /** Takes on a batch. */
  begin(batch: MessageBatch): void {
    const isFit = batch.timeFlags === null && batch.buffers.length <= RUN_SOURCES
    this.#batch = isFit ? batch : null
    if (isFit) this.#input.begin(batch)
  }

  /** Takes messages from the k-th selected one on; gives the first that is for the engine. @param tradeMarket that of trades; −1: unknown */
  take(k: number, tradeMarket: number): number {
    if (this.#batch === null || this.#pause-- > 0 || !this.#isInOrder) return k
    this.#input.goTo(k)
    this.#lend(tradeMarket)
    try {
      this.#run()
    } finally {
      this.#settle()
      this.#loan.takeBack()
    }
    const to = this.#input.at
    this.#lastPause = to > k ? 0 : Math.min(MAX_PAUSE, 2 * this.#lastPause + 1)
    this.#pause = this.#lastPause
    return to
  }

  /** Nothing is open that each message has to be asked about. */
  get #isInOrder(): boolean {
    const { rows, watch, trust, exchange } = this.#parts
    if (watch.isOpen || watch.hasNews) return false
    // Rows come later where messages are put aside.
    if (exchange === null && (!rows.hasStarted || trust.isGap || trust.isOpen)) return false
    return !trust.losses.isWaiting && !watch.policy.awaitsLoss
  }

  #run(): void {
    const { book, exchange } = this.#parts
    const { memory } = book.source
    for (;;) {
      let why: number
      try {
        why = exchange === null ? memory.kernel.runMessages(this.#address) : memory.kernel.holdMessages(this.#address, exchange.at)
      } catch (cause) {
        throw memory.trapped(cause)
      }
      if (why === OUTSIDE) this.#input.moveWindow()
      else if (why === FULL) this.#settle()
      else if (why === TOLD) {
        this.#settle()
        const { at } = this.#input
        this.#input.skip()
        const result = memory.words[this.#at + RESULT]!
        this.#listener.told(at, result, memory.words[this.#at + IS_ROW] !== 0)
        // An event that the book did without may be a gap for tables.
        if (result !== APPLIED || !this.#isInOrder) return
      } else if (why === REFUSED || this.#input.at === this.#batch!.length) return
      else {
        this.#settle()
        this.#input.goTo(this.#input.at)
      }
    }
  }

  #lend(tradeMarket: number): void {
    const { book, watch, trust, exchange, hasBook } = this.#parts
    const { memory } = book.source
    const market = hasBook && watch.market >= 0 ? watch.policy.market(watch.market) : null
    this.#loan.lend(market)
    for (const [index, { origin }] of this.#batch!.buffers.entries()) {
      const { path } = origin
      const hasMarket = market !== null && watch.hasBookOf(path) && watch.policy.hasMetLosses(market, path)
      this.#input.setSession(index, this.#loan.lendSession(watch.policy.session(path), hasMarket))
      if (exchange !== null) this.#input.setPath(index, exchange.held.numberOf(path))
    }
    const { words } = memory
    words[this.#at + TAKES_TRADES] = tradeMarket < 0 ? 0 : 1
    words[this.#at + TRADE_MARKET] = tradeMarket
    if (exchange === null) this.#lendRows()
    else memory.kernel.setRunTimes(this.#address, 0, 0, Math.min(this.#parts.untilMicros, trust.nextAbsence))
  }

  #lendRows(): void {
    const { book, rows } = this.#parts
    const { memory } = book.source
    const isMuted = rows.micros < this.#parts.fromMicros
    const rowsTo = isMuted && this.#areOfKernel ? NO_ROWS : !isMuted && this.#blockTable !== null ? ROWS_TO_BLOCK : ROWS_BY_ENGINE
    if (rowsTo === ROWS_TO_BLOCK) this.#blockTable!.openBlock()
    if (rowsTo === NO_ROWS) for (const table of rows.tables) table.lendTouched()
    memory.words[this.#at + ROWS_TO] = rowsTo
    memory.kernel.setRunTimes(this.#address, rows.clockLow, rows.clockHigh, this.#untilMicros)
  }

  /** When the engine has something to do. */
  get #untilMicros(): number {
    const { rows, trust, tally, fromMicros, untilMicros } = this.#parts
    const { micros } = rows
    const from = micros < fromMicros ? fromMicros : Number.POSITIVE_INFINITY
    return Math.min(untilMicros, from, rows.nextEnd, trust.nextAbsence, trust.losses.next, tally.endAt(micros))
  }

  /** Tells of what was taken, and has its rows taken. */
  #settle(): void {
    const { book, rows } = this.#parts
    const { words } = book.source.memory
    const [bookEvents, trades] = [words[this.#at + BOOK_EVENTS]!, words[this.#at + TRADES]!]
    if (bookEvents + trades === 0) return
    words[this.#at + BOOK_EVENTS] = 0
    words[this.#at + TRADES] = 0
    book.source.noteApplied(APPLIED, bookEvents)
    this.#listener.passed(bookEvents, trades, this.#input.messageOf(words[this.#at + LAST_ROW]!))
    const rowsTo = words[this.#at + ROWS_TO]!
    if (rowsTo === ROWS_TO_BLOCK) this.#blockTable!.takeBlock(rows.micros)
    else if (rowsTo === NO_ROWS) for (const table of rows.tables) table.takeTouched()
  }
}
