import type { BookMemory } from '../book/kernel/book-memory.ts'
import { L2Book } from '../book/l2-book.ts'
import { L3Book } from '../book/l3-book.ts'
import { type ErrorPlace, ReplayError } from '../errors.ts'
import type { EngineMoment } from '../features/columns/column.ts'
import type { FeatureBook } from '../features/feature-book.ts'
import type { FedEntries, HeldFeed } from '../features/held-feed.ts'
import type { BookEventView } from '../protocol/book-event.ts'
import { EVENT_DIFF, EVENT_RESET, EVENT_SNAPSHOT, MODE_L3 } from '../protocol/book-event.ts'
import { L2DiffView } from '../protocol/l2-diff.ts'
import type { L2LevelsView } from '../protocol/l2-levels.ts'
import { L2SnapshotView } from '../protocol/l2-snapshot.ts'
import { L3_EVENT_BYTES } from '../protocol/l3-event.ts'
import type { TradeView } from '../protocol/trade.ts'
import { DIFF, SNAPSHOT } from './market-events.ts'
import { MarketFeed } from './market-feed.ts'
import { MarketReplay } from './market-replay.ts'
import { BUY, SELL } from './order-terms.ts'
import { PriceGrid } from './price-grid.ts'
import { QueuedBook } from './queued-book.ts'
import { StrategyRun, type StrategyRunOptions } from './strategy-run.ts'
import { TrackedBook } from './tracked-book.ts'

const DAY_MICROS = 86_400e6
const TWO_32 = 2 ** 32

export interface BacktestMarketOptions {
  readonly tick: number
  readonly lot: number
  /** Record time + this is the local time. */
  readonly localShiftNs: number
  /** `day`: each UTC day is a session of its own. `run`: there is one, from the first message on. */
  readonly session: 'day' | 'run'
  /** Length of a bar, microseconds. */
  readonly barMicros: number
  /** Of `day`: when a session begins, microseconds after UTC midnight; a whole number of bars. */
  readonly startMicros: number
  /** Of `day`: what is before matters to the book alone. Microseconds since the epoch, a session's begin. */
  readonly fromMicros: number
  /** Whether there are logs of any of a bar, microseconds since the epoch. Bars of other days have no rows. @default there are of all */
  readonly isKnown?: ((startMicros: number, endMicros: number) => boolean) | undefined
}

/**
 * The market of an instrument in a pass, for all strategies that run in it: takes the messages of the features engine (by the exchange's
 * clock, bar by bar), and at the end of each bar lets the market come so far, and strategies take their step.
 */
export class BacktestMarket implements HeldFeed {
  readonly #options: BacktestMarketOptions
  readonly #grid: PriceGrid
  readonly #joining: StrategyRunOptions[] = []
  readonly #diff = new L2DiffView()
  readonly #snapshot = new L2SnapshotView()
  readonly #payload = new Uint32Array(L3_EVENT_BYTES / 4)
  /** Of the buffer that the last levels lay in. */
  #words: Uint32Array = new Uint32Array(0)
  /** Of events and books: that of the engine's book, in which messages lie. */
  #memory: BookMemory | null = null
  /** Null until the first book event says what kind of book it is. */
  #replay: MarketReplay | null = null
  /** Of levels. */
  #feed: MarketFeed | null = null
  #runs: StrategyRun[] = []
  #originMicros = Number.NaN
  #originLow = 0
  #originHigh = 0
  #isInSession = false
  /** Begin of the session that time is in, microseconds since the epoch. */
  #sessionMicros = Number.NaN
  /** Strategies take their step at the end of a bar. */
  isAtBarEnd = false
  /** Time lies in days that nobody recorded: there is no market, and strategies take no steps. */
  isClosed = false
  /** The market was open since the session began. */
  #wasOpen = false
  /** A session is over, and the next one begins with what comes now. */
  #isOver = false
  #lastLocalNs = Number.NEGATIVE_INFINITY
  #depthLimit = Number.POSITIVE_INFINITY

  constructor(options: BacktestMarketOptions) {
    this.#options = options
    this.#grid = new PriceGrid(options.tick, options.lot)
  }

  /** A strategy takes part; before the first message. Gives its number. */
  join(options: StrategyRunOptions): number {
    return this.#joining.push(options) - 1
  }

  /** Null before the market has shown its first book event. */
  runOf(number: number): StrategyRun | null {
    return this.#runs[number] ?? null
  }

