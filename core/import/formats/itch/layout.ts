/**
 * Messages of Nasdaq TotalView-ITCH 5.0. All integers are big-endian, texts are left-justified and padded with blanks.
 *
 * | offset | type  | field                                                    |
 * |      0 | u8    | type, a letter                                           |
 * |      1 | u16   | stock locate: number of the stock on this day; 0 = none  |
 * |      3 | u16   | tracking number                                          |
 * |      5 | u48   | nanoseconds since midnight in New York                   |
 * |     11 |       | what the type has                                        |
 *
 * | type  | from 11                                                                                                |
 * | R     | 11 stock[8], …, 29 authenticity (P production, T test)                                                 |
 * | A F   | 11 u64 order, 19 side (B, S), 20 u32 shares, 24 stock[8], 32 u32 price                                 |
 * | E     | 11 u64 order, 19 u32 shares, 23 u64 match                                                              |
 * | C     | 11 u64 order, 19 u32 shares, 23 u64 match, 31 printable (Y, N), 32 u32 price                           |
 * | X     | 11 u64 order, 19 u32 cancelled shares                                                                  |
 * | D     | 11 u64 order                                                                                           |
 * | U     | 11 u64 old order, 19 u64 new order, 27 u32 shares, 31 u32 price                                        |
 * | P     | 11 u64 order (0), 19 side (B), 20 u32 shares, 24 stock[8], 32 u32 price, 36 u64 match                  |
 * | Q     | 11 u64 shares, 19 stock[8], 27 u32 price, 31 u64 match, 39 kind of cross                               |
 * | B     | 11 u64 match                                                                                           |
 *
 * Prices are in 1/10,000 dollars.
 */
export const LOCATE = 1
export const TIME_HIGH = 5
export const TIME_LOW = 7
export const EVENT_CODE = 11
export const DIRECTORY_STOCK = 11
export const DIRECTORY_AUTHENTICITY = 29
export const ORDER = 11
export const ADD_SIDE = 19
export const ADD_SHARES = 20
export const ADD_STOCK = 24
export const ADD_PRICE = 32
export const REDUCE_SHARES = 19
export const EXECUTION_MATCH = 23
export const EXECUTION_PRINTABLE = 31
export const EXECUTION_PRICE = 32
export const REPLACE_NEW_ORDER = 19
export const REPLACE_SHARES = 27
export const REPLACE_PRICE = 31
export const TRADE_SHARES = 20
export const TRADE_STOCK = 24
export const TRADE_PRICE = 32
export const TRADE_MATCH = 36
export const CROSS_SHARES = 11
export const CROSS_STOCK = 19
export const CROSS_PRICE = 27
export const CROSS_MATCH = 31
export const BROKEN_MATCH = 11

/** Of all messages. */
export const HEADER_BYTES = 11

const LENGTHS: Readonly<Record<string, number>> = {
  S: 12,
  R: 39,
  H: 25,
  Y: 20,
  L: 26,
  V: 35,
  W: 12,
  K: 28,
  J: 35,
  h: 21,
  A: 36,
  F: 40,
  E: 31,
  C: 36,
  X: 23,
  D: 19,
  U: 35,
  P: 44,
  Q: 40,
  B: 19,
  I: 50,
  N: 20,
  O: 48,
}

/** Bytes of a message by its type; 0: there is no such type. */
export const MESSAGE_BYTES = new Uint8Array(256)
for (const [type, bytes] of Object.entries(LENGTHS)) MESSAGE_BYTES[type.charCodeAt(0)] = bytes

/** What is left out, by type: it says nothing of orders and trades. */
export const OTHERS: Readonly<Record<string, string>> = {
  S: 'system event',
  R: 'directory',
  H: 'trading action',
  Y: 'reg sho',
  L: 'participant',
  V: 'mwcb levels',
  W: 'mwcb',
  K: 'ipo',
  J: 'luld collar',
  h: 'operational halt',
  I: 'imbalance',
  N: 'rpii',
  O: 'dlcr',
}

/** No time of a day has more in its upper 16 of 48 bits: 25 hours. */
export const MAX_TIME_HIGH = 20_954

/** Whether a message of the file may lie here: a type with the bytes that it has, or a few more, and a time of a day. */
export function isMessage(bytes: Uint8Array, at: number, length: number): boolean {
  const expected = MESSAGE_BYTES[bytes[at]!]!
  return expected > 0 && fits(expected, length) && timeHigh(bytes, at) <= MAX_TIME_HIGH
}

/** Whether a message of a type may have so many bytes: those it is known to have, or a few more, as later versions may make it longer. */
export function fits(expected: number, length: number): boolean {
  return length >= expected && length <= expected + SPARE_BYTES
}

/** Upper 16 of 48 bits of the time of a message. */
export function timeHigh(bytes: Uint8Array, at: number): number {
  return (bytes[at + TIME_HIGH]! << 8) | bytes[at + TIME_HIGH + 1]!
}

const SPARE_BYTES = 64
