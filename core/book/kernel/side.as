// One side of an L2 book: price → size, built for updates near the touch.
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

import { allocZeros, release } from "./memory";
import { Deep, deepKey, deepSize, deepSizeOf, dropWorst, loadDeep, newDeep, setDeep } from "./deep-levels";
import { MAX_EXACT } from "./exact";
import {
  beginList, commonTick, endList, gcd, insertLevel, isListScalable, keyAt, listCount, listKeys, listSizes, lowerBound, readLevels, setListCount,
  scaleList, sizeAt as listSizeAt,
} from "./level-list";

const MIN_WINDOW: i32 = 2048;
const MAX_WINDOW: i32 = 65536;
/** Deep updates after which the share of deep ones decides whether the window doubles. */
const DEEP_SAMPLE: i32 = 1024;
/** The window doubles when more than one update in this many was deep. */
const DEEP_SHARE: i64 = 16;
/** 1.5 · 2^52: a double of less than 2^51 added to it is rounded to a whole number, which its low bits then are; of more, they are anything. */
const ROUNDER: f64 = 6755399441055744;

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

export function levelCount(side: Side): i32 {
  return side.windowCount + side.deep.count;
}

export function clearSide(side: Side): void {
  emptyWindow(side);
  side.deep.count = 0;
  side.deepUpdates = 0;
  side.updates = 0;
  side.refined = 0;
}

/** Sets `count` levels of u64 price, u64 size; size 0 removes. Values must be exact, also times the factors: the caller has checked. */
export function setLevels(side: Side, at: usize, count: i32, priceFactor: f64, sizeFactor: f64): void {
  const end = at + (<usize>count << 4);
  if (priceFactor != 1 || sizeFactor != 1) {
    for (let pair = at; pair < end; pair += 16) setLevel(side, <f64>load<u64>(pair) * priceFactor, <f64>load<u64>(pair, 8) * sizeFactor);
    return;
  }
  const sign = side.sign;
  let sizes = side.sizes;
  let bits = side.bits;
  let window = side.window;
  let base = side.base;
  let tick = side.tick;
  let inverseTick = side.inverseTick;
  let top = side.top;
  let lowWord = side.lowWord;
  let windowCount = side.windowCount;
  side.updates += count;
  for (let pair = at; pair < end; pair += 16) {
    const key = sign * <f64>load<u64>(pair);
    const size = load<u64>(pair, 8);
    // Rounds to the nearest tick; whether that tick is the price is checked exactly.
    const distance = key - base;
    const index = <i32>reinterpret<u64>(distance * inverseTick + ROUNDER);
    if (<u32>index < <u32>window && <f64>index * tick == distance) {
      // Set, insert and remove mix unpredictably, so they take one path without branches. The best level is looked for at the end.
      const occupied = i32(size != 0);
      const at32 = index >>> 5;
      const bit = index & 31;
      const word = load<i32>(bits + (<usize>at32 << 2));
      store<f64>(sizes + (<usize>index << 3), <f64>size);
      store<i32>(bits + (<usize>at32 << 2), (word & ~(1 << bit)) | (occupied << bit));
      windowCount += occupied - ((word >>> bit) & 1);
      lowWord = min(lowWord, at32);
      top = max(top, index | (occupied - 1));
      continue;
    }
    side.lowWord = lowWord;
    side.windowCount = windowCount;
    settleTop(side, top);
    // The window may have moved to where the level is.
    setLevel(side, <f64>load<u64>(pair), <f64>size);
    side.updates--;
    sizes = side.sizes;
    bits = side.bits;
    window = side.window;
    base = side.base;
    tick = side.tick;
    inverseTick = side.inverseTick;
    top = side.top;
    lowWord = side.lowWord;
    windowCount = side.windowCount;
  }
  side.lowWord = lowWord;
  side.windowCount = windowCount;
  settleTop(side, top);
}

/** The best level is that at `top`, or else the next one below: if that is far down, the window moves. */
function settleTop(side: Side, top: i32): void {
  if (top < 0 || ((load<i32>(side.bits + (<usize>(top >>> 5) << 2)) >>> (top & 31)) & 1) != 0) {
    setTop(side, top);
    return;
  }
  setTop(side, occupiedAtOrBelow(side.bits, top));
  if (side.top < side.window >>> 2) refillFromDeep(side);
}

/** @param top −1: the side is empty */
// @ts-ignore: decorator
@inline
function setTop(side: Side, top: i32): void {
  side.top = top;
  // Adding 0 turns the −0 of an ask at price 0 into 0.
  side.bestPrice = top < 0 ? NaN : priceAt(side, top);
  side.bestSize = top < 0 ? 0 : load<f64>(side.sizes + (<usize>top << 3));
}

