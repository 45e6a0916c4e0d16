// CRC32 (IEEE) of payloads, in AssemblyScript: of one with look-ups in tables, of many sixteen at a time.
//
// A CRC of one payload is a load for each byte, whatever the slicing. Of sixteen payloads each byte of the registers is a vector
// with a lane for each: a table of 256 words is then two of 16 for each of its four bytes, which fit into vectors, and a look-up is
// a shuffle (docs/decisions.md). Payloads are taken in the order of their lengths, so that sixteen are about as long.
//
// Memory map: see scan.as.

export const CRC_TABLES: usize = 8448; // 16 x 256 x u32
const NIBBLES: usize = 24832; // bytes 0 to 3 of the words of the first table at 0 to 15, then those at 0, 16, … 240: 8 x 16
const FROM_PAYLOAD: usize = 24960; // 16 x 0, 16 x 255
const FIRST_BYTES: usize = 24992; // 16 x 0, 4 x 255, 16 x 0
const COUNTS: usize = 25088; // payloads by length in units of 16 bytes, 66 x u32; then where those of a length begin
const LOW_NIBBLES: usize = 25360; // 16 x 15
const WORDS: usize = 25376; // CRCs of sixteen, 4 x 4 x u32
const PADS: usize = 25440; // what they lack to the longest, 16 x i32
const ORDER: usize = 25600; // payloads by length, MANY x u16
const LANES: usize = 26112; // sixteen ends of payloads, u32
const BLOCK: usize = 26176; // 16 bytes of each of sixteen, 256, and 16 zeros behind them
export const CRCS: usize = 26560; // of each payload, MANY x u32
const TAILS: usize = 29632; // what sixteen payloads come to, 16 x 48

/** Payloads that are taken together, at most. */
export const MANY: usize = 256;
const LANE_COUNT: usize = 16;
/** What is left of a payload whose front is folded: five words, and the sixth, as blocks have 16 bytes. */
const TAIL_BYTES: usize = 48;
/** From so many bytes on folding the front is faster than looking it up. */
const FOLDED_BYTES: usize = 96;
/** Fewer than so many are taken one by one. */
const FEW: usize = 5;
/** From so many bytes on a payload is taken alone: a lane would gain little, and wait for fifteen others. */
const LONG_BYTES: u32 = 1024;
/** In place of a length: payloads that are taken one by one, very short or long ones. */
const ALONE: usize = 65;

export function buildCrcTables(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    store<u32>(CRC_TABLES + ((<usize>i) << 2), crc);
  }
  for (let table: usize = 1; table < 16; table++) {
    for (let i: usize = 0; i < 256; i++) {
      const previous = load<u32>(CRC_TABLES + ((table - 1) << 10) + (i << 2));
      store<u32>(CRC_TABLES + (table << 10) + (i << 2), (previous >>> 8) ^ load<u32>(CRC_TABLES + ((<usize>(previous & 255)) << 2)));
    }
  }
  for (let byte: usize = 0; byte < 4; byte++) {
    for (let i: usize = 0; i < 16; i++) {
      store<u8>(NIBBLES + (byte << 4) + i, load<u8>(CRC_TABLES + (i << 2) + byte));
      store<u8>(NIBBLES + 64 + (byte << 4) + i, load<u8>(CRC_TABLES + (i << 6) + byte));
    }
  }
  v128.store(FROM_PAYLOAD, i64x2.splat(0));
  v128.store(FROM_PAYLOAD + 16, i64x2.splat(-1));
  v128.store(FIRST_BYTES, i64x2.splat(0));
  v128.store(FIRST_BYTES + 20, i64x2.splat(0));
  store<u32>(FIRST_BYTES + 16, 0xffffffff);
  v128.store(LOW_NIBBLES, i8x16.splat(15));
}

// @ts-ignore: decorator
@inline
function t(table: usize, value: u32): u32 {
  return load<u32>(CRC_TABLES + (table << 10) + ((<usize>(value & 255)) << 2));
}

