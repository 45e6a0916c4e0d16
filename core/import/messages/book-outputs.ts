import { isExactProduct } from '../../book/exact.ts'
import {
  BOOK_EVENT_BYTES,
  BOOK_EVENT_SCHEMA_VERSION,
  EVENT_DIFF,
  EVENT_RESET,
  EVENT_SNAPSHOT,
  FLAG_ABSOLUTE,
  MODE_L2,
  MODE_L3,
} from '../../protocol/book-event.ts'
import { L2_DIFF_BYTES } from '../../protocol/l2-diff.ts'
import { L2_SNAPSHOT_BYTES } from '../../protocol/l2-snapshot.ts'
import { L3_EVENT_BYTES, L3_TRADE } from '../../protocol/l3-event.ts'
import { LEVEL_BYTES } from '../../protocol/level.ts'
import { TYPE_BOOK_EVENT } from '../../protocol/message-type.ts'
import { marketId } from '../../protocol/symbol-hash.ts'
import { venueIdOf } from '../../protocol/venues.ts'
import type { LogStager } from '../logs/log-stager.ts'
import { type Decimal, POWERS } from './decimal.ts'
import type { ImportRange, ImportScales } from './import-range.ts'
import type { ImportTally } from './import-tally.ts'
import { Instant } from './instant.ts'
import type { InstrumentIdentity } from './instrument-identity.ts'
import { LargestNumbers } from './largest-numbers.ts'
import { LevelList } from './level-list.ts'
import { StreamOutput } from './stream-output.ts'

type OutputParts = [
  identity: InstrumentIdentity,
  isWanted: boolean,
  stager: LogStager,
  tally: ImportTally,
  range: ImportRange,
  scales: ImportScales,
]

/** Books in messages: a header (layout: protocol/book-event.ts), and scales that grow where a message needs more decimals. */
abstract class BookOutput extends StreamOutput {
  /** Decimals of prices and sizes: of the day so far, or as they were set. */
  priceScale = 0
  sizeScale = 0
  // An order's event fits; a file may have ten thousand instruments.
  protected words: Uint32Array = new Uint32Array(L3_EVENT_BYTES / 4)

  constructor(mode: number, [identity, isWanted, stager, tally, range]: OutputParts) {
    super(identity, { name: mode === MODE_L3 ? 'l3' : 'book', id: 1 }, isWanted, stager, tally, range)
    // What all of its messages have stays; words that nothing is put into are 0.
    this.words[0] = BOOK_EVENT_SCHEMA_VERSION
    this.words[2] = venueIdOf(identity.venue) << 16
    this.words[3] = marketId(identity.exchangeSymbol)
    this.words[4] = this.stream.id
  }

  protected grow(bytes: number): void {
    if (bytes <= this.words.byteLength) return
    const words = new Uint32Array(2 * Math.ceil(bytes / 4))
    words.set(this.words)
    this.words = words
  }

  protected putHeader(length: number, received: Instant, exchange: Instant, native: number, event: number, mode: number): void {
    const { words } = this
    words[1] = length
    words[6] = received.low
    words[7] = received.high
    words[8] = exchange.low
    words[9] = exchange.high
    words[10] = this.seq
    setNumber(words, 12, native)
    words[14] = event | (mode << 8) | (FLAG_ABSOLUTE << 16)
  }
}

/**
 * Books by level. `begin` a snapshot or diff, give its levels in the message's order, and `end` it. Sizes are absolute, 0 deletes.
 * Update ids are whole numbers below 2^53, 0 where there are none.
 */
export class L2Output extends BookOutput {
  readonly #received = new Instant()
  readonly #exchange = new Instant()
  readonly #scales: ImportScales
  #native = 0
  #isSnapshot = false
  #first = 0
  #last = 0
  #previous = 0
  #priceDecimals = 0
  #sizeDecimals = 0
  readonly #bids = new LevelList()
  readonly #asks = new LevelList()
  /** Of the day, at its scales: all of its messages can be read at the finest of them. */
  readonly #prices = new LargestNumbers()
  readonly #sizes = new LargestNumbers()

  constructor(...parts: OutputParts) {
    super(MODE_L2, parts)
    this.#scales = parts[5]
  }

  /** @param native the exchange's own id of the message */
  beginMessage(kind: 'snapshot' | 'diff', received: Instant, exchange: Instant, native = 0): void {
    this.#received.copy(received)
    this.#exchange.copy(exchange)
    this.#native = native
    this.#isSnapshot = kind === 'snapshot'
    this.#first = 0
    this.#last = 0
    this.#previous = 0
    this.#priceDecimals = 0
    this.#sizeDecimals = 0
    this.#bids.count = 0
    this.#asks.count = 0
  }

