/** Fields of a message, one double each, from `at` on. */
export const FLIGHT_TIME = 0
export const FLIGHT_SLOT = 1
/** REQUEST_NEW, … : what is asked for, or what a response answers; NO_REQUEST for a fill. */
export const FLIGHT_REQUEST = 2
export const FLIGHT_TICK = 3
/** Of a request the quantity, of a response the leaves. */
export const FLIGHT_LOTS = 4
// Responses only.
export const FLIGHT_STATUS = 5
/** 1: the request was refused, and the order stays as it was. */
export const FLIGHT_REJECTED = 6
/** 0: no fill. */
export const FLIGHT_FILL_LOTS = 7
export const FLIGHT_FILL_TICK = 8
export const FLIGHT_MAKER = 9
/** Of a fill BY_QUEUE, …; else WHY_ASKED, … */
export const FLIGHT_REASON = 10
/** When it happened at the exchange. */
export const FLIGHT_EXCHANGE_TIME = 11
const WIDTH = 12

/**
 * Order messages on their way in one direction: first in, first out, a ring of doubles that grows. A message never overtakes an
 * earlier one: its time is raised to that of the last one still queued.
 */
export class FlightQueue {
  data = new Float64Array(WIDTH * 16)
  #capacity = 16
  #head = 0
  count = 0
  /** Arrival of the first one; infinite when there is none. */
  nextNs = Number.POSITIVE_INFINITY

  /** Where in `data` the message that arrives next starts. */
  get first(): number {
    return this.#head * WIDTH
  }

  /** Where in `data` message number `place` starts, from 0 on by arrival. */
  at(place: number): number {
    return ((this.#head + place) & (this.#capacity - 1)) * WIDTH
  }

  /** Makes room for a message that arrives at a time; gives where in `data` to put its other fields. */
  push(timeNs: number): number {
    if (this.count === this.#capacity) this.#grow()
    const { data } = this
    let time = timeNs
    if (this.count > 0) {
      const last = data[this.at(this.count - 1)]!
      if (last > time) time = last
    } else this.nextNs = time
    const at = this.at(this.count)
    data.fill(0, at, at + WIDTH)
    data[at] = time
    this.count++
    return at
  }

  /** Lets go of the first one. */
  shift(): void {
    this.#head = (this.#head + 1) & (this.#capacity - 1)
    this.count--
    this.nextNs = this.count === 0 ? Number.POSITIVE_INFINITY : this.data[this.#head * WIDTH]!
  }

  clear(): void {
    this.#head = 0
    this.count = 0
    this.nextNs = Number.POSITIVE_INFINITY
  }

  /** The origin of time moves on. */
  rebase(byNs: number): void {
    for (let i = 0; i < this.count; i++) {
      const at = this.at(i)
      this.data[at]! -= byNs
      this.data[at + FLIGHT_EXCHANGE_TIME]! -= byNs
    }
    if (this.count > 0) this.nextNs -= byNs
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.#capacity * WIDTH)
    for (let i = 0; i < this.count; i++) grown.set(this.data.subarray(this.at(i), this.at(i) + WIDTH), i * WIDTH)
    this.data = grown
    this.#head = 0
    this.#capacity *= 2
  }
}
