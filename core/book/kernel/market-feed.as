// Market events made of messages that were put aside for the exchange's clock, many in a call: the common case of
// core/backtest/backtest-market.ts, where a message is a diff that can be applied, or a trade, and nothing was found at it.

import { allocZeros } from "./memory";
import { EVENT_DIFF, EVENT_TYPE } from "./event";
import { applyL2, DIFF_BYTES, DIFF_COUNTS, DIFF_SCALES, L2Book } from "./l2-book";
import { addEvent, ADDED, addLevels, DIFF, MarketEvents, TRADE } from "./market-events";
import { APPLIED } from "./results";
import { ENTRY_BYTES, ENTRY_GAP, ENTRY_GAP_OPEN, ENTRY_LENGTH, ENTRY_RECORD_TIME, ENTRY_TIME, ENTRY_TYPE, ENTRY_VERDICT, nextEntry } from "./rows/held-messages";
import { TRADE_IS_BUYER_MAKER, TRADE_PRICE, TRADE_QUANTITY, TYPE_BOOK_EVENT, TYPE_TRADE } from "./rows/message-run";

const SCALES: usize = 20;

// @ts-ignore: decorator
@unmanaged
export class MarketFeed {
  /** What times of events count from, nanoseconds since the epoch. market-feed.ts writes these and reads what follows. */
  origin: u64;
  /** Record time + this is the local time. */
  localShiftNs: f64;
  /** The latest local time of an event that a call took. */
  lastLocalNs: f64;
  tick: f64;
  lot: f64;
  /** The greatest time that a call came to, nanoseconds since the epoch; in microseconds. */
  clock: u64;
  clockMicros: f64;
  /** What a call took, and the last entry of it. */
  bookEvents: u32;
  trades: u32;
  last: usize;
  /** By decimals: what divides prices and sizes of levels. */
  priceFactors: usize;
  sizeFactors: usize;
  events: MarketEvents;
}

export function newMarketFeed(events: MarketEvents): MarketFeed {
  const feed = changetype<MarketFeed>(allocZeros(offsetof<MarketFeed>()));
  feed.priceFactors = allocZeros(SCALES << 3);
  feed.sizeFactors = allocZeros(SCALES << 3);
  feed.events = events;
  return feed;
}

/** Takes entries of a bar up to one that is not before a time, or not the common case; gives where that is. @param book judges diffs */
export function feedMarket(feed: MarketFeed, book: L2Book, entries: usize, end: usize, untilMicros: f64): usize {
  let at = entries;
  feed.bookEvents = 0;
  feed.trades = 0;
  feed.lastLocalNs = -Infinity;
  feed.clock = 0;
  feed.clockMicros = -Infinity;
  for (; at < end; at = nextEntry(at)) {
    const micros = load<f64>(at);
    if (!(micros < untilMicros) || (load<u32>(at, ENTRY_VERDICT) | load<u32>(at, ENTRY_GAP) | load<u32>(at, ENTRY_GAP_OPEN)) != 0) break;
    const time = load<u64>(at, ENTRY_TIME);
    const exchangeNs = <f64>(<i64>(time - feed.origin));
    const localNs = <f64>(<i64>(load<u64>(at, ENTRY_RECORD_TIME) - feed.origin)) + feed.localShiftNs;
    if (!(localNs >= exchangeNs)) break;
    const type = load<u32>(at, ENTRY_TYPE);
    const payload = at + ENTRY_BYTES;
    if (type == TYPE_TRADE) {
      if (!addTrade(feed, payload, exchangeNs, localNs)) break;
      feed.trades++;
    } else {
      if (type != TYPE_BOOK_EVENT || !addDiff(feed, book, payload, load<u32>(at, ENTRY_LENGTH), exchangeNs, localNs)) break;
      feed.bookEvents++;
    }
    feed.lastLocalNs = max(feed.lastLocalNs, localNs);
    feed.last = at;
    if (time > feed.clock) {
      feed.clock = time;
      feed.clockMicros = micros;
    }
  }
  return at;
}

function addTrade(feed: MarketFeed, payload: usize, exchangeNs: f64, localNs: f64): bool {
  const taker = load<u8>(payload, TRADE_IS_BUYER_MAKER) != 0 ? -1 : 1;
  const pair = addEvent(feed.events, TRADE, exchangeNs, localNs, taker, 0, 2);
  if (pair == 0) return false;
  store<f64>(pair, Math.round(nearlyWhole(load<f64>(payload, TRADE_PRICE) / feed.tick)));
  store<f64>(pair, nearlyWhole(load<f64>(payload, TRADE_QUANTITY) / feed.lot), 8);
  return true;
}

function addDiff(feed: MarketFeed, book: L2Book, payload: usize, length: u32, exchangeNs: f64, localNs: f64): bool {
  if (<i32>load<u16>(payload, EVENT_TYPE) != EVENT_DIFF || applyL2(book, payload, length) != APPLIED) return false;
  const bids = <i32>load<u16>(payload, DIFF_COUNTS);
  const asks = <i32>load<u16>(payload, DIFF_COUNTS + 2);
  const priceFactor = load<f64>(feed.priceFactors + (<usize>load<u8>(payload, DIFF_SCALES) << 3));
  const sizeFactor = load<f64>(feed.sizeFactors + (<usize>load<u8>(payload, DIFF_SCALES + 1) << 3));
  return addLevels(feed.events, DIFF, exchangeNs, localNs, payload + DIFF_BYTES, bids, asks, priceFactor, sizeFactor) == ADDED;
}

/** As in price-grid.ts. */
function nearlyWhole(value: f64): f64 {
  const whole = Math.round(value);
  if (whole != 0 && abs(value - whole) <= 1e-9 * abs(value)) return whole;
  const inverse = Math.round(1 / value);
  if (whole == 0 && inverse != 0 && isFinite(inverse) && abs(1 / value - inverse) <= 1e-9 * abs(inverse)) return 1 / inverse;
  return value;
}
