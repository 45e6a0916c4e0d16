import { BookMemory } from '../book/kernel/book-memory.ts'
import { ReplayError } from '../errors.ts'
import { L3_EVENT_BYTES } from '../protocol/l3-event.ts'
import type { ExchangeMarket, ExchangeSide } from './exchange-side.ts'
import { LocalBook } from './local-book.ts'
import { GAP, MarketEvents, ORDER_EVENT, RESET, SNAPSHOT, TRADE } from './market-events.ts'
import { MarketLevels, MET_ALL, MET_CROSSED_BUYS, MET_CROSSED_SELLS, MET_EVENT } from './market-levels.ts'
import type { MarketTerms } from './market-terms.ts'
import { type OrderEventHost, OrderEvents } from './order-events.ts'
import { BUY, CANCELED, SELL, type Side } from './order-terms.ts'
import { Participant } from './participant.ts'
import type { PriceGrid } from './price-grid.ts'
import { QueuedBook } from './queued-book.ts'
import { TrackedBook } from './tracked-book.ts'

/** Bits of all kinds of events. */
const ALL_KINDS = 0x3f

/** The market as it is: an L2 book, or for L3 logs the orders. */
export type ExchangeBook = TrackedBook | QueuedBook

/** The same as it is known locally. */
export type KnownBook = LocalBook | QueuedBook

/**
 * One market with its two clocks, and everyone who takes part in it: market events are met by the exchange side in the order of
 * exchange time, by the local side in the order of local time; order messages go between the two (BACKTEST §1, §2).
 *
 * Feed it with the methods of `events` and `add…`, then `run` it up to a time. Participants share both books, and nothing else.
 * At equal times: market data at the local side, responses, market data at the exchange, requests.
 */
export class MarketReplay implements ExchangeMarket, OrderEventHost {
  readonly grid: PriceGrid
  readonly events: MarketEvents
  readonly participants: Participant[] = []
  readonly exchanges: ExchangeSide[] = []
  /** As it is known locally. */
  readonly localBook: KnownBook
  nowNs = Number.NEGATIVE_INFINITY
  isBookKnown = true
  /** Orders, not levels. */
  readonly isL3: boolean
  /** As the exchange has it, of an L3 log. */
  readonly #orders: QueuedBook | null

  #nextRequestNs = Number.POSITIVE_INFINITY
  #nextResponseNs = Number.POSITIVE_INFINITY
  /** Price ranges of all resting orders. */
  minBuy = Number.POSITIVE_INFINITY
  maxBuy = Number.NEGATIVE_INFINITY
  minSell = Number.POSITIVE_INFINITY
  maxSell = Number.NEGATIVE_INFINITY
  /** A participant may have messages or orders that it had not at the last look. */
  isStale = true
  /** Kinds of events that someone hears of at the local side, a bit each. */
  #localStops = 0
  readonly #levels: MarketLevels
  /** Of L3 logs. */
  readonly #orderEvents: OrderEvents | null

  /**
   * @param depthLimit of the stream: after each message the books are cut to so many levels a side
   * @param memory that events and books of levels lie in
   */
  constructor(grid: PriceGrid, isL3: boolean, depthLimit = Number.POSITIVE_INFINITY, memory = new BookMemory()) {
    this.grid = grid
    this.isL3 = isL3
    this.events = new MarketEvents(memory)
    const made = (): TrackedBook | null => (isL3 ? null : new TrackedBook(depthLimit, memory))
    this.#levels = new MarketLevels(this.events, made(), made())
    this.#orders = isL3 ? new QueuedBook(grid) : null
    this.#orderEvents = this.#orders === null ? null : new OrderEvents(this, this.#orders)
    this.localBook = isL3 ? new QueuedBook(grid) : new LocalBook(this.#levels)
  }

  /** As the exchange has it; not to be kept. */
  get book(): ExchangeBook {
    return this.#orders ?? this.#levels.lookAtExchange()
  }

  get bookNs(): number {
    return this.#levels.bookNs
  }

  set bookNs(timeNs: number) {
    this.#levels.bookNs = timeNs
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
    return this.#orders?.joined ?? 0
  }

  /** A session begins: everyone is flat and without orders. Books, and market events on their way, stay. @param originNs nanoseconds since the epoch */
  begin(originNs: bigint): void {
    for (const participant of this.participants) participant.begin(originNs)
    this.#levels.settle()
    this.isStale = true
  }

  /** Both sides of levels begin with the book that the exchange was given. */
  seed(): void {
    this.#levels.seed()
  }

  /** The origin of time moves on. */
  rebase(byNs: number, originNs: bigint): void {
    this.events.rebase(byNs)
    this.nowNs -= byNs
    this.#levels.bookNs -= byNs
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
    this.#localStops = 0
    for (const { listener, latency } of this.participants) {
      if (listener.trade !== undefined) this.#localStops |= 1 << TRADE
      if (latency.observe !== undefined) this.#localStops |= ALL_KINDS
    }
    this.isStale = true
    for (;;) {
      if (this.isStale) this.#look()
      const localNs = this.#localStops === 0 ? Number.POSITIVE_INFINITY : events.nextLocalOf(this.#localStops)
      const responseNs = this.#nextResponseNs
      const requestNs = this.#nextRequestNs
      const why = this.#levels.meetAtExchange(Math.min(localNs, responseNs), Math.min(requestNs, lastNs), this.#levelChanged)
      if (why !== MET_ALL) {
        this.nowNs = this.#levels.nowNs
        if (why === MET_CROSSED_SELLS) this.cross(SELL, this.book.bestBid)
        else if (why === MET_CROSSED_BUYS) this.cross(BUY, this.book.bestAsk)
        else if (why === MET_EVENT) this.#meetAtExchange(this.#levels.event)
        continue
      }
      const time = Math.min(localNs, responseNs, requestNs)
      if (time > lastNs) break
      this.nowNs = time
      if (localNs === time) this.#meetLocally(time)
      else if (responseNs === time) this.#hear(time)
      else this.#arrive(time)
    }
    this.#meetLocally(lastNs)
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
    this.#levels.setRanges(minBuy, maxBuy, minSell, maxSell)
  }

  /** All responses of a time: none of them makes another one of it. */
  #hear(time: number): void {
    this.isStale = true
    this.#meetLocally(time)
    for (const participant of this.participants) {
      while (participant.responses.nextNs === time) participant.hearFirst()
    }
  }

