import type { MessageCursor } from '../../message/message.ts'
import { BookEventView } from '../../protocol/book-event.ts'
import { BookTickerView } from '../../protocol/book-ticker.ts'
import { TradeView } from '../../protocol/trade.ts'
import { EventTrigger } from '../clocks/event-trigger.ts'
import { GridClock } from '../clocks/grid-clock.ts'
import { putMicros } from '../clocks/microseconds.ts'
import type { TriggerPlan } from '../clocks/trigger.ts'
import type { EngineMoment } from '../columns/column.ts'
import { type EngineMessage, isL3Reset } from '../engine-message.ts'
import type { FeatureBook } from '../feature-book.ts'
import { FeatureTable, type FeatureTableOptions } from './feature-table.ts'

export interface RowMakerOptions {
  readonly plan: TriggerPlan
  /** Rows for bars without messages, too. */
  readonly isFilled: boolean
  /** What begins before this makes no rows; in microseconds, like all times here. */
  readonly fromMicros: number
}

/**
 * Makes the rows of an engine's tables, of messages in the order of the clock: at the ends of bars, which it follows, and at
 * the events that the trigger names.
 */
export class RowMaker {
  readonly tables: readonly FeatureTable[]
  readonly hearsTickers: boolean
  readonly hearsMessages: boolean
  readonly hearsDays: boolean
  readonly hearsBook: boolean
  readonly hearsTrades: boolean
  readonly events: EventTrigger
  hasStarted = false
  /** The latest time so far: all rows of what lies before have been made. */
  micros = Number.NEGATIVE_INFINITY
  /** Tables were told of a gap whose end they wait for. */
  isGapOpen = false

