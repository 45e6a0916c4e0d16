// The encodings of Parquet pages, in AssemblyScript, compiled to WebAssembly by `npm run kernel`.
//
// One column of a row group at a time: its values and validity are copied in, and its definition levels and values come out as
// they stand in a page. In WebAssembly because 64-bit integers are whole here, and floats are taken apart 16 at a time
// (docs/decisions.md has the figures). Source of the encodings: apache/parquet-format, Encodings.md.
//
// Memory map (addresses fixed below; TypeScript side: core/table/kernel/column-encoder.ts). Rows are at most 65,536:
//   0        values: f64, i64, i32 or u8, as the column has them; without those that are NULL after `compact`
//   524288   1 where there is a value, 0 where it is NULL, u8
//   589824   definition levels, encoded
//   720896   values, encoded
//   1261568  bounds: the least value, the greatest 8 bytes behind it
//   1261632  differences of a block of DELTA_BINARY_PACKED

const VALUES: usize = 0;
const VALID: usize = 524288;
const LEVELS: usize = 589824;
const OUT: usize = 720896;
const BOUNDS: usize = 1261568;
const DELTAS: usize = 1261632;

const BLOCK_VALUES: i32 = 128;
const MINIBLOCKS: i32 = 4;
const MINIBLOCK_VALUES: usize = 32;

/** Rows that have a value. */
export function countPresent(rows: i32): i32 {
  let present: i64 = 0;
  let i = 0;
  for (; i + 8 <= rows; i += 8) present += popcnt(load<u64>(VALID + i));
  for (; i < rows; i++) present += load<u8>(VALID + i);
  return <i32>present;
}

/** Moves the values of `size` bytes that are there to the front. */
export function compact(size: i32, rows: i32): void {
  if (size == 8) move<u64>(rows);
  else if (size == 4) move<u32>(rows);
  else move<u8>(rows);
}

// @ts-ignore: decorator
@inline
function move<T>(rows: i32): void {
  let to = VALUES;
  for (let i = 0; i < rows; i++) {
    store<T>(to, load<T>(VALUES + <usize>i * sizeof<T>()));
    to += <usize>load<u8>(VALID + i) * sizeof<T>();
  }
}

/** Definition levels of all rows; returns their bytes. */
export function encodeLevels(rows: i32): i32 {
  return <i32>(putBytes(LEVELS, VALID, rows) - LEVELS);
}

/** The bounds of floats without NaN, as the smallest and greatest; an infinity each where there is none. */
export function boundDoubles(count: i32): void {
  // Four of each: a comparison waits for the one before it.
  let leastA = f64x2.splat(Infinity);
  let leastB = leastA;
  let leastC = leastA;
  let leastD = leastA;
  let greatestA = f64x2.splat(-Infinity);
  let greatestB = greatestA;
  let greatestC = greatestA;
  let greatestD = greatestA;
  let i = 0;
  // The first operand stays where the comparison is false, as it is with NaN.
  for (; i + 8 <= count; i += 8) {
    const at = VALUES + (<usize>i << 3);
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    leastA = f64x2.pmin(leastA, a);
    leastB = f64x2.pmin(leastB, b);
    leastC = f64x2.pmin(leastC, c);
    leastD = f64x2.pmin(leastD, d);
    greatestA = f64x2.pmax(greatestA, a);
    greatestB = f64x2.pmax(greatestB, b);
    greatestC = f64x2.pmax(greatestC, c);
    greatestD = f64x2.pmax(greatestD, d);
  }
  const leasts = f64x2.pmin(f64x2.pmin(leastA, leastB), f64x2.pmin(leastC, leastD));
  const greatests = f64x2.pmax(f64x2.pmax(greatestA, greatestB), f64x2.pmax(greatestC, greatestD));
  let least = min(f64x2.extract_lane(leasts, 0), f64x2.extract_lane(leasts, 1));
  let greatest = max(f64x2.extract_lane(greatests, 0), f64x2.extract_lane(greatests, 1));
  for (; i < count; i++) {
    const value = load<f64>(VALUES + (<usize>i << 3));
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  store<f64>(BOUNDS, least);
  store<f64>(BOUNDS + 8, greatest);
}

/** BYTE_STREAM_SPLIT of floats: all first bytes, then all second bytes, … */
export function splitDoubles(count: i32): void {
  const step = <usize>count;
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const from = VALUES + (<usize>i << 3);
    const to = OUT + <usize>i;
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    const e = v128.load(from, 64);
    const f = v128.load(from, 80);
    const g = v128.load(from, 96);
    const h = v128.load(from, 112);
    putLanes(to, step, lowBytes(a, b), lowBytes(c, d), lowBytes(e, f), lowBytes(g, h));
    putLanes(to + 4 * step, step, highBytes(a, b), highBytes(c, d), highBytes(e, f), highBytes(g, h));
  }
  for (; i < count; i++) {
    for (let lane: usize = 0; lane < 8; lane++) store<u8>(OUT + lane * step + i, load<u8>(VALUES + (<usize>i << 3) + lane));
  }
}

