import { ReplayError } from '../errors.ts'

/** Orders known at the same time, ended ones that the strategy has not dropped yet included. */
export const MAX_ORDERS = 100_000

/**
 * The orders of one participant, in arrays that grow by doubling up to a limit: slots are used again, nothing is allocated per
 * order. Quantities are in lots, prices in ticks, times in nanoseconds since the origin of the replay.
 *
 * A slot has the order as its owner knows it (local) and as the exchange has it (`x…`): the two differ by what is on its way.
 */
export class OrderPool {
  readonly limit: number
  /** Slots in use. */
  count = 0
  #capacity = 0
  #free: number[] = []
  #fresh = 0

  ids = new Float64Array(0)
  sides = new Int8Array(0)
  timesInForce = new Uint8Array(0)
  isMarket = new Uint8Array(0)
  /** Messages on their way for the order, in either direction. */
  inFlight = new Int32Array(0)
  /** The owner has no more use for it. */
  isDropped = new Uint8Array(0)

  // As the owner knows it.
  statuses = new Uint8Array(0)
  pending = new Uint8Array(0)
  ticks = new Float64Array(0)
  quantities = new Float64Array(0)
  leaves = new Float64Array(0)
  lastTicks = new Float64Array(0)
  lastLots = new Float64Array(0)
  lastIsMaker = new Uint8Array(0)
  exchangeNs = new Float64Array(0)
  requestNs = new Float64Array(0)

  // As the exchange has it.
  xStatuses = new Uint8Array(0)
  xTicks = new Float64Array(0)
  xLeaves = new Float64Array(0)
  isResting = new Uint8Array(0)
  /** Quantity of others in front of it; infinite while that is unknown. */
  ahead = new Float64Array(0)
  /** Quantity traded at its price since the level changed last. */
  traded = new Float64Array(0)
  /** L3: the number of the last order that joined a queue before it. */
  joined = new Float64Array(0)

  constructor(limit = MAX_ORDERS) {
    this.limit = limit
    this.#grow(Math.min(64, limit))
  }

  /** A slot, its fields as they were. @throws ReplayError input `too-many-orders` */
  take(): number {
    const free = this.#free.pop()
    if (free === undefined && this.#fresh === this.#capacity) {
      if (this.#capacity >= this.limit) {
        throw new ReplayError(
          'too-many-orders',
          `expected at most ${this.limit} orders at a time, live or just ended; cancel what is no longer wanted, or raise maxOrders`,
          { category: 'input' },
        )
      }
      this.#grow(Math.min(2 * this.#capacity, this.limit))
    }
    this.count++
    const slot = free ?? this.#fresh++
    this.inFlight[slot] = 0
    this.isDropped[slot] = 0
    this.isResting[slot] = 0
    return slot
  }

  release(slot: number): void {
    this.count--
    this.#free.push(slot)
  }

  clear(): void {
    this.count = 0
    this.#free = []
    this.#fresh = 0
  }

  #grow(capacity: number): void {
    const grown = <A extends Float64Array | Uint8Array | Int8Array | Int32Array>(old: A): A => {
      const made = new (old.constructor as new (length: number) => A)(capacity)
      made.set(old)
      return made
    }
    this.#capacity = capacity
    this.ids = grown(this.ids)
    this.sides = grown(this.sides)
    this.timesInForce = grown(this.timesInForce)
    this.isMarket = grown(this.isMarket)
    this.inFlight = grown(this.inFlight)
    this.isDropped = grown(this.isDropped)
    this.statuses = grown(this.statuses)
    this.pending = grown(this.pending)
    this.ticks = grown(this.ticks)
    this.quantities = grown(this.quantities)
    this.leaves = grown(this.leaves)
    this.lastTicks = grown(this.lastTicks)
    this.lastLots = grown(this.lastLots)
    this.lastIsMaker = grown(this.lastIsMaker)
    this.exchangeNs = grown(this.exchangeNs)
    this.requestNs = grown(this.requestNs)
    this.xStatuses = grown(this.xStatuses)
    this.xTicks = grown(this.xTicks)
    this.xLeaves = grown(this.xLeaves)
    this.isResting = grown(this.isResting)
    this.ahead = grown(this.ahead)
    this.traded = grown(this.traded)
    this.joined = grown(this.joined)
  }
}
