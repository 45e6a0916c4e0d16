// The hashes of rows, in AssemblyScript, compiled to WebAssembly by `npm run kernel`.
//
// It takes the words of one column into the two hashes of each row of a block, four rows at a time. In WebAssembly because
// of its vectors: the checksum of a part took a fifth of the time of making its rows in JavaScript (docs/decisions.md). What is
// hashed, and how, is said by TableChecksum.
//
// Memory map (addresses fixed below; TypeScript side: core/table/kernel/row-hasher.ts). Arrays are of 4096 rows:
//   0      state of the low hash, i32
//   16384  state of the high hash, i32
//   32768  bytes hashed beside those of rows without NULL, i32
//   49152  words of the column: one per row, or two (the low one first)
//   81920  words for the high hash where they are others (text), i32
//   98304  1 where there is a value, 0 where it is NULL, u8; also read where there are no rows any more
//   102400 a word that `inAll` reads

const LOW: usize = 0;
const HIGH: usize = 16384;
const BYTES: usize = 32768;
const WORDS: usize = 49152;
const OTHERS: usize = 81920;
const VALID: usize = 98304;
const WORD: usize = 102400;

// XXH32's primes.
const PRIME2: i32 = 0x85ebca77;
const PRIME3: i32 = 0xc2b2ae3d;
const PRIME4: i32 = 0x27d4eb2f;

/** Bytes hashed so far of a row in which nothing is NULL. */
let hashed: i32 = 0;

const KIND_WORD: i32 = 1;
const KIND_PAIR: i32 = 2;
const KIND_DOUBLE: i32 = 3;
const KIND_TEXT: i32 = 4;

/** Begins a block of rows. */
export function start(rows: i32, low: i32, high: i32): void {
  hashed = 0;
  const end = <usize>rows << 2;
  for (let at: usize = 0; at < end; at += 16) {
    v128.store(LOW + at, i32x4.splat(low));
    v128.store(HIGH + at, i32x4.splat(high));
    v128.store(BYTES + at, i32x4.splat(0));
  }
}

/** Takes a column into the hashes: of each row its token and the words of its value, or the token's complement for NULL. */
export function addColumn(kind: i32, token: i32, rows: i32, mayBeNull: i32): void {
  const hasNulls = mayBeNull != 0 && !areValid(rows);
  if (kind == KIND_WORD) add(KIND_WORD, token, rows, hasNulls);
  else if (kind == KIND_PAIR || (kind == KIND_DOUBLE && areNumbers(rows))) add(KIND_PAIR, token, rows, hasNulls);
  else if (kind == KIND_DOUBLE) add(KIND_DOUBLE, token, rows, hasNulls);
  else add(KIND_TEXT, token, rows, hasNulls);
}

/** Whether there is a value in each row, and the word of all is the same. */
export function areSame(rows: i32, mayBeNull: i32): bool {
  if (mayBeNull != 0 && !areValid(rows)) return false;
  const first = v128.load32_splat(WORDS);
  let others = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= rows; i += 4) others = v128.or(others, v128.xor(first, v128.load(WORDS + (<usize>i << 2))));
  for (; i < rows; i++) others = v128.or(others, v128.xor(first, v128.load32_splat(WORDS + (<usize>i << 2))));
  return !v128.any_true(others);
}

/** Takes a column with one word in all rows into the hashes: that of the low hash and of the high one. */
export function addSame(token: i32, low: i32, high: i32, rows: i32): void {
  const first = inAll(0xcc9e2d51);
  const second = inAll(0x1b873593);
  const more = inAll(0xe6546b64);
  const prime4 = inAll(PRIME4);
  const lowToken = murmurWord(i32x4.splat(token), first, second);
  const lowWord = murmurWord(i32x4.splat(low), first, second);
  const highToken = i32x4.splat(token * PRIME3);
  const highWord = i32x4.splat(high * PRIME3);
  hashed += 8;
  for (let i = 0; i < rows; i += 4) {
    const at = <usize>i << 2;
    v128.store(LOW + at, murmurMix(murmurMix(v128.load(LOW + at), lowToken, more), lowWord, more));
    v128.store(HIGH + at, xxMix(xxMix(v128.load(HIGH + at), highToken, prime4), highWord, prime4));
  }
}

/** Whether no float is a NaN. */
function areNumbers(rows: i32): bool {
  let areNot = i64x2.splat(0);
  const end = WORDS + (<usize>rows << 3);
  for (let at = WORDS; at < end; at += 16) {
    const values = v128.load(at);
    areNot = v128.or(areNot, f64x2.ne(values, values));
  }
  return !v128.any_true(areNot);
}

/** Whether there is a value in each row: most columns that may have NULLs have none in a block. */
function areValid(rows: i32): bool {
  let all = i8x16.splat(1);
  for (let i = 0; i < rows; i += 16) all = v128.and(all, v128.load(VALID + i));
  return i8x16.all_true(all);
}

