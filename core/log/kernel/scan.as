// The record scanner, in AssemblyScript, compiled to WebAssembly by `npm run kernel`.
//
// It walks the records of a segment in the memory the file was read into, checks them, applies the
// pushed-down filters and fills the columns of a batch. In WebAssembly because the loop is bound by
// 64-bit compares and CRC table look-ups: JavaScript needs two 32-bit halves for the first and a
// bounds check for each of the second (measured: docs/decisions.md).
//
// Memory map (addresses fixed below, sizes in bytes; TypeScript side: core/log/kernel/scanner.ts):
//   0      control block, 256
//   256    bitmap of wanted message types, 8192 (bit t = type t passes)
//   8448   CRC tables, 16 x 256 x u32
//   24832  columns, then the data buffer (both placed by the caller)

const CONTROL: usize = 0;
const TYPE_BITMAP: usize = 256;
const CRC_TABLES: usize = 8448;

// Control block, see scanner.ts for the meaning of each field.
const POSITION: usize = 0; // i32 in/out
const END: usize = 4; // i32
const COUNT: usize = 8; // i32 in/out
const CAPACITY: usize = 12; // i32
const SCANNED: usize = 16; // i32 in/out
const FLAGS: usize = 20; // i32: see below
const FROM_NS: usize = 24; // u64, inclusive
const TO_NS: usize = 32; // u64, exclusive unless NO_UPPER_BOUND
const SEGMENT_END: usize = 40; // u64: address just after the last byte of the segment
const EXPECTED_SEQ: usize = 48; // u64 in/out
const MAX_TIME_NS: usize = 56; // u64 in/out: greatest timestamp so far
const MAX_STEP_BACK_NS: usize = 64; // u64
const PAD_COUNT: usize = 72; // i32 in/out
const NEEDED: usize = 76; // u32 out: bytes of the record that did not fit
const OFFSETS: usize = 80; // column addresses, i32 each
const LENGTHS: usize = 84;
const TYPES: usize = 88;
const SEQS: usize = 92;
const TIMES: usize = 96;
const MIN_STEP_NS: usize = 104; // u64 out: the record's own step back, with STEP_BACK

const FLAG_CHECK_CRC: i32 = 1;
const FLAG_BY_TIME: i32 = 2;
const FLAG_BY_TYPE: i32 = 4;
const FLAG_HAS_EXPECTED_SEQ: i32 = 8;
const FLAG_NO_UPPER_BOUND: i32 = 16;

const STATUS_DRAINED: i32 = 0; // the buffer holds no further whole record
const STATUS_FULL: i32 = 1; // the columns are full
const STATUS_UNCOMMITTED: i32 = 2; // commit_len 0
const STATUS_BAD_VERSION: i32 = 3;
const STATUS_BAD_LENGTH: i32 = 4; // the record runs past the segment
const STATUS_BAD_CRC: i32 = 5;
const STATUS_SEQ_BREAK: i32 = 6; // reported once, before the record is taken
const STATUS_STEP_BACK: i32 = 7; // reported once, before the record is taken

const RECORD_VERSION: i32 = 1;
const PAD_TYPE: i32 = 0xffff;

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
}

// @ts-ignore: decorator
@inline
function t(table: usize, value: u32): u32 {
  return load<u32>(CRC_TABLES + (table << 10) + ((<usize>(value & 255)) << 2));
}

/** From so many bytes on the native function is faster, in spite of its call. */
const LONG_BYTES: u32 = 1024;

/** The same by native code. */
// @ts-ignore: decorator
@external("env", "longCrc32")
declare function longCrc32(start: usize, length: u32): u32;

