/** What book.as exports for rows of features: see rows/*.as. Addresses are of the memory; flags are 0 or 1. */
export interface RowKernel {
  newBookView(): number
  viewL2(view: number, book: number): void
  viewL3(view: number, book: number): void
  newDecimalSum(): number
  clearSum(sum: number): void
  addDecimal(sum: number, value: number): void
  addProduct(sum: number, a: number, b: number): void
  sumValue(sum: number): number
  newEventTrigger(everyEvents: number, onBook: number, onTrade: number, onBestPrice: number): number
  startTrigger(trigger: number, view: number): void
  endTriggerDay(trigger: number): void
  tradeTriggers(trigger: number): number
  bookTriggers(trigger: number, view: number, restarted: number, isReset: number): number
  newFeatureTable(view: number, columns: number): number
  addColumn(table: number, what: number, level: number, param: number): void
  addRowBlock(table: number, capacity: number): void
  endRowBlock(table: number): void
  resetTable(table: number): void
  tellBookEvent(table: number, restarted: number): void
  usesTrade(table: number, price: number, quantity: number): number
  tellTrade(table: number, price: number, quantity: number, isBuy: number): void
  nextTableRow(table: number): void
  readValues(table: number, to: number): void
  newSequence(): number
  newExchangeClock(barMicros: number, skewMicros: number): number
  holdMessages(run: number, clock: number): number
  holdEntry(held: number, index: number, length: number): number
  dueBucket(held: number, firstOpen: number): number
  dropBucket(held: number): number
  newMessageRun(view: number, sequence: number, trigger: number, rows: number, sources: number, tables: number): number
  addTable(run: number, table: number): void
  setRunTimes(run: number, clockLow: number, clockHigh: number, untilMicros: number): void
  runMessages(run: number): number
}
