import { ReplayError } from '../errors.ts'
import { L3_EVENT_BYTES } from '../protocol/l3-event.ts'
import type { ExchangeMarket, ExchangeSide } from './exchange-side.ts'
import { DIFF, GAP, MarketEvents, ORDER_EVENT, RESET, SNAPSHOT, TRADE } from './market-events.ts'
import type { MarketTerms } from './market-terms.ts'
import { type OrderEventHost, OrderEvents } from './order-events.ts'
import { BUY, CANCELED, SELL, type Side } from './order-terms.ts'
import { Participant } from './participant.ts'
import type { PriceGrid } from './price-grid.ts'
import { QueuedBook } from './queued-book.ts'
import { TrackedBook } from './tracked-book.ts'

/** The market as one side of it has come to know it: an L2 book, or for L3 logs the orders. */
export type SideBook = TrackedBook | QueuedBook

/**
 * One market with its two clocks, and everyone who takes part in it: market events are met by the exchange side in the order of
 * exchange time, by the local side in the order of local time; order messages go between the two (BACKTEST §1, §2).
 *
 * Feed it with the methods of `events` and `add…`, then `run` it up to a time. Participants share both books, and nothing else.
 * At equal times: market data at the local side, responses, market data at the exchange, requests.
 */
export class MarketReplay implements ExchangeMarket, OrderEventHost {
  readonly grid: PriceGrid
  readonly events = new MarketEvents()
  readonly participants: Participant[] = []
  readonly exchanges: ExchangeSide[] = []
  /** As the exchange has it. */
  book: SideBook
  /** As it is known locally. */
  localBook: SideBook
  nowNs = Number.NEGATIVE_INFINITY
  bookNs = Number.NEGATIVE_INFINITY
  isBookKnown = true
  /** Orders, not levels. */
  readonly isL3: boolean

  #nextRequestNs = Number.POSITIVE_INFINITY
  #nextResponseNs = Number.POSITIVE_INFINITY
  /** Price ranges of all resting orders. */
  minBuy = Number.POSITIVE_INFINITY
  maxBuy = Number.NEGATIVE_INFINITY
  minSell = Number.POSITIVE_INFINITY
  maxSell = Number.NEGATIVE_INFINITY
  /** A participant may have messages or orders that it had not at the last look. */
  isStale = true
  #hearsTrades = false
  #observes = false
  /** Of L3 logs. */
  readonly #orderEvents: OrderEvents | null

  /** @param depthLimit of the stream: after each message the books are cut to so many levels a side */
  constructor(grid: PriceGrid, isL3: boolean, depthLimit = Number.POSITIVE_INFINITY) {
    this.grid = grid
    this.isL3 = isL3
    const queued = isL3 ? new QueuedBook(grid) : null
    this.book = queued ?? new TrackedBook(depthLimit)
    this.#orderEvents = queued === null ? null : new OrderEvents(this, queued)
    this.localBook = isL3 ? new QueuedBook(grid) : new TrackedBook(depthLimit)
  }

  /** @throws ReplayError input `queue-model` when the log is not what the queue model is for */
  join(terms: MarketTerms): Participant {
    if ((terms.queue === 'fifo') !== this.isL3) {
      const message = this.isL3
        ? "market: queue: the log has orders (L3), whose queues are known: expected 'fifo'"
        : "market: queue: 'fifo' needs a log of orders (L3), the log has levels (L2): expected risk, power:N, log or log2"
      throw new ReplayError('queue-model', message, { category: 'input' })
    }
    const participant = new Participant(terms, this)
    this.participants.push(participant)
    this.exchanges.push(participant.exchange)
    return participant
  }

  get joined(): number {
    return this.book instanceof QueuedBook ? this.book.joined : 0
  }

  /** A session begins: everyone is flat and without orders. Books, and market events on their way, stay. @param originNs nanoseconds since the epoch */
  begin(originNs: bigint): void {
    for (const participant of this.participants) participant.begin(originNs)
    // What a best price was before must not matter to a session.
    for (const book of [this.book, this.localBook]) if (book instanceof TrackedBook) book.settle()
    this.isStale = true
  }

  /** The origin of time moves on. */
  rebase(byNs: number, originNs: bigint): void {
    this.events.rebase(byNs)
    this.nowNs -= byNs
    this.bookNs -= byNs
    this.#orderEvents?.rebase(byNs)
    for (const participant of this.participants) participant.rebase(byNs, originNs)
    this.isStale = true
  }

  addTrade(exchangeNs: number, localNs: number, taker: Side, tick: number, lots: number): void {
    const at = this.events.add(TRADE, exchangeNs, localNs, taker, 0, 2)
    this.events.arena[at] = tick
    this.events.arena[at + 1] = lots
  }

