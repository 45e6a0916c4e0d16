/** Matches that are remembered, 20 bytes each: about half of those of a busy day. */
const MAX_MATCHES = 2 ** 22

/** How many shares the last matches had, for those that are broken afterwards, which say the number of the match only. */
export class RecentMatches {
  /** A power of two. */
  #capacity = 0
  #lows = new Uint32Array(0)
  #highs = new Uint32Array(0)
  #shares = new Uint32Array(0)
  /** By hash, how many matches there were when the last one with it was there; 0: none. */
  #heads = new Uint32Array(0)
  /** Of a match, the same of the one before it with its hash. */
  #links = new Uint32Array(0)
  #count = 0

  constructor() {
    this.#grow(2 ** 12)
  }

  add(low: number, high: number, shares: number): void {
    if (this.#count === this.#capacity && this.#capacity < MAX_MATCHES) this.#grow(2 * this.#capacity)
    // From the limit on it is a ring.
    const at = this.#count++ & (this.#capacity - 1)
    this.#lows[at] = low
    this.#highs[at] = high
    this.#shares[at] = shares
    this.#link(at, this.#count)
  }

  /** −1: no match of this number is remembered. */
  sharesOf(low: number, high: number): number {
    const oldest = this.#count - this.#capacity
    let count = this.#heads[this.#hash(low)]!
    while (count > 0 && count > oldest) {
      const at = (count - 1) & (this.#capacity - 1)
      if (this.#lows[at] === low && this.#highs[at] === high) return this.#shares[at]!
      count = this.#links[at]!
    }
    return -1
  }

  #link(at: number, count: number): void {
    const hash = this.#hash(this.#lows[at]!)
    this.#links[at] = this.#heads[hash]!
    this.#heads[hash] = count
  }

  /** Numbers that follow on each other lie side by side. */
  #hash(low: number): number {
    return low & (this.#capacity - 1)
  }

  #grow(capacity: number): void {
    const wider = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const words = new Uint32Array(capacity)
      words.set(old)
      return words
    }
    this.#capacity = capacity
    this.#lows = wider(this.#lows)
    this.#highs = wider(this.#highs)
    this.#shares = wider(this.#shares)
    this.#links = new Uint32Array(capacity)
    this.#heads = new Uint32Array(capacity)
    for (let at = 0; at < this.#count; at++) this.#link(at, at + 1)
  }
}
