// A market of levels with two clocks: lets its exchange and its local side meet events, and stops at what own orders have to do with.
// What that is says core/backtest/market-replay.ts.

import { alloc, allocZeros, release } from "./memory";
import { DIFF, eventAt, isBreak, MarketEvent, MarketEvents, TRADE } from "./market-events";
import { APART, beginBreak, beginDiff, lookAtExchange, Market, partIfMixed } from "./market-local";
import { sizeAt } from "./side-reading";
import { cutTracked, plainAsks, plainBids, setAsk, setBid, TrackedBook } from "./tracked-book";

const BUY: i32 = 1;

/** Why the exchange stopped, as in market-replay.ts. */
const MET_ALL: i32 = 0;
const MET_CROSSED_SELLS: i32 = 1;
const MET_CROSSED_BUYS: i32 = 2;
/** An event is to be met by the caller. */
const MET_EVENT: i32 = 3;
const MET_CHANGES: i32 = 4;

/** Changes that are told at once, but for those of the last message. */
const MAX_CHANGES: i32 = 1024;
const CHANGE_SHIFT: usize = 5;

export function newMarket(events: MarketEvents, book: TrackedBook | null, local: TrackedBook | null): Market {
  const market = changetype<Market>(allocZeros(offsetof<Market>()));
  market.minBuy = Infinity;
  market.maxBuy = -Infinity;
  market.minSell = Infinity;
  market.maxSell = -Infinity;
  market.nowNs = -Infinity;
  market.bookNs = -Infinity;
  market.level = -1;
  market.changeCapacity = MAX_CHANGES;
  market.changes = alloc(<usize>MAX_CHANGES << CHANGE_SHIFT);
  market.events = events;
  market.book = book;
  market.local = local;
  market.localBid = -Infinity;
  market.localAsk = Infinity;
  // What a depth cuts off is not undone.
  market.mode = book === null || book.depthLimit < Infinity ? APART : 0;
  return market;
}

/** The exchange meets events before a time that are not after another. Changes of levels that it made are to be told before it goes on. */
export function meetAtExchange(market: Market, beforeNs: f64, untilNs: f64): i32 {
  const events = market.events;
  market.changeCount = 0;
  lookAtExchange(market);
  if (market.level >= 0) {
    const stop = meetDiff(market, eventAt(events, market.event));
    if (stop != MET_ALL) return stop;
  }
  partIfMixed(market);
  while (events.exchangeDone < events.count) {
    const index = load<i32>(events.byExchange + (<usize>events.exchangeDone << 2));
    const event = eventAt(events, index);
    const time = event.exchangeNs;
    if (!(time < beforeNs && time <= untilNs)) return MET_ALL;
    events.exchangeDone++;
    market.nowNs = time;
    market.event = index;
    if (event.kind == DIFF) {
      market.bookNs = time;
      market.level = 0;
      beginDiff(market, event);
      const stop = meetDiff(market, event);
      if (stop != MET_ALL) return stop;
      if (market.changeCount >= MAX_CHANGES) return MET_CHANGES;
    } else if (event.kind != TRADE) {
      if (isBreak(event)) beginBreak(market);
      return MET_EVENT;
    } else {
      const tick = load<f64>(events.arena + (<usize>event.start << 3));
      if (event.first == BUY ? tick >= market.minSell : tick <= market.maxBuy) return MET_EVENT;
    }
  }
  return MET_ALL;
}

/** Goes on with a message level by level, up to one that makes the best price of a side reach own orders of the other. */
function meetDiff(market: Market, event: MarketEvent): i32 {
  const book = market.book!;
  const bids = event.first;
  const count = bids + event.second;
  reserve(market, market.changeCount + count);
  const pairs = market.events.arena + (<usize>event.start << 3);
  let level = market.level;
  const minBuy = market.minBuy;
  const maxBuy = market.maxBuy;
  const minSell = market.minSell;
  const maxSell = market.maxSell;
  const swaps = market.mode != APART;
  for (; level < bids; level++) {
    const from = pairs + (<usize>level << 4);
    const at = plainBids(book, from, pairs + (<usize>bids << 4), minSell, minBuy, maxBuy, swaps);
    level += <i32>((at - from) >>> 4);
    if (level == bids) break;
    const tick = load<f64>(at);
    const lots = load<f64>(at, 8);
    const best = book.bestBid;
    const before = sizeAt(book.bids, tick);
    if (tick >= minBuy && tick <= maxBuy) note(market, 1, tick, before, lots);
    if (swaps) store<f64>(at, before, 8);
    setBid(book, tick, lots);
    if (book.bestBid > best && book.bestBid >= minSell) {
      market.level = level + 1;
      return MET_CROSSED_SELLS;
    }
  }
  for (; level < count; level++) {
    const from = pairs + (<usize>level << 4);
    const at = plainAsks(book, from, pairs + (<usize>count << 4), maxBuy, minSell, maxSell, swaps);
    level += <i32>((at - from) >>> 4);
    if (level == count) break;
    const tick = load<f64>(at);
    const lots = load<f64>(at, 8);
    const best = book.bestAsk;
    const before = sizeAt(book.asks, tick);
    if (tick >= minSell && tick <= maxSell) note(market, -1, tick, before, lots);
    if (swaps) store<f64>(at, before, 8);
    setAsk(book, tick, lots);
    if (book.bestAsk < best && book.bestAsk <= maxBuy) {
      market.level = level + 1;
      return MET_CROSSED_BUYS;
    }
  }
  market.level = -1;
  cutTracked(book);
  return MET_ALL;
}

// @ts-ignore: decorator
@inline
function note(market: Market, side: f64, tick: f64, before: f64, now: f64): void {
  const at = market.changes + (<usize>(market.changeCount++) << CHANGE_SHIFT);
  store<f64>(at, side);
  store<f64>(at, tick, 8);
  store<f64>(at, before, 16);
  store<f64>(at, now < 0.5 ? 0 : now, 24);
}

function reserve(market: Market, changes: i32): void {
  if (changes <= market.changeCapacity) return;
  const bytes = <usize>changes << CHANGE_SHIFT;
  const larger = alloc(bytes);
  memory.copy(larger, market.changes, <usize>market.changeCount << CHANGE_SHIFT);
  release(market.changes, <usize>market.changeCapacity << CHANGE_SHIFT);
  market.changes = larger;
  market.changeCapacity = changes;
}