  /** @param words the payload of an L3 event at `words[at]` */
  addOrderEvent(exchangeNs: number, localNs: number, words: Uint32Array, at: number): void {
    const start = this.events.add(ORDER_EVENT, exchangeNs, localNs, 0, 0, L3_EVENT_BYTES / 8)
    this.events.words.set(words.subarray(at, at + L3_EVENT_BYTES / 4), 2 * start)
  }

  addReset(exchangeNs: number, localNs: number): void {
    this.events.add(RESET, exchangeNs, localNs, 0, 0, 0)
  }

  /** Messages are missing. @param isBookLost until the next snapshot or reset nobody knows the book */
  addGap(exchangeNs: number, localNs: number, isBookLost: boolean): void {
    this.events.add(GAP, exchangeNs, localNs, isBookLost ? 1 : 0, 0, 0)
  }

  /** Comes to a time: everything up to it, or only before it, is handled. */
  run(untilNs: number, isInclusive: boolean): void {
    const lastNs = isInclusive ? untilNs : untilNs - 1
    const { events } = this
    this.#hearsTrades = this.participants.some(({ listener }) => listener.trade !== undefined)
    this.#observes = this.participants.some(({ latency }) => latency.observe !== undefined)
    this.isStale = true
    for (;;) {
      if (this.isStale) this.#look()
      const localNs = events.nextLocalNs
      const responseNs = this.#nextResponseNs
      const exchangeNs = events.nextExchangeNs
      const time = Math.min(localNs, responseNs, exchangeNs, this.#nextRequestNs)
      if (time > lastNs) break
      this.nowNs = time
      if (localNs === time) this.#meetLocally(events.byLocal[events.localDone++]!)
      else if (responseNs === time) this.#hear(time)
      else if (exchangeNs === time) this.#meetAtExchange(events.byExchange[events.exchangeDone++]!)
      else this.#arrive(time)
    }
    this.nowNs = untilNs
    events.compact()
  }

  /** What all participants come to. */
  #look(): void {
    this.isStale = false
    let [request, response] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    let [minBuy, maxBuy, minSell, maxSell] = [
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]
    const { participants } = this
    for (let i = 0; i < participants.length; i++) {
      const { requests, responses, exchange } = participants[i]!
      const { resting } = exchange
      if (requests.nextNs < request) request = requests.nextNs
      if (responses.nextNs < response) response = responses.nextNs
      if (resting.minBuy < minBuy) minBuy = resting.minBuy
      if (resting.maxBuy > maxBuy) maxBuy = resting.maxBuy
      if (resting.minSell < minSell) minSell = resting.minSell
      if (resting.maxSell > maxSell) maxSell = resting.maxSell
    }
    this.#nextRequestNs = request
    this.#nextResponseNs = response
    this.minBuy = minBuy
    this.maxBuy = maxBuy
    this.minSell = minSell
    this.maxSell = maxSell
  }

