/** What S3 answers from the partitions of a bucket's keys, of which it makes more when it is asked for more for long. */
export class KeyLimit {
  /** The most per second that were answered. */
  mostPerS = 0
  /** Seconds in which more was asked for than answered. */
  heldS = 0
  readonly #perS: number
  readonly #draw: () => number
  #parts: number
  #overloadedS = 0
  #splitS: number

  /** @param perS of a partition; @param draw seconds of overload until the next split */
  constructor(perS: number, parts: number, draw: () => number) {
    this.#perS = perS
    this.#parts = parts
    this.#draw = draw
    this.#splitS = draw()
  }

  /** How much of what is wanted it gives, 1: all. */
  room(wantedPerS: number): number {
    return Math.min(1, (this.#perS * this.#parts) / Math.max(1, wantedPerS))
  }

  /** Time goes by, in which this much would be asked for at full speed. */
  pass(seconds: number, wantedPerS: number, speed: number): void {
    this.mostPerS = Math.max(this.mostPerS, wantedPerS * speed)
    if (this.room(wantedPerS) === 1) return
    this.heldS += seconds
    this.#overloadedS += seconds
    if (this.#overloadedS < this.#splitS) return
    this.#overloadedS = 0
    this.#parts *= 2
    this.#splitS = this.#draw()
  }
}
