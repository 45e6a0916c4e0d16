/** Most orders that live at once. */
export const MAX_ORDERS = 8192
/** Ticks a book can hold. */
export const QUEUE_TICKS = 16384

/**
 * The live orders of a synthetic L3 book: slots of a fixed pool, a queue in time priority per side and tick, and the best
 * price of each side. Index 0 of the per-side fields is bids, 1 asks.
 */
export class L3Queues {
  readonly ids = new Float64Array(MAX_ORDERS)
  readonly ticks = new Int32Array(MAX_ORDERS)
  readonly quantities = new Int32Array(MAX_ORDERS)
  /** 0 bid, 1 ask. */
  readonly sides = new Uint8Array(MAX_ORDERS)
  /** The live slots, in no order. */
  readonly live = new Int32Array(MAX_ORDERS)
  liveCount = 0
  /** Orders per side. */
  readonly counts = new Int32Array(2)
  /** Best tick per side; only where a side has orders. */
  readonly best = new Int32Array(2)

  readonly #positions = new Int32Array(MAX_ORDERS)
  readonly #next = new Int32Array(MAX_ORDERS)
  readonly #previous = new Int32Array(MAX_ORDERS)
  readonly #heads = [new Int32Array(QUEUE_TICKS).fill(-1), new Int32Array(QUEUE_TICKS).fill(-1)] as const
  readonly #tails = [new Int32Array(QUEUE_TICKS).fill(-1), new Int32Array(QUEUE_TICKS).fill(-1)] as const
  readonly #totals = [new Float64Array(QUEUE_TICKS), new Float64Array(QUEUE_TICKS)] as const

  constructor() {
    for (let slot = 0; slot < MAX_ORDERS; slot++) this.live[slot] = slot
  }

  /** The first order at a tick, or −1. */
  head(side: number, tick: number): number {
    return this.#heads[side as 0 | 1][tick]!
  }

  /** The order behind in the same queue, or −1. */
  after(slot: number): number {
    return this.#next[slot]!
  }

  /** Quantity at a tick. */
  total(side: number, tick: number): number {
    return this.#totals[side as 0 | 1][tick]!
  }

  /** Adds an order at the end of its queue; returns its slot. */
  add(id: number, side: number, tick: number, quantity: number): number {
    const slot = this.live[this.liveCount]!
    this.#positions[slot] = this.liveCount++
    this.ids[slot] = id
    this.sides[slot] = side
    this.quantities[slot] = quantity
    this.#enqueue(slot, tick)
    return slot
  }

  remove(slot: number): void {
    this.#dequeue(slot)
    const last = this.live[--this.liveCount]!
    const position = this.#positions[slot]!
    this.live[position] = last
    this.#positions[last] = position
    this.live[this.liveCount] = slot
  }

  /** Takes some of an order; it leaves when nothing is left. */
  reduce(slot: number, quantity: number): void {
    if (quantity === this.quantities[slot]) this.remove(slot)
    else this.resize(slot, this.quantities[slot]! - quantity)
  }

  /** Changes a quantity in place. */
  resize(slot: number, quantity: number): void {
    this.#totals[this.sides[slot] as 0 | 1][this.ticks[slot]!]! += quantity - this.quantities[slot]!
    this.quantities[slot] = quantity
  }

  /** Moves an order to the end of another tick's queue. */
  move(slot: number, tick: number): void {
    this.#dequeue(slot)
    this.#enqueue(slot, tick)
  }

  #enqueue(slot: number, tick: number): void {
    const side = this.sides[slot] as 0 | 1
    const tail = this.#tails[side][tick]!
    this.ticks[slot] = tick
    this.#next[slot] = -1
    this.#previous[slot] = tail
    if (tail < 0) this.#heads[side][tick] = slot
    else this.#next[tail] = slot
    this.#tails[side][tick] = slot
    this.#totals[side][tick]! += this.quantities[slot]!
    if (this.counts[side]! === 0 || (side === 0 ? tick > this.best[0]! : tick < this.best[1]!)) this.best[side] = tick
    this.counts[side]!++
  }

  #dequeue(slot: number): void {
    const side = this.sides[slot] as 0 | 1
    const tick = this.ticks[slot]!
    const next = this.#next[slot]!
    const previous = this.#previous[slot]!
    if (previous < 0) this.#heads[side][tick] = next
    else this.#next[previous] = next
    if (next < 0) this.#tails[side][tick] = previous
    else this.#previous[next] = previous
    this.#totals[side][tick]! -= this.quantities[slot]!
    this.counts[side]!--
    if (tick !== this.best[side] || this.counts[side] === 0) return
    const outwards = side === 0 ? -1 : 1
    while (this.#heads[side][this.best[side]!]! < 0) this.best[side]! += outwards
  }
}
