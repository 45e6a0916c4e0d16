import { BOOK_EVENT_EXCHANGE_TS_OFFSET, BOOK_EVENT_INGEST_TS_OFFSET, BOOK_EVENT_SEQ_OFFSET } from '../protocol/book-event.ts'
import {
  BOOK_TICKER_ASK_PRICE_OFFSET,
  BOOK_TICKER_ASK_QUANTITY_OFFSET,
  BOOK_TICKER_BID_PRICE_OFFSET,
  BOOK_TICKER_BID_QUANTITY_OFFSET,
  BOOK_TICKER_BYTES,
  BOOK_TICKER_SYMBOL_HASH_OFFSET,
  BOOK_TICKER_TIMESTAMP_OFFSET,
} from '../protocol/book-ticker.ts'
import { TYPE_BOOK_EVENT, TYPE_BOOK_TICKER, TYPE_TRADE } from '../protocol/message-type.ts'
import { setU64 } from '../protocol/payload.ts'
import { symbolHash } from '../protocol/symbol-hash.ts'
import {
  TRADE_BUYER_ORDER_ID_OFFSET,
  TRADE_BYTES,
  TRADE_ID_OFFSET,
  TRADE_IS_BUYER_MAKER_OFFSET,
  TRADE_PRICE_OFFSET,
  TRADE_QUANTITY_OFFSET,
  TRADE_SELLER_ORDER_ID_OFFSET,
  TRADE_SYMBOL_HASH_OFFSET,
  TRADE_TIMESTAMP_OFFSET,
} from '../protocol/trade.ts'
import type { Random } from './random.ts'
import type { SyntheticClock } from './synthetic-clock.ts'

/** Streams of a synthetic market, by stream id. The book stream is called `l3` for L3 markets. */
export const STREAM_BOOK = 1
export const STREAM_TRADES = 2
export const STREAM_TICKER = 3

/** Where a synthetic market puts its messages. `payload` is reused: take the bytes `start … start+length-1` at once. */
export interface SyntheticOutput {
  write(
    stream: number,
    typeId: number,
    timestampLow: number,
    timestampHigh: number,
    payload: Uint8Array,
    start: number,
    length: number,
  ): void
}

/** An injected update-id gap: the book message that no longer continues the one before it. */
export interface SyntheticGap {
  readonly symbol: string
  /** UTC date of the record, `YYYY-MM-DD`. */
  readonly date: string
  readonly stream: 'book' | 'l3'
  /** Record sequence, in that date's log, of the first message behind the gap. */
  readonly seq: number
  /** The id that would have continued: L2 update id, L3 header sequence. */
  readonly expectedId: number
  /** The id that is there. */
  readonly foundId: number
}

/** What a market is called and how its integers scale. */
export interface MarketIdentity {
  /** Symbol code, e.g. `btcusdt`. */
  readonly symbol: string
  /** What the book stream is called. */
  readonly bookStream: 'book' | 'l3'
  readonly exchangeSymbol: string
  readonly venueId: number
  readonly marketId: number
  readonly priceScale: number
  readonly sizeScale: number
}

/**
 * The way out of a market: stamps messages with the clocks, encodes trades and tickers, counts what is left of the day,
 * and says where gaps go. All payloads lie in one buffer.
 */
export class SyntheticFeed {
  readonly identity: MarketIdentity
  readonly clock: SyntheticClock
  readonly random: Random
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  readonly gaps: SyntheticGap[] = []
  /** Messages still to come today. */
  remaining = 0
  /** Messages so far. */
  count = 0
  /** Record sequence of the next book message of today's log. */
  bookSeq = 0
  date = ''
  output: SyntheticOutput = NOWHERE
  readonly #streams: ReadonlySet<number>
  readonly #gapsAt: readonly number[]
  #nextGap = 0
  #tradeId: number
  readonly #priceUnit: number
  readonly #sizeUnit: number

  /**
   * @param streams the stream ids to write; the market runs the same whichever they are
   * @param gapsAt message counts, ascending, from which on a gap is due
   * @param bookBytes bytes a book payload may take
   */
  constructor(
    identity: MarketIdentity,
    clock: SyntheticClock,
    random: Random,
    streams: ReadonlySet<number>,
    gapsAt: readonly number[],
    bookBytes: number,
  ) {
    this.identity = identity
    this.clock = clock
    this.random = random
    this.#streams = streams
    this.#gapsAt = gapsAt
    this.bytes = new Uint8Array(BOOK_START + bookBytes)
    this.view = new DataView(this.bytes.buffer)
    this.#tradeId = 1_000_000 + random.below(1_000_000_000)
    this.#priceUnit = 10 ** identity.priceScale
    this.#sizeUnit = 10 ** identity.sizeScale
    const hash = symbolHash(identity.exchangeSymbol)
    this.view.setBigUint64(TRADE_START + TRADE_SYMBOL_HASH_OFFSET, hash, true)
    this.view.setBigUint64(TICKER_START + BOOK_TICKER_SYMBOL_HASH_OFFSET, hash, true)
  }