  /** Requests of a time, up to one whose response is of it, too. */
  #arrive(time: number): void {
    this.isStale = true
    for (const participant of this.participants) {
      const { requests, responses } = participant
      while (requests.nextNs === time) {
        participant.arriveFirst()
        if (responses.nextNs <= time) return
      }
    }
  }

  // The local side

  /** Meets what comes up to a time, or up to what others hear of; whatever looks at the local book has to ask for this first. */
  #meetLocally(untilNs: number): void {
    const stops = this.#localStops
    const kinds = this.isL3 ? ALL_KINDS : stops
    for (let event = this.#levels.meetLocally(untilNs, kinds); event >= 0; event = this.#levels.meetLocally(untilNs, kinds)) {
      const kind = this.events.kindOf(event)
      if (this.localBook instanceof QueuedBook) this.#meetOrderEvent(this.localBook, event, kind)
      if (((stops >>> kind) & 1) === 1) {
        this.#tell(event, kind)
        return
      }
    }
  }

  #meetOrderEvent({ source }: QueuedBook, event: number, kind: number): void {
    if (kind === ORDER_EVENT) source.applyPayload(this.events.words, 2 * this.events.startOf(event), L3_EVENT_BYTES)
    else if (kind === RESET || (kind === GAP && this.events.firstOf(event) === 1)) source.clear()
  }

  #tell(event: number, kind: number): void {
    const { events, participants } = this
    this.isStale = true
    const exchangeNs = events.exchangeNsOf(event)
    const localNs = events.localNsOf(event)
    if (kind !== GAP) for (const { latency } of participants) latency.observe?.(localNs, exchangeNs)
    if (kind !== TRADE) return
    const start = events.startOf(event)
    const taker = events.firstOf(event) as Side
    const tick = events.arena[start]!
    const lots = events.arena[start + 1]!
    for (const { listener } of participants) listener.trade?.(taker, tick, lots, exchangeNs, localNs)
  }

  // The exchange

  #meetAtExchange(event: number): void {
    const { events } = this
    const start = events.startOf(event)
    switch (events.kindOf(event)) {
      case TRADE:
        this.#trade(events.firstOf(event) as Side, events.arena[start]!, events.arena[start + 1]!)
        return
      case ORDER_EVENT:
        this.#levels.bookNs = this.nowNs
        this.#orderEvents!.meet(events.words, 2 * start)
        return
      case SNAPSHOT:
        this.#replace(event, start)
        return
      case RESET:
        this.book.clear()
        this.isBookKnown = true
        this.#levels.bookNs = this.nowNs
        return
      default:
        this.#meetGap(events.firstOf(event) === 1)
    }
  }

  readonly #levelChanged = (side: Side, tick: number, previous: number, next: number): void => {
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

  /** A trade that reaches own orders: of most L3 logs the executions say which order was met. */
  #trade(taker: Side, tick: number, lots: number): void {
    this.isStale = true
    for (const { exchange, terms } of this.participants) {
      if (taker === BUY ? tick < exchange.resting.minSell : tick > exchange.resting.maxBuy) continue
      exchange.levels?.traded(taker, tick, lots)
      if (terms.executions === 'trades') exchange.orders?.tradedAt(taker, tick, lots)
    }
  }

  #replace(event: number, start: number): void {
    const book = this.book as TrackedBook
    book.clear()
    book.setLevels(start, this.events.firstOf(event), this.events.secondOf(event))
    this.isBookKnown = true
    this.#levels.bookNs = this.nowNs
    for (const exchange of this.exchanges) exchange.levels?.replaced(book)
    this.cross(SELL, book.bestBid)
    this.cross(BUY, book.bestAsk)
  }

  #meetGap(isBookLost: boolean): void {
    this.isStale = true
    this.#meetLocally(this.nowNs)
    // Of an empty book nobody knows either.
    if (isBookLost || (this.book instanceof TrackedBook && this.book.isEmpty)) {
      this.book.clear()
      this.isBookKnown = false
    }
    for (const { exchange, terms, listener } of this.participants) {
      if (terms.onGap === 'cancel') exchange.endAll(CANCELED)
      listener.gap?.(this.nowNs)
    }
  }
}
