import type { Random } from './random.ts'

/** How the clocks of a synthetic market behave. */
export interface ClockOptions {
  /** Exchange time minus record time stays in this range, and is uniform in it; milliseconds. */
  readonly skewMs: readonly [min: number, max: number]
  /**
   * Probability per message that its record time, and with the same probability its exchange time, steps back behind the
   * latest one of its stream. Exchange times do so only as far as the skew allows.
   */
  readonly stepBack: number
}

/** Record times step back by less than this from the latest one before in their stream. */
export const MAX_STEP_BACK_NS = 900_000_000
const MAX_STREAMS = 4
const DAY_NS = 86_400_000_000_000
const MS_NS = 1_000_000
const TWO_32 = 2 ** 32

/**
 * The two clocks of a recorded market. Market time runs through a day in bursts: events raise a heat that makes the next
 * ones come sooner and that cools with every event. However many events a day has, they fill it from midnight to midnight.
 *
 * `stamp()` reads both clocks for one message: record time = market time, or a step back; exchange time = record time plus a
 * skew that wanders, or a step back. Nanoseconds are kept as whole doubles below a day, and given as 32-bit words.
 */
export class SyntheticClock {
  recordLow = 0
  recordHigh = 0
  exchangeLow = 0
  exchangeHigh = 0
  /** Burst state: 0 is calm; an event of another cause may raise it. */
  heat = 0

  readonly #random: Random
  readonly #minSkewNs: number
  readonly #maxSkewNs: number
  readonly #stepBack: number
  /** Words of a time one day before the current day: offsets from it are never negative. */
  #baseLow = 0
  #baseHigh = 0
  #nowNs = 0
  #skewNs: number
  #skewedAtNs = 0
  /** Latest times of today by stream id, −1 and −∞ before the first. */
  readonly #latestRecordNs = new Float64Array(MAX_STREAMS)
  readonly #latestExchangeNs = new Float64Array(MAX_STREAMS)
  /** Running mean of the burst factor of gaps. */
  #meanFactor = 1.5

  constructor(random: Random, options: ClockOptions) {
    this.#random = random
    this.#minSkewNs = Math.round(options.skewMs[0] * MS_NS)
    this.#maxSkewNs = Math.round(options.skewMs[1] * MS_NS)
    this.#stepBack = options.stepBack
    this.#skewNs = this.#uniform(this.#minSkewNs, this.#maxSkewNs)
  }

  /** Puts market time to the first nanosecond of a UTC day. */
  startDay(startNs: bigint): void {
    const base = startNs - BigInt(DAY_NS)
    this.#baseLow = Number(base & 0xffffffffn)
    this.#baseHigh = Number(base >> 32n)
    this.#nowNs = 0
    this.#skewedAtNs = 0
    this.#latestRecordNs.fill(-1)
    this.#latestExchangeNs.fill(Number.NEGATIVE_INFINITY)
  }

  /** Moves market time to the next event, when about `eventsLeft` are to come today. */
  nextEvent(eventsLeft: number): void {
    this.heat *= 0.96
    if (this.#random.chance(0.004)) this.heat += 4 + 12 * this.#random.unit()
    const factor = this.#random.exponential() / (0.25 + this.heat)
    this.#meanFactor += (factor - this.#meanFactor) * 0.002
    const leftNs = DAY_NS - 1 - this.#nowNs
    // A single gap takes at most a fifth of what is left, so that the day never ends before its events.
    this.advance(Math.min(leftNs / 5, ((leftNs / Math.max(1, eventsLeft)) * factor) / this.#meanFactor))
  }

  /** Moves market time by some nanoseconds, not beyond the day. */
  advance(ns: number): void {
    this.#nowNs = Math.min(DAY_NS - 1, this.#nowNs + Math.floor(ns))
  }

  /** Reads both clocks for one message of a stream. */
  stamp(stream: number): void {
    this.#wanderSkew()
    const latest = this.#latestRecordNs[stream]!
    const record = latest > 0 && this.#random.chance(this.#stepBack) ? this.#backFrom(latest) : this.#nowNs
    let exchange = record + this.#skewNs
    if (this.#random.chance(this.#stepBack)) exchange = this.#exchangeBack(stream, record, exchange)
    if (record > latest) this.#latestRecordNs[stream] = record
    if (exchange > this.#latestExchangeNs[stream]!) this.#latestExchangeNs[stream] = exchange
    this.#setRecord(record + DAY_NS)
    this.#setExchange(exchange + DAY_NS)
  }

  putRecord(view: DataView, offset: number): void {
    view.setUint32(offset, this.recordLow, true)
    view.setUint32(offset + 4, this.recordHigh, true)
  }

  putExchange(view: DataView, offset: number): void {
    view.setUint32(offset, this.exchangeLow, true)
    view.setUint32(offset + 4, this.exchangeHigh, true)
  }

  /** A reflected random walk, uniform in its range, and slower than time, so that exchange time does not turn back by itself. */
  #wanderSkew(): void {
    const range = this.#maxSkewNs - this.#minSkewNs
    if (range === 0) return
    const most = Math.min(range, (this.#nowNs - this.#skewedAtNs) * 0.9)
    this.#skewedAtNs = this.#nowNs
    let skew = this.#skewNs + Math.round((2 * this.#random.unit() - 1) * most)
    if (skew > this.#maxSkewNs) skew = 2 * this.#maxSkewNs - skew
    if (skew < this.#minSkewNs) skew = 2 * this.#minSkewNs - skew
    this.#skewNs = skew
  }

  /** Mostly a little back, at times much. */
  #backFrom(latest: number): number {
    const back = this.#random.unit()
    return Math.max(0, latest - 1 - Math.floor(back * back * (MAX_STEP_BACK_NS - 1)))
  }

  #exchangeBack(stream: number, record: number, exchange: number): number {
    const lowest = record + this.#minSkewNs
    const highest = Math.min(this.#latestExchangeNs[stream]!, exchange) - 1
    return highest < lowest ? exchange : this.#uniform(lowest, highest)
  }

  #uniform(min: number, max: number): number {
    return min + Math.floor(this.#random.unit() * (max - min + 1))
  }

  #setRecord(offsetNs: number): void {
    const high = Math.floor(offsetNs / TWO_32)
    const low = this.#baseLow + (offsetNs - high * TWO_32)
    this.recordLow = low % TWO_32
    this.recordHigh = this.#baseHigh + high + (low >= TWO_32 ? 1 : 0)
  }

  #setExchange(offsetNs: number): void {
    const high = Math.floor(offsetNs / TWO_32)
    const low = this.#baseLow + (offsetNs - high * TWO_32)
    this.exchangeLow = low % TWO_32
    this.exchangeHigh = this.#baseHigh + high + (low >= TWO_32 ? 1 : 0)
  }
}
