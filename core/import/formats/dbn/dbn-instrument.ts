import type { InstrumentOutput } from '../../messages/instrument-output.ts'
import { decimalsOf, mantissaOf } from './nano-price.ts'
import { OrderTable } from './order-table.ts'
import { StreamClaim } from './stream-claim.ts'

/** An instrument of a unit: its streams, and what is known of its book. */
export class DbnInstrument {
  readonly output: InstrumentOutput
  readonly orders = new OrderTable()
  readonly l3Claim = new StreamClaim()
  readonly bookClaim = new StreamClaim()
  readonly tradesClaim = new StreamClaim()
  readonly tickerClaim = new StreamClaim()
  /** Whether its record before was one of a snapshot. */
  isInSnapshot = false
  /** Records that say the book may be wrong. */
  maybeBadBooks = 0
  /** Times that a price had more decimals than any known before. */
  finerPrices = 0
  #scale = 0

  constructor(output: InstrumentOutput) {
    this.output = output
  }

  /** Decimals of prices of books. */
  get scale(): number {
    return this.#scale
  }

  /** It has so many decimals at least. */
  expectScale(scale: number): void {
    if (scale > this.#scale) this.#scale = scale
    this.output.l3.setScales(this.#scale, 0)
  }

  /** A price that is not negative as a whole number in `scale`, which grows where it must; −1: it is 2^53 or more. */
  mantissa(low: number, high: number): number {
    const mantissa = mantissaOf(low, high, this.#scale)
    return mantissa >= 0 ? mantissa : this.#finerMantissa(low, high)
  }

  #finerMantissa(low: number, high: number): number {
    const decimals = decimalsOf(low, high)
    if (decimals <= this.#scale) return -1
    const mantissa = mantissaOf(low, high, decimals)
    if (mantissa < 0) return -1
    this.finerPrices++
    this.expectScale(decimals)
    return mantissa
  }
}
