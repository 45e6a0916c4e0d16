// An exact sum of decimal numbers that come as doubles (prices, quantities), and of products of two of them.
//
// Each double is taken for the decimal it was written from: n / 10^d with the least d ≤ 11 for which that gives the double
// back, n having at most 15 digits. Integers at fixed scale are added, in two doubles (exact below 2¹⁰⁶), so the sum does not depend on
// the order, and the value is the double nearest to the decimal sum as long as that has at most 15 digits.
// What is no such decimal (results of calculations) is added as a float, in order of arrival.

import { alloc, allocZeros } from "../memory";

const SPLIT: f64 = 134217729; // 2^27 + 1
/** A product of two then has at most 22 decimals, and 10^22 is the largest exact power. */
const MAX_SCALE: i32 = 11;
const MAX_POWER: i32 = 22;

// @ts-ignore: decorator
@unmanaged
export class DecimalSum {
  high: f64;
  low: f64;
  rest: f64;
  /** Decimals of the integers. */
  scale: i32;
}

/** Powers of ten. */
let powers: usize = 0;

export function newDecimalSum(): DecimalSum {
  if (powers == 0) {
    powers = alloc(<usize>(MAX_POWER + 1) << 3);
    let power: f64 = 1;
    for (let i = 0; i <= MAX_POWER; i++, power *= 10) store<f64>(powers + (<usize>i << 3), power);
  }
  return changetype<DecimalSum>(allocZeros(offsetof<DecimalSum>()));
}

export function clearSum(sum: DecimalSum): void {
  sum.high = 0;
  sum.low = 0;
  sum.rest = 0;
  sum.scale = 0;
}

export function addDecimal(sum: DecimalSum, value: f64): void {
  const scale = scaleOf(value);
  if (scale < 0) {
    sum.rest += value;
    return;
  }
  if (scale > sum.scale) rescale(sum, scale);
  addPair(sum, rounded(value * powerAt(scale)), 0, powerAt(sum.scale - scale));
}

/** Adds a · b. */
export function addProduct(sum: DecimalSum, a: f64, b: f64): void {
  const scaleA = scaleOf(a);
  const scaleB = scaleOf(b);
  if (scaleA < 0 || scaleB < 0) {
    sum.rest += a * b;
    return;
  }
  if (scaleA + scaleB > sum.scale) rescale(sum, scaleA + scaleB);
  const x = rounded(a * powerAt(scaleA));
  const y = rounded(b * powerAt(scaleB));
  const product = x * y;
  addPair(sum, product, productError(x, y, product), powerAt(sum.scale - scaleA - scaleB));
}

export function sumValue(sum: DecimalSum): f64 {
  return (sum.high + sum.low) / powerAt(sum.scale) + sum.rest;
}

function rescale(sum: DecimalSum, scale: i32): void {
  const high = sum.high;
  const low = sum.low;
  const factor = powerAt(scale - sum.scale);
  sum.high = 0;
  sum.low = 0;
  sum.scale = scale;
  addPair(sum, high, low, factor);
}

function addPair(sum: DecimalSum, high: f64, low: f64, factor: f64): void {
  if (factor == 1) {
    addExact(sum, high);
    addExact(sum, low);
    return;
  }
  const product = high * factor;
  addExact(sum, product);
  addExact(sum, productError(high, factor, product));
  addExact(sum, low * factor);
}

/** Adds an integer without losing a bit: Knuth's two-sum, the error goes into `low`. */
function addExact(sum: DecimalSum, value: f64): void {
  const total = sum.high + value;
  const part = total - sum.high;
  const low = sum.low + (sum.high - (total - part) + (value - part));
  sum.high = total + low;
  sum.low = low - (sum.high - total);
}

/** The least number of decimals with which `value` is a decimal of at most 15 digits; −1 when there is none. */
function scaleOf(value: f64): i32 {
  for (let scale = 0; scale <= MAX_SCALE; scale++) {
    const power = powerAt(scale);
    const scaled = rounded(value * power);
    // Two different decimals of up to 15 digits are never the same double.
    if (scaled > 1e15 || scaled < -1e15) return -1;
    if (scaled / power == value) return scale;
  }
  return -1;
}

/** To the nearest whole number, halves up. */
// @ts-ignore: decorator
@inline
function rounded(value: f64): f64 {
  const above = ceil(value);
  return above - 0.5 > value ? above - 1 : above;
}

/** What the rounding of a · b lost (Dekker's product): the true product is `product` + this. */
function productError(a: f64, b: f64, product: f64): f64 {
  const splitA = SPLIT * a;
  const highA = splitA - (splitA - a);
  const lowA = a - highA;
  const splitB = SPLIT * b;
  const highB = splitB - (splitB - b);
  const lowB = b - highB;
  return lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB);
}

// @ts-ignore: decorator
@inline
function powerAt(power: i32): f64 {
  return load<f64>(powers + (<usize>power << 3));
}
