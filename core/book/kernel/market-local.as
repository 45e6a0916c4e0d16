// The local side of a market of levels, and what both sides are in memory.
//
// As long as both sides meet the events of the book in one order, the local book is what the book of the exchange was some diffs ago. So
// there is one book, SHARED: a diff that the exchange meets leaves in the arena what its levels were before, in place of what they are, and
// its best prices before; best prices of the local side are known by these alone, and whoever looks at sizes there has the diffs under way
// undone, and done again for the exchange. What empties the book cannot be undone: UNTIL_BREAK the local side goes on with the book as it
// was, and meets what is pending up to there. Sides that meet events in other orders are APART: each applies all events to its own book.

import { sizeAt } from "./side-reading";
import { setLevel } from "./side";
import { changesBook, DIFF, eventAt, isBreak, MarketEvent, MarketEvents, SNAPSHOT } from "./market-events";
import { clearTracked, copyTracked, exchangeTracked, isSettled, setTrackedLevels, settleTracked, TrackedBook } from "./tracked-book";
import { Side } from "./side-window";

const SHARED: i32 = 0;
const UNTIL_BREAK: i32 = 1;
export const APART: i32 = 2;
/** A level that is undone and done again costs as much as so many that are applied to a book of its own. */
const UNDO_COST: f64 = 4;
/** Levels that may be undone in any case. */
const FREE_UNDOING: f64 = 65536;

// @ts-ignore: decorator
@unmanaged
export class Market {
  /** Ticks that own orders lie in: an empty range is +∞ … −∞. market-levels.ts writes these and reads what follows. */
  minBuy: f64;
  maxBuy: f64;
  minSell: f64;
  maxSell: f64;
  /** Time of the event that the exchange met last, and when its book changed last. */
  nowNs: f64;
  bookNs: f64;
  /** Best prices as they are known locally. */
  localBid: f64;
  localAsk: f64;
  /** Number of the event, and the level of it that comes next; −1: it is done. */
  event: i32;
  level: i32;
  /** Changes of levels where own orders are: side, tick, lots before and now; doubles. */
  changes: usize;
  changeCount: i32;
  changeCapacity: i32;
  events: MarketEvents;
  /** Null of logs with orders. */
  book: TrackedBook | null;
  local: TrackedBook | null;
  mode: i32;
  /** Diffs that the exchange has met, and that can be undone. */
  underWay: i32;
  /** UNTIL_BREAK: events of the book that the local side meets by itself, the last of them the break. */
  pending: i32;
  /** 1: what is under way is undone, from this place in `byExchange` on; best prices when it is not. */
  isBack: i32;
  backFrom: i32;
  frontBid: f64;
  frontAsk: f64;
  /** Levels of diffs that were met, and that were undone. */
  levelsMet: f64;
  levelsUndone: f64;
}

// The exchange

/** The exchange is about to meet a diff. */
export function beginDiff(market: Market, event: MarketEvent): void {
  if (market.mode == APART) return;
  const book = market.book!;
  event.bidBefore = book.bestBid;
  event.askBefore = book.bestAsk;
  market.underWay++;
  market.levelsMet += <f64>(event.first + event.second);
}

/** The exchange is about to meet what empties the book, which is empty then. */
export function beginBreak(market: Market): void {
  if (market.mode == APART) return;
  const book = market.book!;
  market.pending += market.underWay + 1;
  undo(market);
  if (market.mode == SHARED) exchangeTracked(book, market.local!);
  clearTracked(book);
  market.underWay = 0;
  market.mode = UNTIL_BREAK;
}

/** Where events of the book were added that both sides meet in other orders, they go apart before either meets one. */
// @ts-ignore: decorator
@inline
export function partIfMixed(market: Market): void {
  if (market.events.isMixed != 0 && market.mode != APART) part(market);
}

/** Has the exchange's book as the exchange has it. */
export function lookAtExchange(market: Market): void {
  if (market.isBack == 0) return;
  market.isBack = 0;
  const events = market.events;
  const book = market.book!;
  for (let at = market.backFrom; at < events.exchangeDone; at++) {
    const event = exchangeEvent(events, at);
    if (event.kind == DIFF) redoDiff(book, events, event);
  }
  book.bestBid = market.frontBid;
  book.bestAsk = market.frontAsk;
}

// The local side

/** The local side meets events up to a time; ends behind the first whose kind is of the set, with its number, else with −1. */
export function meetLocally(market: Market, untilNs: f64, kinds: u32): i32 {
  const events = market.events;
  lookAtExchange(market);
  partIfMixed(market);
  let hasMet = false;
  let stop = -1;
  while (stop < 0 && events.localDone < events.count) {
    const index = load<i32>(events.byLocal + (<usize>events.localDone << 2));
    const event = eventAt(events, index);
    if (event.localNs > untilNs) break;
    events.localDone++;
    if (market.book !== null && changesBook(event)) {
      meet(market, event);
      hasMet = true;
    }
    if ((kinds >>> event.kind) & 1) stop = index;
  }
  if (hasMet) noteBest(market);
  return stop;
}

