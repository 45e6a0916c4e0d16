// An L2 book: snapshot, absolute diff, reset, heartbeat. What it is, and what it refuses, says l2-book.ts.

import { allocZeros } from "./memory";
import { isExactProduct, isExactU64, MAX_EXACT, powerOfTen } from "./exact";
import { BYTE_ORDER, EVENT_BYTES, EVENT_DIFF, EVENT_HEARTBEAT, EVENT_RESET, EVENT_SNAPSHOT, EVENT_TYPE, judgeHeader, MAX_SCALE, MODE_L2, RECORD_LENGTH, VERSION } from "./event";
import { APPLIED, CORRUPT_EVENT, CORRUPT_LENGTH, HEARTBEAT, OUT_OF_RANGE, UNREPRESENTABLE_PRICE, UNREPRESENTABLE_SIZE } from "./results";
import { canScale, clearSide, cutTo, replaceLevels, scaleSide, setLevels, setPairs } from "./side";
import { newSide, Side } from "./side-window";

export const DIFF_BYTES: u32 = 96;
export const DIFF_SCALES: usize = 88;
export const DIFF_COUNTS: usize = 92;
/** Of the body of a snapshot, from byte 64 of its payload on: scales u8, u8, u16, counts u32, u32. */
const BODY_BYTES: u32 = 12;
const LEVEL_BYTES: u64 = 16;
const TWO_63: u64 = 0x8000000000000000;

// @ts-ignore: decorator
@unmanaged
export class L2Book {
  bids: Side;
  asks: Side;
  /** Decimals; −1 before the first snapshot or diff, and after a reset. */
  priceScale: i32;
  sizeScale: i32;
  depthLimit: f64;
  levelsCut: f64;
  /** 1: messages are judged and scales followed, but levels are kept elsewhere. */
  isBare: i32;
}

export function newL2Book(depthLimit: f64): L2Book {
  const book = changetype<L2Book>(allocZeros(offsetof<L2Book>()));
  book.bids = newSide(1);
  book.asks = newSide(-1);
  book.priceScale = -1;
  book.sizeScale = -1;
  book.depthLimit = depthLimit;
  return book;
}

export function clearL2(book: L2Book): void {
  clearSide(book.bids);
  clearSide(book.asks);
  book.priceScale = -1;
  book.sizeScale = -1;
}

/** Levels are not kept from here on; scales stay. */
export function leaveLevels(book: L2Book): void {
  clearSide(book.bids);
  clearSide(book.asks);
  book.isBare = 1;
}

/** Applies the book event of `length` bytes at `at`; what became of it. */
export function applyL2(book: L2Book, at: usize, length: u32): i32 {
  if (isCommonDiff(book, at, length)) return applyDiff(book, at, length, true);
  const refused = judgeHeader(at, length, MODE_L2);
  if (refused >= 0) return refused;
  if (load<u32>(at, RECORD_LENGTH) > length) return CORRUPT_LENGTH;
  const event = <i32>load<u8>(at, EVENT_TYPE);
  if (event == EVENT_DIFF) return length < DIFF_BYTES ? CORRUPT_LENGTH : applyDiff(book, at, length, false);
  if (event == EVENT_SNAPSHOT) return loadL2Body(book, at + EVENT_BYTES, length - EVENT_BYTES);
  if (event == EVENT_HEARTBEAT) return HEARTBEAT;
  if (event != EVENT_RESET) return CORRUPT_EVENT;
  clearL2(book);
  return APPLIED;
}

/** Replaces the book by the body of a snapshot. APPLIED, or nothing changed. */
export function loadL2Body(book: L2Book, at: usize, length: u32): i32 {
  if (length < BODY_BYTES) return CORRUPT_LENGTH;
  const bids = load<u32>(at, 4);
  const asks = load<u32>(at, 8);
  const count = <u64>bids + <u64>asks;
  if (<u64>length < BODY_BYTES + count * LEVEL_BYTES) return CORRUPT_LENGTH;
  const levels = at + BODY_BYTES;
  const priceScale = <i32>load<u8>(at);
  const sizeScale = <i32>load<u8>(at, 1);
  if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE || !areExact(levels, <i32>count)) return whyNot(levels, <i32>count);
  book.priceScale = priceScale;
  book.sizeScale = sizeScale;
  if (book.isBare == 1) return APPLIED;
  replaceLevels(book.bids, levels, <i32>bids);
  replaceLevels(book.asks, levels + (<usize>bids << 4), <i32>asks);
  if (book.depthLimit < MAX_EXACT) cut(book);
  return APPLIED;
}