  /** Nanoseconds since the epoch that times of fills and gaps count from. */
  get originNs(): bigint {
    return BigInt(this.#originMicros) * 1000n
  }

  get originMicros(): number {
    return this.#originMicros
  }

  /** Begin of the session's first day, nanoseconds since the epoch. */
  get sessionNs(): bigint {
    return BigInt(this.#sessionMicros) * 1000n
  }

  /** A session is under way. */
  get isInSession(): boolean {
    return this.#isInSession
  }

  /** A pass starts. */
  start(book: FeatureBook, micros: number): void {
    this.#setOrigin(Math.floor(micros / DAY_MICROS) * DAY_MICROS)
    const { session, startMicros, fromMicros } = this.#options
    const isDaily = session === 'day'
    this.#sessionMicros = isDaily ? Math.floor((micros - startMicros) / DAY_MICROS) * DAY_MICROS + startMicros : this.#originMicros
    this.#isInSession = !isDaily || this.#sessionMicros >= fromMicros
    const { source } = book
    this.#memory = source.memory
    if (source instanceof L2Book) this.#depthLimit = source.depthLimit
    if (source.priceScale >= 0) this.#open(source instanceof L3Book)
    if (this.#replay !== null) this.#seed(this.#replay, book)
    // Levels are those of the market's own books.
    if (source instanceof L2Book) source.leaveLevels()
  }

  book(event: BookEventView, moment: EngineMoment): void {
    if (this.#isOver) this.#beginNext()
    const isL3 = event.bookMode === MODE_L3
    const replay = this.#replay ?? this.#open(isL3)
    if (isL3 !== replay.isL3) return
    const exchangeNs = this.#since(moment.timeLow, moment.timeHigh)
    const localNs = this.#localOf(exchangeNs, moment)
    if (isL3) {
      for (let i = 0; i < this.#payload.length; i++) this.#payload[i] = event.view.getUint32(event.offset + 4 * i, true)
      replay.addOrderEvent(exchangeNs, localNs, this.#payload, 0)
      return
    }
    const { eventType, view, offset, length } = event
    if (eventType === EVENT_DIFF) this.#addLevels(DIFF, exchangeNs, localNs, this.#diff.wrap(view, offset, length))
    else if (eventType === EVENT_SNAPSHOT) this.#addLevels(SNAPSHOT, exchangeNs, localNs, this.#snapshot.wrap(view, offset, length))
    else if (eventType === EVENT_RESET) replay.addReset(exchangeNs, localNs)
  }

  trade(trade: TradeView, moment: EngineMoment): void {
    if (this.#isOver) this.#beginNext()
    const replay = this.#replay
    if (replay === null) return
    const exchangeNs = this.#since(moment.timeLow, moment.timeHigh)
    const tick = Math.round(this.#grid.ticksOfPrice(trade.price))
    const lots = this.#grid.lotsOfQuantity(trade.quantity)
    replay.addTrade(exchangeNs, this.#localOf(exchangeNs, moment), trade.isBuyerMaker ? SELL : BUY, tick, lots)
  }

  // Many messages in a call

  get fed(): FedEntries {
    return this.#feed!.fed
  }

  ready(): boolean {
    if (this.#isOver) this.#beginNext()
    return this.#feed !== null
  }

  feed(book: L2Book, from: number, to: number, untilMicros: number): number {
    const feed = this.#feed!
    const end = feed.take(book, from, to, untilMicros, this.#originLow, this.#originHigh)
    this.#lastLocalNs = Math.max(this.#lastLocalNs, feed.lastLocalNs)
    return end
  }

  /** Messages are missing before what comes now. */
  gap(book: FeatureBook, micros: number): void {
    if (this.#isOver) this.#beginNext()
    if (this.#replay === null) return
    const timeNs = (micros - this.#originMicros) * 1000
    const isBookLost = book.source instanceof L3Book ? book.bids.count === 0 && book.asks.count === 0 : book.priceScale < 0
    // What is on its way to the local side arrived before the gap.
    this.#replay.addGap(timeNs, Math.max(timeNs, this.#lastLocalNs), isBookLost)
  }

  /** A bar ends: what was before its end has been met, and strategies take their step. */
  advance(endMicros: number): void {
    if (this.#isOver) this.#beginNext()
    // Rows of this bar are still to be made.
    this.#isOver = this.#options.session === 'day' && endMicros >= this.#sessionMicros + DAY_MICROS
    const replay = this.#replay
    if (replay === null) return
    const nowNs = (endMicros - this.#originMicros) * 1000
    this.#openOrClose(replay, endMicros)
    this.#runTo(replay, nowNs)
    if (!this.#isInSession || this.isClosed) return
    this.#wasOpen = true
    const { bestBid, bestAsk } = replay.localBook
    if (!(Number.isFinite(bestBid) && Number.isFinite(bestAsk))) return
    this.isAtBarEnd = true
    for (let i = 0; i < this.#runs.length; i++) this.#runs[i]!.step(nowNs)
    this.isAtBarEnd = false
  }

  /** Of days that nobody recorded orders know no more than behind a gap; those who hear of it do so when the market opens again. */
  #openOrClose(replay: MarketReplay, endMicros: number): void {
    const startMicros = endMicros - this.#options.barMicros
    const isKnown = this.#options.isKnown?.(startMicros, endMicros) ?? true
    if (isKnown !== this.isClosed) return
    this.isClosed = !isKnown
    const startNs = (startMicros - this.#originMicros) * 1000
    if (this.isClosed || (this.#wasOpen && this.#isInSession)) replay.addGap(startNs, Math.max(startNs, this.#lastLocalNs), false)
  }

  #runTo(replay: MarketReplay, nowNs: number): void {
    const { isBookKnown } = replay
    if (this.isClosed) replay.isBookKnown = false
    replay.run(nowNs, false)
    if (this.isClosed) replay.isBookKnown = isBookKnown
  }

  /** A UTC day ends, after its last bar. */
  dayEnds(): void {
    this.#setOrigin(this.#originMicros + DAY_MICROS)
    this.#lastLocalNs -= DAY_MICROS * 1000
    const { originNs } = this
    this.#replay?.rebase(DAY_MICROS * 1000, originNs)
    for (const run of this.#runs) run.rebase(originNs)
    if (this.#isOver) this.#beginNext()
  }

  #open(isL3: boolean): MarketReplay {
    const replay = new MarketReplay(this.#grid, isL3, this.#depthLimit, this.#memory!)
    this.#replay = replay
    if (!isL3) this.#feed = new MarketFeed(replay.events, this.#grid, this.#options.localShiftNs)
    this.#runs = this.#joining.map((options) => new StrategyRun(replay, options))
    if (this.#isInSession) this.#begin()
    return replay
  }

  /** After the rows of the last bar of the session before. */
  #beginNext(): void {
    this.#isOver = false
    this.#sessionMicros += DAY_MICROS
    this.#isInSession = this.#sessionMicros >= this.#options.fromMicros
    if (this.#isInSession) this.#begin()
  }

  #begin(): void {
    this.#wasOpen = false
    if (this.#options.session === 'run') this.#sessionMicros = this.#originMicros
    this.#replay?.begin(this.originNs)
    for (const run of this.#runs) run.begin(this.originNs)
  }

  /** Both sides begin with the book as the engine has it. */
  #seed(replay: MarketReplay, { source, restoredNs }: FeatureBook): void {
    const { book, localBook } = replay
    if (restoredNs !== null) replay.bookNs = Number(restoredNs - this.originNs)
    if (source instanceof L3Book) {
      for (const side of [book, localBook]) if (side instanceof QueuedBook) side.load(source)
      return
    }
    if (!(book instanceof TrackedBook)) return
    for (const [side, levels] of [
      [BUY, source.bids],
      [SELL, source.asks],
    ] as const) {
      const prices = new Float64Array(levels.count)
      const sizes = new Float64Array(levels.count)
      const count = levels.topInto(prices, sizes)
      for (let i = 0; i < count; i++) {
        book.set(side, this.#grid.tickOf(prices[i]!, source.priceScale), this.#grid.lotsOf(sizes[i]!, source.sizeScale))
      }
    }
    replay.seed()
  }

  #addLevels(kind: number, exchangeNs: number, localNs: number, levels: L2LevelsView): void {
    const { bidCount, askCount, priceScale, sizeScale, view, levelsOffset } = levels
    const { events } = this.#replay!
    const count = bidCount + askCount
    if (view.buffer !== this.#words.buffer) this.#words = new Uint32Array(view.buffer)
    // Messages that were held lie at words.
    const from = (view.byteOffset + levelsOffset) >>> 2
    const at = this.#memory!.put(this.#words, from, 16 * count)
    const priceFactor = this.#grid.priceFactor(priceScale)
    const bad = events.addLevels(kind, exchangeNs, localNs, at, bidCount, askCount, priceFactor, this.#grid.sizeFactor(sizeScale))
    // Which throws.
    if (bad >= 0) this.#grid.tickOf(this.#words[from + 4 * bad]! + this.#words[from + 4 * bad + 1]! * TWO_32, priceScale)
  }

  /** Local time of a message. @throws ReplayError input `negative-latency` when it lies before the exchange's */
  #localOf(exchangeNs: number, moment: EngineMoment): number {
    const localNs = this.#since(moment.recordLow, moment.recordHigh) + this.#options.localShiftNs
    if (localNs < exchangeNs) throw negativeLatency(exchangeNs - localNs, this.#options.localShiftNs, moment)
    if (localNs > this.#lastLocalNs) this.#lastLocalNs = localNs
    return localNs
  }

  #since(low: number, high: number): number {
    return (high - this.#originHigh) * TWO_32 + (low - this.#originLow)
  }

  #setOrigin(micros: number): void {
    this.#originMicros = micros
    const ns = BigInt(micros) * 1000n
    this.#originLow = Number(ns & 0xffffffffn)
    this.#originHigh = Number(ns >> 32n)
  }
}

function negativeLatency(byNs: number, shiftNs: number, { positionLow, positionHigh }: EngineMoment): ReplayError {
  const place: ErrorPlace = positionHigh >= 0 ? { segment: positionHigh, offset: positionLow * 64 } : {}
  const least = `${Math.ceil((shiftNs + byNs) / 1e6)}ms`
  return new ReplayError(
    'negative-latency',
    `a message was recorded ${byNs} ns before its own exchange time: expected the recorder's clock to be behind by no more than market.localShift; it has to be at least ${least}, and as much as maxSkew makes up for all`,
    { category: 'input', ...place },
  )
}
