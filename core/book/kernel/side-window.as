// What one side of an L2 book is: a window of price ticks near the touch, and what lies deeper.
//
// Levels close to the best price lie in a *window*: a dense array of sizes indexed by price tick, with a
// bitmap of occupied ticks, so an update is one store and the next best price is a `clz` away. Levels
// worse than the window's lower edge lie in *deep*: two sorted arrays, worst first. Nothing is ever better
// than the window: when the best price leaves it, the window moves (`place`).
//
// Prices are kept as *keys*: price for bids, −price for asks, so that greater is always better. A level lies on a
// tick of the window if its distance from the window's base, which is exact there, is that many ticks.
// The tick is the greatest common divisor of the price differences seen; a price off that grid refines it.
// None of this is visible outside: state is a function of the updates alone.

import { alloc, allocZeros, release } from "./memory";
import { Deep, loadDeep, newDeep } from "./deep-levels";
import { MAX_EXACT } from "./exact";
import { beginList, commonTick, endList, keyAt, listCount, listKeys, listSizes, lowerBound, setListCount, sizeAt as listSizeAt } from "./level-list";

const MIN_WINDOW: i32 = 2048;
export const MAX_WINDOW: i32 = 65536;
/** One level in 2^4 of those that are placed may lie deep before the window widens: a share of updates like that widens it, too (side.as). */
const DEEP_SHIFT: i32 = 4;
/** Beyond this a window widens by updates alone, as many books may lie in one memory. */
const MAX_PLACED: i32 = 16384;
/** Of so many levels that says something. */
const MANY: i32 = 64;

// @ts-ignore: decorator
@unmanaged
export class Side {
  /** NaN when the side is empty. l2-side.ts reads this and what follows. */
  bestPrice: f64;
  /** 0 when the side is empty. */
  bestSize: f64;
  /** 1 for bids, −1 for asks. */
  sign: f64;
  /** Key of window index 0. */
  base: f64;
  tick: f64;
  inverseTick: f64;
  /** Updates since the last sample. */
  updates: i64;
  /** Window index of the best level; −1 = the side is empty. */
  top: i32;
  /** No occupied bit lies in a lower word of the bitmap. */
  lowWord: i32;
  windowCount: i32;
  /** 1 once a price has refined the tick: it is not coarsened again before `clearSide`. */
  refined: i32;
  /** Ticks of the window; f64 sizes and a bit for each. */
  window: i32;
  sizes: usize;
  bits: usize;
  deep: Deep;
  deepUpdates: i32;
}

export function newSide(sign: f64): Side {
  const side = changetype<Side>(allocZeros(offsetof<Side>()));
  side.sign = sign;
  side.tick = 1;
  side.inverseTick = 1;
  setTop(side, -1);
  takeWindow(side, MIN_WINDOW);
  side.deep = newDeep();
  return side;
}

/** Two sides change places. */
export function exchangeSides(one: Side, other: Side): void {
  const bytes = offsetof<Side>();
  const between = alloc(bytes);
  memory.copy(between, changetype<usize>(one), bytes);
  memory.copy(changetype<usize>(one), changetype<usize>(other), bytes);
  memory.copy(changetype<usize>(other), between, bytes);
  release(between, bytes);
}

export function levelCount(side: Side): i32 {
  return side.windowCount + side.deep.count;
}

// @ts-ignore: decorator
@inline
export function priceAt(side: Side, index: i32): f64 {
  return side.sign * (side.base + <f64>index * side.tick) + 0;
}

/** The greatest occupied index ≤ `index`, or −1. */
export function occupiedAtOrBelow(bits: usize, index: i32): i32 {
  if (index < 0) return -1;
  let at = index >>> 5;
  // Shifting by 31 − (index & 31) drops the bits above `index`.
  const word = load<i32>(bits + (<usize>at << 2)) << (31 - (index & 31));
  if (word != 0) return index - clz(word);
  while (--at >= 0) {
    const below = load<i32>(bits + (<usize>at << 2));
    if (below != 0) return (at << 5) + 31 - clz(below);
  }
  return -1;
}

