import { BOOK_TICKER_BYTES } from '../../protocol/book-ticker.ts'
import { TYPE_BOOK_TICKER, TYPE_TRADE } from '../../protocol/message-type.ts'
import { symbolHash } from '../../protocol/symbol-hash.ts'
import { TRADE_BYTES } from '../../protocol/trade.ts'
import type { LogStager } from '../logs/log-stager.ts'
import type { ImportRange } from './import-range.ts'
import type { ImportTally } from './import-tally.ts'
import type { Instant } from './instant.ts'
import type { InstrumentIdentity } from './instrument-identity.ts'
import { StreamOutput } from './stream-output.ts'

type OutputParts = [identity: InstrumentIdentity, isWanted: boolean, stager: LogStager, tally: ImportTally, range: ImportRange]

/** Trades of an instrument (layout: protocol/trade.ts). Ids that are not set are 0. */
export class TradeOutput extends StreamOutput {
  readonly #words = new Uint32Array(TRADE_BYTES / 4)
  readonly #doubles = new Float64Array(this.#words.buffer)

  constructor(...[identity, ...rest]: OutputParts) {
    super(identity, { name: 'trades', id: 2 }, ...rest)
    setHash(this.#words, 14, identity.exchangeSymbol)
  }

  /** The exchange's id of the next trade. */
  setId(low: number, high: number): this {
    this.#words[6] = low
    this.#words[7] = high
    return this
  }

  /** As `setId`, of a whole number below 2^53. */
  setIdNumber(id: number): this {
    return this.setId(id >>> 0, Math.floor(id / WORD))
  }

  /** Orders of the next trade; 0 where one is not known. */
  setOrders(buyerLow: number, buyerHigh: number, sellerLow: number, sellerHigh: number): this {
    const words = this.#words
    words[8] = buyerLow
    words[9] = buyerHigh
    words[10] = sellerLow
    words[11] = sellerHigh
    return this
  }

  /**
   * Writes a trade. @param received record time @param exchange time of the trade @param isBuyerMaker the buyer rested: the taker sold
   * @returns false: it is not wanted
   */
  put(received: Instant, exchange: Instant, price: number, quantity: number, isBuyerMaker: boolean): boolean {
    const isWritten = this.begin(received)
    const words = this.#words
    if (isWritten) {
      words[0] = exchange.low
      words[1] = exchange.high
      this.#doubles[1] = price
      this.#doubles[2] = quantity
      words[12] = isBuyerMaker ? 1 : 0
      this.append(TYPE_TRADE, words, TRADE_BYTES)
    }
    // A call of fill would cost more.
    words[6] = 0
    words[7] = 0
    this.setOrders(0, 0, 0, 0)
    return isWritten
  }
}

/** Best bids and asks of an instrument (layout: protocol/book-ticker.ts). */
export class TickerOutput extends StreamOutput {
  readonly #words = new Uint32Array(BOOK_TICKER_BYTES / 4)
  readonly #doubles = new Float64Array(this.#words.buffer)

  constructor(...[identity, ...rest]: OutputParts) {
    super(identity, { name: 'ticker', id: 3 }, ...rest)
    setHash(this.#words, 10, identity.exchangeSymbol)
  }

  /** Writes a ticker; of a side that is missing price and size are 0. @returns false: it is not wanted */
  put(received: Instant, exchange: Instant, bidPrice: number, bidSize: number, askPrice: number, askSize: number): boolean {
    if (!this.begin(received)) return false
    const doubles = this.#doubles
    this.#words[0] = exchange.low
    this.#words[1] = exchange.high
    doubles[1] = bidPrice
    doubles[2] = bidSize
    doubles[3] = askPrice
    doubles[4] = askSize
    this.append(TYPE_BOOK_TICKER, this.#words, BOOK_TICKER_BYTES)
    return true
  }
}

function setHash(words: Uint32Array, at: number, exchangeSymbol: string): void {
  const hash = symbolHash(exchangeSymbol)
  words[at] = Number(hash & 0xffff_ffffn)
  words[at + 1] = Number(hash >> 32n)
}

const WORD = 2 ** 32
