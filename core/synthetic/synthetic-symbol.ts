import { ReplayError } from '../errors.ts'
import { dayStartNs } from '../instant.ts'
import { marketId } from '../protocol/symbol-hash.ts'
import { venueIdOf } from '../protocol/venues.ts'
import { L2_BOOK_BYTES, L2Market } from './l2-market.ts'
import { L3_BOOK_BYTES, L3Market } from './l3-market.ts'
import { Random } from './random.ts'
import { SyntheticClock } from './synthetic-clock.ts'
import {
  type MarketIdentity,
  STREAM_BOOK,
  STREAM_TICKER,
  STREAM_TRADES,
  SyntheticFeed,
  type SyntheticGap,
  type SyntheticOutput,
} from './synthetic-feed.ts'
import type { SyntheticMarket } from './synthetic-market.ts'

/** What a synthetic market does. Same options, same messages. */
export interface SyntheticSymbolOptions {
  /** Which symbol: 0, 1, … Each has its own name, prices and random numbers. */
  readonly index: number
  /** Messages in total, over all days and streams. */
  readonly messages: number
  readonly seed: number
  /** @default 2 */
  readonly days?: number
  /** First UTC day, `YYYY-MM-DD`. @default '2024-01-01' */
  readonly from?: string
  /** `book` and `l3` both mean the book stream of the level. @default all */
  readonly streams?: readonly SyntheticStream[]
  /** Whether each day begins with a snapshot (L3: a reset and all orders), or the first one only. @default true */
  readonly dailySnapshot?: boolean
  /** Exchange time minus record time, milliseconds. @default [-700, 1300] */
  readonly skewMs?: readonly [min: number, max: number]
  /** Probability per message of a step back in its stream: of its record time (by less than 1 s), and of its exchange time. @default 0.005 */
  readonly stepBack?: number
  /** Update-id gaps to inject. Only ids are left out: the book stays whole. @default 0 */
  readonly gaps?: number
  /** @default 'l2' */
  readonly level?: 'l2' | 'l3'
}

export type SyntheticStream = 'book' | 'trades' | 'ticker' | 'l3'

export const MAX_SYNTHETIC_SYMBOLS = 100_000
export const SYNTHETIC_VENUE = 'synthetic'
/** Far above any real difference of clocks. */
const MAX_SKEW_MS = 3_600_000
const MAX_DAYS = 10_000
/** An L3 day begins with its orders. */
const MIN_L3_DAY_MESSAGES = 64
const MIN_GAP_MESSAGES = 20
const DAY_NS = 86_400_000_000_000n

/**
 * One symbol's messages, day by day.
 * @throws ReplayError input `generate-option` naming the option, what was given and what is allowed
 */
export function createSyntheticSymbol(options: SyntheticSymbolOptions): SyntheticSymbol {
  checkOptions(options)
  return new SyntheticSymbol(options)
}

export class SyntheticSymbol {
  readonly identity: MarketIdentity
  readonly days: number
  readonly #feed: SyntheticFeed
  readonly #clock: SyntheticClock
  readonly #market: SyntheticMarket
  readonly #options: SyntheticSymbolOptions
  readonly #fromNs: bigint
  #day = 0
  #steps = 1
  #countBefore = 0

  /** Use createSyntheticSymbol, which checks the options. */
  constructor(options: SyntheticSymbolOptions) {
    const { index, messages, seed, level = 'l2', skewMs = [-700, 1300], stepBack = 0.005, days = 2, from = '2024-01-01' } = options
    const random = new Random(seed, index)
    this.#options = options
    this.days = days
    this.#fromNs = dayStartNs(from)!
    this.identity = identityOf(index, level, random)
    this.#clock = new SyntheticClock(random, { skewMs, stepBack })
    const gapsAt = Array.from({ length: options.gaps ?? 0 }, () => Math.floor(messages * (0.02 + 0.88 * random.unit()))).sort(
      (a, b) => a - b,
    )
    const bookBytes = level === 'l2' ? L2_BOOK_BYTES : L3_BOOK_BYTES
    this.#feed = new SyntheticFeed(this.identity, this.#clock, random, streamIds(options.streams), gapsAt, bookBytes)
    const startPrice = 20_000 + random.below(200_000)
    this.#market = level === 'l2' ? new L2Market(this.#feed, startPrice) : new L3Market(this.#feed, startPrice, Math.floor(messages / days))
  }

  /** The gaps injected so far. */
  get gaps(): readonly SyntheticGap[] {
    return this.#feed.gaps
  }

  /** Messages made so far. */
  get count(): number {
    return this.#feed.count
  }

