import { ReplayError } from '../errors.ts'

/** How integers of a log (n / 10^scale) become ticks and lots of a market, and back. */
export class PriceGrid {
  readonly tick: number
  readonly lot: number
  readonly #priceFactors = new Float64Array(20)
  readonly #sizeFactors = new Float64Array(20)

  /** Factors that are whole, or one over a whole number, are used as these, so that nothing is lost. */
  constructor(tick: number, lot: number) {
    this.tick = tick
    this.lot = lot
    for (let scale = 0; scale < 20; scale++) {
      this.#priceFactors[scale] = nearlyWhole(tick * 10 ** scale)
      this.#sizeFactors[scale] = nearlyWhole(lot * 10 ** scale)
    }
  }

  /** Ticks of a log's price. @throws ReplayError input `market-tick` when it lies on none */
  tickOf(price: number, scale: number): number {
    const factor = this.#priceFactors[scale]!
    const tick = price / factor
    if (Number.isInteger(tick)) return tick
    const nearest = Math.round(tick)
    if (Math.abs(tick - nearest) > 1e-6) throw offGrid(price, scale, this.tick)
    return nearest
  }

  /** What a log's price is divided by to be ticks. */
  priceFactor(scale: number): number {
    return this.#priceFactors[scale]!
  }

  /** What a log's size is divided by to be lots. */
  sizeFactor(scale: number): number {
    return this.#sizeFactors[scale]!
  }

  /** The log's price of a tick. */
  priceOf(tick: number, scale: number): number {
    return Math.round(tick * this.#priceFactors[scale]!)
  }

  /** Lots of a log's size, not rounded: sizes may be finer than lots. */
  lotsOf(size: number, scale: number): number {
    return size / this.#sizeFactors[scale]!
  }

  /** Ticks of a price as a decimal number, not rounded to one; what is whole but for the last bits is whole. */
  ticksOfPrice(price: number): number {
    return wholeButForRounding(price / this.tick)
  }

  /** Lots of an order's quantity as a decimal number, likewise. */
  lotsOfOrder(quantity: number): number {
    return wholeButForRounding(quantity / this.lot)
  }

  /** Lots of a trade's quantity as a decimal number; what is whole but for a billionth of it is whole. */
  lotsOfQuantity(quantity: number): number {
    return nearlyWhole(quantity / this.lot)
  }
}

/** A number that is whole, or one over a whole number, but for rounding, as just that. */
function nearlyWhole(value: number): number {
  const whole = Math.round(value)
  if (whole !== 0 && Math.abs(value - whole) <= 1e-9 * Math.abs(value)) return whole
  const inverse = Math.round(1 / value)
  if (whole === 0 && inverse !== 0 && Number.isFinite(inverse) && Math.abs(1 / value - inverse) <= 1e-9 * Math.abs(inverse))
    return 1 / inverse
  return value
}

/** Of hundreds of millions of ticks a billionth is as much as parts of one: no more than a ten-thousandth is taken for rounding. */
function wholeButForRounding(value: number): number {
  const whole = Math.round(value)
  const most = Math.min(1e-9 * Math.abs(value), Math.max(1e-4, 1e-14 * Math.abs(value)))
  return Math.abs(value - whole) <= most ? whole : value
}

function offGrid(price: number, scale: number, tick: number): ReplayError {
  const found = `the log has the price ${price / 10 ** scale}, which is no multiple of the tick ${tick}`
  const message = `market: tick: ${found}; expected that of the instrument: prices of this log have ${scale} decimals, so that ${10 ** -scale} holds all of them`
  return new ReplayError('market-tick', message, { category: 'input' })
}
