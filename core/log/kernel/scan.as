// The record scanner, in AssemblyScript, compiled to WebAssembly by `npm run kernel`.
//
// It walks the records of a segment in the memory the file was read into, checks them, applies the
// pushed-down filters and fills the columns of a batch. In WebAssembly because the loop is bound by
// 64-bit compares and CRCs: JavaScript needs two 32-bit halves for the first and has no vectors for the
// second (measured: docs/decisions.md).
//
// Memory map (addresses fixed below, sizes in bytes; TypeScript side: core/log/kernel/scanner.ts):
//   0      control block, 256
//   256    bitmap of wanted message types, 8192 (bit t = type t passes)
//   8448   CRC tables, 16 x 256 x u32, and what else crc.as has
//   27584  records that get their CRCs, 2 x 1024
//   29632  ends of payloads, 16 x 48
//   30400  columns, then the data buffer (both placed by the caller)

import { buildCrcTables, crc32, crcOfMany, CRCS, MANY } from "./crc";

const CONTROL: usize = 0;
const TYPE_BITMAP: usize = 256;
const SEALED_OFFSETS: usize = 27584; // of records that get their CRCs, MANY x u32
const SEALED_LENGTHS: usize = 28608; // bytes of their payloads, MANY x u32

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

export { buildCrcTables, crc32 };

/** Puts the CRCs of their payloads into the headers of the records that are whole from `start` to `end`; where the next one begins. */
export function sealRecords(start: usize, end: usize): usize {
  let at = start;
  let many: usize = 0;
  for (let isOver = false; !isOver; ) {
    const length = at + 64 <= end ? load<u32>(at) - 1 : 0;
    const next = at + ((<usize>length + 127) & ~63);
    isOver = next > end;
    if (!isOver) {
      store<u32>(SEALED_OFFSETS + (many << 2), <u32>at);
      store<u32>(SEALED_LENGTHS + (many << 2), length);
      many++;
      at = next;
    }
    if (!isOver && many < MANY) continue;
    crcOfMany(SEALED_OFFSETS, SEALED_LENGTHS, many);
    for (let i: usize = 0; i < many; i++) {
      store<u32>(<usize>load<u32>(SEALED_OFFSETS + (i << 2)), load<u32>(CRCS + (i << 2)), 28);
    }
    many = 0;
  }
  return at;
}

/** Whether the CRCs of records are those in their headers. @param from, to rows */
function areSound(offsets: usize, lengths: usize, from: usize, to: usize): bool {
  offsets += from << 2;
  crcOfMany(offsets, lengths + (from << 2), to - from);
  let differs: u32 = 0;
  for (let i: usize = 0; i < to - from; i++) {
    differs |= load<u32>(<usize>load<u32>(offsets + (i << 2)), 28) ^ load<u32>(CRCS + (i << 2));
  }
  return differs == 0;
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
  let pads = load<i32>(CONTROL + PAD_COUNT);
  // CRCs are checked of many records at once, behind which the scan has gone on as if they were sound. Where they are not, it goes
  // back to those that were, and on record by record: so it stops in front of the damaged one.
  let isCareful = false;
  let checkAt = checkCrc ? count + MANY : usize.MAX_VALUE;
  let soundAt = at;
  let soundCount = count;
  let soundScanned = scanned;
  let soundPads = pads;
  let soundSeq = expectedSeq;
  let soundTime = maxTime;
  let soundHasExpected = hasExpected;

  for (;;) {
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
        pads++;
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
        if (isCareful && crc32(at + 64, length) != load<u32>(at, 28)) { status = STATUS_BAD_CRC; break; }
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
      if (count == checkAt) {
        if (!areSound(offsets, lengths, soundCount, count)) break;
        soundAt = at;
        soundCount = count;
        soundScanned = scanned;
        soundPads = pads;
        soundSeq = expectedSeq;
        soundTime = maxTime;
        soundHasExpected = hasExpected;
        checkAt += MANY;
      }
    }
    if (!checkCrc || isCareful || areSound(offsets, lengths, soundCount, count)) break;
    isCareful = true;
    checkAt = usize.MAX_VALUE;
    status = STATUS_DRAINED;
    needed = 64;
    at = soundAt;
    count = soundCount;
    scanned = soundScanned;
    pads = soundPads;
    expectedSeq = soundSeq;
    maxTime = soundTime;
    hasExpected = soundHasExpected;
  }

  store<i32>(CONTROL + POSITION, <i32>at);
  store<i32>(CONTROL + COUNT, <i32>count);
  store<i32>(CONTROL + SCANNED, scanned);
  store<i32>(CONTROL + PAD_COUNT, pads);
  store<i32>(CONTROL + FLAGS, hasExpected ? flags | FLAG_HAS_EXPECTED_SEQ : flags);
  store<u64>(CONTROL + EXPECTED_SEQ, expectedSeq);
  store<u64>(CONTROL + MAX_TIME_NS, maxTime);
  store<u32>(CONTROL + NEEDED, needed);
  return status;
}
