// Diffs of a batch that are applied to an L2 book together: the levels of bids of many messages one behind the other, and those of
// asks. Nobody sees the book between them, and the ends of loops over the few levels of one message, which no processor foresees,
// cost as much as the levels. One run at a time: it ends with the call that it began in.

import { alloc } from "./memory";
import { applyL2, areSmall, DIFF_BYTES, DIFF_COUNTS, isCommonDiff, L2Book } from "./l2-book";
import { APPLIED } from "./results";
import { setPairs } from "./side";

/** Messages of a run, and levels of each side, at most. */
const MESSAGES: i32 = 512;
const LEVELS: i32 = 1024;
/** Messages of more levels are applied by themselves. */
const FEW: i32 = 64;
/** So many levels of a side are copied whatever there are. */
const COPIED: i32 = 4;

/** Address and bytes of the payload of each message, u32. */
let messages: usize = 0;
let bids: usize = 0;
let asks: usize = 0;
let messageCount: i32 = 0;
let bidCount: i32 = 0;
let askCount: i32 = 0;

/** Adds a diff of few levels in the book's decimals; false: it has to be applied by itself, behind those that were added. */
// @ts-ignore: decorator
@inline
export function addDiff(book: L2Book, at: usize, length: u32, tally: usize): bool {
  if (!isCommonDiff(book, at, length)) return false;
  const bidLevels = <i32>load<u16>(at, DIFF_COUNTS);
  const askLevels = <i32>load<u16>(at, DIFF_COUNTS + 2);
  const levels = at + DIFF_BYTES;
  const end = levels + (<usize>(bidLevels + askLevels) << 4);
  if (bidLevels + askLevels > FEW || end > at + length || end + (COPIED << 4) > <usize>memory.size() << 16) return false;
  if (messages == 0) begin();
  if (messageCount == MESSAGES || max(bidCount, askCount) + FEW > LEVELS) applyAdded(book, tally);
  store<u32>(messages + (<usize>messageCount << 3), at);
  store<u32>(messages + (<usize>messageCount << 3), length, 4);
  messageCount++;
  copyLevels(bids + (<usize>bidCount << 4), levels, bidLevels);
  copyLevels(asks + (<usize>askCount << 4), levels + (<usize>bidLevels << 4), askLevels);
  bidCount += bidLevels;
  askCount += askLevels;
  return true;
}

/** Applies what was added, and counts it. @param tally a u32 for each result */
export function applyAdded(book: L2Book, tally: usize): void {
  const count = messageCount;
  if (count == 0) return;
  const bidLevels = bidCount;
  const askLevels = askCount;
  // Nothing stays for another book where this one traps.
  messageCount = 0;
  bidCount = 0;
  askCount = 0;
  if (areSmall(bids, bidLevels) && areSmall(asks, askLevels)) {
    setPairs<i64>(book.bids, bids, bids + (<usize>bidLevels << 4));
    setPairs<i64>(book.asks, asks, asks + (<usize>askLevels << 4));
    countResult(tally, APPLIED, count);
  } else {
    for (let i = 0; i < count; i++) {
      const at = messages + (<usize>i << 3);
      countResult(tally, applyL2(book, load<u32>(at), load<u32>(at, 4)), 1);
    }
  }
}

// @ts-ignore: decorator
@inline
export function countResult(tally: usize, result: i32, messages: i32): void {
  const at = tally + (<usize>result << 2);
  store<u32>(at, load<u32>(at) + messages);
}

function begin(): void {
  bids = alloc(<usize>(LEVELS + COPIED) << 4);
  asks = alloc(<usize>(LEVELS + COPIED) << 4);
  // The last one: it tells that all are there.
  messages = alloc(<usize>MESSAGES << 3);
}

// @ts-ignore: decorator
@inline
function copyLevels(to: usize, from: usize, count: i32): void {
  for (let left = count; ; left -= COPIED, to += COPIED << 4, from += COPIED << 4) {
    for (let i: usize = 0; i < <usize>COPIED << 4; i += 16) v128.store(to + i, v128.load(from + i));
    if (left <= COPIED) return;
  }
}