/** @param isCommon it has the book's decimals */
function applyDiff(book: L2Book, at: usize, length: u32, isCommon: bool): i32 {
  const bids = <i32>load<u16>(at, DIFF_COUNTS);
  const asks = <i32>load<u16>(at, DIFF_COUNTS + 2);
  if (<u64>length < DIFF_BYTES + <u64>(bids + asks) * LEVEL_BYTES) return CORRUPT_LENGTH;
  const levels = at + DIFF_BYTES;
  const asksAt = levels + (<usize>bids << 4);
  if (isCommon && areSmall(levels, bids + asks)) {
    if (book.isBare == 1) return APPLIED;
    if (bids > 0) setPairs<i64>(book.bids, levels, asksAt);
    if (asks > 0) setPairs<i64>(book.asks, asksAt, asksAt + (<usize>asks << 4));
  } else {
    const priceScale = <i32>load<u8>(at, DIFF_SCALES);
    const sizeScale = <i32>load<u8>(at, DIFF_SCALES + 1);
    if (!agreeOnScale(book, levels, bids + asks, priceScale, sizeScale)) return whyNot(levels, bids + asks);
    if (book.isBare == 1) return APPLIED;
    const priceFactor = powerOfTen(book.priceScale - priceScale);
    const sizeFactor = powerOfTen(book.sizeScale - sizeScale);
    if (bids > 0) setLevels(book.bids, levels, bids, priceFactor, sizeFactor);
    if (asks > 0) setLevels(book.asks, asksAt, asks, priceFactor, sizeFactor);
  }
  if (book.depthLimit < MAX_EXACT) cut(book);
  return APPLIED;
}

/** Whether it is a diff that `applyL2` takes, in the book's decimals; by one comparison, as nearly all are. */
// @ts-ignore: decorator
@inline
export function isCommonDiff(book: L2Book, at: usize, length: u32): bool {
  if (length < DIFF_BYTES) return false;
  const kind = <i32>load<u16>(at, EVENT_TYPE) ^ (EVENT_DIFF | (MODE_L2 << 8));
  const shape = (<i32>load<u16>(at) ^ VERSION) | <i32>load<u8>(at, BYTE_ORDER);
  const scales = (<i32>load<u8>(at, DIFF_SCALES) ^ book.priceScale) | (<i32>load<u8>(at, DIFF_SCALES + 1) ^ book.sizeScale);
  return (kind | shape | scales) == 0 && load<u32>(at, RECORD_LENGTH) <= length;
}

/** Makes the book's scales the finer of both; false, and nothing changed, when a value would leave the exact range. */
function agreeOnScale(book: L2Book, levels: usize, count: i32, priceScale: i32, sizeScale: i32): bool {
  if (priceScale > MAX_SCALE || sizeScale > MAX_SCALE) return false;
  const isNew = book.priceScale < 0;
  const finerPrice = max(priceScale, book.priceScale);
  const finerSize = max(sizeScale, book.sizeScale);
  if (!areExactScaled(levels, count, powerOfTen(finerPrice - priceScale), powerOfTen(finerSize - sizeScale))) return false;
  const priceFactor = isNew ? 1 : powerOfTen(finerPrice - book.priceScale);
  const sizeFactor = isNew ? 1 : powerOfTen(finerSize - book.sizeScale);
  if (priceFactor != 1 || sizeFactor != 1) {
    if (!canScale(book.bids, priceFactor, sizeFactor) || !canScale(book.asks, priceFactor, sizeFactor)) return false;
    scaleSide(book.bids, priceFactor, sizeFactor);
    scaleSide(book.asks, priceFactor, sizeFactor);
  }
  book.priceScale = finerPrice;
  book.sizeScale = finerSize;
  return true;
}

function cut(book: L2Book): void {
  book.levelsCut += <f64>(cutTo(book.bids, book.depthLimit) + cutTo(book.asks, book.depthLimit));
}

/** Whether doubles hold all prices and sizes exactly. */
function areExact(levels: usize, count: i32): bool {
  return areSmall(levels, count) || areExactScaled(levels, count, 1, 1);
}

/** Whether no price or size has a bit above the low 53: what is so is exact in a double, and the same with and without a sign. */
export function areSmall(levels: usize, count: i32): bool {
  if (count == 0) return true;
  const last = levels + (<usize>(count - 1) << 4);
  let all = i64x2.splat(0);
  // Eight at a time, the last one again where there are fewer: the end of a loop over a few levels is not foreseen.
  for (let at = levels; at <= last; at += 128) {
    all = v128.or(all, v128.or(v128.load(at), v128.load(min(at + 16, last))));
    all = v128.or(all, v128.or(v128.load(min(at + 32, last)), v128.load(min(at + 48, last))));
    all = v128.or(all, v128.or(v128.load(min(at + 64, last)), v128.load(min(at + 80, last))));
    all = v128.or(all, v128.or(v128.load(min(at + 96, last)), v128.load(min(at + 112, last))));
  }
  return !v128.any_true(i64x2.shr_u(all, 53));
}

function areExactScaled(levels: usize, count: i32, priceFactor: f64, sizeFactor: f64): bool {
  const end = levels + (<usize>count << 4);
  for (let at = levels; at < end; at += 16) {
    const price = load<u64>(at);
    const size = load<u64>(at, 8);
    if (!isExactU64(price) || !isExactProduct(<f64>price, priceFactor)) return false;
    if (!isExactU64(size) || !isExactProduct(<f64>size, sizeFactor)) return false;
  }
  return true;
}

/** Which of the results says best why levels were refused. */
function whyNot(levels: usize, count: i32): i32 {
  const end = levels + (<usize>count << 4);
  for (let at = levels; at < end; at += 16) {
    if (load<u64>(at) > TWO_63) return UNREPRESENTABLE_PRICE;
    if (load<u64>(at, 8) > TWO_63) return UNREPRESENTABLE_SIZE;
  }
  return OUT_OF_RANGE;
}
