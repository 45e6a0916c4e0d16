// The levels of an L2 side that are too far from the touch for its window: two sorted arrays, worst level first.
// Keys as in side-window.as: greater is better.

import { alloc, allocZeros, release } from "./memory";
import { lowerBound } from "./level-list";

const MIN_LEVELS: i32 = 256;

// @ts-ignore: decorator
@unmanaged
export class Deep {
  /** Ascending; only the first `count` count. */
  keys: usize;
  /** By position in `keys`. */
  sizes: usize;
  count: i32;
  capacity: i32;
}

export function newDeep(): Deep {
  const deep = changetype<Deep>(allocZeros(offsetof<Deep>()));
  deep.capacity = MIN_LEVELS;
  deep.keys = alloc(MIN_LEVELS << 3);
  deep.sizes = alloc(MIN_LEVELS << 3);
  return deep;
}

// @ts-ignore: decorator
@inline
export function deepKey(deep: Deep, at: i32): f64 {
  return load<f64>(deep.keys + (<usize>at << 3));
}

// @ts-ignore: decorator
@inline
export function deepSize(deep: Deep, at: i32): f64 {
  return load<f64>(deep.sizes + (<usize>at << 3));
}

/** Size at a key; 0 when there is no such level. */
export function deepSizeOf(deep: Deep, key: f64): f64 {
  const at = lowerBound(deep.keys, deep.count, key);
  return at < deep.count && deepKey(deep, at) == key ? deepSize(deep, at) : 0;
}

/** Sets one level; size 0 removes it. */
export function setDeep(deep: Deep, key: f64, size: f64): void {
  const at = lowerBound(deep.keys, deep.count, key);
  const isThere = at < deep.count && deepKey(deep, at) == key;
  if (isThere && size != 0) store<f64>(deep.sizes + (<usize>at << 3), size);
  else if (isThere) remove(deep, at);
  else if (size != 0) insert(deep, at, key, size);
}

/** Replaces everything by so many levels. */
export function loadDeep(deep: Deep, keys: usize, sizes: usize, count: i32): void {
  reserve(deep, count);
  memory.copy(deep.keys, keys, <usize>count << 3);
  memory.copy(deep.sizes, sizes, <usize>count << 3);
  deep.count = count;
}

/** Removes the worst `count` levels. */
export function dropWorst(deep: Deep, count: i32): void {
  deep.count -= count;
  const bytes = <usize>deep.count << 3;
  memory.copy(deep.keys, deep.keys + (<usize>count << 3), bytes);
  memory.copy(deep.sizes, deep.sizes + (<usize>count << 3), bytes);
}

function insert(deep: Deep, at: i32, key: f64, size: f64): void {
  reserve(deep, deep.count + 1);
  const keyPlace = deep.keys + (<usize>at << 3);
  const sizePlace = deep.sizes + (<usize>at << 3);
  const bytes = <usize>(deep.count++ - at) << 3;
  memory.copy(keyPlace + 8, keyPlace, bytes);
  memory.copy(sizePlace + 8, sizePlace, bytes);
  store<f64>(keyPlace, key);
  store<f64>(sizePlace, size);
}

function remove(deep: Deep, at: i32): void {
  const keyPlace = deep.keys + (<usize>at << 3);
  const sizePlace = deep.sizes + (<usize>at << 3);
  const bytes = <usize>(--deep.count - at) << 3;
  memory.copy(keyPlace, keyPlace + 8, bytes);
  memory.copy(sizePlace, sizePlace + 8, bytes);
}

function reserve(deep: Deep, count: i32): void {
  if (count <= deep.capacity) return;
  const capacity = max(count, deep.capacity << 1);
  const keys = alloc(<usize>capacity << 3);
  const sizes = alloc(<usize>capacity << 3);
  memory.copy(keys, deep.keys, <usize>deep.count << 3);
  memory.copy(sizes, deep.sizes, <usize>deep.count << 3);
  release(deep.keys, <usize>deep.capacity << 3);
  release(deep.sizes, <usize>deep.capacity << 3);
  deep.keys = keys;
  deep.sizes = sizes;
  deep.capacity = capacity;
}