  readonly #barMicros: number
  readonly #fromMicros: number
  readonly #isFilled: boolean
  readonly #hasEventRows: boolean
  readonly #book: FeatureBook
  readonly #trade = new TradeView()
  readonly #ticker = new BookTickerView()
  readonly #event = new BookEventView()
  readonly #grid: GridClock
  readonly #moment: EngineMoment = {
    timeLow: 0,
    timeHigh: 0,
    recordLow: 0,
    recordHigh: 0,
    micros: 0,
    clockLow: 0,
    clockHigh: 0,
    positionLow: 0,
    positionHigh: -1,
    number: 0,
  }
  /** Of the bar that is being filled; without bars, of the day. */
  #barHasMessages = false
  /** Of the last message. */
  #positionLow = 0
  #positionHigh = -1

  constructor(tables: readonly FeatureTableOptions[], book: FeatureBook, { plan, isFilled, fromMicros }: RowMakerOptions) {
    this.#barMicros = plan.barMicros
    this.#fromMicros = fromMicros
    this.#isFilled = isFilled
    this.#hasEventRows = plan.hasEventRows
    this.#book = book
    this.events = new EventTrigger(plan, book)
    this.tables = tables.map((table) => new FeatureTable(table, book, plan.barMicros, plan.hasEventRows, this.#moment))
    this.hearsBook = this.tables.some(({ hearsBook }) => hearsBook)
    this.hearsTrades = this.tables.some(({ hearsTrades }) => hearsTrades)
    this.hearsTickers = this.tables.some(({ hearsTickers }) => hearsTickers)
    this.hearsMessages = this.tables.some(({ hearsMessages }) => hearsMessages)
    this.hearsDays = this.tables.some(({ hearsDays }) => hearsDays)
    this.#grid = new GridClock(
      plan.barMicros,
      isFilled,
      this.tables.flatMap(({ samplers }) => samplers),
      {
        barEnds: (bar) => this.#barEnds(bar),
        dayEnds: (endMicros) => this.#dayEnds(endMicros),
        // Bars from there on are rows.
        asleepUntil: () => (this.tables.every(({ sleeps }) => sleeps) ? fromMicros : Number.NEGATIVE_INFINITY),
      },
    )
  }

  /** Start of a pass. */
  start(micros: number, isGapOpen: boolean): void {
    this.hasStarted = true
    this.micros = micros
    this.#setClock(micros)
    this.#grid.start(micros)
    for (const table of this.tables) table.start(micros)
    if (isGapOpen) this.gap(micros, true)
    this.events.start()
  }

  /** Time has come to `micros`: makes the rows of the bars that ended. */
  advance(micros: number): void {
    putMicros(TIME, 0, micros)
    this.comeTo(micros, TIME[0]!, TIME[1]!)
  }

  /** Time has come to a message's, in microseconds, and in nanoseconds as two words. */
  comeTo(micros: number, timeLow: number, timeHigh: number): void {
    if (micros >= this.#grid.next) this.#grid.advance(micros)
    if (micros < this.micros) return
    const moment = this.#moment
    if (micros === this.micros && (timeHigh < moment.clockHigh || (timeHigh === moment.clockHigh && timeLow < moment.clockLow))) return
    this.micros = micros
    moment.clockLow = timeLow
    moment.clockHigh = timeHigh
  }

  /** Time ends: at `micros`, or where that is infinite with the bar that it is in. */
  end(micros: number): void {
    if (micros < Number.POSITIVE_INFINITY) this.#grid.advance(micros)
    else if (this.#barMicros > 0) this.#grid.advance(this.#grid.barEnd)
  }

  /** Messages are missing before what comes now; `isOpen`: the book is not to be trusted until `gapEnds`. */
  gap(micros: number, isOpen: boolean): void {
    this.isGapOpen = isOpen
    for (const table of this.tables) table.gap(micros, isOpen)
  }

  /** A book that can be trusted again, by a message that was not entered yet; `isLoss`: others are missing right before it. */
  gapEnds(micros: number, isLoss: boolean): void {
    this.isGapOpen = false
    const isAtStart = micros % (this.#barMicros === 0 ? DAY_MICROS : this.#barMicros) === 0
    const isWhole = isAtStart && !this.#barHasMessages && !isLoss
    for (const table of this.tables) table.gapEnds(micros, isWhole)
  }

  /** A message is there: what it does to book and columns comes after this. */
  enter(message: EngineMessage): void {
    this.#barHasMessages = true
    this.#positionLow = message.positionLow
    this.#positionHigh = message.positionHigh
    const moment = this.#moment
    moment.timeLow = message.timeLow
    moment.timeHigh = message.timeHigh
    moment.recordLow = message.recordLow
    moment.recordHigh = message.recordHigh
    moment.micros = this.micros
    moment.positionLow = message.positionLow
    moment.positionHigh = message.positionHigh
    moment.number++
  }

  /** A run took `count` messages, of which this one is the last: as many calls of `comeTo` and `enter`, when no bar ended. */
  pass(count: number, message: EngineMessage): void {
    const { timeLow, timeHigh, recordLow, recordHigh, positionLow, positionHigh } = message
    this.comeTo(message.micros, timeLow, timeHigh)
    this.#barHasMessages = true
    this.#positionLow = positionLow
    this.#positionHigh = positionHigh
    const moment = this.#moment
    moment.timeLow = timeLow
    moment.timeHigh = timeHigh
    moment.recordLow = recordLow
    moment.recordHigh = recordHigh
    moment.micros = this.micros
    moment.positionLow = positionLow
    moment.positionHigh = positionHigh
    moment.number += count
  }

  /** The latest time so far in nanoseconds, as two words. */
  get clockLow(): number {
    return this.#moment.clockLow
  }

  get clockHigh(): number {
    return this.#moment.clockHigh
  }

  /** The next end of a bar, a day, or an interval of a sampler; microseconds. */
  get nextEnd(): number {
    return this.#grid.next
  }

  message(cursor: MessageCursor): void {
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.message(cursor)
  }

  ticker(message: EngineMessage): void {
    const ticker = this.#ticker.wrap(message.view, message.offset, message.length)
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.ticker(ticker)
  }

  trade(message: EngineMessage): void {
    const trade = this.#trade.wrap(message.view, message.offset, message.length)
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.tellTrade(trade)
    this.tradeOfRun(message, false)
    if (this.#hasEventRows && this.events.trade()) this.eventRow(message)
  }

  /** A trade that a run has told the kernel of; `isRow`: it makes a row. */
  tradeOfRun(message: EngineMessage, isRow: boolean): void {
    if (this.hearsTrades) {
      const trade = this.#trade.wrap(message.view, message.offset, message.length)
      for (let i = 0; i < this.tables.length; i++) this.tables[i]!.trade(trade)
    }
    if (isRow) this.eventRow(message)
  }

  /** A book event that was applied; `restarted`: it replaced or cleared the book. */
  book(message: EngineMessage, restarted: boolean): void {
    for (let i = 0; i < this.tables.length; i++) this.tables[i]!.tellBook(restarted)
    if (this.hearsBook) {
      const event = this.#event.wrap(message.view, message.offset, message.length)
      for (let i = 0; i < this.tables.length; i++) this.tables[i]!.book(event, restarted)
    }
    if (!this.#hasEventRows) return
    const isReset = restarted && (this.#book.priceScale < 0 || isL3Reset(message))
    if (this.events.book(restarted, isReset)) this.eventRow(message)
  }

  /** A row at a message. */
  eventRow(message: EngineMessage): void {
    const isMuted = this.micros < this.#fromMicros
    for (let i = 0; i < this.tables.length; i++) {
      const table = this.tables[i]!
      if (isMuted) table.mutedRow()
      else table.eventRow(message.micros, message.positionLow, message.positionHigh)
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
    // Rows of a column's own in the next bar are not of the last message.
    this.#moment.number++
  }

  /** What rows at events count up begins anew each UTC day, so that a pass can begin there. */
  #dayEnds(endMicros: number): void {
    if (this.hearsDays) this.#tellDay(endMicros)
    this.events.dayEnds()
    if (this.#barMicros > 0) return
    this.#barHasMessages = false
    for (const table of this.tables) table.nextRow()
  }

  #tellDay(endMicros: number): void {
    const moment = this.#moment
    // The last nanosecond of the day.
    this.#setClock(endMicros)
    if (moment.clockLow === 0) moment.clockHigh--
    moment.clockLow = (moment.clockLow - 1) >>> 0
    moment.timeLow = moment.clockLow
    moment.timeHigh = moment.clockHigh
    moment.micros = endMicros - 1
    moment.positionHigh = -1
    moment.number++
    for (const table of this.tables) table.dayEnds()
  }

  #setClock(micros: number): void {
    putMicros(TIME, 0, micros)
    this.#moment.clockLow = TIME[0]!
    this.#moment.clockHigh = TIME[1]!
  }
}

const TIME = new Uint32Array(2)
const DAY_MICROS = 86_400e6