/** @param top −1: the side is empty */
// @ts-ignore: decorator
@inline
export function setTop(side: Side, top: i32): void {
  side.top = top;
  // Adding 0 turns the −0 of an ask at price 0 into 0.
  side.bestPrice = top < 0 ? NaN : priceAt(side, top);
  side.bestSize = top < 0 ? 0 : load<f64>(side.sizes + (<usize>top << 3));
}

export function emptyWindow(side: Side): void {
  if (side.windowCount > 0) {
    memory.fill(side.sizes, 0, <usize>side.window << 3);
    memory.fill(side.bits, 0, <usize>side.window >>> 3);
  }
  side.windowCount = 0;
  setTop(side, -1);
  side.lowWord = (side.window >>> 5) - 1;
}

export function takeWindow(side: Side, window: i32): void {
  side.window = window;
  side.sizes = allocZeros(<usize>window << 3);
  side.bits = allocZeros(<usize>window >>> 3);
  side.lowWord = (window >>> 5) - 1;
}

/** Lists all levels, with room for so many more. */
export function collect(side: Side, more: i32): void {
  const count = levelCount(side);
  beginList(count + more);
  memory.copy(listKeys, side.deep.keys, <usize>side.deep.count << 3);
  memory.copy(listSizes, side.deep.sizes, <usize>side.deep.count << 3);
  let at = <usize>count << 3;
  for (let index = side.top; index >= 0; index = occupiedAtOrBelow(side.bits, index - 1)) {
    at -= 8;
    store<f64>(listKeys + at, side.base + <f64>index * side.tick);
    store<f64>(listSizes + at, load<f64>(side.sizes + (<usize>index << 3)));
  }
  setListCount(count);
}

/** Replaces the content by the list, and ends that: the window's upper quarter is left free above the best level. */
export function place(side: Side): void {
  emptyWindow(side);
  const count = listCount;
  side.deep.count = 0;
  if (count == 0) {
    endList();
    return;
  }
  const best = keyAt(count - 1);
  setTick(side, commonTick(side.refined || count == 1 ? side.tick : 0));
  if (count >= MANY) widenFor(side, (best - keyAt(count >>> DEEP_SHIFT)) / side.tick);
  side.base = baseBelow(side, best);
  const split = lowerBound(listKeys, count, side.base);
  loadDeep(side.deep, listKeys, listSizes, split);
  for (let i = split; i < count; i++) {
    const index = <i32>floor((keyAt(i) - side.base) / side.tick + 0.5);
    // Keys between base and best are ticks of the window: anything else is a defect, and must not write elsewhere.
    if (<u32>index >= <u32>side.window) unreachable();
    store<f64>(side.sizes + (<usize>index << 3), listSizeAt(i));
    const word = side.bits + (<usize>(index >>> 5) << 2);
    store<i32>(word, load<i32>(word) | (1 << (index & 31)));
    if (i == split) side.lowWord = index >>> 5;
    side.top = index;
  }
  setTop(side, side.top);
  side.windowCount = count - split;
  endList();
}

/** Widens an empty window so that most levels lie in it, the worst of them so many ticks below the best. */
function widenFor(side: Side, ticks: f64): void {
  let window = side.window;
  while (window < MAX_PLACED && <f64>((window * 3) >>> 2) < ticks) window <<= 1;
  if (window == side.window) return;
  releaseWindow(side);
  takeWindow(side, window);
}

export function releaseWindow(side: Side): void {
  release(side.sizes, <usize>side.window << 3);
  release(side.bits, <usize>side.window >>> 3);
}

export function setTick(side: Side, tick: f64): void {
  // A window of huge ticks would leave the range of exact integers; 1 fits every grid.
  side.tick = tick * <f64>MAX_WINDOW < MAX_EXACT / 2 ? tick : 1;
  side.inverseTick = 1 / side.tick;
}

/** Where the window starts so that `best` has a quarter of it above: always at an exact key. */
export function baseBelow(side: Side, best: f64): f64 {
  if (abs(best) >= MAX_EXACT) return best;
  const ticks = min(<f64>((side.window * 3) >>> 2), floor((best + MAX_EXACT) / side.tick));
  return best - ticks * side.tick;
}