/** Ends the hashes; the sums of both over the rows, as doubles, are the first and second 8 bytes of the words. */
export function finish(rows: i32): void {
  let lowSum = i64x2.splat(0);
  let highSum = i64x2.splat(0);
  const steps = i32x4(0, 1, 2, 3);
  for (let i = 0; i < rows; i += 4) {
    const at = <usize>i << 2;
    const isRow = i32x4.lt_s(i32x4.add(i32x4.splat(i), steps), i32x4.splat(rows));
    const bytes = i32x4.add(i32x4.splat(hashed), v128.load(BYTES + at));
    let h = v128.xor(v128.load(LOW + at), bytes);
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 16)), i32x4.splat(0x85ebca6b));
    h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 13)), i32x4.splat(0xc2b2ae35));
    h = v128.and(v128.xor(h, i32x4.shr_u(h, 16)), isRow);
    lowSum = i64x2.add(lowSum, i64x2.add(i64x2.extend_low_i32x4_u(h), i64x2.extend_high_i32x4_u(h)));
    let x = i32x4.add(v128.load(HIGH + at), bytes);
    x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(PRIME2));
    x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 13)), i32x4.splat(PRIME3));
    x = v128.and(v128.xor(x, i32x4.shr_u(x, 16)), isRow);
    highSum = i64x2.add(highSum, i64x2.add(i64x2.extend_low_i32x4_u(x), i64x2.extend_high_i32x4_u(x)));
  }
  store<f64>(WORDS, <f64>(i64x2.extract_lane(lowSum, 0) + i64x2.extract_lane(lowSum, 1)));
  store<f64>(WORDS + 8, <f64>(i64x2.extract_lane(highSum, 0) + i64x2.extract_lane(highSum, 1)));
}

// @ts-ignore: decorator
@inline
function add(kind: i32, token: i32, rows: i32, hasNulls: bool): void {
  const first = inAll(0xcc9e2d51);
  const second = inAll(0x1b873593);
  const more = inAll(0xe6546b64);
  const prime3 = inAll(PRIME3);
  const prime4 = inAll(PRIME4);
  const plainNaN = v128.shuffle<i32>(i32x4.splat(0), inAll(0x7ff80000), 0, 4, 1, 5);
  // What a word means to the hashes is worked out once for the token.
  const lowToken = murmurWord(i32x4.splat(token), first, second);
  const highToken = i32x4.mul(i32x4.splat(token), prime3);
  const size = kind == KIND_PAIR || kind == KIND_DOUBLE ? 8 : 4;
  hashed += 4 + size;
  for (let i = 0; i < rows; i += 4) {
    const at = <usize>i << 2;
    const low = v128.load(LOW + at);
    const high = v128.load(HIGH + at);
    let h = murmurMix(low, lowToken, more);
    let x = xxMix(high, highToken, prime4);
    if (kind == KIND_PAIR || kind == KIND_DOUBLE) {
      let a = v128.load(WORDS + (at << 1));
      let b = v128.load(WORDS + (at << 1) + 16);
      if (kind == KIND_DOUBLE) {
        a = v128.bitselect(plainNaN, a, f64x2.ne(a, a));
        b = v128.bitselect(plainNaN, b, f64x2.ne(b, b));
      }
      const lows = v128.shuffle<i32>(a, b, 0, 2, 4, 6);
      const highs = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
      h = murmurMix(murmurMix(h, murmurWord(lows, first, second), more), murmurWord(highs, first, second), more);
      x = xxMix(xxMix(x, i32x4.mul(lows, prime3), prime4), i32x4.mul(highs, prime3), prime4);
    } else {
      h = murmurMix(h, murmurWord(v128.load(WORDS + at), first, second), more);
      x = xxMix(x, i32x4.mul(v128.load((kind == KIND_TEXT ? OTHERS : WORDS) + at), prime3), prime4);
    }
    if (hasNulls) {
      const valid = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(VALID + i)));
      const isNull = i32x4.eq(valid, i32x4.splat(0));
      const none = i32x4.splat(~token);
      h = v128.bitselect(murmurMix(low, murmurWord(none, first, second), more), h, isNull);
      x = v128.bitselect(xxMix(high, i32x4.mul(none, prime3), prime4), x, isNull);
      v128.store(BYTES + at, i32x4.sub(v128.load(BYTES + at), v128.and(i32x4.splat(size), isNull)));
    }
    v128.store(LOW + at, h);
    v128.store(HIGH + at, x);
  }
}

/** A constant in a vector that stays in its register: one that is known to the compiler is made anew at each use (three instructions). */
// @ts-ignore: decorator
@inline
function inAll(value: i32): v128 {
  store<i32>(WORD, value);
  return v128.load32_splat(WORD);
}

// @ts-ignore: decorator
@inline
function murmurWord(word: v128, first: v128, second: v128): v128 {
  return i32x4.mul(rotate(i32x4.mul(word, first), 15), second);
}

// @ts-ignore: decorator
@inline
function murmurMix(h: v128, k: v128, more: v128): v128 {
  const x = rotate(v128.xor(h, k), 13);
  return i32x4.add(i32x4.add(i32x4.shl(x, 2), x), more);
}

// @ts-ignore: decorator
@inline
function xxMix(h: v128, k: v128, prime4: v128): v128 {
  return i32x4.mul(rotate(i32x4.add(h, k), 17), prime4);
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, count: i32): v128 {
  return v128.or(i32x4.shl(x, count), i32x4.shr_u(x, 32 - count));
}
