// Says which events make a row: see core/features/clocks/trigger.ts.

import { allocZeros } from "../memory";
import { BookView, priceUnitOf } from "./book-view";

// @ts-ignore: decorator
@unmanaged
export class EventTrigger {
  /** 0 = none. */
  everyEvents: f64;
  /** Events since the last row of an `everyEvents`, or the start of the day. */
  events: f64;
  /** Best prices after the last book event. */
  bid: f64;
  ask: f64;
  onBook: i32;
  onTrade: i32;
  onBestPrice: i32;
}

export function newEventTrigger(everyEvents: f64, onBook: i32, onTrade: i32, onBestPrice: i32): EventTrigger {
  const trigger = changetype<EventTrigger>(allocZeros(offsetof<EventTrigger>()));
  trigger.everyEvents = everyEvents;
  trigger.bid = NaN;
  trigger.ask = NaN;
  trigger.onBook = onBook;
  trigger.onTrade = onTrade;
  trigger.onBestPrice = onBestPrice;
  return trigger;
}

/** Start of a pass. */
export function startTrigger(trigger: EventTrigger, view: BookView): void {
  trigger.bid = view.bids.bestPrice / priceUnitOf(view);
  trigger.ask = view.asks.bestPrice / priceUnitOf(view);
}

/** A UTC day ends: what is counted up begins anew, so that a pass can begin there. */
export function endTriggerDay(trigger: EventTrigger): void {
  trigger.events = 0;
}

/** Whether a trade makes a row. */
export function tradeTriggers(trigger: EventTrigger): bool {
  return i32(counts(trigger)) | trigger.onTrade ? true : false;
}

/** Whether a book event does. @param restarted it replaced or cleared the book @param isReset it only cleared it */
export function bookTriggers(trigger: EventTrigger, view: BookView, restarted: bool, isReset: bool): bool {
  const isNewBest = trigger.onBestPrice != 0 && bestHasChanged(trigger, view, restarted);
  if (isReset) return isNewBest;
  return counts(trigger) || trigger.onBook != 0 || isNewBest;
}

function counts(trigger: EventTrigger): bool {
  if (trigger.everyEvents == 0) return false;
  trigger.events += 1;
  if (trigger.events < trigger.everyEvents) return false;
  trigger.events = 0;
  return true;
}

function bestHasChanged(trigger: EventTrigger, view: BookView, restarted: bool): bool {
  const bid = view.bids.bestPrice / priceUnitOf(view);
  const ask = view.asks.bestPrice / priceUnitOf(view);
  const isSame = areSame(bid, trigger.bid) && areSame(ask, trigger.ask);
  trigger.bid = bid;
  trigger.ask = ask;
  return restarted || !isSame;
}

/** An empty side is as empty as before. */
function areSame(a: f64, b: f64): bool {
  return a == b || (isNaN(a) && isNaN(b));
}