  /** The UTC date of a day, 0 ≤ day < days. */
  dateOf(day: number): string {
    return new Date(Number(this.#dayNs(day) / 1_000_000n)).toISOString().slice(0, 10)
  }

  /** Begins the next day, sending its messages to `output`; false when all days are over. */
  startDay(output: SyntheticOutput): boolean {
    if (this.#day === this.days) return false
    const feed = this.#feed
    const { messages, dailySnapshot = true } = this.#options
    feed.output = output
    feed.date = this.dateOf(this.#day)
    feed.bookSeq = 0
    feed.remaining = Math.floor((messages * (this.#day + 1)) / this.days) - Math.floor((messages * this.#day) / this.days)
    this.#clock.startDay(this.#dayNs(this.#day))
    this.#steps = 1
    this.#countBefore = feed.count
    this.#market.startDay(this.#day++ === 0 || dailySnapshot)
    return true
  }

  /** Makes `atLeast` further messages of the day, and those of the last event; false when the day is over. */
  run(atLeast: number): boolean {
    const feed = this.#feed
    const until = feed.count + atLeast
    while (feed.remaining > 0) {
      if (feed.count >= until) return true
      const eventsPerMessage = this.#steps++ / (feed.count - this.#countBefore + 1)
      this.#clock.nextEvent(feed.remaining * eventsPerMessage)
      this.#market.step()
    }
    return false
  }

  #dayNs(day: number): bigint {
    return this.#fromNs + BigInt(day) * DAY_NS
  }
}

/** Names and scales. The first ones are called like well-known markets, the rest are numbered. */
function identityOf(index: number, level: 'l2' | 'l3', random: Random): MarketIdentity {
  const exchangeSymbol = `${KNOWN_ASSETS[index] ?? `SYN${index}`}USDT`
  return {
    symbol: exchangeSymbol.toLowerCase(),
    bookStream: level === 'l2' ? 'book' : 'l3',
    exchangeSymbol,
    venueId: venueIdOf(SYNTHETIC_VENUE),
    marketId: marketId(exchangeSymbol),
    priceScale: level === 'l2' ? 1 + random.below(4) : 2,
    sizeScale: level === 'l2' ? 3 : 0,
  }
}

function streamIds(streams: readonly SyntheticStream[] = ['book', 'trades', 'ticker']): Set<number> {
  return new Set(streams.map((stream) => (stream === 'trades' ? STREAM_TRADES : stream === 'ticker' ? STREAM_TICKER : STREAM_BOOK)))
}

function checkOptions(options: SyntheticSymbolOptions): void {
  const {
    index,
    messages,
    seed,
    days = 2,
    from = '2024-01-01',
    streams,
    skewMs = [-700, 1300],
    stepBack = 0,
    gaps = 0,
    level = 'l2',
  } = options
  const minDay = level === 'l3' ? MIN_L3_DAY_MESSAGES : 1
  const [minSkew, maxSkew] = skewMs
  expectOption(isWhole(index, 0, MAX_SYNTHETIC_SYMBOLS - 1), 'index', index, `a whole number below ${MAX_SYNTHETIC_SYMBOLS}`)
  expectOption(isWhole(seed, 0, Number.MAX_SAFE_INTEGER), 'seed', seed, 'a whole number from 0 to 2^53 - 1')
  expectOption(isWhole(days, 1, MAX_DAYS), 'days', days, `a whole number from 1 to ${MAX_DAYS}`)
  expectOption((dayStartNs(from) ?? 0n) >= YEAR_NS, 'from', from, 'a UTC date YYYY-MM-DD from 1971 on')
  expectOption(isWhole(messages, days * minDay, Number.MAX_SAFE_INTEGER), 'messages', messages, `at least ${minDay} per day and symbol`)
  expectOption(
    streams === undefined || (streams.length > 0 && streams.every((name) => STREAMS.has(name))),
    'streams',
    streams,
    [...STREAMS].join(', '),
  )
  const isSkew = minSkew <= maxSkew && Math.abs(minSkew) <= MAX_SKEW_MS && Math.abs(maxSkew) <= MAX_SKEW_MS
  expectOption(isSkew, 'skewMs', skewMs, `min ≤ max, both within ±${MAX_SKEW_MS}`)
  expectOption(stepBack >= 0 && stepBack <= 1, 'stepBack', stepBack, 'a probability from 0 to 1')
  const mostGaps = streamIds(streams).has(STREAM_BOOK) ? Math.floor(messages / days / MIN_GAP_MESSAGES) : 0
  expectOption(
    isWhole(gaps, 0, mostGaps),
    'gaps',
    gaps,
    `at most ${mostGaps}: one per ${MIN_GAP_MESSAGES} messages of a day, in a book stream`,
  )
}

function expectOption(isFine: boolean, name: string, given: unknown, allowed: string): void {
  if (isFine) return
  throw new ReplayError('generate-option', `${name}: expected ${allowed}; given ${String(given)}`, { category: 'input' })
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

/** Skews reach before the first day. */
const YEAR_NS = 365n * 86_400_000_000_000n
const STREAMS: ReadonlySet<string> = new Set<SyntheticStream>(['book', 'trades', 'ticker', 'l3'])
const KNOWN_ASSETS = ['BTC', 'ETH', 'SOL', 'XRP', 'DOGE', 'ADA', 'AVAX', 'LINK', 'DOT', 'LTC', 'BCH', 'ATOM', 'UNI', 'ETC', 'FIL', 'NEAR']
