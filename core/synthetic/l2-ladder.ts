import type { Random } from './random.ts'

/** Ticks from the best price that a side's levels spread over; 7 of 10 ticks hold a level: about 700 levels. */
export const LADDER_DEPTH = 980
/** Ticks a ladder can hold. */
export const LADDER_TICKS = 16384
/** Most changes of one diff on one side. */
export const MAX_CHANGES = 20
const DELETE_CHANCE = 0.4
const SIZE_SCALE = 40

/**
 * One side of a synthetic L2 book: sizes by tick from the best price outwards, and which ticks the current diff changed.
 * The best level always exists; levels deeper than LADDER_DEPTH do not.
 */
export class L2Ladder {
  /** Size by tick; 0 = no level. */
  readonly sizes = new Int32Array(LADDER_TICKS)
  best: number
  /** Ticks changed by the current diff, each once. */
  readonly changed = new Int32Array(MAX_CHANGES)
  changeCount = 0

  readonly #random: Random
  /** Where deeper levels are: +1 for asks, −1 for bids. */
  readonly #outwards: 1 | -1
  /** The diff that changed a tick last. */
  readonly #changedBy = new Int32Array(LADDER_TICKS)
  #diff = 1

  constructor(random: Random, best: number, outwards: 1 | -1) {
    this.#random = random
    this.#outwards = outwards
    this.best = best
    for (let distance = 0; distance <= LADDER_DEPTH; distance++) {
      if (distance === 0 || !random.chance(DELETE_CHANCE / (1 + DELETE_CHANCE)))
        this.sizes[this.tickAt(distance)] = random.pareto(SIZE_SCALE)
    }
  }

  get bestSize(): number {
    return this.sizes[this.best]!
  }

  /** Size of the best `levels` levels. */
  sizeOf(levels: number): number {
    let size = 0
    for (let distance = 0, found = 0; found < levels && distance <= LADDER_DEPTH; distance++) {
      const resting = this.sizes[this.tickAt(distance)]!
      if (resting === 0) continue
      size += resting
      found++
    }
    return size
  }

  tickAt(distance: number): number {
    return this.best + this.#outwards * distance
  }

  startDiff(): void {
    this.#diff++
    this.changeCount = 0
  }

  set(tick: number, size: number): void {
    this.sizes[tick] = size
    if (this.#changedBy[tick] === this.#diff) return // written with the size it has in the end
    this.#changedBy[tick] = this.#diff
    this.changed[this.changeCount++] = tick
  }

  /** The best level goes; the next one takes its place. */
  retreat(): void {
    let distance = 1
    while (distance < LADDER_DEPTH && this.sizes[this.tickAt(distance)] === 0) distance++
    const next = this.tickAt(distance)
    if (this.sizes[next] === 0) this.set(next, this.#random.pareto(SIZE_SCALE))
    this.set(this.best, 0)
    this.best = next
  }

  /** A best price that is better by some ticks; levels that are too deep now leave. */
  improve(ticks: number): void {
    for (let distance = LADDER_DEPTH; distance > LADDER_DEPTH - ticks; distance--) {
      const tick = this.tickAt(distance)
      if (this.sizes[tick] !== 0) this.set(tick, 0)
    }
    this.best -= this.#outwards * ticks
    this.set(this.best, this.#random.pareto(SIZE_SCALE))
  }

  /** Inserts, changes or deletes one level that this diff has not changed, mostly near the best one, which is never deleted. */
  changeOne(): void {
    let distance = this.#distance()
    while (this.#changedBy[this.tickAt(distance)] === this.#diff) distance = distance === LADDER_DEPTH ? 0 : distance + 1
    const tick = this.tickAt(distance)
    const isDelete = distance > 0 && this.sizes[tick] !== 0 && this.#random.chance(DELETE_CHANCE)
    this.set(tick, isDelete ? 0 : this.#random.pareto(SIZE_SCALE))
  }

  /** 6 of 10 within a few ticks, 2 within 100, 2 anywhere. */
  #distance(): number {
    const kind = this.#random.u32() >>> 24
    if (kind < 150) return this.#random.halving() * 2 + (kind & 1)
    return this.#random.below(kind < 205 ? 100 : LADDER_DEPTH + 1)
  }
}
