import { ReplayError } from '../../errors.ts'
import type { FeatureHandlers } from '../columns/column.ts'

/** What hears of the ends of bars and days. */
export interface GridListener {
  /** Bar `index` (absolute: time ÷ length) ends. */
  barEnds(index: number): void
  /** @param endMicros its end; of days without messages, too */
  dayEnds(endMicros: number): void
  /** Bars that begin before this are nothing to anyone until the next message; −∞: all are something. Asked after the end of a bar. */
  asleepUntil(): number
}

interface SampleGrid {
  readonly micros: number
  readonly samplers: FeatureHandlers[]
  /** The interval that time is in. */
  index: number
}

/**
 * Absolute time cut into bars, days and the intervals of samplers. All lengths are whole microseconds.
 * `advance` calls everyone concerned with the ends up to a time, in the order of time; at the same time samplers come first,
 * then the bar, then the day.
 */
export class GridClock {
  /** The next end of anything, in microseconds; before it there is nothing to do. */
  next = Number.POSITIVE_INFINITY
  readonly #barMicros: number
  readonly #isFilled: boolean
  readonly #listener: GridListener
  readonly #samples: SampleGrid[] = []
  #bar = 0
  #day = 0

  /** @param barMicros 0 = no bars; @param isFilled whether bars without messages are told of, too */
  constructor(barMicros: number, isFilled: boolean, samplers: readonly FeatureHandlers[], listener: GridListener) {
    this.#barMicros = barMicros
    this.#isFilled = isFilled
    this.#listener = listener
    for (const sampler of samplers) {
      const micros = requireWhole(sampler.sampleEveryNs!)
      const known = this.#samples.find((grid) => grid.micros === micros)
      if (known === undefined) this.#samples.push({ micros, samplers: [sampler], index: 0 })
      else known.samplers.push(sampler)
    }
  }

  /** The end of the bar that time is in; infinite without bars. */
  get barEnd(): number {
    return this.#barMicros === 0 ? Number.POSITIVE_INFINITY : (this.#bar + 1) * this.#barMicros
  }

  start(micros: number): void {
    if (this.#barMicros > 0) this.#bar = Math.floor(micros / this.#barMicros)
    this.#day = Math.floor(micros / DAY)
    for (const grid of this.#samples) grid.index = Math.floor(micros / grid.micros)
    this.#findNext()
  }

  /** @throws ReplayError input `fill-too-long` */
  advance(micros: number): void {
    if (this.#isFilled && (micros - this.barEnd) / this.#barMicros > MAX_FILL) {
      throw new ReplayError('fill-too-long', `more than ${MAX_FILL} bars without messages in a row; is a time wrong? Or use no fill`, {
        category: 'input',
      })
    }
    for (;;) {
      const barEnd = this.barEnd
      const dayEnd = (this.#day + 1) * DAY
      const limit = Math.min(micros, barEnd, dayEnd)
      this.#sampleUpTo(limit)
      if (barEnd <= limit) {
        this.#listener.barEnds(this.#bar)
        if (this.#isFilled) {
          const awake = Math.min(micros, dayEnd, this.#listener.asleepUntil())
          this.#bar = Math.max(this.#bar + 1, Math.floor(awake / this.#barMicros))
        } else this.#bar = Math.floor(micros / this.#barMicros)
      }
      if (dayEnd <= limit) {
        this.#day++
        this.#listener.dayEnds(dayEnd)
      }
      if (barEnd > limit && dayEnd > limit) break
    }
    this.#findNext()
  }

  #sampleUpTo(micros: number): void {
    for (const grid of this.#samples) {
      const index = Math.floor(micros / grid.micros)
      if (index <= grid.index) continue
      for (const sampler of grid.samplers) sampler.sample!(index - grid.index, index * grid.micros)
      grid.index = index
    }
  }

  #findNext(): void {
    let next = Math.min(this.barEnd, (this.#day + 1) * DAY)
    for (const { index, micros } of this.#samples) next = Math.min(next, (index + 1) * micros)
    this.next = next
  }
}

function requireWhole(sampleEveryNs: number): number {
  const micros = sampleEveryNs / 1000
  if (Number.isSafeInteger(micros) && micros > 0) return micros
  throw new ReplayError('duration', `sampleEveryNs: expected a whole number of microseconds, found ${sampleEveryNs} ns`, {
    category: 'input',
  })
}

const DAY = 86_400e6
const MAX_FILL = 100_000_000
