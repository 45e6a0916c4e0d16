import type { Random } from './random.ts'

/** Events that a trend lasts, in the mean. */
const TREND_EVENTS = 2000
/** How much a trend tips the scales at most. */
const MAX_TILT = 0.12
/** Levels of a side, from the best one, whose sizes pull at the price. */
export const PULLING_LEVELS = 5
/** How much the pull tips the scales when all of the size lies on one side. */
export const PULL = 0.3

/**
 * Where a price goes next: trends that come and go, a pull back that grows with the distance from the start, and a known effect
 * for research to find. The effect: the side with more size within its best `PULLING_LEVELS` levels pushes the price away from
 * itself, by a chance of 0.5 + `PULL` × imbalance for the next push. As levels are renewed the imbalance forgets itself, within
 * some tens of book events; so does what it says of the price.
 */
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

  /** Whether the next event pushes a price that is at `tick` upwards, where the best levels of the book have this imbalance, −1 to 1. */
  isUp(tick: number, imbalance: number): boolean {
    if (this.#random.chance(1 / TREND_EVENTS)) this.#tilt = (2 * this.#random.unit() - 1) * MAX_TILT
    const drift = (tick - this.#startTick) / this.#maxDrift
    return this.#random.unit() < 0.5 + this.#tilt + PULL * imbalance - drift * drift * drift
  }
}
