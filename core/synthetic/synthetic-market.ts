/** What happens on one market, message by message, into its SyntheticFeed. */
export interface SyntheticMarket {
  /** Begins a UTC day; a restart point lets a reader begin here, without the days before. */
  startDay(isRestartPoint: boolean): void
  /** One event: a few messages at most, none beyond what the feed has left today. */
  step(): void
}
