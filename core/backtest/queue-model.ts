/**
 * Where an order stands in a queue of which only the total is known (L2): what a change of its level says of the quantity
 * ahead. Quantities are in lots. A trade at its price always comes off the front, which is not the model's affair.
 */
export interface QueueModel {
  /**
   * The quantity ahead after the level went from `previous` to `next`, `traded` of which were trades at its price that have
   * come off `ahead` already.
   */
  ahead(ahead: number, previous: number, next: number, traded: number): number
}

/**
 * The share of a decrease that is taken to have happened behind the order.
 * @param front quantity ahead @param back quantity behind
 */
export type ShareBehind = (front: number, back: number) => number

/** A model by a probability: what left the queue without a trade left in front and behind in shares of P(front, back). */
export class ProbabilityQueue implements QueueModel {
  readonly #shareBehind: ShareBehind

  constructor(shareBehind: ShareBehind) {
    this.#shareBehind = shareBehind
  }

  ahead(ahead: number, previous: number, next: number, traded: number): number {
    const left = previous - next - traded
    if (left < 0) return Math.min(ahead, next)
    const back = previous - ahead
    const given = this.#shareBehind(ahead, back)
    const share = given === Number.POSITIVE_INFINITY || given === Number.NEGATIVE_INFINITY ? 1 : given
    const moved = ahead - (1 - share) * left + Math.min(back - share * left, 0)
    // 0/0, and powers of a small negative front: nothing is known but the level's size.
    return Number.isNaN(moved) ? next : Math.min(moved, next)
  }
}