/** A book that is as the local side knows it, until `lookAtExchange`. */
export function lookAtLocal(market: Market): TrackedBook {
  if (market.mode != SHARED) return market.local!;
  const book = market.book!;
  if (market.isBack != 0 || market.underWay == 0) return book;
  if (market.levelsUndone * UNDO_COST > market.levelsMet + FREE_UNDOING) {
    part(market);
    return market.local!;
  }
  goBack(market);
  return book;
}

/** A session begins: what best prices were before does not matter to it. */
export function settleMarket(market: Market): void {
  lookAtExchange(market);
  if (market.mode != APART && !areSettled(market)) part(market);
  settleTracked(market.book!);
  if (market.mode != SHARED) settleTracked(market.local!);
  noteBest(market);
}

/** Both sides begin with the book that the exchange was given. */
export function seedMarket(market: Market): void {
  if (market.mode == APART) copyTracked(market.book!, market.local!);
  settleMarket(market);
}

function meet(market: Market, event: MarketEvent): void {
  if (market.mode == SHARED) {
    if (market.underWay > 0) {
      market.underWay--;
      return;
    }
    // At one time the local side comes first, so that the exchange has not met it.
    part(market);
  } else if (market.mode == UNTIL_BREAK && --market.pending == 0) {
    clearTracked(market.local!);
    market.mode = SHARED;
    return;
  }
  const local = market.local!;
  if (isBreak(event)) clearTracked(local);
  if (event.kind == DIFF || event.kind == SNAPSHOT) apply(local, market.events, event);
}

function noteBest(market: Market): void {
  if (market.mode == SHARED && market.underWay > 0) {
    const events = market.events;
    let at = events.localDone;
    while (eventAt(events, load<i32>(events.byLocal + (<usize>at << 2))).kind != DIFF) at++;
    const first = eventAt(events, load<i32>(events.byLocal + (<usize>at << 2)));
    market.localBid = first.bidBefore;
    market.localAsk = first.askBefore;
    return;
  }
  const book = market.mode == SHARED ? market.book! : market.local!;
  market.localBid = book.bestBid;
  market.localAsk = book.bestAsk;
}

function areSettled(market: Market): bool {
  const book = market.book!;
  if (!isSettled(book)) return false;
  if (market.mode != SHARED || market.underWay == 0) return true;
  goBack(market);
  const isLocally = isSettled(book);
  lookAtExchange(market);
  return isLocally;
}

// Undoing

/** From here on each side has a book of its own. */
function part(market: Market): void {
  lookAtExchange(market);
  const events = market.events;
  const book = market.book!;
  const from = undo(market);
  if (market.mode == SHARED) copyTracked(book, market.local!);
  market.mode = APART;
  market.underWay = 0;
  for (let at = from; at < events.exchangeDone; at++) {
    const event = exchangeEvent(events, at);
    if (event.kind == DIFF) apply(book, events, event);
  }
}

function goBack(market: Market): void {
  const book = market.book!;
  market.frontBid = book.bestBid;
  market.frontAsk = book.bestAsk;
  market.backFrom = undo(market);
  market.isBack = 1;
}

/** Undoes what is under way, the last one first; gives where in `byExchange` the first of it is. */
function undo(market: Market): i32 {
  const events = market.events;
  const book = market.book!;
  let at = events.exchangeDone;
  for (let left = market.underWay; left > 0; ) {
    const event = exchangeEvent(events, --at);
    if (event.kind != DIFF) continue;
    left--;
    undoDiff(book, events, event);
    book.bestBid = event.bidBefore;
    book.bestAsk = event.askBefore;
    market.levelsUndone += <f64>(event.first + event.second);
  }
  return at;
}

function undoDiff(book: TrackedBook, events: MarketEvents, event: MarketEvent): void {
  const pairs = pairsOf(events, event);
  const asks = pairs + (<usize>event.first << 4);
  for (let at = asks + (<usize>event.second << 4); at > asks; ) swapLevel(book.asks, (at -= 16));
  for (let at = asks; at > pairs; ) swapLevel(book.bids, (at -= 16));
}

function redoDiff(book: TrackedBook, events: MarketEvents, event: MarketEvent): void {
  const pairs = pairsOf(events, event);
  const asks = pairs + (<usize>event.first << 4);
  const end = asks + (<usize>event.second << 4);
  for (let at = pairs; at < asks; at += 16) swapLevel(book.bids, at);
  for (let at = asks; at < end; at += 16) swapLevel(book.asks, at);
}

function swapLevel(side: Side, at: usize): void {
  const tick = load<f64>(at);
  const lots = load<f64>(at, 8);
  store<f64>(at, sizeAt(side, tick), 8);
  setLevel(side, tick, lots);
}

function apply(book: TrackedBook, events: MarketEvents, event: MarketEvent): void {
  setTrackedLevels(book, pairsOf(events, event), event.first, event.second);
}

// @ts-ignore: decorator
@inline
function pairsOf(events: MarketEvents, event: MarketEvent): usize {
  return events.arena + (<usize>event.start << 3);
}

// @ts-ignore: decorator
@inline
function exchangeEvent(events: MarketEvents, at: i32): MarketEvent {
  return eventAt(events, load<i32>(events.byExchange + (<usize>at << 2)));
}