  #hear(time: number): void {
    this.isStale = true
    for (const participant of this.participants) {
      if (participant.responses.nextNs === time) {
        participant.hearFirst()
        return
      }
    }
  }

  #arrive(time: number): void {
    this.isStale = true
    for (const participant of this.participants) {
      if (participant.requests.nextNs === time) {
        participant.arriveFirst()
        return
      }
    }
  }

  // The local side

  #meetLocally(event: number): void {
    const { events, localBook } = this
    const { arena } = events
    const start = events.starts[event]!
    const kind = events.kinds[event]!
    if (this.#observes && kind !== GAP) {
      for (const { latency } of this.participants) latency.observe?.(events.localNs[event]!, events.exchangeNs[event]!)
    }
    if (kind === TRADE) {
      if (this.#hearsTrades) this.#tellTrade(event, events.firsts[event] as Side, arena[start]!, arena[start + 1]!)
    } else if (kind === ORDER_EVENT) (localBook as QueuedBook).source.applyPayload(events.words, 2 * start, L3_EVENT_BYTES)
    else if (kind === GAP) {
      if (events.firsts[event] === 1) localBook.clear()
    } else {
      if (kind !== DIFF) localBook.clear()
      if (kind !== RESET) (localBook as TrackedBook).setLevels(arena, start, events.firsts[event]!, events.seconds[event]!)
    }
  }

  #tellTrade(event: number, taker: Side, tick: number, lots: number): void {
    this.isStale = true
    const { exchangeNs, localNs } = this.events
    for (const { listener } of this.participants) listener.trade?.(taker, tick, lots, exchangeNs[event]!, localNs[event]!)
  }

  // The exchange

  #meetAtExchange(event: number): void {
    const { events } = this
    const { arena } = events
    const start = events.starts[event]!
    switch (events.kinds[event]) {
      case DIFF:
        this.bookNs = this.nowNs
        this.#setBids(arena, start, events.firsts[event]!)
        this.#setAsks(arena, start + 2 * events.firsts[event]!, events.seconds[event]!)
        ;(this.book as TrackedBook).cut()
        return
      case TRADE:
        this.#trade(events.firsts[event] as Side, arena[start]!, arena[start + 1]!)
        return
      case ORDER_EVENT:
        this.bookNs = this.nowNs
        this.#orderEvents!.meet(events.words, 2 * start)
        return
      case SNAPSHOT:
        this.#replace(event, arena, start)
        return
      case RESET:
        this.book.clear()
        this.isBookKnown = true
        this.bookNs = this.nowNs
        return
      default:
        this.#meetGap(events.firsts[event] === 1)
    }
  }

  #setBids(arena: Float64Array, start: number, count: number): void {
    const book = this.book as TrackedBook
    for (let i = start; i < start + 2 * count; i += 2) {
      const tick = arena[i]!
      const lots = arena[i + 1]!
      const best = book.bestBid
      const isOurs = tick >= this.minBuy && tick <= this.maxBuy
      const previous = isOurs ? book.bids.sizeAt(tick) : 0
      book.set(BUY, tick, lots)
      if (isOurs) this.#levelChanged(BUY, tick, previous, lots < 0.5 ? 0 : lots)
      if (book.bestBid > best && book.bestBid >= this.minSell) this.cross(SELL, book.bestBid)
    }
  }

  #setAsks(arena: Float64Array, start: number, count: number): void {
    const book = this.book as TrackedBook
    for (let i = start; i < start + 2 * count; i += 2) {
      const tick = arena[i]!
      const lots = arena[i + 1]!
      const best = book.bestAsk
      const isOurs = tick >= this.minSell && tick <= this.maxSell
      const previous = isOurs ? book.asks.sizeAt(tick) : 0
      book.set(SELL, tick, lots)
      if (isOurs) this.#levelChanged(SELL, tick, previous, lots < 0.5 ? 0 : lots)
      if (book.bestAsk < best && book.bestAsk <= this.maxBuy) this.cross(BUY, book.bestAsk)
    }
  }

  #levelChanged(side: Side, tick: number, previous: number, next: number): void {
    const { participants } = this
    for (let i = 0; i < participants.length; i++) {
      const { resting, levels } = participants[i]!.exchange
      const isOurs = side === BUY ? tick >= resting.minBuy && tick <= resting.maxBuy : tick >= resting.minSell && tick <= resting.maxSell
      if (isOurs) levels!.levelChanged(side, tick, previous, next)
    }
  }

  /** The best price of the other side came to `best`: orders of `side` that it has reached are filled. */
  cross(side: Side, best: number): void {
    this.isStale = true
    for (const exchange of this.exchanges) {
      const { resting } = exchange
      if (side === BUY ? best > resting.maxBuy : best < resting.minSell) continue
      exchange.crossed(side, best)
    }
    // Whoever was filled is no longer there for the next level.
    this.#look()
  }

  #trade(taker: Side, tick: number, lots: number): void {
    // The executions of an L3 log say which order was met.
    if (this.isL3 || !(taker === BUY ? tick >= this.minSell : tick <= this.maxBuy)) return
    this.isStale = true
    for (const exchange of this.exchanges) {
      if (taker === BUY ? tick < exchange.resting.minSell : tick > exchange.resting.maxBuy) continue
      exchange.levels!.traded(taker, tick, lots)
    }
  }

  #replace(event: number, arena: Float64Array, start: number): void {
    const book = this.book as TrackedBook
    const { firsts, seconds } = this.events
    book.clear()
    book.setLevels(arena, start, firsts[event]!, seconds[event]!)
    this.isBookKnown = true
    this.bookNs = this.nowNs
    for (const exchange of this.exchanges) exchange.levels?.replaced(book)
    this.cross(SELL, book.bestBid)
    this.cross(BUY, book.bestAsk)
  }

  #meetGap(isBookLost: boolean): void {
    this.isStale = true
    if (isBookLost) {
      this.book.clear()
      this.isBookKnown = false
    }
    for (const { exchange, terms, listener } of this.participants) {
      if (terms.onGap === 'cancel') exchange.endAll(CANCELED)
      listener.gap?.(this.nowNs)
    }
  }
}