/** Of four floats: their first bytes, their second, third and fourth, four bytes each. */
// @ts-ignore: decorator
@inline
function lowBytes(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
}

/** Of four floats: their fifth bytes, their sixth, seventh and eighth. */
// @ts-ignore: decorator
@inline
function highBytes(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
}

/** Four bytes of 16 floats, each to its lane. */
// @ts-ignore: decorator
@inline
function putLanes(to: usize, step: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to + step, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(to + 2 * step, v128.shuffle<i64>(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * step, v128.shuffle<i64>(abHigh, cdHigh, 1, 3));
}

/** DELTA_BINARY_PACKED of i64, and their bounds; returns the bytes. Differences wrap at 64 bits. */
export function encodeLongs(count: i32): i32 {
  return encodeDeltas<i64>(count);
}

/** DELTA_BINARY_PACKED of i32, and their bounds; returns the bytes. Differences wrap at 32 bits. */
export function encodeInts(count: i32): i32 {
  return encodeDeltas<i32>(count);
}

// @ts-ignore: decorator
@inline
function encodeDeltas<T>(count: i32): i32 {
  const start = count == 0 ? <T>0 : load<T>(VALUES);
  let to = putDeltaHeader(count, <i64>start);
  let least = start;
  let greatest = start;
  const lanes = 16 / <i32>sizeof<T>();
  for (let first = 1; first < count; first += BLOCK_VALUES) {
    const size = min(BLOCK_VALUES, count - first);
    const from = VALUES + <usize>first * sizeof<T>();
    const before = load<T>(from - sizeof<T>());
    let steps = v128.splat<T>(isLong<T>() ? <T>i64.MAX_VALUE : <T>i32.MAX_VALUE);
    let otherSteps = steps;
    let all = v128.splat<T>(before);
    let i = 0;
    // Two at a time: each waits for the one before it.
    for (; i + 2 * lanes <= size; i += 2 * lanes) {
      const at = from + <usize>i * sizeof<T>();
      const values = v128.load(at);
      const others = v128.load(at, 16);
      const deltas = v128.sub<T>(values, v128.load(at - sizeof<T>()));
      const otherDeltas = v128.sub<T>(others, v128.load(at + 16 - sizeof<T>()));
      steps = lesser<T>(steps, deltas);
      otherSteps = lesser<T>(otherSteps, otherDeltas);
      all = v128.or(all, v128.or(values, others));
      putDeltas<T>(i, deltas);
      putDeltas<T>(i + lanes, otherDeltas);
    }
    let step = leastLane<T>(lesser<T>(steps, otherSteps));
    let bits = orOfLanes<T>(all);
    for (; i < size; i++) {
      const at = from + <usize>i * sizeof<T>();
      const value = load<T>(at);
      const delta = value - load<T>(at - sizeof<T>());
      store<i64>(DELTAS + (<usize>i << 3), <i64>delta);
      step = min(step, delta);
      bits |= value;
    }
    // Differences of values that are not negative do not wrap: where none is negative, the values ascend.
    if (bits >= 0 && step >= 0) {
      least = min(least, before);
      greatest = max(greatest, load<T>(from + <usize>(size - 1) * sizeof<T>()));
    } else {
      let leasts = v128.splat<T>(before);
      let greatests = leasts;
      for (i = 0; i + lanes <= size; i += lanes) {
        const values = v128.load(from + <usize>i * sizeof<T>());
        leasts = lesser<T>(leasts, values);
        greatests = greater<T>(greatests, values);
      }
      least = min(least, leastLane<T>(leasts));
      greatest = max(greatest, greatestLane<T>(greatests));
      for (; i < size; i++) {
        const value = load<T>(from + <usize>i * sizeof<T>());
        least = min(least, value);
        greatest = max(greatest, value);
      }
    }
    to = putBlock(to, size, <i64>step);
  }
  store<T>(BOUNDS, least);
  store<T>(BOUNDS + 8, greatest);
  return <i32>(to - OUT);
}

// @ts-ignore: decorator
@inline
function putDeltas<T>(i: i32, deltas: v128): void {
  const to = DELTAS + (<usize>i << 3);
  if (isLong<T>()) v128.store(to, deltas);
  else {
    v128.store(to, i64x2.extend_low_i32x4_s(deltas));
    v128.store(to, i64x2.extend_high_i32x4_s(deltas), 16);
  }
}

// @ts-ignore: decorator
@inline
function isLong<T>(): bool {
  return sizeof<T>() == 8;
}

/** By lane; vectors of i64 have no such instruction. */
// @ts-ignore: decorator
@inline
function lesser<T>(a: v128, b: v128): v128 {
  return isLong<T>() ? v128.bitselect(b, a, i64x2.gt_s(a, b)) : i32x4.min_s(a, b);
}

// @ts-ignore: decorator
@inline
function greater<T>(a: v128, b: v128): v128 {
  return isLong<T>() ? v128.bitselect(a, b, i64x2.gt_s(a, b)) : i32x4.max_s(a, b);
}

// @ts-ignore: decorator
@inline
function leastLane<T>(a: v128): T {
  if (isLong<T>()) return <T>min(i64x2.extract_lane(a, 0), i64x2.extract_lane(a, 1));
  return <T>min(min(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)), min(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)));
}

