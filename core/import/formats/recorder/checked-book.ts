import { isExactProduct, MAX_EXACT } from '../../../book/exact.ts'
import { L2Side } from '../../../book/l2-side.ts'
import { crc32 } from '../../../message/crc32.ts'
import { type Decimal, POWERS } from '../../messages/decimal.ts'

/** Levels of a side that a checksum covers, at most. */
const MAX_LEVELS = 25

/** A book that is kept while importing, for the checksums that exchanges send with it. */
export class CheckedBook {
  /** All levels are known: it began with a snapshot, and nothing was lost since. */
  isKnown = false
  readonly #bids = new L2Side(1)
  readonly #asks = new L2Side(-1)
  #priceScale = 0
  #sizeScale = 0
  readonly #top = new BookTop(MAX_LEVELS)
  readonly #before = new BookTop(MAX_LEVELS)
  #crc = 0
  readonly #text = new Uint8Array(4 * MAX_LEVELS * 24)

  /** A snapshot follows. */
  begin(): void {
    this.#bids.clear()
    this.#asks.clear()
    this.#priceScale = 0
    this.#sizeScale = 0
    this.isKnown = true
  }

  /** Sets a level; one of size 0 goes. */
  set(isBid: boolean, price: Decimal, size: Decimal): void {
    if (!this.isKnown) return
    if (price.decimals > this.#priceScale || size.decimals > this.#sizeScale) this.#refine(price.decimals, size.decimals)
    const priceFactor = POWERS[this.#priceScale - price.decimals]!
    const sizeFactor = POWERS[this.#sizeScale - size.decimals]!
    if (!isExactProduct(price.mantissa, priceFactor) || !isExactProduct(size.mantissa, sizeFactor)) this.isKnown = false
    else (isBid ? this.#bids : this.#asks).set(price.mantissa * priceFactor, size.mantissa * sizeFactor)
  }

  /** Levels beyond the best so many of a side go. */
  cutTo(levels: number): void {
    this.#bids.cutTo(levels)
    this.#asks.cutTo(levels)
  }

  /** CRC32 of the 10 best asks, then bids: whole numbers of price and size at their scales. */
  krakenChecksum(): number {
    if (!this.#moved(10)) return this.#crc
    const { bids, asks } = this.#top
    let end = 0
    for (let i = 0; i < asks.count; i++) end = putPair(this.#text, end, asks, i)
    for (let i = 0; i < bids.count; i++) end = putPair(this.#text, end, bids, i)
    this.#crc = crc32(this.#text, 0, end)
    return this.#crc
  }

  /** CRC32, with a sign, of the 25 best levels: price and size of bids and asks in turn as shortest decimals, joined by colons. */
  okxChecksum(): number {
    if (!this.#moved(25)) return this.#crc
    const { bids, asks } = this.#top
    let end = 0
    for (let i = 0; i < MAX_LEVELS; i++) {
      if (i < bids.count) end = this.#putLevel(end, bids.prices[i]!, bids.sizes[i]!)
      if (i < asks.count) end = this.#putLevel(end, asks.prices[i]!, asks.sizes[i]!)
    }
    this.#crc = crc32(this.#text, 0, Math.max(0, end - 1)) | 0
    return this.#crc
  }

  #putLevel(start: number, price: number, size: number): number {
    const text = this.#text
    let end = putDecimal(text, start, price, this.#priceScale)
    text[end++] = COLON
    end = putDecimal(text, end, size, this.#sizeScale)
    text[end++] = COLON
    return end
  }

  /** Takes the best levels; false: they are those of the last checksum. */
  #moved(levels: number): boolean {
    this.#top.take(this.#bids, this.#asks, this.#priceScale, this.#sizeScale, levels)
    if (this.#top.equals(this.#before)) return false
    this.#before.take(this.#bids, this.#asks, this.#priceScale, this.#sizeScale, levels)
    return true
  }

  #refine(priceDecimals: number, sizeDecimals: number): void {
    const priceScale = Math.max(priceDecimals, this.#priceScale)
    const sizeScale = Math.max(sizeDecimals, this.#sizeScale)
    const priceFactor = POWERS[priceScale - this.#priceScale]!
    const sizeFactor = POWERS[sizeScale - this.#sizeScale]!
    for (const side of [this.#bids, this.#asks]) {
      if (!side.canScale(priceFactor, sizeFactor)) this.isKnown = false
      else if (side.count > 0) side.scale(priceFactor, sizeFactor)
    }
    this.#priceScale = priceScale
    this.#sizeScale = sizeScale
  }
}

interface TopSide {
  readonly prices: Float64Array
  readonly sizes: Float64Array
  count: number
}

/** The best levels of a book. */
class BookTop {
  readonly bids: TopSide
  readonly asks: TopSide
  #priceScale = -1
  #sizeScale = -1

  constructor(levels: number) {
    const side = (): TopSide => ({ prices: new Float64Array(levels), sizes: new Float64Array(levels), count: 0 })
    this.bids = side()
    this.asks = side()
  }

  take(bids: L2Side, asks: L2Side, priceScale: number, sizeScale: number, levels: number): void {
    this.bids.count = bids.topInto(this.bids.prices, this.bids.sizes, levels)
    this.asks.count = asks.topInto(this.asks.prices, this.asks.sizes, levels)
    this.#priceScale = priceScale
    this.#sizeScale = sizeScale
  }

  equals(other: BookTop): boolean {
    return (
      this.#priceScale === other.#priceScale &&
      this.#sizeScale === other.#sizeScale &&
      sameSide(this.bids, other.bids) &&
      sameSide(this.asks, other.asks)
    )
  }
}

function sameSide(side: TopSide, other: TopSide): boolean {
  if (side.count !== other.count) return false
  for (let i = 0; i < side.count; i++) if (side.prices[i] !== other.prices[i] || side.sizes[i] !== other.sizes[i]) return false
  return true
}

function putPair(text: Uint8Array, start: number, { prices, sizes }: TopSide, level: number): number {
  return putDigits(text, putDigits(text, start, prices[level]!, 1), sizes[level]!, 1)
}

/** Writes value / 10^scale without zeros at its end; behind what was written. */
function putDecimal(text: Uint8Array, start: number, value: number, scale: number): number {
  let end = putDigits(text, start, value, scale + 1)
  let decimals = scale
  for (; decimals > 0 && text[end - 1] === ZERO; decimals--) end--
  if (decimals === 0) return end
  text.copyWithin(end - decimals + 1, end - decimals, end)
  text[end - decimals] = DOT
  return end + 1
}

/** Writes a whole number up to 2^63 that a double holds with at least so many digits; behind what was written. */
function putDigits(text: Uint8Array, start: number, value: number, atLeast: number): number {
  if (value >= MAX_EXACT) return start + ENCODER.encodeInto(String(BigInt(value)), text.subarray(start)).written
  // Words of 9 digits are small integers, which divide fast.
  const upper = value < 1e9 ? 0 : Math.floor(value / 1e9) | 0
  let rest = (value - upper * 1e9) | 0
  let digits = 0
  while (rest > 0 || (upper > 0 && digits < 9)) {
    const next = (rest / 10) | 0
    DIGITS[digits++] = ZERO + rest - next * 10
    rest = next
  }
  rest = upper
  while (rest > 0) {
    const next = (rest / 10) | 0
    DIGITS[digits++] = ZERO + rest - next * 10
    rest = next
  }
  while (digits < atLeast) DIGITS[digits++] = ZERO
  let at = start
  while (digits > 0) text[at++] = DIGITS[--digits]!
  return at
}

const ENCODER = new TextEncoder()
const ZERO = 48
const DOT = 46
const COLON = 58
/** Of a number, the last one first. */
const DIGITS = new Uint8Array(32)
