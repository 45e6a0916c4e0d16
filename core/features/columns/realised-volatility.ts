import { ReplayError } from '../../errors.ts'
import { parseDuration } from '../clocks/duration.ts'
import type { FeatureBook } from '../feature-book.ts'
import { defineColumn, type FeatureState } from './column.ts'

/** Samples that a window may hold. */
const MAX_SAMPLES = 86_400

/**
 * `realised_vol:WINDOW:STEP` (defaults 5m, 1s): realised volatility of the mid over the last WINDOW,
 *
 *     √ Σ r(k)²,  r(k) = ln(mid(k) / mid(k−1)),
 *
 * mid(k) being the mid before the first message at or after k · STEP (absolute time), over the WINDOW ÷ STEP returns that
 * ended last. A plain number per WINDOW, not annualised.
 * Source: T. Andersen, T. Bollerslev, F. Diebold, P. Labys, "Modeling and Forecasting Realized Volatility", Econometrica 71
 * (2003), §2.
 * The squares are added from the oldest to the newest each time. NULL until the window is whole, and while it has a moment
 * in which a side was empty, or the mid was 0.
 */
export const REALISED_VOL = defineColumn({
  name: 'realised_vol',
  type: 'f64',
  params: { window: '5m', step: '1s' },
  warmUpNs: ({ window, step }) => parseDuration(window) + parseDuration(step),
  create({ window, step }, { book }) {
    const returns = parseDuration(window) / parseDuration(step)
    if (!Number.isInteger(returns) || returns > MAX_SAMPLES) {
      const message = `column realised_vol: expected a window of 1 to ${MAX_SAMPLES} whole steps, found ${window} in steps of ${step}`
      throw new ReplayError('column-params', message, { category: 'input' })
    }
    return new RealisedVolatility(book, parseDuration(step), returns)
  },
})

class RealisedVolatility implements FeatureState {
  readonly sampleEveryNs: number
  readonly #book: FeatureBook
  /** Squares of returns, as a ring. */
  readonly #squares: Float64Array
  /** Where the next square goes, which is the oldest one. */
  #next = 0
  /** Squares in the ring. */
  #count = 0
  #hasMid = false
  #mid = Number.NaN
  #value = Number.NaN
  #isStale = false

  constructor(book: FeatureBook, sampleEveryNs: number, returns: number) {
    this.sampleEveryNs = sampleEveryNs
    this.#book = book
    this.#squares = new Float64Array(returns)
  }

  reset(): void {
    this.#next = 0
    this.#count = 0
    this.#hasMid = false
    this.#value = Number.NaN
    this.#isStale = false
  }

  sample(intervals: number): void {
    const { mid } = this.#book
    if (this.#hasMid) this.#push(Math.log(mid / this.#mid) ** 2)
    // Intervals in which nothing happened: no return, or none that exists while a side is empty.
    const quiet = Math.min(intervals - 1, this.#squares.length)
    for (let i = 0; i < quiet; i++) this.#push(Math.log(mid / mid) ** 2)
    this.#hasMid = true
    this.#mid = mid
    this.#isStale = true
  }

  value(): number {
    if (this.#isStale) {
      this.#value = this.#count < this.#squares.length ? Number.NaN : Math.sqrt(this.#sum())
      this.#isStale = false
    }
    return this.#value
  }

  #push(square: number): void {
    this.#squares[this.#next] = square
    this.#next = this.#next + 1 === this.#squares.length ? 0 : this.#next + 1
    if (this.#count < this.#squares.length) this.#count++
  }

  #sum(): number {
    let sum = 0
    for (let i = this.#next; i < this.#squares.length; i++) sum += this.#squares[i]!
    for (let i = 0; i < this.#next; i++) sum += this.#squares[i]!
    return sum
  }
}