// @ts-ignore: decorator
@inline
function greatestLane<T>(a: v128): T {
  if (isLong<T>()) return <T>max(i64x2.extract_lane(a, 0), i64x2.extract_lane(a, 1));
  return <T>max(max(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)), max(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)));
}

// @ts-ignore: decorator
@inline
function orOfLanes<T>(a: v128): T {
  const bits = i64x2.extract_lane(a, 0) | i64x2.extract_lane(a, 1);
  return isLong<T>() ? <T>bits : <T>(<i32>bits | <i32>(bits >> 32));
}

function putDeltaHeader(count: i32, first: i64): usize {
  let to = putVarint(OUT, BLOCK_VALUES);
  to = putVarint(to, MINIBLOCKS);
  to = putVarint(to, count);
  return putVarint(to, zigzag(first));
}

/** A block of `size` differences, of which `least` is the smallest. */
// @ts-ignore: decorator
@inline
function putBlock(start: usize, size: i32, least: i64): usize {
  const widths = putVarint(start, zigzag(least));
  let to = widths + MINIBLOCKS;
  for (let i = size; i < BLOCK_VALUES; i++) store<i64>(DELTAS + (<usize>i << 3), least);
  const leasts = i64x2.splat(least);
  for (let block = 0; block < MINIBLOCKS; block++) {
    const from = DELTAS + <usize>block * MINIBLOCK_VALUES * 8;
    let all = i64x2.splat(0);
    for (let i: usize = 0; i < MINIBLOCK_VALUES << 3; i += 16) {
      const values = i64x2.sub(v128.load(from + i), leasts);
      v128.store(from + i, values);
      all = v128.or(all, values);
    }
    const bits = <u64>(i64x2.extract_lane(all, 0) | i64x2.extract_lane(all, 1));
    // The OR of all values has the width of the widest.
    const width = 64 - <i32>clz(bits);
    store<u8>(widths + block, width);
    if (width > 0) to = pack(to, from, width);
  }
  return to;
}

/** 32 values of `width` bits are 4 · `width` bytes. Writes up to 8 bytes behind them. */
// @ts-ignore: decorator
@inline
function pack(start: usize, from: usize, width: i32): usize {
  if (width <= 28) packWhole(start, from, width, true);
  else if (width <= 56) packWhole(start, from, width, false);
  else packWide(start, from, width);
  return start + 4 * width;
}

/** Of at most 56 bits, two values together where they have no more: whole bytes leave the word at each step, whatever the width, without a branch. */
// @ts-ignore: decorator
@inline
function packWhole(start: usize, from: usize, width: i32, isPaired: bool): void {
  let to = start;
  let word: u64 = 0;
  let used = 0;
  const step = isPaired ? 16 : 8;
  for (let i: usize = 0; i < MINIBLOCK_VALUES << 3; i += step) {
    const value = load<u64>(from + i);
    word |= (isPaired ? value | (load<u64>(from + i, 8) << width) : value) << used;
    store<u64>(to, word);
    used += isPaired ? 2 * width : width;
    to += used >> 3;
    word >>= used & 56;
    used &= 7;
  }
}