/** CRC32 (IEEE) of `length` bytes at `start`, slicing by 16. */
export function crc32(start: usize, length: u32): u32 {
  if (length >= LONG_BYTES) return longCrc32(start, length);
  let crc: u32 = 0xffffffff;
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

/** Puts the CRCs of their payloads into the headers of the records that are whole from `start` to `end`; where the next one begins. */
export function sealRecords(start: usize, end: usize): usize {
  let at = start;
  while (at + 64 <= end) {
    const length = load<u32>(at) - 1;
    const next = at + ((<usize>length + 127) & ~63);
    if (next > end) break;
    store<u32>(at, crc32(at + 64, length), 28);
    at = next;
  }
  return at;
}

/** Scans records from POSITION until a reason to stop, and returns that reason. */
export function scan(): i32 {
  let at = <usize>load<i32>(CONTROL + POSITION);
  const end = <usize>load<i32>(CONTROL + END);
  let count = <usize>load<i32>(CONTROL + COUNT);
  const capacity = <usize>load<i32>(CONTROL + CAPACITY);
  let scanned = load<i32>(CONTROL + SCANNED);
  let flags = load<i32>(CONTROL + FLAGS);
  const segmentEnd = load<u64>(CONTROL + SEGMENT_END);
  let expectedSeq = load<u64>(CONTROL + EXPECTED_SEQ);
  let maxTime = load<u64>(CONTROL + MAX_TIME_NS);
  const maxStepBack = load<u64>(CONTROL + MAX_STEP_BACK_NS);
  const from = load<u64>(CONTROL + FROM_NS);
  const to = load<u64>(CONTROL + TO_NS);
  const offsets = <usize>load<i32>(CONTROL + OFFSETS);
  const lengths = <usize>load<i32>(CONTROL + LENGTHS);
  const types = <usize>load<i32>(CONTROL + TYPES);
  const seqs = <usize>load<i32>(CONTROL + SEQS);
  const times = <usize>load<i32>(CONTROL + TIMES);
  const checkCrc = flags & FLAG_CHECK_CRC;
  const filtered = flags & (FLAG_BY_TIME | FLAG_BY_TYPE);
  let hasExpected = flags & FLAG_HAS_EXPECTED_SEQ;
  let status = STATUS_DRAINED;
  let needed: u32 = 64;

  while (at + 64 <= end) {
    const commit = load<u32>(at);
    if (commit == 0) { status = STATUS_UNCOMMITTED; break; }
    const length = commit - 1;
    const next: u64 = ((<u64>at) + 127 + <u64>length) & ~63;
    if (next > segmentEnd) { status = STATUS_BAD_LENGTH; break; }
    if (<i32>load<u8>(at, 4) != RECORD_VERSION) { status = STATUS_BAD_VERSION; break; }
    if (next > <u64>end) { needed = <u32>(next - <u64>at); break; }
    const type = <i32>load<u16>(at, 24);
    if (type == PAD_TYPE) {
      store<i32>(CONTROL + PAD_COUNT, load<i32>(CONTROL + PAD_COUNT) + 1);
      at = <usize>next;
      continue;
    }
    if (count == capacity) { status = STATUS_FULL; break; }
    const seq = load<u64>(at, 8);
    const time = load<u64>(at, 16);
    if (seq != expectedSeq && hasExpected && seq != 0) {
      expectedSeq = seq;
      status = STATUS_SEQ_BREAK;
      break;
    }
    if (time > maxTime) maxTime = time;
    else if (maxTime - time > maxStepBack) {
      store<u64>(CONTROL + MIN_STEP_NS, maxTime - time);
      maxTime = time; // so that the step is reported once, not for every record after it
      status = STATUS_STEP_BACK;
      break;
    }
    let wanted = true;
    if (filtered) {
      if (flags & FLAG_BY_TIME) wanted = time >= from && (time < to || (flags & FLAG_NO_UPPER_BOUND) != 0);
      if (wanted && (flags & FLAG_BY_TYPE)) wanted = ((<i32>load<u8>(TYPE_BITMAP + (<usize>type >>> 3)) >>> (type & 7)) & 1) != 0;
    }
    if (wanted) {
      if (checkCrc && crc32(at + 64, length) != load<u32>(at, 28)) { status = STATUS_BAD_CRC; break; }
      store<u32>(offsets + (count << 2), <u32>at);
      store<u32>(lengths + (count << 2), length);
      store<u16>(types + (count << 1), <u16>type);
      store<u64>(seqs + (count << 3), seq);
      store<u64>(times + (count << 3), time);
      count++;
    }
    expectedSeq = seq + 1;
    hasExpected = 1;
    scanned++;
    at = <usize>next;
  }

  store<i32>(CONTROL + POSITION, <i32>at);
  store<i32>(CONTROL + COUNT, <i32>count);
  store<i32>(CONTROL + SCANNED, scanned);
  store<i32>(CONTROL + FLAGS, hasExpected ? flags | FLAG_HAS_EXPECTED_SEQ : flags);
  store<u64>(CONTROL + EXPECTED_SEQ, expectedSeq);
  store<u64>(CONTROL + MAX_TIME_NS, maxTime);
  store<u32>(CONTROL + NEEDED, needed);
  return status;
}
