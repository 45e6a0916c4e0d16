// Market events on their way to the exchange and to the local side: what they are says core/backtest/market-events.ts.

import { alloc, allocZeros, release } from "./memory";

/** As in market-events.ts. */
export const DIFF: i32 = 0;
export const SNAPSHOT: i32 = 1;
export const RESET: i32 = 2;
export const TRADE: i32 = 3;
export const GAP: i32 = 5;

/** What the arena may hold, doubles (128 MiB). */
const MAX_ARENA: u64 = 1 << 24;
const FIRST_EVENTS: i32 = 256;
const FIRST_ARENA: u32 = 4096;
const COMPACT_FROM: i32 = 4096;
const EVENT_BYTES: usize = 48;

// @ts-ignore: decorator
@unmanaged
export class MarketEvent {
  exchangeNs: f64;
  localNs: f64;
  /** Where in the arena it starts, in doubles. */
  start: u32;
  first: i32;
  second: i32;
  kind: i32;
  /** Best prices of the exchange's book before it met a diff. */
  bidBefore: f64;
  askBefore: f64;
}

// @ts-ignore: decorator
@unmanaged
export class MarketEvents {
  count: i32;
  /** How many of `byExchange` and `byLocal` are done. market-events.ts reads these and what follows. */
  exchangeDone: i32;
  localDone: i32;
  /** No event of `byLocal` from `localDone` up to here is of a kind that was looked for. */
  peeked: i32;
  list: usize;
  byExchange: usize;
  byLocal: usize;
  arena: usize;
  capacity: i32;
  arenaEnd: u32;
  arenaCapacity: u32;
  /** 1: one side meets events of the book in another order than the other. */
  isMixed: i32;
}

export function newMarketEvents(): MarketEvents {
  const events = changetype<MarketEvents>(allocZeros(offsetof<MarketEvents>()));
  events.capacity = FIRST_EVENTS;
  events.list = alloc(<usize>FIRST_EVENTS * EVENT_BYTES);
  events.byExchange = alloc(<usize>FIRST_EVENTS << 2);
  events.byLocal = alloc(<usize>FIRST_EVENTS << 2);
  events.arenaCapacity = FIRST_ARENA;
  events.arena = alloc(<usize>FIRST_ARENA << 3);
  return events;
}

// @ts-ignore: decorator
@inline
export function eventAt(events: MarketEvents, index: i32): MarketEvent {
  return changetype<MarketEvent>(events.list + <usize>index * EVENT_BYTES);
}

/** Adds an event and room for so many doubles; where they are, or 0: there are too many. */
export function addEvent(events: MarketEvents, kind: i32, exchangeNs: f64, localNs: f64, first: i32, second: i32, doubles: u32): usize {
  const end = <u64>events.arenaEnd + <u64>doubles;
  if (end > <u64>events.arenaCapacity && !growArena(events, end)) return 0;
  if (events.count == events.capacity) growEvents(events);
  const index = events.count++;
  const event = eventAt(events, index);
  event.exchangeNs = exchangeNs;
  event.localNs = localNs;
  event.start = events.arenaEnd;
  event.first = first;
  event.second = second;
  event.kind = kind;
  events.arenaEnd = <u32>end;
  insert(events, events.byExchange, events.exchangeDone, index, 0);
  events.peeked = min(events.peeked, insert(events, events.byLocal, events.localDone, index, 8));
  return events.arena + (<usize>event.start << 3);
}

/** Whether an event is one of the book of levels. */
export function changesBook(event: MarketEvent): bool {
  const kind = event.kind;
  return kind == DIFF || isBreak(event);
}

/** Whether nothing is left of the book that was before it. */
export function isBreak(event: MarketEvent): bool {
  const kind = event.kind;
  return kind == SNAPSHOT || kind == RESET || (kind == GAP && event.first == 1);
}

/** How `addLevels` ended, if not with the number of a level. */
export const ADDED: i32 = -1;
const TOO_MANY: i32 = -2;

/** Adds an event of u64 price, u64 size levels. ADDED, TOO_MANY, or the number of the first level whose price is on no tick. */
export function addLevels(events: MarketEvents, kind: i32, exchangeNs: f64, localNs: f64, levels: usize, bids: i32, asks: i32, priceFactor: f64, sizeFactor: f64): i32 {
  const count = bids + asks;
  let to = addEvent(events, kind, exchangeNs, localNs, bids, asks, <u32>count << 1);
  if (to == 0) return TOO_MANY;
  const end = levels + (<usize>count << 4);
  if (priceFactor == 1 && sizeFactor == 1) {
    for (let at = levels; at < end; at += 16, to += 16) {
      store<f64>(to, <f64>load<u64>(at));
      store<f64>(to, <f64>load<u64>(at, 8), 8);
    }
    return ADDED;
  }
  for (let at = levels; at < end; at += 16, to += 16) {
    let tick = <f64>load<u64>(at) / priceFactor;
    const whole = nearest(tick);
    if (abs(tick - whole) > 1e-6) return <i32>((at - levels) >>> 4);
    store<f64>(to, whole);
    store<f64>(to, <f64>load<u64>(at, 8) / sizeFactor, 8);
  }
  return ADDED;
}

/** Local time of the next event whose kind is of the set; infinite when there is none. */
export function nextLocalOf(events: MarketEvents, kinds: u32): f64 {
  let at = max(events.localDone, events.peeked);
  for (; at < events.count; at++) {
    const event = eventAt(events, load<i32>(events.byLocal + (<usize>at << 2)));
    if ((kinds >>> event.kind) & 1) {
      events.peeked = at;
      return event.localNs;
    }
  }
  events.peeked = at;
  return Infinity;
}

