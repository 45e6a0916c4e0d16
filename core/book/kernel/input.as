// Rows of a batch as the kernel sees them: columns, and a window of the buffer that they lie in. See batch-input.ts.

import { addDiff, applyAdded, countResult } from "./diff-run";
import { MAX_EXACT } from "./exact";
import { applyL2, L2Book } from "./l2-book";
import { applyL3, L3Book } from "./l3-book";

const HEADER_BYTES: u32 = 64;
const TYPE_BOOK_EVENT: u32 = 0x1000;

// @ts-ignore: decorator
@unmanaged
export class Input {
  /** The next row to look at, and the end of the rows. */
  row: u32;
  end: u32;
  /** Columns: u32 offset of the record in its buffer, u32 bytes of its payload, u16 type. */
  offsets: usize;
  lengths: usize;
  types: usize;
  /** The bytes of the buffer that are there, and what makes an offset in it an address. */
  windowStart: u32;
  windowEnd: u32;
  shift: usize;
  /** Rows met of other types. */
  skipped: u32;
  /** A u32 for each result. */
  tally: usize;
}

/** Applies the book events of rows in order and counts what became of them, as far as the window goes. */
export function applyL2Rows(book: L2Book, input: Input): void {
  // A book whose depth is limited is cut behind each message, and one whose levels are kept elsewhere has none to set.
  const isWhole = book.depthLimit >= MAX_EXACT && book.isBare != 1;
  let row = input.row;
  for (; row < input.end; row++) {
    const payload = payloadOf(input, row);
    if (payload == OUTSIDE) break;
    if (payload == OTHER_TYPE) continue;
    const length = lengthOf(input, row);
    if (isWhole && addDiff(book, payload, length, input.tally)) continue;
    applyAdded(book, input.tally);
    countResult(input.tally, applyL2(book, payload, length), 1);
  }
  applyAdded(book, input.tally);
  input.row = row;
}

/** Likewise; ends behind the first with a result of the set `stops`. */
export function applyL3Rows(book: L3Book, input: Input, stops: u32): void {
  let row = input.row;
  for (; row < input.end; row++) {
    const payload = payloadOf(input, row);
    if (payload == OUTSIDE) break;
    if (payload == OTHER_TYPE) continue;
    const result = applyL3(book, payload, lengthOf(input, row));
    countResult(input.tally, result, 1);
    if ((stops >>> result) & 1) {
      row++;
      break;
    }
  }
  input.row = row;
}

/** No addresses of payloads. */
const OUTSIDE: usize = 0;
const OTHER_TYPE: usize = 1;

/** Address of the payload of a row. */
// @ts-ignore: decorator
@inline
function payloadOf(input: Input, row: u32): usize {
  if (<u32>load<u16>(input.types + (<usize>row << 1)) != TYPE_BOOK_EVENT) {
    input.skipped++;
    return OTHER_TYPE;
  }
  const offset = <u64>load<u32>(input.offsets + (<usize>row << 2)) + HEADER_BYTES;
  if (offset < <u64>input.windowStart || offset + <u64>lengthOf(input, row) > <u64>input.windowEnd) return OUTSIDE;
  return <usize>offset + input.shift;
}

// @ts-ignore: decorator
@inline
function lengthOf(input: Input, row: u32): u32 {
  return load<u32>(input.lengths + (<usize>row << 2));
}
