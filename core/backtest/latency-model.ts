/**
 * How long order messages take. Times are whole nanoseconds since the origin of the replay, latencies whole nanoseconds.
 *
 * A negative entry latency says that the request is refused before the matching engine: the sender hears of it
 * after that long (its absolute value).
 */
export interface LatencyModel {
  /** From the sending of a request at local time `t` to its arrival at the exchange. */
  entry(t: number): number
  /** From exchange time `x` to the arrival of a response. */
  response(x: number): number
  /** A market event reached the local side at `localNs`, of exchange time `exchangeNs`. */
  observe?(localNs: number, exchangeNs: number): void
  /** A session begins, its times counted from this, nanoseconds since the epoch; without it the model has no times of its own. */
  begin?(originNs: bigint): void
  /** The session goes on with times that are counted from this. */
  rebase?(originNs: bigint): void
}
