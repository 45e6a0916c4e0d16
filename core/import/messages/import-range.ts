/** What of the data is wanted. */
export interface ImportRange {
  /** Record times, nanoseconds since the epoch, half-open. */
  readonly fromNs?: bigint | undefined
  readonly toNs?: bigint | undefined
  /** Symbol codes, or exchange symbols. */
  readonly symbols?: ReadonlySet<string> | undefined
  /** `book`, `l3`, `trades`, `ticker`. */
  readonly streams?: ReadonlySet<string> | undefined
}

/** Decimals of prices and sizes to begin with; a message that needs more has more. */
export interface ImportScales {
  readonly price?: number | undefined
  readonly size?: number | undefined
}
