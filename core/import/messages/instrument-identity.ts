export interface InstrumentIdentity {
  readonly venue: string
  /** Code, as in paths. */
  readonly symbol: string
  readonly exchangeSymbol: string
}

/** What a stream's folders are called, and its `stream_id`. */
export interface StreamName {
  readonly name: string
  readonly id: number
}
