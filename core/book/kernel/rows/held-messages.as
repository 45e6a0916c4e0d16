// Messages put aside for the exchange's clock, by the bar that they belong to: what they are says
// core/features/clocks/held-messages.ts, which writes and reads entries too.

import { alloc, allocZeros, release } from "../memory";

/** What messages inside the skew may take. */
const MAX_BYTES: u64 = 1 << 28;
/** Of a bar's first block, at least: short bars are open by the thousand. */
const LEAST_BYTES: u32 = 4096;

/** Of an entry: a header, and the payload behind it. */
export const ENTRY_BYTES: usize = 64;
export const ENTRY_TIME: usize = 8;
export const ENTRY_POSITION: usize = 16;
export const ENTRY_LENGTH: usize = 24;
export const ENTRY_TYPE: usize = 28;
/** Verdict, gap and gapOpen: 0 of a message at which nothing was found. */
export const ENTRY_VERDICT: usize = 32;
export const ENTRY_GAP: usize = 36;
export const ENTRY_GAP_OPEN: usize = 40;
export const ENTRY_PATH: usize = 44;
export const ENTRY_RECORD_TIME: usize = 48;

/** The entries of a bar, one behind the other. */
// @ts-ignore: decorator
@unmanaged
class Bucket {
  index: f64;
  /** held-messages.ts reads these. */
  entries: usize;
  end: u32;
  capacity: u32;
  older: Bucket | null;
  newer: Bucket | null;
}

// @ts-ignore: decorator
@unmanaged
export class HeldMessages {
  bytes: u64;
  newest: Bucket | null;
  oldest: Bucket | null;
  /** Of the message before, which mostly is that of the next one. */
  last: Bucket | null;
  /** Of a bar's first block: what the bar that was let go of last took. */
  firstBytes: u32;
}

export function newHeldMessages(): HeldMessages {
  const held = changetype<HeldMessages>(allocZeros(offsetof<HeldMessages>()));
  held.firstBytes = LEAST_BYTES;
  return held;
}

/** Whether an entry with a payload of `length` bytes may be held. */
export function hasRoom(held: HeldMessages, length: u32): bool {
  return held.bytes + entryBytes(length) <= MAX_BYTES;
}

/** Room for an entry in a bar, of which nothing is written; where it is, or 0: there is none. */
export function holdEntry(held: HeldMessages, index: f64, length: u32): usize {
  if (!hasRoom(held, length)) return 0;
  const size = entryBytes(length);
  const last = held.last;
  const bucket = last !== null && last.index == index ? last : bucketOf(held, index);
  held.last = bucket;
  held.bytes += size;
  const start = bucket.end;
  const end = start + <u32>size;
  if (end > bucket.capacity) grow(bucket, end);
  bucket.end = end;
  return bucket.entries + start;
}

/** The entry behind one. */
// @ts-ignore: decorator
@inline
export function nextEntry(entry: usize): usize {
  return entry + <usize>entryBytes(load<u32>(entry, ENTRY_LENGTH));
}

/** The first bar that has entries, if it lies before `firstOpen`; else null. */
export function dueBucket(held: HeldMessages, firstOpen: f64): Bucket | null {
  const oldest = held.oldest;
  return oldest !== null && oldest.index < firstOpen ? oldest : null;
}

/** Lets go of the first bar; whether that was the last one. */
export function dropBucket(held: HeldMessages): i32 {
  const bucket = held.oldest!;
  const newer = bucket.newer;
  held.oldest = newer;
  if (newer !== null) newer.older = null;
  else held.newest = null;
  if (held.last === bucket) held.last = null;
  held.bytes -= <u64>bucket.end;
  held.firstBytes = roomFor(LEAST_BYTES, bucket.end);
  release(bucket.entries, bucket.capacity);
  release(changetype<usize>(bucket), offsetof<Bucket>());
  return i32(newer === null);
}

/** The bar with a number, which mostly is among the newest. */
function bucketOf(held: HeldMessages, index: f64): Bucket {
  let newer: Bucket | null = null;
  let at = held.newest;
  while (at !== null && at.index > index) {
    newer = at;
    at = at.older;
  }
  if (at !== null && at.index == index) return at;
  const bucket = changetype<Bucket>(alloc(offsetof<Bucket>()));
  bucket.index = index;
  bucket.end = 0;
  bucket.capacity = held.firstBytes;
  bucket.entries = alloc(held.firstBytes);
  bucket.older = at;
  bucket.newer = newer;
  if (at !== null) at.newer = bucket;
  else held.oldest = bucket;
  if (newer !== null) newer.older = bucket;
  else held.newest = bucket;
  return bucket;
}

// @ts-ignore: decorator
@inline
function entryBytes(length: u32): u64 {
  return ((<u64>length + 7) & ~7) + <u64>ENTRY_BYTES;
}

function grow(bucket: Bucket, needed: u32): void {
  const capacity = roomFor(bucket.capacity, needed);
  const larger = alloc(capacity);
  memory.copy(larger, bucket.entries, bucket.end);
  release(bucket.entries, bucket.capacity);
  bucket.entries = larger;
  bucket.capacity = capacity;
}

function roomFor(least: u32, needed: u32): u32 {
  let bytes = least;
  while (bytes < needed) bytes <<= 1;
  return bytes;
}