/** CRC32 of `length` bytes at `start`: the front folded as in `foldPair`, the rest slicing by 16. */
export function crc32(start: usize, length: u32): u32 {
  if (<usize>length < FOLDED_BYTES) return sliced(start, length, 0xffffffff);
  let p0: u64 = 0xffffffff;
  let p1: u64 = 0;
  let p2: u64 = 0;
  let p3: u64 = 0;
  let p4: u64 = 0;
  let at = start;
  // The last words of the front are added to five more.
  for (const last = start + <usize>length - 16 - 40; at <= last; at += 16) {
    const x = p0 ^ load<u64>(at);
    p2 ^= (x << 17) ^ (x << 55);
    p3 ^= (x << 19) ^ (x >>> 47) ^ (x >>> 9);
    p4 ^= (x >>> 45) ^ (x << 44);
    const y = p1 ^ load<u64>(at, 8);
    p0 = p2;
    p1 = p3 ^ (y << 17) ^ (y << 55);
    p2 = p4 ^ (y << 19) ^ (y >>> 47) ^ (y >>> 9);
    p3 = (x >>> 20) ^ (y >>> 45) ^ (y << 44);
    p4 = y >>> 20;
  }
  const left = <u32>(start + <usize>length - at);
  memory.copy(TAILS, at, left);
  store<u64>(TAILS, load<u64>(TAILS) ^ p0);
  store<u64>(TAILS, load<u64>(TAILS, 8) ^ p1, 8);
  store<u64>(TAILS, load<u64>(TAILS, 16) ^ p2, 16);
  store<u64>(TAILS, load<u64>(TAILS, 24) ^ p3, 24);
  store<u64>(TAILS, load<u64>(TAILS, 32) ^ p4, 32);
  return sliced(TAILS, left, 0);
}

/** @param register its value at the start */
function sliced(start: usize, length: u32, register: u32): u32 {
  let crc = register;
  let at = start;
  const end16 = start + <usize>(length & ~15);
  while (at < end16) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    const c = load<u32>(at, 8);
    const d = load<u32>(at, 12);
    crc =
      t(15, a) ^ t(14, a >>> 8) ^ t(13, a >>> 16) ^ t(12, a >>> 24) ^
      t(11, b) ^ t(10, b >>> 8) ^ t(9, b >>> 16) ^ t(8, b >>> 24) ^
      t(7, c) ^ t(6, c >>> 8) ^ t(5, c >>> 16) ^ t(4, c >>> 24) ^
      t(3, d) ^ t(2, d >>> 8) ^ t(1, d >>> 16) ^ t(0, d >>> 24);
    at += 16;
  }
  // What is left, in words: byte by byte, each look-up would wait for the one before.
  if (length & 8) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    crc =
      t(7, a) ^ t(6, a >>> 8) ^ t(5, a >>> 16) ^ t(4, a >>> 24) ^
      t(3, b) ^ t(2, b >>> 8) ^ t(1, b >>> 16) ^ t(0, b >>> 24);
    at += 8;
  }
  if (length & 4) {
    const a = load<u32>(at) ^ crc;
    crc = t(3, a) ^ t(2, a >>> 8) ^ t(1, a >>> 16) ^ t(0, a >>> 24);
    at += 4;
  }
  const end = start + <usize>length;
  while (at < end) {
    crc = (crc >>> 8) ^ t(0, crc ^ <u32>load<u8>(at));
    at++;
  }
  return ~crc;
}

