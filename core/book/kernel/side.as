// One side of an L2 book: price → size, built for updates near the touch. What it is says side-window.as.

import { dropWorst, setDeep } from "./deep-levels";
import { endList, gcd, insertLevel, isListScalable, readLevels, scaleList } from "./level-list";
import { sizeAt } from "./side-reading";
import { baseBelow, collect, emptyWindow, levelCount, MAX_WINDOW, occupiedAtOrBelow, place, releaseWindow, setTick, setTop, Side, takeWindow } from "./side-window";

/** Deep updates after which the share of deep ones decides whether the window doubles. */
const DEEP_SAMPLE: i32 = 1024;
/** The window doubles when more than one update in this many was deep. */
const DEEP_SHARE: i64 = 16;
/** 1.5 · 2^52: a double of less than 2^51 added to it is rounded to a whole number, which its low bits then are; of more, they are anything. */
const ROUNDER: f64 = 6755399441055744;

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
  if (priceFactor == 1 && sizeFactor == 1) setPairs<u64>(side, at, end);
  else for (let pair = at; pair < end; pair += 16) setLevel(side, <f64>load<u64>(pair) * priceFactor, <f64>load<u64>(pair, 8) * sizeFactor);
}

/**
 * Sets levels of price and size, u64, i64 or f64, from `at` to before `end`; a size below a half removes. Gives where it ends: of f64 also
 * before a level that is set at a key of `reach` or better, or one whose price lies in a range.
 * @param swaps of f64: the size that a level had before takes the place of its new one
 */
export function setPairs<T>(side: Side, at: usize, end: usize, swaps: bool = false, reach: f64 = Infinity, from: f64 = Infinity, until: f64 = -Infinity): usize {
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
  side.updates += <i64>((end - at) >>> 4);
  let pair = at;
  for (; pair < end; pair += 16) {
    const price = <f64>load<T>(pair);
    const key = sign * price;
    const size = isInteger<T>() ? <f64>load<T>(pair, 8) : sizeOf(pair);
    const occupied = isInteger<T>() ? i32(load<T>(pair, 8) != 0) : i32(reinterpret<u64>(size) != 0);
    if (!isInteger<T>() && ((key >= reach && occupied != 0) || (price >= from && price <= until))) break;
    // Rounds to the nearest tick; whether that tick is the price is checked exactly.
    const distance = key - base;
    const index = <i32>reinterpret<u64>(distance * inverseTick + ROUNDER);
    if (<u32>index < <u32>window && <f64>index * tick == distance) {
      // Set, insert and remove mix unpredictably, so they take one path without branches. The best level is looked for at the end.
      const at32 = index >>> 5;
      const bit = index & 31;
      const word = load<i32>(bits + (<usize>at32 << 2));
      if (!isInteger<T>() && swaps) store<f64>(pair, load<f64>(sizes + (<usize>index << 3)), 8);
      store<f64>(sizes + (<usize>index << 3), size);
      store<i32>(bits + (<usize>at32 << 2), (word & ~(1 << bit)) | (occupied << bit));
      windowCount += occupied - ((word >>> bit) & 1);
      lowWord = min(lowWord, at32);
      top = max(top, index | (occupied - 1));
      continue;
    }
    side.lowWord = lowWord;
    side.windowCount = windowCount;
    settleTop(side, top);
    if (!isInteger<T>() && swaps) store<f64>(pair, sizeAt(side, price), 8);
    // The window may have moved to where the level is.
    setLevel(side, price, size);
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
  if (!isInteger<T>()) side.updates -= <i64>((end - pair) >>> 4);
  if (pair == at) return pair;
  side.lowWord = lowWord;
  side.windowCount = windowCount;
  settleTop(side, top);
  return pair;
}

/** The size of a pair of doubles, or 0 where it is below a half: masked, as a choice between doubles is a branch that nobody foresees. */
// @ts-ignore: decorator
@inline
function sizeOf(pair: usize): f64 {
  const both = v128.load(pair);
  return f64x2.extract_lane(v128.andnot(both, f64x2.lt(both, f64x2.splat(0.5))), 1);
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

/** Becomes a copy of another side. */
export function copySide(from: Side, to: Side): void {
  clearSide(to);
  collect(from, 0);
  to.refined = from.refined;
  setTick(to, from.tick);
  place(to);
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
  releaseWindow(side);
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