  /** Times of a message that is made of several rows: that of the last counts. */
  setExchangeTime(exchange: Instant): void {
    this.#exchange.copy(exchange)
  }

  setUpdateIds(first: number, last: number, previous: number): void {
    this.#first = first
    this.#last = last
    this.#previous = previous
  }

  /** False: no message can hold a negative price, and the level is left out. A negative size is never given. */
  level(isBid: boolean, price: Decimal, size: Decimal): boolean {
    if (price.isNegative || size.isNegative) return false
    const list = isBid ? this.#bids : this.#asks
    list.add(price.mantissa, price.decimals, size.mantissa, size.decimals)
    if (price.decimals > this.#priceDecimals) this.#priceDecimals = price.decimals
    if (size.decimals > this.#sizeDecimals) this.#sizeDecimals = size.decimals
    return true
  }

  /** Of the day's log: levels beyond the best so many of a side are not known. */
  setDepthLimit(levels: number): void {
    if (this.log !== null) this.log.depthLimit = levels
  }

  /** Levels given so far. */
  get levels(): number {
    return this.#bids.count + this.#asks.count
  }

  /**
   * Writes the message. `unwanted`: it is outside of what is wanted. `out-of-range`: with the decimals that it and the day's other
   * messages need a number is 2^53 or more and no double holds it exactly, or there are more levels than a diff can have; nothing is
   * written.
   * @param keepsRest only the levels that are out of range are left out, unless none other is there: `levels` says how many are written
   */
  end(keepsRest = false): 'written' | 'unwanted' | 'out-of-range' {
    if (!this.begin(this.#received)) return 'unwanted'
    const [bids, asks] = [this.#bids, this.#asks]
    if (!this.#isSnapshot && (bids.count > 0xffff || asks.count > 0xffff)) return 'out-of-range'
    if (!this.#writeLevels() && !(keepsRest && this.#leaveOut() && this.#writeLevels())) return 'out-of-range'
    const { priceScale, sizeScale } = this
    const length = this.#bodyBytes + this.levels * LEVEL_BYTES
    const { words } = this
    this.putHeader(length, this.#received, this.#exchange, this.#native, this.#isSnapshot ? EVENT_SNAPSHOT : EVENT_DIFF, MODE_L2)
    if (this.#isSnapshot) {
      words[16] = priceScale | (sizeScale << 8)
      words[17] = bids.count
      words[18] = asks.count
    } else {
      setNumber(words, 16, this.#first)
      setNumber(words, 18, this.#last)
      setNumber(words, 20, this.#previous)
      words[22] = priceScale | (sizeScale << 8) | (FLAG_ABSOLUTE << 16)
      words[23] = bids.count | (asks.count << 16)
    }
    this.log!.observeScales(priceScale, sizeScale)
    this.append(TYPE_BOOK_EVENT, this.words, length)
    return 'written'
  }

  get #bodyBytes(): number {
    return this.#isSnapshot ? L2_SNAPSHOT_BYTES : L2_DIFF_BYTES
  }

  /** In the day's scales, which become finer where the message needs that. False: a number would not be exact. */
  #writeLevels(): boolean {
    const [bids, asks, prices, sizes] = [this.#bids, this.#asks, this.#prices, this.#sizes]
    const [priceScale, sizeScale] = [Math.max(this.priceScale, this.#priceDecimals), Math.max(this.sizeScale, this.#sizeDecimals)]
    const [priceGain, sizeGain] = [priceScale - this.priceScale, sizeScale - this.sizeScale]
    if (!prices.canGain(priceGain) || !sizes.canGain(sizeGain)) return false
    const body = this.#bodyBytes
    this.grow(body + this.levels * LEVEL_BYTES)
    const [bidsAt, asksAt] = [body / 4, (body + bids.count * LEVEL_BYTES) / 4]
    if (!bids.write(this.words, bidsAt, priceScale, sizeScale) || !asks.write(this.words, asksAt, priceScale, sizeScale)) return false
    this.priceScale = priceScale
    this.sizeScale = sizeScale
    prices.gain(priceGain)
    sizes.gain(sizeGain)
    bids.tell(prices, sizes, priceScale, sizeScale)
    asks.tell(prices, sizes, priceScale, sizeScale)
    return true
  }

  /** Leaves out what cannot be written together with the day's other numbers, in the order of the levels. False: nothing is left. */
  #leaveOut(): boolean {
    let { priceScale, sizeScale } = this
    const [prices, sizes] = [this.#prices.copy(), this.#sizes.copy()]
    const take = (price: number, priceDecimals: number, size: number, sizeDecimals: number): boolean => {
      const [finerPrice, finerSize] = [Math.max(priceScale, priceDecimals), Math.max(sizeScale, sizeDecimals)]
      const [pricePower, sizePower] = [POWERS[finerPrice - priceDecimals]!, POWERS[finerSize - sizeDecimals]!]
      const [priceGain, sizeGain] = [finerPrice - priceScale, finerSize - sizeScale]
      if (!isExactProduct(price, pricePower) || !isExactProduct(size, sizePower)) return false
      if (!prices.canGain(priceGain) || !sizes.canGain(sizeGain)) return false
      prices.gain(priceGain)
      sizes.gain(sizeGain)
      prices.add(price * pricePower)
      sizes.add(size * sizePower)
      priceScale = finerPrice
      sizeScale = finerSize
      return true
    }
    this.#bids.keep(take)
    this.#asks.keep(take)
    this.#priceDecimals = priceScale
    this.#sizeDecimals = sizeScale
    return this.levels > 0
  }

  /** Writes that the book is empty now. False: it is not wanted. */
  reset(received: Instant, exchange: Instant): boolean {
    if (!this.begin(received)) return false
    this.putHeader(BOOK_EVENT_BYTES, received, exchange, 0, EVENT_RESET, MODE_L2)
    this.append(TYPE_BOOK_EVENT, this.words, BOOK_EVENT_BYTES)
    return true
  }

  protected override beginDay(): void {
    this.priceScale = this.#scales.price ?? 0
    this.sizeScale = this.#scales.size ?? 0
    this.#prices.clear()
    this.#sizes.clear()
  }
}

/** What an event of a book by order says; prices and sizes are whole numbers below 2^53 in the scales of the output. */
export class L3Output extends BookOutput {
  constructor(...parts: OutputParts) {
    super(MODE_L3, parts)
  }

  /** Scales of what follows. A finer one than before is that of the whole day in the end. */
  setScales(price: number, size: number): void {
    this.priceScale = price
    this.sizeScale = size
  }

  /**
   * Writes an event. @param type `L3_ADD`, … @param side 0 unknown, 1 buy, 2 sell, of the resting order @param native the exchange's id,
   * a whole number below 2^53 @returns false: it is not wanted
   */
  event(
    type: number,
    received: Instant,
    exchange: Instant,
    native: number,
    side: number,
    orderLow: number,
    orderHigh: number,
    price: number,
    quantity: number,
  ): boolean {
    return this.#put(type, received, exchange, native, side, orderLow, orderHigh, 0, 0, 0, 0, price, quantity)
  }

  /** Writes a trade; of its orders those that are known. @returns false: it is not wanted */
  trade(
    received: Instant,
    exchange: Instant,
    native: number,
    side: number,
    bidLow: number,
    bidHigh: number,
    askLow: number,
    askHigh: number,
    price: number,
    quantity: number,
  ): boolean {
    const isBid = bidLow !== 0 || bidHigh !== 0
    const [low, high] = [isBid ? bidLow : askLow, isBid ? bidHigh : askHigh]
    return this.#put(L3_TRADE, received, exchange, native, side, low, high, bidLow, bidHigh, askLow, askHigh, price, quantity)
  }

  #put(
    type: number,
    received: Instant,
    exchange: Instant,
    native: number,
    side: number,
    orderLow: number,
    orderHigh: number,
    bidLow: number,
    bidHigh: number,
    askLow: number,
    askHigh: number,
    price: number,
    quantity: number,
  ): boolean {
    if (!this.begin(received)) return false
    this.putHeader(L3_EVENT_BYTES, received, exchange, native, EVENT_DIFF, MODE_L3)
    const { words, priceScale, sizeScale } = this
    words[16] = type | (side << 8)
    words[17] = priceScale | (sizeScale << 8)
    words[20] = orderLow
    words[21] = orderHigh
    words[22] = bidLow
    words[23] = bidHigh
    words[24] = askLow
    words[25] = askHigh
    setNumber(words, 26, price)
    setNumber(words, 28, quantity)
    this.log!.observeScales(priceScale, sizeScale)
    this.append(TYPE_BOOK_EVENT, this.words, L3_EVENT_BYTES)
    return true
  }
}

function setNumber(words: Uint32Array, at: number, value: number): void {
  words[at] = value
  words[at + 1] = value / WORD
}

const WORD = 2 ** 32
