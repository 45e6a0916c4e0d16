/** What book.as exports for backtests: addresses are of the memory, kinds of events as in core/backtest/market-events.ts. */
export interface MarketKernel {
  newTrackedBook(depthLimit: number): number
  clearTracked(book: number): void
  setTracked(book: number, isBid: number, tick: number, lots: number): void
  setTrackedLevels(book: number, pairs: number, bids: number, asks: number): void
  newMarketEvents(): number
  addEvent(events: number, kind: number, exchangeNs: number, localNs: number, first: number, second: number, doubles: number): number
  addLevels(
    events: number,
    kind: number,
    exchangeNs: number,
    localNs: number,
    levels: number,
    bids: number,
    asks: number,
    priceFactor: number,
    sizeFactor: number,
  ): number
  nextLocalOf(events: number, kinds: number): number
  compactEvents(events: number): void
  clearEvents(events: number): void
  rebaseEvents(events: number, byNs: number): void
  newMarketFeed(events: number): number
  feedMarket(feed: number, book: number, entries: number, end: number, untilMicros: number): number
  newMarket(events: number, book: number, local: number): number
  meetAtExchange(market: number, beforeNs: number, untilNs: number): number
  lookAtExchange(market: number): void
  lookAtLocal(market: number): number
  settleMarket(market: number): void
  seedMarket(market: number): void
  meetLocally(market: number, untilNs: number, kinds: number): number
}