/** Replaces the whole side by levels read like in `setLevels`, in any order; size 0 is left out, of equal prices the last counts. */
export function replaceLevels(side: Side, at: usize, count: i32): void {
  clearSide(side);
  readLevels(at, count, side.sign);
  place(side);
}

/** Sets one level. Size 0 removes it. Both must be exact whole numbers. */
export function setLevel(side: Side, price: f64, size: f64): void {
  const key = side.sign * price;
  side.updates++;
  const distance = key - side.base;
  const index = <i32>(distance * side.inverseTick + 0.5);
  if (<u32>index >= <u32>side.window || <f64>index * side.tick != distance) {
    setOutside(side, key, size);
    return;
  }
  const word = side.bits + (<usize>(index >>> 5) << 2);
  const bit = index & 31;
  const occupied = i32(size != 0);
  const old = load<i32>(word);
  store<f64>(side.sizes + (<usize>index << 3), size);
  store<i32>(word, (old & ~(1 << bit)) | (occupied << bit));
  side.windowCount += occupied - ((old >>> bit) & 1);
  side.lowWord = min(side.lowWord, index >>> 5);
  if (index >= side.top) settleTop(side, max(side.top, index | (occupied - 1)));
}

/** Size at a price; 0 when there is no such level. */
export function sizeAt(side: Side, price: f64): f64 {
  const key = side.sign * price;
  const distance = key - side.base;
  const index = <i32>(distance * side.inverseTick + 0.5);
  if (<u32>index < <u32>side.window && <f64>index * side.tick == distance) return load<f64>(side.sizes + (<usize>index << 3));
  return deepSizeOf(side.deep, key);
}

/** The next level's price that is worse than `price`; NaN when there is none. */
export function worseThan(side: Side, price: f64): f64 {
  const key = side.sign * price;
  // `min` with a NaN would be one.
  const ahead = ceil((key - side.base) / side.tick) - 1;
  const from = ahead < <f64>side.top ? <i32>ahead : side.top;
  const index = occupiedAtOrBelow(side.bits, from);
  if (index >= 0) return priceAt(side, index);
  const at = lowerBound(side.deep.keys, side.deep.count, key) - 1;
  return at < 0 ? NaN : side.sign * deepKey(side.deep, at) + 0;
}

/** Writes the best levels, best first, as doubles to `prices` and `sizes`; returns how many. */
export function topLevels(side: Side, prices: usize, sizes: usize, limit: i32): i32 {
  let written = 0;
  for (let index = side.top; index >= 0 && written < limit; index = occupiedAtOrBelow(side.bits, index - 1)) {
    store<f64>(prices + (<usize>written << 3), priceAt(side, index));
    store<f64>(sizes + (<usize>written << 3), load<f64>(side.sizes + (<usize>index << 3)));
    written++;
  }
  for (let at = side.deep.count - 1; at >= 0 && written < limit; at--) {
    store<f64>(prices + (<usize>written << 3), side.sign * deepKey(side.deep, at) + 0);
    store<f64>(sizes + (<usize>written << 3), deepSize(side.deep, at));
    written++;
  }
  return written;
}

/** Sum of the sizes of the best `depth` levels. */
export function depthSum(side: Side, depth: f64): f64 {
  let sum: f64 = 0;
  let left = depth;
  for (let index = side.top; index >= 0 && left > 0; index = occupiedAtOrBelow(side.bits, index - 1), left--) sum += load<f64>(side.sizes + (<usize>index << 3));
  for (let at = side.deep.count - 1; at >= 0 && left > 0; at--, left--) sum += deepSize(side.deep, at);
  return sum;
}

/** Sum of the sizes at prices at least as good as `price` (which need not be whole). */
export function sumToPrice(side: Side, price: f64): f64 {
  const limit = side.sign * price;
  let sum: f64 = 0;
  for (let index = side.top; index >= 0; index = occupiedAtOrBelow(side.bits, index - 1)) {
    if (side.base + <f64>index * side.tick < limit) return sum;
    sum += load<f64>(side.sizes + (<usize>index << 3));
  }
  for (let at = side.deep.count - 1; at >= 0 && deepKey(side.deep, at) >= limit; at--) sum += deepSize(side.deep, at);
  return sum;
}