function packWide(start: usize, from: usize, width: i32): void {
  let to = start;
  let word: u64 = 0;
  let used = 0;
  for (let i: usize = 0; i < MINIBLOCK_VALUES; i++) {
    const value = load<u64>(from + (i << 3));
    word |= value << used;
    used += width;
    if (used >= 64) {
      store<u64>(to, word);
      to += 8;
      used -= 64;
      word = used == 0 ? 0 : value >> (width - used);
    }
  }
  if (used > 0) store<u32>(to, <u32>word);
}

/** RLE of booleans with their length before them, and their bounds as i32; returns the bytes. */
export function encodeBooleans(count: i32): i32 {
  const to = putBytes(OUT + 4, VALUES, count);
  store<u32>(OUT, <u32>(to - OUT - 4));
  let every: u8 = 1;
  let any: u8 = 0;
  for (let i = 0; i < count; i++) {
    const value = load<u8>(VALUES + i);
    every &= value;
    any |= value;
  }
  store<i32>(BOUNDS, every);
  store<i32>(BOUNDS + 8, any);
  return <i32>(to - OUT);
}

/** The greatest of the codes of a dictionary, −1 where there are none. */
export function greatestCode(count: i32): i32 {
  let greatest = -1;
  for (let i = 0; i < count; i++) greatest = max(greatest, load<i32>(VALUES + (<usize>i << 2)));
  return greatest;
}

/** RLE_DICTIONARY: a byte with the width of the codes, up to 24 bits, and the codes; returns the bytes. */
export function encodeCodes(count: i32, width: i32): i32 {
  store<u8>(OUT, width);
  return <i32>(putHybrid<u32>(OUT + 1, VALUES, count, width) - OUT);
}

/** Bytes that are 0 or 1. */
function putBytes(to: usize, values: usize, count: i32): usize {
  return putHybrid<u8>(to, values, count, 1);
}

/** The RLE / bit-packing hybrid: runs of 8 or more equal values as one run, the rest bit-packed in groups of 8. */
// @ts-ignore: decorator
@inline
function putHybrid<T>(start: usize, values: usize, count: i32, width: i32): usize {
  let to = start;
  let packedFrom = 0;
  let at = 0;
  while (at < count) {
    const value = load<T>(values + <usize>at * sizeof<T>());
    const end = endOfRun<T>(values, at, count, value);
    if (end - at >= 8) {
      if (at > packedFrom) to = putPacked<T>(to, values, packedFrom, at, width);
      to = putVarint(to, 2 * <u64>(end - at));
      for (let shift = 0; shift < width; shift += 8) store<u8>(to++, <u8>(value >>> <T>shift));
      at = end;
      packedFrom = end;
    } else {
      // Groups of 8 only: a run can start again at the next group.
      at += 8;
    }
  }
  return packedFrom < count ? putPacked<T>(to, values, packedFrom, count, width) : to;
}

// @ts-ignore: decorator
@inline
function endOfRun<T>(values: usize, at: i32, count: i32, value: T): i32 {
  let end = at + 1;
  const same = sizeof<T>() == 1 ? i8x16.splat(<i8>value) : i32x4.splat(<i32>value);
  const step = 16 / <i32>sizeof<T>();
  while (end + step <= count && !v128.any_true(v128.xor(v128.load(values + <usize>end * sizeof<T>()), same))) end += step;
  while (end < count && load<T>(values + <usize>end * sizeof<T>()) == value) end++;
  return end;
}

// @ts-ignore: decorator
@inline
function putPacked<T>(start: usize, values: usize, from: i32, end: i32, width: i32): usize {
  const groups = (end - from + 7) >> 3;
  let to = putVarint(start, 2 * <u64>groups + 1);
  let word: u64 = 0;
  let used = 0;
  for (let i = from; i < from + 8 * groups; i++) {
    if (i < end) word |= <u64>load<T>(values + <usize>i * sizeof<T>()) << used;
    used += width;
    while (used >= 8) {
      store<u8>(to++, <u8>word);
      word >>= 8;
      used -= 8;
    }
  }
  return to;
}

function putVarint(start: usize, value: u64): usize {
  let to = start;
  let rest = value;
  while (rest >= 128) {
    store<u8>(to++, <u8>(rest | 128));
    rest >>= 7;
  }
  store<u8>(to++, <u8>rest);
  return to;
}

// @ts-ignore: decorator
@inline
function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}
