import type { Random } from './random.ts'

/** Events that a trend lasts, in the mean. */
const TREND_EVENTS = 2000
/** How much a trend tips the scales at most. */
const MAX_TILT = 0.12

/** Where a price goes next: trends that come and go, and a pull back that grows with the distance from the start. */
export class PriceTrend {
  readonly #random: Random
  readonly #startTick: number
  readonly #maxDrift: number
  #tilt = 0

  /** @param maxDrift ticks from the start at which the price is certain to turn back */
  constructor(random: Random, startTick: number, maxDrift: number) {
    this.#random = random
    this.#startTick = startTick
    this.#maxDrift = maxDrift
  }

  /** Whether the next event pushes a price that is at `tick` upwards. */
  isUp(tick: number): boolean {
    if (this.#random.chance(1 / TREND_EVENTS)) this.#tilt = (2 * this.#random.unit() - 1) * MAX_TILT
    const drift = (tick - this.#startTick) / this.#maxDrift
    return this.#random.unit() < 0.5 + this.#tilt - drift * drift * drift
  }
}