/** Removes the worst levels until `limit` are left; returns how many were removed. */
export function cutTo(side: Side, limit: f64): i32 {
  if (!(<f64>levelCount(side) > limit)) return 0;
  const surplus = levelCount(side) - <i32>limit;
  const fromDeep = min(surplus, side.deep.count);
  if (fromDeep > 0) dropWorst(side.deep, fromDeep);
  let at = side.bits + (<usize>side.lowWord << 2);
  for (let left = surplus - fromDeep; left > 0; left--) {
    while (load<i32>(at) == 0) at += 4;
    const bit = ctz(load<i32>(at));
    store<i32>(at, load<i32>(at) & ~(1 << bit));
    store<f64>(side.sizes + ((<usize>bit + ((at - side.bits) << 3)) << 3), 0);
    side.windowCount--;
  }
  side.lowWord = <i32>((at - side.bits) >>> 2);
  if (side.windowCount == 0) setTop(side, -1);
  return surplus;
}

/** Whether all prices and sizes times these factors still are exact. */
export function canScale(side: Side, priceFactor: f64, sizeFactor: f64): bool {
  collect(side, 0);
  const can = isListScalable(priceFactor, sizeFactor);
  endList();
  return can;
}

/** Multiplies all prices and sizes; `canScale` must hold. */
export function scaleSide(side: Side, priceFactor: f64, sizeFactor: f64): void {
  collect(side, 0);
  scaleList(priceFactor, sizeFactor);
  side.refined = 0;
  place(side);
}

/** A key that is not a tick of the window: better than it, worse than it, or off the grid. */
function setOutside(side: Side, key: f64, size: f64): void {
  if (side.top < 0) {
    if (size == 0) return;
    side.base = baseBelow(side, key);
    setLevel(side, side.sign * key, size);
    return;
  }
  if (key < side.base) {
    setDeep(side.deep, key, size);
    if (++side.deepUpdates >= DEEP_SAMPLE) growIfDeepIsBusy(side);
    return;
  }
  if (size == 0) return;
  collect(side, 1);
  const distance = <u64>(key - side.base);
  const tick = <u64>side.tick;
  if (distance % tick != 0) {
    side.refined = 1;
    setTick(side, <f64>gcd(tick, distance));
  }
  insertLevel(key, size);
  place(side);
}

function growIfDeepIsBusy(side: Side): void {
  const busy = side.updates < <i64>side.deepUpdates * DEEP_SHARE;
  side.deepUpdates = 0;
  side.updates = 0;
  if (!busy || side.window >= MAX_WINDOW) return;
  collect(side, 0);
  release(side.sizes, <usize>side.window << 3);
  release(side.bits, <usize>side.window >>> 3);
  takeWindow(side, side.window << 1);
  side.windowCount = 0;
  place(side);
}

/** The best price has sunk to the lower quarter of the window: move the window down if levels wait there. */
function refillFromDeep(side: Side): void {
  if (side.deep.count == 0) return;
  collect(side, 0);
  place(side);
}

/** Lists all levels, with room for so many more. */
function collect(side: Side, more: i32): void {
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
function place(side: Side): void {
  emptyWindow(side);
  const count = listCount;
  side.deep.count = 0;
  if (count == 0) {
    endList();
    return;
  }
  const best = keyAt(count - 1);
  setTick(side, commonTick(side.refined || count == 1 ? side.tick : 0));
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

function setTick(side: Side, tick: f64): void {
  // A window of huge ticks would leave the range of exact integers; 1 fits every grid.
  side.tick = tick * <f64>MAX_WINDOW < MAX_EXACT / 2 ? tick : 1;
  side.inverseTick = 1 / side.tick;
}

/** Where the window starts so that `best` has a quarter of it above: always at an exact key. */
function baseBelow(side: Side, best: f64): f64 {
  if (abs(best) >= MAX_EXACT) return best;
  const ticks = min(<f64>((side.window * 3) >>> 2), floor((best + MAX_EXACT) / side.tick));
  return best - ticks * side.tick;
}

function takeWindow(side: Side, window: i32): void {
  side.window = window;
  side.sizes = allocZeros(<usize>window << 3);
  side.bits = allocZeros(<usize>window >>> 3);
  side.lowWord = (window >>> 5) - 1;
}

function emptyWindow(side: Side): void {
  if (side.windowCount > 0) {
    memory.fill(side.sizes, 0, <usize>side.window << 3);
    memory.fill(side.bits, 0, <usize>side.window >>> 3);
  }
  side.windowCount = 0;
  setTop(side, -1);
  side.lowWord = (side.window >>> 5) - 1;
}

// @ts-ignore: decorator
@inline
function priceAt(side: Side, index: i32): f64 {
  return side.sign * (side.base + <f64>index * side.tick) + 0;
}

/** The greatest occupied index ≤ `index`, or −1. */
function occupiedAtOrBelow(bits: usize, index: i32): i32 {
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
