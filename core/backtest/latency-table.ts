import { ReplayError } from '../errors.ts'
import { shownValue } from '../shown-value.ts'
import type { LatencyModel } from './latency-model.ts'

/** A sampled round trip, nanoseconds since the epoch: sent, handled by the exchange (≤ 0: refused before it), answered. */
export type LatencyRow = readonly [requestNs: bigint, exchangeNs: bigint, responseNs: bigint]

/**
 * Latencies between sampled round trips, interpolated: with l_i the latency of row i, at t in [key_i, key_{i+1}):
 * trunc((l_{i+1} − l_i) / (key_{i+1} − key_i) · (t − key_i)) + l_i; before the first row l_0, from the last on its own.
 * Entry latencies lie over the times of requests, response latencies over those at the exchange.
 */
export class LatencyTable implements LatencyModel {
  readonly #rows: readonly LatencyRow[]
  readonly #requests: Float64Array
  readonly #entries: Float64Array
  /** How long a refused request takes to come back; NaN where it is not refused. */
  readonly #refusals: Float64Array
  #exchanges: Float64Array
  #responses: Float64Array
  #requestAt = 0
  #exchangeAt = 0

  /** @throws ReplayError input `latency-table`: no rows, or rows that do not rise in both times, or are none */
  constructor(rows: readonly LatencyRow[]) {
    requireRising(rows)
    this.#rows = rows
    this.#requests = new Float64Array(rows.length)
    this.#entries = Float64Array.from(rows, ([request, exchange]) => Number(exchange - request))
    this.#refusals = Float64Array.from(rows, ([request, exchange, response]) => (exchange <= 0n ? Number(response - request) : Number.NaN))
    const handled = rows.filter(([, exchange]) => exchange > 0n)
    this.#exchanges = new Float64Array(handled.length)
    this.#responses = Float64Array.from(handled, ([, exchange, response]) => Number(response - exchange))
    this.begin(rows[0]![0])
  }

  begin(originNs: bigint): void {
    this.#rows.forEach(([request], i) => {
      this.#requests[i] = Number(request - originNs)
    })
    this.#exchanges = Float64Array.from(
      this.#rows.filter(([, exchange]) => exchange > 0n),
      ([, exchange]) => Number(exchange - originNs),
    )
    this.#requestAt = 0
    this.#exchangeAt = 0
  }

  rebase(originNs: bigint): void {
    this.begin(originNs)
  }

  entry(t: number): number {
    const at = rowAt(this.#requests, this.#requestAt, t)
    this.#requestAt = Math.max(at, 0)
    const next = Math.min(at + 1, this.#requests.length - 1)
    const refused = this.#refusals
    if (!Number.isNaN(refused[Math.max(at, 0)]!) || !Number.isNaN(refused[next]!)) return -Math.abs(this.#refusalAt(at, t))
    return between(this.#requests, this.#entries, at, t)
  }

  response(x: number): number {
    if (this.#exchanges.length === 0) return 0
    const at = rowAt(this.#exchanges, this.#exchangeAt, x)
    this.#exchangeAt = Math.max(at, 0)
    return between(this.#exchanges, this.#responses, at, x)
  }

  /** The whole round trip, interpolated. */
  #refusalAt(at: number, t: number): number {
    const trip = (i: number): number => Number(this.#rows[i]![2] - this.#rows[i]![0])
    const last = this.#rows.length - 1
    if (at < 0 || at >= last) return trip(Math.min(Math.max(at, 0), last))
    const [from, to] = [trip(at), trip(at + 1)]
    return Math.trunc(((to - from) / (this.#requests[at + 1]! - this.#requests[at]!)) * (t - this.#requests[at]!)) + from
  }
}

/** The last row with key ≤ t, found from the one before; −1 when there is none. */
function rowAt(keys: Float64Array, from: number, t: number): number {
  let at = from
  while (at + 1 < keys.length && keys[at + 1]! <= t) at++
  while (at >= 0 && keys[at]! > t) at--
  return at
}

function between(keys: Float64Array, latencies: Float64Array, at: number, t: number): number {
  if (at < 0) return latencies[0]!
  if (at >= keys.length - 1) return latencies[keys.length - 1]!
  const from = latencies[at]!
  return Math.trunc(((latencies[at + 1]! - from) / (keys[at + 1]! - keys[at]!)) * (t - keys[at]!)) + from
}

function requireRising(rows: readonly LatencyRow[]): void {
  if (!Array.isArray(rows)) throw invalid(`a list of rows, found ${shownValue(rows)}`)
  if (rows.length === 0) throw invalid('at least one row, found none')
  let exchangeNs = 0n
  ;(rows as readonly LatencyRow[]).forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== 3 || !row.every((time) => typeof time === 'bigint')) {
      throw invalid(`[request, exchange, response] of three bigints, nanoseconds since the epoch, found ${shownValue(row)} in row ${i}`)
    }
    const [request, exchange, response] = row
    if (i > 0 && request <= rows[i - 1]![0]) throw invalid(`rows that rise strictly in request time, found ${request} in row ${i}`)
    if (exchange > 0n && exchange <= exchangeNs) throw invalid(`rows that rise strictly in exchange time, found ${exchange} in row ${i}`)
    if (exchange > 0n && (exchange < request || response < exchange)) {
      throw invalid(`request ≤ exchange ≤ response, found ${request}, ${exchange}, ${response} in row ${i}`)
    }
    if (exchange <= 0n && response <= request) {
      throw invalid(`a refusal that is heard of after its request, found ${request} and ${response} in row ${i}`)
    }
    if (exchange > 0n) exchangeNs = exchange
  })
}

function invalid(expected: string): ReplayError {
  return new ReplayError('latency-table', `latency table: expected ${expected}`, { category: 'input' })
}
