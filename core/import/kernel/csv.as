// The splitter of plain CSV, in AssemblyScript, compiled to WebAssembly by `npm run kernel`.
//
// One pass over the bytes of rows gives where their fields lie and, of those that are plain numbers, what they are: in
// JavaScript each of the three passes for lines, fields and digits costs about 1.5 ns a byte (docs/decisions.md).
//
// Memory map (sizes in bytes; TypeScript side: core/import/files/csv-rows.ts):
//   0       i32: where the first byte lies that no row has
//   64      starts of fields, 16384 x i32; then their ends
//   131136  values of fields, 16384 x f64
//   262208  kinds of fields, 16384 x u8
//   278592  first fields of rows, 4096 x i32; then their numbers of fields
//   311360  bytes of the file

const STARTS: usize = 64;
const ENDS: usize = 65600;
const VALUES: usize = 131136;
const KINDS: usize = 262208;
const ROW_FIRSTS: usize = 278592;
const ROW_COUNTS: usize = 294976;
const BYTES: usize = 311360;
const MAX_FIELDS: i32 = 16384;
const MAX_ROWS: i32 = 4096;
const MAX_ROW_FIELDS: i32 = 256;

// Kinds: 0 to 15 decimals, and a point before them; 16 digits without a point, below 2^53; anything else.
const HAS_POINT: u32 = 64;
const LONG: u32 = 128;
const OTHER: u32 = 255;

const MAX_EXACT: u64 = 9007199254740992; // 2^53
const COMMA: u32 = 44;
const LF: u32 = 10;
const CR: u32 = 13;
const POINT: u32 = 46;

/** Splits the rows that are whole in so many bytes, and what follows the last one where nothing more comes; how many rows. */
export function splitRows(length: i32, isLast: i32): i32 {
  const end = BYTES + <usize>length;
  let at = BYTES;
  let rows: i32 = 0;
  let fields: i32 = 0;
  while (at < end && rows < MAX_ROWS && fields <= MAX_FIELDS - MAX_ROW_FIELDS) {
    const rowStart = at;
    let count: i32 = 0;
    let byte: u32 = COMMA;
    while (byte == COMMA) {
      const start = at;
      let mantissa: u64 = 0;
      let point: usize = 0;
      byte = 0;
      for (; at < end; at++) {
        byte = <u32>load<u8>(at);
        if (byte - 48 <= 9) mantissa = mantissa * 10 + <u64>(byte - 48);
        else if (byte == POINT && point == 0) point = at + 1;
        else break;
      }
      const numberEnd = at;
      while (at < end) {
        byte = <u32>load<u8>(at);
        if (byte == COMMA || byte == LF) break;
        at++;
      }
      if (at == end) {
        if (!isLast) {
          store<i32>(0, <i32>(rowStart - BYTES));
          return rows;
        }
        byte = LF;
      }
      if (count < MAX_ROW_FIELDS) {
        const fieldEnd = byte == LF && at > start && <u32>load<u8>(at - 1) == CR ? at - 1 : at;
        put(fields + count, start, fieldEnd, mantissa, numberEnd == fieldEnd ? point : 0, numberEnd == fieldEnd);
      }
      count++;
      at++;
    }
    store<i32>(ROW_FIRSTS + ((<usize>rows) << 2), fields);
    store<i32>(ROW_COUNTS + ((<usize>rows) << 2), count);
    fields += count < MAX_ROW_FIELDS ? count : MAX_ROW_FIELDS;
    rows++;
  }
  store<i32>(0, <i32>((at < end ? at : end) - BYTES));
  return rows;
}

// @ts-ignore: decorator
@inline
function put(field: i32, start: usize, end: usize, mantissa: u64, point: usize, isNumber: bool): void {
  const index = <usize>field;
  const digits = <i32>(end - start) - (point == 0 ? 0 : 1);
  let kind = OTHER;
  if (isNumber && digits > 0 && digits < 16) {
    let decimals: u32 = point == 0 ? 0 : <u32>(end - point);
    while (decimals > 0 && mantissa % 10 == 0) {
      mantissa /= 10;
      decimals--;
    }
    kind = point == 0 ? 0 : decimals | HAS_POINT;
  } else if (isNumber && digits == 16 && point == 0 && mantissa < MAX_EXACT) kind = LONG;
  store<i32>(STARTS + (index << 2), <i32>start);
  store<i32>(ENDS + (index << 2), <i32>end);
  store<f64>(VALUES + (index << 3), <f64>mantissa);
  store<u8>(KINDS + index, <u8>kind);
}
