import type { MessageCursor } from '../../message/message.ts'
import type { BookEventView } from '../../protocol/book-event.ts'
import type { BookTickerView } from '../../protocol/book-ticker.ts'
import type { TradeView } from '../../protocol/trade.ts'
import type { ColumnSpec } from '../../table/column-buffer.ts'
import { microsOf, putMicros, putWhole } from '../clocks/microseconds.ts'
import type { ColumnContext, EngineMoment, FeatureColumn, FeatureHandlers, FeatureState, FeatureType } from '../columns/column.ts'
import { KernelColumns } from '../columns/kernel-columns.ts'
import type { FeatureBook } from '../feature-book.ts'
import type { RowColumn, RowTarget, RowTargetFactory } from './row-target.ts'
import { BAR_TIMES, ROW_TIME } from './row-times.ts'

/** A list of columns at work and the table that their rows go to. Several tables can share one engine, and so one book. */
export interface FeatureTableOptions {
  readonly columns: readonly FeatureColumn[]
  readonly target: RowTargetFactory
}

/** The schema of a feature table: the columns that every table has, and those asked for, which may be NULL. */
export function featureSchema(columns: readonly FeatureColumn[], hasBars: boolean, hasEventRows: boolean): ColumnSpec[] {
  return [
    ...ROW_TIME,
    { name: 'seq', type: 'i64', nullable: true },
    ...(hasBars ? BAR_TIMES.map((spec) => ({ ...spec, nullable: hasEventRows })) : []),
    { name: 'gap', type: 'bool' },
    ...columns.map(({ name, type }): ColumnSpec => ({ name, type, nullable: true })),
  ]
}

// Where the columns that every table has are.
const TS = 0
const SEQ = 2
const BAR_START = 3
const BAR_END = 5

export class FeatureTable {
  /** How far back the columns look, at most, in microseconds. */
  readonly warmUpMicros: number
  readonly target: RowTarget
  /** Rows written. */
  rows = 0
  /** What columns told by `leaveOut` and `loseValue`, by reason. */
  /** Hears of each message that the columns left out, and of each value or row that could not be stored. */
  hear: ((reason: string, isMessage: boolean) => void) | null = null
  readonly unusable: Record<string, number> = {}
  readonly notRepresentable: Record<string, number> = {}
  /** The moment at which each reason was told last. */
  readonly #toldAt = new Map<string, number>()
  readonly #hasBars: boolean
  /** The columns of JavaScript, and where they lie among all. */
  readonly #states: readonly FeatureState[]
  readonly #places: readonly number[]
  /** The columns of the kernel, likewise. */
  readonly #kernel: KernelColumns | null
  readonly #kernelPlaces: readonly number[]
  readonly #types: readonly FeatureType[]
  /** Everything of JavaScript that hears, shared state first. */
  readonly #handlers: readonly FeatureHandlers[]
  readonly #traders: readonly Required<Pick<FeatureHandlers, 'trade'>>[]
  readonly #bookers: readonly Required<Pick<FeatureHandlers, 'book'>>[]
  readonly #rowers: readonly Required<Pick<FeatureHandlers, 'row'>>[]
  readonly #nextRowers: readonly Required<Pick<FeatureHandlers, 'nextRow'>>[]
  readonly #tickers: readonly Required<Pick<FeatureHandlers, 'ticker'>>[]
  readonly #listeners: readonly Required<Pick<FeatureHandlers, 'message'>>[]
  readonly #barMicros: number
  /** Where `gap` is; the columns asked for are behind it. */
  readonly #gapAt: number
  readonly #moment: EngineMoment
  /** A gap, or the time without a trustworthy book after it, lies in the bar being filled, or since the row before. */
  #touched = false
  /** Before this time, in microseconds, windows are not whole. */
  #wholeFrom = Number.NEGATIVE_INFINITY
  #gapOpen = false

