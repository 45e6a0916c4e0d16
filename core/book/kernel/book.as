// Books in WebAssembly: L2 and L3, in a memory that several may share. Compiled into book.wasm.ts by `npm run kernel`.
//
// Payloads are copied into this memory, as each reader has a buffer of its own and one book takes messages of several. All that is
// read of a payload lies within its length, which is checked first; all that is written lies in blocks of memory.as.

import { findOrder, insertOrder, Orders } from "./order-store";

export { alloc, release, takenBytes } from "./memory";
export { canScale, clearSide, cutTo, replaceLevels, scaleSide, setLevel, setLevels } from "./side";
export { depthSum, sizeAt, sumToPrice, topLevels, worseThan } from "./side-reading";
export { levelCount, newSide } from "./side-window";
export { applyL2, clearL2, leaveLevels, loadL2Body, newL2Book } from "./l2-book";
export { clearOrders, listOrderIds, newOrders, removeOrder } from "./order-store";
export { appendOrder, headAt, listPrices, ordersAt } from "./price-levels";
export { applyL3, clearL3, newL3Book } from "./l3-book";
export { applyL2Rows, applyL3Rows } from "./input";
export { clearTracked, newTrackedBook, setTracked, setTrackedLevels } from "./tracked-book";
export { addEvent, addLevels, clearEvents, compactEvents, newMarketEvents, nextLocalOf, rebaseEvents } from "./market-events";
export { feedMarket, newMarketFeed } from "./market-feed";
export { meetAtExchange, newMarket } from "./market";
export { lookAtExchange, lookAtLocal, meetLocally, seedMarket, settleMarket } from "./market-local";
export { newBookView, viewL2, viewL3 } from "./rows/book-view";
export { addDecimal, addProduct, clearSum, newDecimalSum, sumValue } from "./rows/decimal-sum";
export { bookTriggers, endTriggerDay, newEventTrigger, startTrigger, tradeTriggers } from "./rows/event-trigger";
export {
  addColumn, addRowBlock, endRowBlock, newFeatureTable, nextTableRow, readValues, resetTable, tellBookEvent, tellTrade, usesTrade,
} from "./rows/feature-table";
export { holdMessages, newExchangeClock } from "./rows/exchange-clock";
export { dropBucket, dueBucket, holdEntry } from "./rows/held-messages";
export { addTable, newMessageRun, runMessages, setRunTimes } from "./rows/message-run";
export { newSequence } from "./rows/sequence";

/** The slot of an order, or −1. The id in two words, as 64 bits would come as a BigInt. */
export function findOrderWords(orders: Orders, low: u32, high: u32): i32 {
  return findOrder(orders, (<u64>high << 32) | <u64>low);
}

/** A slot for an order that is not in the store; −1: there are too many. */
export function insertOrderWords(orders: Orders, low: u32, high: u32): i32 {
  return insertOrder(orders, (<u64>high << 32) | <u64>low);
}
