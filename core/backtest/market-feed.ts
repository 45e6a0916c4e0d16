import type { L2Book } from '../book/l2-book.ts'
import type { FedEntries } from '../features/held-feed.ts'
import type { MarketEvents } from './market-events.ts'
import type { PriceGrid } from './price-grid.ts'

/** Words of the kernel's `MarketFeed`, and doubles of it. */
const ORIGIN = 0
const SHIFT = 1
const LAST_LOCAL = 2
const TICK = 3
const LOT = 4
const CLOCK = 10
const CLOCK_MICROS = 6
const BOOK_EVENTS = 14
const TRADES = 15
const LAST = 16
const PRICE_FACTORS = 17
const SIZE_FACTORS = 18
/** Decimals that a log's prices and sizes may have. */
const SCALES = 20

/** Makes events of messages that were put aside, many in a call: a view of what kernel/market-feed.as does. */
export class MarketFeed {
  readonly fed: FedEntries = { bookEvents: 0, trades: 0, last: 0, clockMicros: 0, clockLow: 0, clockHigh: 0 }
  /** The latest local time of those that the last call took. */
  lastLocalNs = Number.NEGATIVE_INFINITY
  readonly #events: MarketEvents
  readonly #at: number

  constructor(events: MarketEvents, grid: PriceGrid, localShiftNs: number) {
    const { memory } = events
    this.#events = events
    this.#at = memory.kernel.newMarketFeed(events.at) >>> 0
    const { doubles, words } = memory
    const at = this.#at >>> 3
    doubles[at + SHIFT] = localShiftNs
    doubles[at + TICK] = grid.tick
    doubles[at + LOT] = grid.lot
    for (let scale = 0; scale < SCALES; scale++) {
      doubles[(words[(this.#at >>> 2) + PRICE_FACTORS]! >>> 3) + scale] = grid.priceFactor(scale)
      doubles[(words[(this.#at >>> 2) + SIZE_FACTORS]! >>> 3) + scale] = grid.sizeFactor(scale)
    }
  }

  /** As of `HeldFeed`. @param originLow what times of events count from, nanoseconds since the epoch in two words */
  take(book: L2Book, from: number, to: number, untilMicros: number, originLow: number, originHigh: number): number {
    const { memory } = this.#events
    const at = this.#at >>> 2
    memory.words[at + ORIGIN] = originLow
    memory.words[at + ORIGIN + 1] = originHigh
    let end: number
    try {
      end = memory.kernel.feedMarket(this.#at, book.address, from, to, untilMicros) >>> 0
    } catch (cause) {
      throw memory.trapped(cause)
    }
    const { words, doubles } = memory
    const { fed } = this
    fed.bookEvents = words[at + BOOK_EVENTS]!
    fed.trades = words[at + TRADES]!
    fed.last = words[at + LAST]!
    fed.clockMicros = doubles[(at >>> 1) + CLOCK_MICROS]!
    fed.clockLow = words[at + CLOCK]!
    fed.clockHigh = words[at + CLOCK + 1]!
    this.lastLocalNs = doubles[(at >>> 1) + LAST_LOCAL]!
    return end
  }
}