/** Forgets what both sides have met, when that is worth it. */
export function compactEvents(events: MarketEvents): void {
  const count = events.count;
  const exchangeDone = events.exchangeDone;
  const localDone = events.localDone;
  events.peeked = 0;
  if (exchangeDone == count && localDone == count) {
    clearEvents(events);
    return;
  }
  const done = min(exchangeDone, localDone);
  if (done < COMPACT_FROM || done << 1 < count) return;
  // All before the first one that is open are done.
  const first = min(least(events.byExchange, exchangeDone, count), least(events.byLocal, localDone, count));
  const bytes = <usize>(count - first) << 2;
  const moved = allocZeros(bytes);
  for (let i = exchangeDone; i < count; i++) store<i32>(moved + (<usize>(load<i32>(events.byExchange + (<usize>i << 2)) - first) << 2), 1);
  for (let i = localDone; i < count; i++) store<i32>(moved + (<usize>(load<i32>(events.byLocal + (<usize>i << 2)) - first) << 2), 1);
  let kept = 0;
  let end: u32 = 0;
  for (let index = first; index < count; ) {
    if (load<i32>(moved + (<usize>(index - first) << 2)) == 0) {
      store<i32>(moved + (<usize>(index++ - first) << 2), -1);
      continue;
    }
    // Those that are open mostly lie one behind the other.
    const from = index;
    const start = eventAt(events, from).start;
    for (; index < count && load<i32>(moved + (<usize>(index - first) << 2)) > 0; index++) {
      store<i32>(moved + (<usize>(index - first) << 2), kept + index - from);
      eventAt(events, index).start -= start - end;
    }
    const doubles = (index < count ? eventAt(events, index).start : events.arenaEnd) - start;
    memory.copy(events.arena + (<usize>end << 3), events.arena + (<usize>start << 3), <usize>doubles << 3);
    memory.copy(changetype<usize>(eventAt(events, kept)), changetype<usize>(eventAt(events, from)), <usize>(index - from) * EVENT_BYTES);
    end += doubles;
    kept += index - from;
  }
  events.arenaEnd = end;
  events.count = kept;
  events.exchangeDone = renumber(events.byExchange, count, exchangeDone, moved, first);
  events.localDone = renumber(events.byLocal, count, localDone, moved, first);
  release(moved, bytes);
}

export function clearEvents(events: MarketEvents): void {
  events.count = 0;
  events.exchangeDone = 0;
  events.localDone = 0;
  events.peeked = 0;
  events.arenaEnd = 0;
}

/** The origin of time moves on. */
export function rebaseEvents(events: MarketEvents, byNs: f64): void {
  for (let index = 0; index < events.count; index++) {
    const event = eventAt(events, index);
    event.exchangeNs -= byNs;
    event.localNs -= byNs;
  }
}

/** Puts an event behind those of its time (the double at `timeAt` of an event); mostly it comes last. What is done stays done. */
function insert(events: MarketEvents, order: usize, done: i32, index: i32, timeAt: usize): i32 {
  const time = load<f64>(changetype<usize>(eventAt(events, index)) + timeAt);
  let at = index;
  for (; at > done; at--) {
    const before = load<i32>(order + (<usize>(at - 1) << 2));
    if (!(load<f64>(changetype<usize>(eventAt(events, before)) + timeAt) > time)) break;
    if (changesBook(eventAt(events, before)) && changesBook(eventAt(events, index))) events.isMixed = 1;
    store<i32>(order + (<usize>at << 2), before);
  }
  store<i32>(order + (<usize>at << 2), index);
  return at;
}

/** The least number of an event of an order that is not done. */
function least(order: usize, done: i32, count: i32): i32 {
  let first = count;
  for (let i = done; i < count; i++) first = min(first, load<i32>(order + (<usize>i << 2)));
  return first;
}

/** Events that are kept by their new numbers; how many of them were done. */
function renumber(order: usize, count: i32, done: i32, moved: usize, first: i32): i32 {
  let kept = 0;
  let keptDone = 0;
  for (let i = 0; i < count; i++) {
    const index = load<i32>(order + (<usize>i << 2));
    if (index < first) continue;
    const to = load<i32>(moved + (<usize>(index - first) << 2));
    if (to < 0) continue;
    store<i32>(order + (<usize>(kept++) << 2), to);
    if (i < done) keptDone = kept;
  }
  return keptDone;
}

function growEvents(events: MarketEvents): void {
  const capacity = <usize>events.capacity;
  events.list = grown(events.list, capacity * EVENT_BYTES, 2 * capacity * EVENT_BYTES);
  events.byExchange = grown(events.byExchange, capacity << 2, capacity << 3);
  events.byLocal = grown(events.byLocal, capacity << 2, capacity << 3);
  events.capacity = <i32>(capacity << 1);
}

function growArena(events: MarketEvents, needed: u64): bool {
  if (needed > MAX_ARENA) return false;
  const capacity = max(<u32>needed, events.arenaCapacity << 1);
  events.arena = grown(events.arena, <usize>events.arenaCapacity << 3, <usize>capacity << 3);
  events.arenaCapacity = capacity;
  return true;
}

function grown(block: usize, bytes: usize, wanted: usize): usize {
  const larger = alloc(wanted);
  memory.copy(larger, block, bytes);
  release(block, bytes);
  return larger;
}