/** Puts the CRCs of the payloads of `many` records (at most MANY) to CRCS. @param offsets, lengths u32 of each: where its header is, bytes of its payload */
export function crcOfMany(offsets: usize, lengths: usize, many: usize): void {
  if (many < FEW) {
    for (let i: usize = 0; i < many; i++) {
      store<u32>(CRCS + (i << 2), crc32(<usize>load<u32>(offsets + (i << 2)) + 64, load<u32>(lengths + (i << 2))));
    }
    return;
  }
  if (many >= LANE_COUNT && areAlike(lengths, many)) {
    crcOfAlike(offsets, load<u32>(lengths), many);
    return;
  }
  const inLanes = putInOrder(offsets, lengths, many);
  for (let from: usize = 0; from < inLanes; from += LANE_COUNT) {
    const last = min(from + LANE_COUNT, inLanes) - 1;
    const longest = (load<u32>(lengths + rowAt(last)) + 15) & ~15;
    let maxPad: u32 = 0;
    for (let lane: usize = 0; lane < LANE_COUNT; lane++) {
      // Where there are not sixteen, the last one again.
      const row = rowAt(min(from + lane, last));
      const length = load<u32>(lengths + row);
      store<u32>(LANES + (lane << 2), load<u32>(offsets + row) + 64 + length - longest);
      store<u32>(PADS + (lane << 2), longest - length);
      maxPad = max(maxPad, longest - length);
    }
    crcOfLongLanes(<usize>longest, <usize>maxPad);
    const known = last + 1 - from;
    for (let lane: usize = 0; lane < known; lane++) {
      store<u32>(CRCS + rowAt(from + lane), load<u32>(WORDS + (lane << 2)));
    }
  }
  for (let i = inLanes; i < many; i++) {
    const row = rowAt(i);
    store<u32>(CRCS + row, crc32(<usize>load<u32>(offsets + row) + 64, load<u32>(lengths + row)));
  }
}

/** Whether payloads are as long as each other, and can be taken in lanes. */
function areAlike(lengths: usize, many: usize): bool {
  const length = load<u32>(lengths);
  if (unitsOf(length) == ALONE) return false;
  for (let i: usize = 1; i < many; i++) {
    if (load<u32>(lengths + (i << 2)) != length) return false;
  }
  return true;
}

/** `crcOfMany` of at least sixteen that are as long as each other. */
function crcOfAlike(offsets: usize, length: u32, many: usize): void {
  const longest = (length + 15) & ~15;
  const pad = longest - length;
  const toLane = i32x4.splat(64 - <i32>pad);
  for (let lane: usize = 0; lane < 64; lane += 16) v128.store(PADS + lane, i32x4.splat(<i32>pad));
  for (let next: usize = 0; next < many; next += LANE_COUNT) {
    // The last sixteen have some of those before once more.
    const from = min(next, many - LANE_COUNT) << 2;
    for (let lane: usize = 0; lane < 64; lane += 16) v128.store(LANES + lane, i32x4.add(v128.load(offsets + from + lane), toLane));
    crcOfLongLanes(<usize>longest, <usize>pad);
    memory.copy(CRCS + from, WORDS, 64);
  }
}

/** A payload in the order of lengths, times 4. */
// @ts-ignore: decorator
@inline
function rowAt(i: usize): usize {
  return <usize>load<u16>(ORDER + (i << 1)) << 2;
}

