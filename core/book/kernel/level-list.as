// All levels of an L2 side, taken out of it or about to be put in: keys (see side-window.as: greater is better) ascending, and a
// size for each. What a snapshot, a window that moves and a new scale go through; never the update of a level.
// There is one list at a time.

import { alloc, release } from "./memory";
import { isExactProduct, MAX_EXACT } from "./exact";

export let listKeys: usize = 0;
export let listSizes: usize = 0;
export let listCount: i32 = 0;
let capacity: i32 = 0;

/** Begins a list of so many levels at most. */
export function beginList(levels: i32): void {
  capacity = levels;
  listKeys = alloc(<usize>levels << 3);
  listSizes = alloc(<usize>levels << 3);
  listCount = levels;
}

export function setListCount(count: i32): void {
  listCount = count;
}

export function endList(): void {
  release(listKeys, <usize>capacity << 3);
  release(listSizes, <usize>capacity << 3);
}

/**
 * Reads `count` u64 price, u64 size pairs in any order from `at`; a key is `sign` × price.
 * Levels of size 0 are left out; of levels with the same price the last counts.
 */
export function readLevels(at: usize, count: i32, sign: f64): void {
  beginList(count);
  // Snapshots list the best level first, so filling from the end gives ascending keys.
  let first = count;
  let ascending = true;
  for (let i = 0; i < count; i++) {
    const pair = at + (<usize>i << 4);
    const size = <f64>load<u64>(pair, 8);
    if (size == 0) continue;
    const key = sign * <f64>load<u64>(pair);
    if (first < count && key >= keyAt(first)) ascending = false;
    put(--first, key, size);
  }
  listCount = count - first;
  if (first > 0) {
    memory.copy(listKeys, listKeys + (<usize>first << 3), <usize>listCount << 3);
    memory.copy(listSizes, listSizes + (<usize>first << 3), <usize>listCount << 3);
  }
  if (!ascending) sortAndMerge();
}

/** Puts one more level, of a key that is not among them, into a list that has room for it: `listCount` + 1 levels. */
export function insertLevel(key: f64, size: f64): void {
  const at = lowerBound(listKeys, listCount, key);
  const bytes = <usize>(listCount - at) << 3;
  memory.copy(listKeys + (<usize>(at + 1) << 3), listKeys + (<usize>at << 3), bytes);
  memory.copy(listSizes + (<usize>(at + 1) << 3), listSizes + (<usize>at << 3), bytes);
  put(at, key, size);
  listCount++;
}

/** Whether all prices and sizes times these factors still are exact. */
export function isListScalable(priceFactor: f64, sizeFactor: f64): bool {
  for (let i = 0; i < listCount; i++) {
    if (!isExactProduct(abs(keyAt(i)), priceFactor) || !isExactProduct(sizeAt(i), sizeFactor)) return false;
  }
  return true;
}

export function scaleList(priceFactor: f64, sizeFactor: f64): void {
  for (let i = 0; i < listCount; i++) put(i, keyAt(i) * priceFactor, sizeAt(i) * sizeFactor);
}

/** Greatest common divisor of `tick` and the distances from the best key; 1 where there is nothing to divide. */
export function commonTick(tick: f64): f64 {
  const last = listCount - 1;
  const best = keyAt(last);
  let common = <u64>tick;
  for (let i = 0; i < last && common != 1; i++) {
    // A difference beyond 2^53 may be rounded, but a level so far off never is in the window.
    const distance = best - keyAt(i);
    if (distance < MAX_EXACT) common = gcd(<u64>distance, common);
  }
  return common == 0 ? 1 : <f64>common;
}

/** gcd(x, 0) = x */
export function gcd(a: u64, b: u64): u64 {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/** First position in the ascending doubles at `keys` that is ≥ `key`. */
export function lowerBound(keys: usize, count: i32, key: f64): i32 {
  let from = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (load<f64>(keys + (<usize>middle << 3)) < key) from = middle + 1;
    else to = middle;
  }
  return from;
}

// @ts-ignore: decorator
@inline
export function keyAt(i: i32): f64 {
  return load<f64>(listKeys + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
export function sizeAt(i: i32): f64 {
  return load<f64>(listSizes + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
function put(i: i32, key: f64, size: f64): void {
  store<f64>(listKeys + (<usize>i << 3), key);
  store<f64>(listSizes + (<usize>i << 3), size);
}

/** Merge sort, stable; of equal keys the first stays, which was the last of the message. */
function sortAndMerge(): void {
  const bytes = <usize>capacity << 3;
  let toKeys = alloc(bytes);
  let toSizes = alloc(bytes);
  for (let width = 1; width < listCount; width <<= 1) {
    for (let from = 0; from < listCount; from += width << 1) mergeRuns(from, min(from + width, listCount), min(from + (width << 1), listCount), toKeys, toSizes);
    const keys = listKeys;
    const sizes = listSizes;
    listKeys = toKeys;
    listSizes = toSizes;
    toKeys = keys;
    toSizes = sizes;
  }
  release(toKeys, bytes);
  release(toSizes, bytes);
  let kept = 0;
  for (let i = 0; i < listCount; i++) {
    if (kept > 0 && keyAt(kept - 1) == keyAt(i)) continue;
    put(kept++, keyAt(i), sizeAt(i));
  }
  listCount = kept;
}

function mergeRuns(from: i32, middle: i32, end: i32, toKeys: usize, toSizes: usize): void {
  let left = from;
  let right = middle;
  for (let at = from; at < end; at++) {
    const takesLeft = left < middle && (right >= end || keyAt(left) <= keyAt(right));
    const source = takesLeft ? left++ : right++;
    store<f64>(toKeys + (<usize>at << 3), keyAt(source));
    store<f64>(toSizes + (<usize>at << 3), sizeAt(source));
  }
}