  has(stream: number): boolean {
    return this.#streams.has(stream)
  }

  /** Writes the book payload at BOOK_START; both times and the sequence of its header are set here. */
  book(length: number, seq = this.bookSeq): void {
    if (!this.has(STREAM_BOOK)) return
    this.clock.stamp(STREAM_BOOK)
    this.clock.putRecord(this.view, BOOK_START + BOOK_EVENT_INGEST_TS_OFFSET)
    this.clock.putExchange(this.view, BOOK_START + BOOK_EVENT_EXCHANGE_TS_OFFSET)
    setU64(this.view, BOOK_START + BOOK_EVENT_SEQ_OFFSET, seq)
    this.bookSeq++
    this.#write(STREAM_BOOK, TYPE_BOOK_EVENT, BOOK_START, length)
  }

  /** Writes a trade; price and size are integers of the identity's scales. */
  trade(price: number, size: number, isBuyerMaker: boolean, buyerOrderId: number, sellerOrderId: number): void {
    const id = this.#tradeId++
    if (!this.has(STREAM_TRADES) || this.remaining === 0) return
    const { view } = this
    this.clock.stamp(STREAM_TRADES)
    this.clock.putExchange(view, TRADE_START + TRADE_TIMESTAMP_OFFSET)
    view.setFloat64(TRADE_START + TRADE_PRICE_OFFSET, price / this.#priceUnit, true)
    view.setFloat64(TRADE_START + TRADE_QUANTITY_OFFSET, size / this.#sizeUnit, true)
    setU64(view, TRADE_START + TRADE_ID_OFFSET, id)
    setU64(view, TRADE_START + TRADE_BUYER_ORDER_ID_OFFSET, buyerOrderId)
    setU64(view, TRADE_START + TRADE_SELLER_ORDER_ID_OFFSET, sellerOrderId)
    view.setUint8(TRADE_START + TRADE_IS_BUYER_MAKER_OFFSET, isBuyerMaker ? 1 : 0)
    this.#write(STREAM_TRADES, TYPE_TRADE, TRADE_START, TRADE_BYTES)
  }

  /** Writes a ticker, if there is room left today. */
  ticker(bidPrice: number, bidSize: number, askPrice: number, askSize: number): void {
    if (!this.has(STREAM_TICKER) || this.remaining === 0) return
    const { view } = this
    this.clock.stamp(STREAM_TICKER)
    this.clock.putExchange(view, TICKER_START + BOOK_TICKER_TIMESTAMP_OFFSET)
    view.setFloat64(TICKER_START + BOOK_TICKER_BID_PRICE_OFFSET, bidPrice / this.#priceUnit, true)
    view.setFloat64(TICKER_START + BOOK_TICKER_BID_QUANTITY_OFFSET, bidSize / this.#sizeUnit, true)
    view.setFloat64(TICKER_START + BOOK_TICKER_ASK_PRICE_OFFSET, askPrice / this.#priceUnit, true)
    view.setFloat64(TICKER_START + BOOK_TICKER_ASK_QUANTITY_OFFSET, askSize / this.#sizeUnit, true)
    this.#write(STREAM_TICKER, TYPE_BOOK_TICKER, TICKER_START, BOOK_TICKER_BYTES)
  }

  /** How many ids to leave out before the next book message, whose id would be `expectedId`; mostly 0. */
  takeGap(expectedId: number): number {
    if (this.#nextGap === this.#gapsAt.length || this.count < this.#gapsAt[this.#nextGap]!) return 0
    this.#nextGap++
    const skipped = 1 + this.random.below(50)
    const { symbol, bookStream } = this.identity
    this.gaps.push({ symbol, date: this.date, stream: bookStream, seq: this.bookSeq, expectedId, foundId: expectedId + skipped })
    return skipped
  }

  #write(stream: number, typeId: number, start: number, length: number): void {
    this.remaining--
    this.count++
    this.output.write(stream, typeId, this.clock.recordLow, this.clock.recordHigh, this.bytes, start, length)
  }
}

const TRADE_START = 0
const TICKER_START = 64
/** Where a market encodes its book payload in the feed's buffer. */
export const BOOK_START = 128

const NOWHERE: SyntheticOutput = { write() {} }
