/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, PractRand). Same seed, same numbers, on
 * every machine; not for secrets. No allocation per number.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed any whole number; `lane` gives independent sequences of one seed */
  constructor(seed: number, lane = 0) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 0x1_0000_0000) | 0
    this.#c = lane | 0
    for (let i = 0; i < 16; i++) this.u32()
  }

  /** A uniform u32. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  unit(): number {
    return this.u32() * 2 ** -32
  }

  /** A whole number in [0, limit), limit ≤ 2^32. */
  below(limit: number): number {
    return Math.floor(this.u32() * 2 ** -32 * limit)
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 2 ** 32
  }

  /** Exponential with mean 1. */
  exponential(): number {
    return -Math.log((this.u32() + 1) * 2 ** -32)
  }

  /** A heavy-tailed whole number in [1, 1000 × scale]: Pareto with tail exponent 1, median 2 × scale. */
  pareto(scale: number): number {
    return Math.ceil(scale / (this.u32() * 2 ** -32 + 0.001))
  }

  /** A distance from the touch: 0 half of the time, then halving with each step, to 32. */
  halving(): number {
    return Math.clz32(this.u32())
  }
}
