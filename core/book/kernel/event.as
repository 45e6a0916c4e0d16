// The header of a book event, as far as books look at it: core/protocol/book-event.ts has all of it.

import { CORRUPT_EVENT, CORRUPT_LENGTH, CORRUPT_SCHEMA, SKIPPED_MODE } from "./results";

export const EVENT_BYTES: u32 = 64;
export const RECORD_LENGTH: usize = 4;
export const BYTE_ORDER: usize = 8;
export const STREAM_ID: usize = 16;
export const EXCHANGE_TS: usize = 32;
export const EVENT_TYPE: usize = 56;

export const EVENT_SNAPSHOT: i32 = 1;
export const EVENT_DIFF: i32 = 2;
export const EVENT_RESET: i32 = 3;
export const EVENT_HEARTBEAT: i32 = 4;
export const VERSION: i32 = 3;
export const MODE_L2: i32 = 0;
export const MODE_L3: i32 = 1;

/** Prices and sizes with more decimals than this are out of range. */
export const MAX_SCALE: i32 = 18;

/** Why a payload is nothing for a book of this mode; −1: it is. */
export function judgeHeader(at: usize, length: u32, mode: i32): i32 {
  if (length < EVENT_BYTES) return CORRUPT_LENGTH;
  const found = <i32>load<u8>(at + EVENT_TYPE, 1);
  if (found != mode) return found == MODE_L2 || found == MODE_L3 ? SKIPPED_MODE : CORRUPT_EVENT;
  // Little-endian.
  if (<i32>load<u16>(at) != VERSION || load<u8>(at, BYTE_ORDER) != 0) return CORRUPT_SCHEMA;
  return -1;
}