/** Orders payloads by length; gives how many can be taken in lanes: the others are behind them. */
function putInOrder(offsets: usize, lengths: usize, many: usize): usize {
  memory.fill(COUNTS, 0, (ALONE + 1) << 2);
  for (let i: usize = 0; i < many; i++) {
    const at = COUNTS + (unitsOf(load<u32>(lengths + (i << 2))) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let begin: u32 = 0;
  for (let units: usize = 0; units <= ALONE; units++) {
    const at = COUNTS + (units << 2);
    const count = load<u32>(at);
    store<u32>(at, begin);
    begin += count;
  }
  const inLanes = <usize>load<u32>(COUNTS + (ALONE << 2));
  for (let i: usize = 0; i < many; i++) {
    const at = COUNTS + (unitsOf(load<u32>(lengths + (i << 2))) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    store<u16>(ORDER + (<usize>place << 1), <u16>i);
  }
  return inLanes;
}

// @ts-ignore: decorator
@inline
function unitsOf(length: u32): usize {
  return length - 16 < LONG_BYTES - 16 ? <usize>(length + 15) >>> 4 : ALONE;
}

/**
 * Puts the CRCs of sixteen payloads to WORDS: of `longest` bytes from LANES on, of which the first PADS are none of theirs. Zeros
 * in front of a payload change nothing while the register is zero; then its first four bytes are inverted instead of the register.
 */
function crcOfLongLanes(longest: usize, maxPad: usize): void {
  if (longest < FOLDED_BYTES || longest < maxPad + 4 + TAIL_BYTES) {
    crcOfLanes(longest, maxPad == 0 ? 0 : maxPad + 4, i8x16.splat(maxPad == 0 ? -1 : 0));
    return;
  }
  for (let lane: usize = 0; lane < LANE_COUNT; lane += 2) foldPair(lane, longest - TAIL_BYTES, maxPad + 4);
  crcOfLanes(TAIL_BYTES, 0, i8x16.splat(0));
}

/** Folds the first `length` bytes of two lanes into the 48 behind them, which go to TAILS, and LANES with them. @param padded bytes that may be in front of a payload, or its first four */
function foldPair(lane: usize, length: usize, padded: usize): void {
  const a = <usize>load<u32>(LANES + (lane << 2));
  const b = <usize>load<u32>(LANES + (lane << 2), 4);
  // What is to be added to the next five words, of one lane in the lower half and of the other in the upper one.
  let p0 = i64x2.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let p4 = p0;
  for (let at: usize = 0; at < length; at += 16) {
    const first = at < padded ? paddedBlock(lane, at) : v128.load(a + at);
    const second = at < padded ? paddedBlock(lane + 1, at) : v128.load(b + at);
    const x = v128.xor(p0, v128.shuffle<u64>(first, second, 0, 2));
    p2 = v128.xor(p2, v128.xor(i64x2.shl(x, 17), i64x2.shl(x, 55)));
    p3 = v128.xor(v128.xor(p3, i64x2.shl(x, 19)), v128.xor(i64x2.shr_u(x, 47), i64x2.shr_u(x, 9)));
    p4 = v128.xor(p4, v128.xor(i64x2.shr_u(x, 45), i64x2.shl(x, 44)));
    const y = v128.xor(p1, v128.shuffle<u64>(first, second, 1, 3));
    p0 = p2;
    p1 = v128.xor(p3, v128.xor(i64x2.shl(y, 17), i64x2.shl(y, 55)));
    p2 = v128.xor(v128.xor(p4, i64x2.shl(y, 19)), v128.xor(i64x2.shr_u(y, 47), i64x2.shr_u(y, 9)));
    p3 = v128.xor(i64x2.shr_u(x, 20), v128.xor(i64x2.shr_u(y, 45), i64x2.shl(y, 44)));
    p4 = i64x2.shr_u(y, 20);
  }
  const zero = i64x2.splat(0);
  const tail = TAILS + lane * TAIL_BYTES;
  v128.store(tail, v128.xor(v128.load(a + length), v128.shuffle<u64>(p0, p1, 0, 2)));
  v128.store(tail, v128.xor(v128.load(a + length, 16), v128.shuffle<u64>(p2, p3, 0, 2)), 16);
  v128.store(tail, v128.xor(v128.load(a + length, 32), v128.shuffle<u64>(p4, zero, 0, 2)), 32);
  v128.store(tail, v128.xor(v128.load(b + length), v128.shuffle<u64>(p0, p1, 1, 3)), 48);
  v128.store(tail, v128.xor(v128.load(b + length, 16), v128.shuffle<u64>(p2, p3, 1, 3)), 64);
  v128.store(tail, v128.xor(v128.load(b + length, 32), v128.shuffle<u64>(p4, zero, 1, 3)), 80);
  store<u32>(LANES + (lane << 2), <u32>tail);
  store<u32>(LANES + (lane << 2), <u32>(tail + TAIL_BYTES), 4);
}

/** `crcOfLongLanes` by tables. @param padded bytes that may be in front of a payload, or its first four @param register each byte of it at the start */
function crcOfLanes(longest: usize, padded: usize, register: v128): void {
  const low0 = v128.load(NIBBLES);
  const low1 = v128.load(NIBBLES, 16);
  const low2 = v128.load(NIBBLES, 32);
  const low3 = v128.load(NIBBLES, 48);
  const high0 = v128.load(NIBBLES, 64);
  const high1 = v128.load(NIBBLES, 80);
  const high2 = v128.load(NIBBLES, 96);
  const high3 = v128.load(NIBBLES, 112);
  // From memory it stays in its register: what the compiler knows is made anew at each use, which takes three instructions.
  const nibble = v128.load(LOW_NIBBLES);
  let crc0 = register;
  let crc1 = register;
  let crc2 = register;
  let crc3 = register;
  for (let at: usize = 0; at < longest; at += 16) {
    if (at < padded) transposePadded(at);
    else transpose(at);
    // Each look-up waits for the one before: what comes next is added to a register before that, so that the way is a step shorter.
    let byte = v128.xor(crc0, v128.load(BLOCK));
    for (let column: usize = BLOCK; column < BLOCK + 256; column += 16) {
      const low = v128.and(byte, nibble);
      const high = v128.and(i16x8.shr_u(byte, 4), nibble);
      byte = v128.xor(v128.xor(v128.xor(crc1, v128.load(column, 16)), i8x16.relaxed_swizzle(low0, low)), i8x16.relaxed_swizzle(high0, high));
      crc1 = v128.xor(crc2, v128.xor(i8x16.relaxed_swizzle(low1, low), i8x16.relaxed_swizzle(high1, high)));
      crc2 = v128.xor(crc3, v128.xor(i8x16.relaxed_swizzle(low2, low), i8x16.relaxed_swizzle(high2, high)));
      crc3 = v128.xor(i8x16.relaxed_swizzle(low3, low), i8x16.relaxed_swizzle(high3, high));
    }
    crc0 = byte;
  }
  const a = lowerHalves(crc0, crc1);
  const b = upperHalves(crc0, crc1);
  const c = lowerHalves(crc2, crc3);
  const d = upperHalves(crc2, crc3);
  v128.store(WORDS, v128.not(lowerPairs(a, c)));
  v128.store(WORDS, v128.not(upperPairs(a, c)), 16);
  v128.store(WORDS, v128.not(lowerPairs(b, d)), 32);
  v128.store(WORDS, v128.not(upperPairs(b, d)), 48);
}

/** 16 bytes of each lane into BLOCK, the first byte of all of them first. */
function transpose(at: usize): void {
  interleave(
    v128.load(<usize>load<u32>(LANES + 0) + at),
    v128.load(<usize>load<u32>(LANES + 4) + at),
    v128.load(<usize>load<u32>(LANES + 8) + at),
    v128.load(<usize>load<u32>(LANES + 12) + at),
    v128.load(<usize>load<u32>(LANES + 16) + at),
    v128.load(<usize>load<u32>(LANES + 20) + at),
    v128.load(<usize>load<u32>(LANES + 24) + at),
    v128.load(<usize>load<u32>(LANES + 28) + at),
    v128.load(<usize>load<u32>(LANES + 32) + at),
    v128.load(<usize>load<u32>(LANES + 36) + at),
    v128.load(<usize>load<u32>(LANES + 40) + at),
    v128.load(<usize>load<u32>(LANES + 44) + at),
    v128.load(<usize>load<u32>(LANES + 48) + at),
    v128.load(<usize>load<u32>(LANES + 52) + at),
    v128.load(<usize>load<u32>(LANES + 56) + at),
    v128.load(<usize>load<u32>(LANES + 60) + at),
  );
}

/** The same where some of them are in front of a payload, or its first. */
function transposePadded(at: usize): void {
  for (let lane: usize = 0; lane < LANE_COUNT; lane++) v128.store(BLOCK + (lane << 4), paddedBlock(lane, at));
  interleave(
    v128.load(BLOCK, 0),
    v128.load(BLOCK, 16),
    v128.load(BLOCK, 32),
    v128.load(BLOCK, 48),
    v128.load(BLOCK, 64),
    v128.load(BLOCK, 80),
    v128.load(BLOCK, 96),
    v128.load(BLOCK, 112),
    v128.load(BLOCK, 128),
    v128.load(BLOCK, 144),
    v128.load(BLOCK, 160),
    v128.load(BLOCK, 176),
    v128.load(BLOCK, 192),
    v128.load(BLOCK, 208),
    v128.load(BLOCK, 224),
    v128.load(BLOCK, 240),
  );
}

/** 16 bytes of a lane: zeros in front of the payload, whose first four bytes are inverted. */
function paddedBlock(lane: usize, at: usize): v128 {
  const pad = load<i32>(PADS + (lane << 2)) - <i32>at;
  const kept = v128.load(FROM_PAYLOAD + 16 - <usize>min(max(pad, 0), 16));
  const inverted = v128.load(FIRST_BYTES + 16 - min(max(pad, -4), 16));
  return v128.xor(v128.and(v128.load(<usize>load<u32>(LANES + (lane << 2)) + at), kept), inverted);
}

// @ts-ignore: decorator
@inline
function interleave(
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  a4: v128,
  a5: v128,
  a6: v128,
  a7: v128,
  a8: v128,
  a9: v128,
  a10: v128,
  a11: v128,
  a12: v128,
  a13: v128,
  a14: v128,
  a15: v128,
): void {
  const b0 = lowerHalves(a0, a8);
  const b1 = upperHalves(a0, a8);
  const b2 = lowerHalves(a1, a9);
  const b3 = upperHalves(a1, a9);
  const b4 = lowerHalves(a2, a10);
  const b5 = upperHalves(a2, a10);
  const b6 = lowerHalves(a3, a11);
  const b7 = upperHalves(a3, a11);
  const b8 = lowerHalves(a4, a12);
  const b9 = upperHalves(a4, a12);
  const b10 = lowerHalves(a5, a13);
  const b11 = upperHalves(a5, a13);
  const b12 = lowerHalves(a6, a14);
  const b13 = upperHalves(a6, a14);
  const b14 = lowerHalves(a7, a15);
  const b15 = upperHalves(a7, a15);
  const c0 = lowerHalves(b0, b8);
  const c1 = upperHalves(b0, b8);
  const c2 = lowerHalves(b1, b9);
  const c3 = upperHalves(b1, b9);
  const c4 = lowerHalves(b2, b10);
  const c5 = upperHalves(b2, b10);
  const c6 = lowerHalves(b3, b11);
  const c7 = upperHalves(b3, b11);
  const c8 = lowerHalves(b4, b12);
  const c9 = upperHalves(b4, b12);
  const c10 = lowerHalves(b5, b13);
  const c11 = upperHalves(b5, b13);
  const c12 = lowerHalves(b6, b14);
  const c13 = upperHalves(b6, b14);
  const c14 = lowerHalves(b7, b15);
  const c15 = upperHalves(b7, b15);
  const d0 = lowerHalves(c0, c8);
  const d1 = upperHalves(c0, c8);
  const d2 = lowerHalves(c1, c9);
  const d3 = upperHalves(c1, c9);
  const d4 = lowerHalves(c2, c10);
  const d5 = upperHalves(c2, c10);
  const d6 = lowerHalves(c3, c11);
  const d7 = upperHalves(c3, c11);
  const d8 = lowerHalves(c4, c12);
  const d9 = upperHalves(c4, c12);
  const d10 = lowerHalves(c5, c13);
  const d11 = upperHalves(c5, c13);
  const d12 = lowerHalves(c6, c14);
  const d13 = upperHalves(c6, c14);
  const d14 = lowerHalves(c7, c15);
  const d15 = upperHalves(c7, c15);
  v128.store(BLOCK, lowerHalves(d0, d8), 0);
  v128.store(BLOCK, upperHalves(d0, d8), 16);
  v128.store(BLOCK, lowerHalves(d1, d9), 32);
  v128.store(BLOCK, upperHalves(d1, d9), 48);
  v128.store(BLOCK, lowerHalves(d2, d10), 64);
  v128.store(BLOCK, upperHalves(d2, d10), 80);
  v128.store(BLOCK, lowerHalves(d3, d11), 96);
  v128.store(BLOCK, upperHalves(d3, d11), 112);
  v128.store(BLOCK, lowerHalves(d4, d12), 128);
  v128.store(BLOCK, upperHalves(d4, d12), 144);
  v128.store(BLOCK, lowerHalves(d5, d13), 160);
  v128.store(BLOCK, upperHalves(d5, d13), 176);
  v128.store(BLOCK, lowerHalves(d6, d14), 192);
  v128.store(BLOCK, upperHalves(d6, d14), 208);
  v128.store(BLOCK, lowerHalves(d7, d15), 224);
  v128.store(BLOCK, upperHalves(d7, d15), 240);
}

// @ts-ignore: decorator
@inline
function lowerHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function upperHalves(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

// @ts-ignore: decorator
@inline
function lowerPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function upperPairs(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
