import type { LatencyModel } from './latency-model.ts'

/** The same latency at all times, nanoseconds; a negative entry refuses every request (BACKTEST §2). */
export class ConstantLatency implements LatencyModel {
  readonly #entryNs: number
  readonly #responseNs: number

  constructor(entryNs: number, responseNs: number) {
    this.#entryNs = entryNs
    this.#responseNs = responseNs
  }

  entry(): number {
    return this.#entryNs
  }

  response(): number {
    return this.#responseNs
  }
}
