import { ReplayError } from '../errors.ts'
import type { LatencyModel } from './latency-model.ts'
import type { LatencyRow } from './latency-table.ts'

/** How order latencies follow from the latency f of the market feed: entry = a · f + b, response = c · f + d. */
export interface FeedLatencyTerms {
  readonly entryFactor: number
  readonly entryNs: number
  readonly responseFactor: number
  readonly responseNs: number
  /** Length of the windows, each of which has the feed latency of its last market event; nanoseconds. */
  readonly windowNs: number
}

/**
 * Order latencies from the feed's own: those of the last window that is over. Nothing is interpolated towards a window
 * that still goes on, since that would know of market events that have not come yet.
 */
export class FeedLatency implements LatencyModel {
  readonly #terms: FeedLatencyTerms
  #originNs = 0
  #window = Number.NEGATIVE_INFINITY
  /** Of the last event so far, and of the last one of the window before. */
  #current = Number.NaN
  #settled = Number.NaN

  constructor(terms: FeedLatencyTerms) {
    this.#terms = terms
  }

  begin(originNs: bigint): void {
    this.#originNs = Number(originNs % BigInt(this.#terms.windowNs))
    this.#window = Number.NEGATIVE_INFINITY
    this.#current = Number.NaN
    this.#settled = Number.NaN
  }

  observe(localNs: number, exchangeNs: number): void {
    const window = this.#windowAt(localNs)
    if (window !== this.#window) {
      this.#settled = this.#current
      this.#window = window
    }
    this.#current = localNs - exchangeNs
  }

  entry(t: number): number {
    return Math.trunc(this.#terms.entryFactor * this.#feedNs(t) + this.#terms.entryNs)
  }

  response(x: number): number {
    return Math.trunc(this.#terms.responseFactor * this.#feedNs(x) + this.#terms.responseNs)
  }

  /** What is known of the feed stays; the window that goes on is over with this. */
  rebase(originNs: bigint): void {
    this.#originNs = Number(originNs % BigInt(this.#terms.windowNs))
    this.#window = Number.NEGATIVE_INFINITY
  }

  /** At a time. A window is over when time is, also where no event has come since. Before the first one is over: that of the last event, or none. */
  #feedNs(timeNs: number): number {
    if (!Number.isNaN(this.#settled) && this.#windowAt(timeNs) <= this.#window) return this.#settled
    return Number.isNaN(this.#current) ? 0 : this.#current
  }

  #windowAt(timeNs: number): number {
    return Math.floor((timeNs + this.#originNs) / this.#terms.windowNs)
  }
}

/**
 * A latency table of a whole feed, one row per window of local time: of its last event. A row whose exchange time does not
 * rise is left out.
 * @param times local and exchange time of each market event in local order, nanoseconds since the epoch
 * @throws ReplayError input `latency-table` when no row comes of it
 */
export function latencyTableOf(times: Iterable<readonly [localNs: bigint, exchangeNs: bigint]>, terms: FeedLatencyTerms): LatencyRow[] {
  const rows: LatencyRow[] = []
  let window: bigint | null = null
  let last: readonly [bigint, bigint] = [0n, 0n]
  const put = (): void => {
    const feedNs = Number(last[0] - last[1])
    const exchange = last[0] + BigInt(Math.trunc(terms.entryFactor * feedNs + terms.entryNs))
    const before = rows.at(-1)
    if (before !== undefined && exchange <= before[1]) return
    rows.push([last[0], exchange, exchange + BigInt(Math.trunc(terms.responseFactor * feedNs + terms.responseNs))])
  }
  for (const time of times) {
    const now = time[0] / BigInt(terms.windowNs)
    if (window !== null && now !== window) put()
    window = now
    last = time
  }
  if (window === null) throw new ReplayError('latency-table', 'latency table: expected market events, found none', { category: 'input' })
  put()
  return rows
}
