// An L2 book in ticks and lots whose best prices are tracked: what that is says core/backtest/tracked-book.ts.

import { allocZeros } from "./memory";
import { clearSide, copySide, cutTo, setLevel, setPairs } from "./side";
import { worseThan } from "./side-reading";
import { exchangeSides, levelCount, newSide, Side } from "./side-window";

// @ts-ignore: decorator
@unmanaged
export class TrackedBook {
  /** −∞ and +∞ when there is none. tracked-book.ts reads these and what follows. */
  bestBid: f64;
  bestAsk: f64;
  depthLimit: f64;
  bids: Side;
  asks: Side;
}

export function newTrackedBook(depthLimit: f64): TrackedBook {
  const book = changetype<TrackedBook>(allocZeros(offsetof<TrackedBook>()));
  book.bestBid = -Infinity;
  book.bestAsk = Infinity;
  book.depthLimit = depthLimit;
  book.bids = newSide(1);
  book.asks = newSide(-1);
  return book;
}

export function clearTracked(book: TrackedBook): void {
  clearSide(book.bids);
  clearSide(book.asks);
  book.bestBid = -Infinity;
  book.bestAsk = Infinity;
}

/** Sets the level of a bid (isBid 1) or ask (0). */
export function setTracked(book: TrackedBook, isBid: i32, tick: f64, lots: f64): void {
  if (isBid != 0) setBid(book, tick, lots);
  else setAsk(book, tick, lots);
}

/** Sets levels: pairs of tick and lots, bids first. */
export function setTrackedLevels(book: TrackedBook, pairs: usize, bids: i32, asks: i32): void {
  const asksAt = pairs + (<usize>bids << 4);
  const end = asksAt + (<usize>asks << 4);
  for (let at = pairs; (at = plainBids(book, at, asksAt, Infinity, Infinity, -Infinity, false)) < asksAt; at += 16) {
    setBid(book, load<f64>(at), load<f64>(at, 8));
  }
  for (let at = asksAt; (at = plainAsks(book, at, end, -Infinity, Infinity, -Infinity, false)) < end; at += 16) {
    setAsk(book, load<f64>(at), load<f64>(at, 8));
  }
  cutTracked(book);
}

/**
 * Sets the bids from `at` on that go together: up to one that reaches an ask or `limit`, or lies in a range of ticks; gives where that is.
 * One after the other they would leave the same book, as long as the best price is what is stored.
 * @param swaps as of `setPairs`
 */
export function plainBids(book: TrackedBook, at: usize, end: usize, limit: f64, from: f64, until: f64, swaps: bool): usize {
  if (book.bestBid != orNone(book.bids.bestPrice, -Infinity)) return at;
  const to = setPairs<f64>(book.bids, at, end, swaps, min(limit, book.bestAsk), from, until);
  book.bestBid = orNone(book.bids.bestPrice, -Infinity);
  return to;
}

/** Likewise of asks. */
export function plainAsks(book: TrackedBook, at: usize, end: usize, limit: f64, from: f64, until: f64, swaps: bool): usize {
  if (book.bestAsk != orNone(book.asks.bestPrice, Infinity)) return at;
  const to = setPairs<f64>(book.asks, at, end, swaps, -max(limit, book.bestBid), from, until);
  book.bestAsk = orNone(book.asks.bestPrice, Infinity);
  return to;
}

/** Drops what is beyond the depth of the stream. */
export function cutTracked(book: TrackedBook): void {
  const limit = book.depthLimit;
  if (limit == Infinity) return;
  if (<f64>levelCount(book.bids) <= limit && <f64>levelCount(book.asks) <= limit) return;
  dropCrossed(book.bids, book.bestBid);
  dropCrossed(book.asks, book.bestAsk);
  cutTo(book.bids, limit);
  cutTo(book.asks, limit);
}

/** Drops levels before the best price: they were crossed, and would stand for some of the depth. */
function dropCrossed(side: Side, best: f64): void {
  while (levelCount(side) > 0 && side.sign * side.bestPrice > side.sign * best) setLevel(side, side.bestPrice, 0);
}

/** Best prices by what is stored alone. */
export function settleTracked(book: TrackedBook): void {
  book.bestAsk = storedAsk(book);
  book.bestBid = orNone(book.bids.bestPrice, -Infinity);
}

/** Whether best prices are those of what is stored. */
export function isSettled(book: TrackedBook): bool {
  return book.bestBid == orNone(book.bids.bestPrice, -Infinity) && book.bestAsk == storedAsk(book);
}

function storedAsk(book: TrackedBook): f64 {
  const bid = orNone(book.bids.bestPrice, -Infinity);
  const ask = orNone(book.asks.bestPrice, Infinity);
  return ask > bid ? ask : orNone(worseThan(book.asks, bid), Infinity);
}

/** Becomes a copy of another book. */
export function copyTracked(from: TrackedBook, to: TrackedBook): void {
  copySide(from.bids, to.bids);
  copySide(from.asks, to.asks);
  to.bestBid = from.bestBid;
  to.bestAsk = from.bestAsk;
}

/** Two books change places. */
export function exchangeTracked(one: TrackedBook, other: TrackedBook): void {
  const bid = one.bestBid;
  one.bestBid = other.bestBid;
  other.bestBid = bid;
  const ask = one.bestAsk;
  one.bestAsk = other.bestAsk;
  other.bestAsk = ask;
  exchangeSides(one.bids, other.bids);
  exchangeSides(one.asks, other.asks);
}

export function setBid(book: TrackedBook, tick: f64, lots: f64): void {
  if (lots < 0.5) {
    setLevel(book.bids, tick, 0);
    if (tick == book.bestBid) book.bestBid = orNone(worseThan(book.bids, tick), -Infinity);
    return;
  }
  setLevel(book.bids, tick, lots);
  if (tick <= book.bestBid) return;
  book.bestBid = tick;
  if (tick >= book.bestAsk) book.bestAsk = orNone(worseThan(book.asks, tick), Infinity);
}

export function setAsk(book: TrackedBook, tick: f64, lots: f64): void {
  if (lots < 0.5) {
    setLevel(book.asks, tick, 0);
    if (tick == book.bestAsk) book.bestAsk = orNone(worseThan(book.asks, tick), Infinity);
    return;
  }
  setLevel(book.asks, tick, lots);
  if (tick >= book.bestAsk) return;
  book.bestAsk = tick;
  if (tick <= book.bestBid) book.bestBid = orNone(worseThan(book.bids, tick), -Infinity);
}

// @ts-ignore: decorator
@inline
function orNone(tick: f64, none: f64): f64 {
  return tick != tick ? none : tick;
}
