// What is read of one side of an L2 book, beside its best level.

import { deepKey, deepSize, deepSizeOf } from "./deep-levels";
import { lowerBound } from "./level-list";
import { occupiedAtOrBelow, priceAt, Side } from "./side-window";

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
  const top = side.top;
  if (top >= 64) {
    // The best levels mostly lie in the 64 ticks that end with the byte of the best one: one look, and no end that is not foreseen.
    const low = <usize>(top >>> 3) - 7;
    let word = load<u64>(side.bits + low);
    const sizes = side.sizes + (low << 6);
    if (<f64>popcnt(word) >= depth) {
      for (; left > 0; left--) {
        const bit = 63 - clz(word);
        sum += load<f64>(sizes + (<usize>bit << 3));
        word ^= <u64>1 << bit;
      }
      return sum;
    }
  }
  for (let index = top; index >= 0 && left > 0; index = occupiedAtOrBelow(side.bits, index - 1), left--) sum += load<f64>(side.sizes + (<usize>index << 3));
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