  /** @param barMicros 0 = no bars; @param moment kept up to date by the engine */
  constructor(options: FeatureTableOptions, book: FeatureBook, barMicros: number, hasEventRows: boolean, moment: EngineMoment) {
    const { columns, target } = options
    const shared = new Map<string, FeatureHandlers>()
    const context: ColumnContext = {
      book,
      share<T extends FeatureHandlers>(key: string, make: () => T): T {
        const known = shared.get(key) as T | undefined
        if (known !== undefined) return known
        const made = make()
        shared.set(key, made)
        return made
      },
      emit: () => this.#emit(),
      emitAt: (timeLow, timeHigh, isBarEnd = false) => this.#emitAt(timeLow, timeHigh, isBarEnd),
      leaveOut: (reason) => this.#leaveOut(reason),
      loseValue: (reason) => {
        this.notRepresentable[reason] = (this.notRepresentable[reason] ?? 0) + 1
        this.hear?.(reason, false)
      },
      moment,
    }
    const [ofKernel, own] = [columns.filter(({ kernel }) => kernel !== undefined), columns.filter(({ kernel }) => kernel === undefined)]
    const values = ofKernel.map((column) => column.kernel!())
    this.#kernel = values.length === 0 ? null : new KernelColumns(values, book)
    this.#kernelPlaces = ofKernel.map((column) => columns.indexOf(column))
    this.#states = own.map((column) => column.create(context))
    this.#places = own.map((column) => columns.indexOf(column))
    this.#types = columns.map(({ type }) => type)
    this.#handlers = [...shared.values(), ...this.#states]
    this.#traders = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'trade'>> => one.trade !== undefined)
    this.#bookers = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'book'>> => one.book !== undefined)
    this.#rowers = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'row'>> => one.row !== undefined)
    this.#nextRowers = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'nextRow'>> => one.nextRow !== undefined)
    this.#tickers = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'ticker'>> => one.ticker !== undefined)
    this.#listeners = this.#handlers.filter((one): one is Required<Pick<FeatureHandlers, 'message'>> => one.message !== undefined)
    this.warmUpMicros = Math.ceil(Math.max(0, ...columns.map(({ warmUpNs }) => warmUpNs)) / 1000)
    this.#barMicros = barMicros
    this.#hasBars = barMicros > 0
    this.#gapAt = SEQ + 1 + (this.#hasBars ? BAR_TIMES.length : 0)
    this.#moment = moment
    this.target = target(featureSchema(columns, this.#hasBars, hasEventRows))
  }

  /** Handlers that ask for samples of absolute time. */
  get samplers(): readonly FeatureHandlers[] {
    return this.#handlers.filter(({ sampleEveryNs, sample }) => sampleEveryNs !== undefined && sample !== undefined)
  }

  /** Whether a column counts something up between rows. */
  get countsPerRow(): boolean {
    return this.#nextRowers.length > 0 || this.#kernel?.hearsTrades === true || this.#kernel?.hearsBook === true
  }

  /** Whether JavaScript hears of book events, and of trades. */
  get hearsBook(): boolean {
    return this.#bookers.length > 0
  }

  get hearsTrades(): boolean {
    return this.#traders.length > 0
  }

  /** The columns of the kernel. */
  get kernel(): KernelColumns | null {
    return this.#kernel
  }

  /** JavaScript has nothing to do with rows: all columns are the kernel's, or have no values. */
  get isOfKernel(): boolean {
    const handlers = this.#handlers.some(({ row, nextRow, muted }) => (row ?? nextRow ?? muted) !== undefined)
    return this.#kernel !== null && !handlers && this.#states.every(({ isEmpty }) => isEmpty === true)
  }

  get hearsTickers(): boolean {
    return this.#tickers.length > 0
  }

  get hearsMessages(): boolean {
    return this.#listeners.length > 0
  }

  get hearsDays(): boolean {
    return this.#handlers.some(({ dayEnds }) => dayEnds !== undefined)
  }

  /** Bars that make no row are nothing to it until the next message. */
  get sleeps(): boolean {
    for (let i = 0; i < this.#handlers.length; i++) if (this.#handlers[i]!.sleeps?.() !== true) return false
    return this.#kernel === null && this.#handlers.length > 0
  }

  /** Start of a pass. */
  start(micros: number): void {
    this.#reset(micros)
  }

  /** Tells the columns of the kernel of a trade: a run of messages does so by itself. */
  tellTrade({ price, quantity, isBuyerMaker }: TradeView): void {
    if (this.#kernel?.hearsTrades !== true) return
    if (!this.#kernel.trade(price, quantity, !isBuyerMaker)) this.#leaveOut('not-a-number')
  }

  /** Likewise of a book event. */
  tellBook(restarted: boolean): void {
    if (this.#kernel?.hearsBook === true) this.#kernel.book(restarted)
  }

  trade(trade: TradeView): void {
    for (let i = 0; i < this.#traders.length; i++) this.#traders[i]!.trade(trade)
  }

  book(event: BookEventView, restarted: boolean): void {
    for (let i = 0; i < this.#bookers.length; i++) this.#bookers[i]!.book(event, restarted)
  }

  ticker(ticker: BookTickerView): void {
    for (let i = 0; i < this.#tickers.length; i++) this.#tickers[i]!.ticker(ticker)
  }

  message(message: MessageCursor): void {
    for (let i = 0; i < this.#listeners.length; i++) this.#listeners[i]!.message(message)
  }

  dayEnds(): void {
    for (const handler of this.#handlers) handler.dayEnds?.()
  }

  /** Messages are missing before what comes now; `isOpen`: the book is not to be trusted until `gapEnds`. */
  gap(micros: number, isOpen: boolean): void {
    this.#touched = true
    this.#gapOpen = isOpen
    this.#wholeFrom = micros + this.warmUpMicros
    for (const handler of this.#handlers) handler.gap?.(isOpen, micros)
    this.#reset(micros)
  }

  /** A book that can be trusted again; `isWhole`: at the very start of a bar, or day, so that none of it is missing. */
  gapEnds(micros: number, isWhole: boolean): void {
    this.#gapOpen = false
    if (isWhole) this.#touched = false
    this.#wholeFrom = micros + this.warmUpMicros
    for (const handler of this.#handlers) handler.gap?.(false, micros)
  }

  /** A row at a message, at the latest time so far; `micros`: the message's own. */
  eventRow(micros: number, positionLow: number, positionHigh: number): void {
    const { micros: clockMicros, clockLow, clockHigh } = this.#moment
    if (this.target.enter?.(clockMicros, false, true) === false) {
      this.mutedRow()
      return
    }
    this.#putTime(clockMicros, clockLow, clockHigh)
    this.#tellRow(clockMicros, (296 * clockHigh + clockLow) % 1000)
    this.#put(micros, positionLow, positionHigh)
  }

  /** The row of a bar; `positionHigh` < 0: it had no messages. */
  barRow(startMicros: number, endMicros: number, positionLow: number, positionHigh: number): void {
    if (this.target.enter?.(startMicros, true, positionHigh >= 0) === false) {
      this.mutedRow()
      return
    }
    const { columns, row } = this.target
    putWhole(columns[TS]!.words, row, endMicros)
    putMicros(columns[TS + 1]!.words, row, endMicros)
    this.#putBar(startMicros, endMicros)
    this.#tellRow(endMicros, 0)
    this.#put(endMicros, positionLow, positionHigh)
  }

  /** What is counted per row starts again: after a row, or where a bar ends without one. */
  nextRow(): void {
    this.#kernel?.nextRow()
    for (let i = 0; i < this.#nextRowers.length; i++) this.#nextRowers[i]!.nextRow()
    this.#touched = this.#gapOpen
  }

  /** A row that is not written. */
  mutedRow(): void {
    for (const handler of this.#handlers) handler.muted?.()
    this.nextRow()
  }

  /** A run of messages is about to make rows in a block. */
  openBlock(): void {
    putMicros(TIME, 0, Math.max(0, this.#wholeFrom))
    this.#kernel!.openBlock(TIME)
    this.lendTouched()
  }

  /** A run of messages is about to come, in which rows are made or left out. */
  lendTouched(): void {
    this.#kernel!.isTouched = this.#touched
  }

  /** Takes back what is to be known of gaps behind the last row. */
  takeTouched(): void {
    this.#touched = this.#kernel!.isTouched
  }

  /** Takes the rows that a run has made so far; `clockMicros`: the latest time. */
  takeBlock(clockMicros: number): void {
    const kernel = this.#kernel!
    const rows = kernel.endBlock()
    this.takeTouched()
    if (rows === 0) return
    if (this.target.endRows === undefined) this.#takeOneByOne(kernel, rows)
    else if (this.target.enter?.(clockMicros, false, true) !== false) this.#takeTogether(kernel, rows)
    kernel.emptyBlock()
  }

  #takeTogether(kernel: KernelColumns, rows: number): void {
    const { target } = this
    for (let from = 0; from < rows; ) {
      const count = Math.min(rows - from, target.freeRows!)
      kernel.copyBlock(target.columns, target.row, from, count, this.#gapAt, this.#kernelPlaces)
      target.endRows!(count)
      this.rows += count
      from += count
    }
  }

  #takeOneByOne(kernel: KernelColumns, rows: number): void {
    const { target } = this
    for (let row = 0; row < rows; row++) {
      kernel.timeOf(row, TIME)
      if (target.enter?.(microsOf(TIME[0]!, TIME[1]!), false, true) === false) continue
      kernel.copyBlock(target.columns, target.row, row, 1, this.#gapAt, this.#kernelPlaces)
      target.endRow()
      this.rows++
    }
  }

  #reset(micros: number): void {
    this.#kernel?.reset()
    for (const handler of this.#handlers) handler.reset?.(micros)
  }

  #leaveOut(reason: string): void {
    const { number } = this.#moment
    if (this.#toldAt.get(reason) === number) return
    this.#toldAt.set(reason, number)
    this.unusable[reason] = (this.unusable[reason] ?? 0) + 1
    this.hear?.(reason, true)
  }

  /** Neither ends what is counted per row, nor has its features: it is a column's own row. */
  #emit(): void {
    const { clockLow, clockHigh, micros, positionLow, positionHigh } = this.#moment
    this.#ownRow(clockLow, clockHigh, micros, micros, positionLow, positionHigh, positionHigh >= 0)
  }

  /** A row at the end of a bar is of that bar, as the bar's own is. It follows from messages, also where its cell has none. */
  #emitAt(timeLow: number, timeHigh: number, isBarEnd: boolean): void {
    const micros = microsOf(timeLow, timeHigh)
    this.#ownRow(timeLow, timeHigh, micros, isBarEnd ? micros - 1 : micros, 0, -1, true)
  }

  /** @param ofMicros a time of the bar and cell that the row is of */
  #ownRow(
    timeLow: number,
    timeHigh: number,
    micros: number,
    ofMicros: number,
    positionLow: number,
    positionHigh: number,
    hasMessage: boolean,
  ): void {
    if (this.target.enter?.(ofMicros, false, hasMessage) === false) return
    const { columns, row } = this.target
    this.#putTime(micros, timeLow, timeHigh)
    if (this.#hasBars && columns[BAR_START]!.valid === null) {
      const bar = Math.floor(ofMicros / this.#barMicros)
      this.#putBar(bar * this.#barMicros, (bar + 1) * this.#barMicros)
    }
    this.#putPosition(positionLow, positionHigh)
    columns[this.#gapAt]!.bools[row] = this.#gapOpen || ofMicros < this.#wholeFrom ? 1 : 0
    this.target.endRow()
    this.rows++
  }

  #putTime(micros: number, timeLow: number, timeHigh: number): void {
    const { columns, row } = this.target
    putWhole(columns[TS]!.words, row, micros)
    const exact = columns[TS + 1]!.words
    exact[2 * row] = timeLow
    exact[2 * row + 1] = timeHigh
  }

  #putBar(startMicros: number, endMicros: number): void {
    const { columns, row } = this.target
    putWhole(columns[BAR_START]!.words, row, startMicros)
    putMicros(columns[BAR_START + 1]!.words, row, startMicros)
    putWhole(columns[BAR_END]!.words, row, endMicros)
    putMicros(columns[BAR_END + 1]!.words, row, endMicros)
    for (let i = BAR_START; i < BAR_START + BAR_TIMES.length; i++) {
      const { valid } = columns[i]!
      if (valid !== null) valid[row] = 1
    }
  }

  /** @param positionHigh below 0: the row is of no message */
  #putPosition(positionLow: number, positionHigh: number): void {
    if (positionHigh < 0) return
    const { columns, row } = this.target
    const seq = columns[SEQ]!
    seq.words[2 * row] = positionLow
    seq.words[2 * row + 1] = positionHigh
    seq.valid![row] = 1
  }

  #tellRow(micros: number, nanos: number): void {
    for (let i = 0; i < this.#rowers.length; i++) this.#rowers[i]!.row(micros, nanos)
  }

  #put(micros: number, positionLow: number, positionHigh: number): void {
    const { columns, row } = this.target
    const gapAt = this.#gapAt
    this.#putPosition(positionLow, positionHigh)
    columns[gapAt]!.bools[row] = this.#touched || micros < this.#wholeFrom ? 1 : 0
    if (this.#kernel !== null) {
      const values = this.#kernel.read()
      for (let i = 0; i < values.length; i++) this.#putValue(columns, row, gapAt, this.#kernelPlaces[i]!, values[i]!)
    }
    for (let i = 0; i < this.#states.length; i++) this.#putValue(columns, row, gapAt, this.#places[i]!, this.#states[i]!.value())
    this.target.endRow()
    this.rows++
    this.nextRow()
  }

  #putValue(columns: readonly RowColumn[], row: number, gapAt: number, place: number, value: number): void {
    // Neither NaN nor an infinity.
    if (value - value !== 0) return
    const column = columns[gapAt + 1 + place]!
    const type = this.#types[place]!
    if (type === 'f64') column.f64[row] = value
    else if (type === 'i32') column.i32[row] = value
    else if (type === 'bool') column.bools[row] = value === 0 ? 0 : 1
    else {
      column.words[2 * row] = value
      column.words[2 * row + 1] = Math.floor(value / 2 ** 32)
    }
    column.valid![row] = 1
  }
}

const TIME = new Uint32Array(2)
