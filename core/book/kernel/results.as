// What a book did with a message: see core/book/apply-result.ts, whose numbers these are.

export const APPLIED: i32 = 0;
export const HEARTBEAT: i32 = 1;
export const SKIPPED_TYPE: i32 = 2;
export const SKIPPED_MODE: i32 = 3;
export const UNKNOWN_ORDER: i32 = 4;
export const CORRUPT_LENGTH: i32 = 8;
export const CORRUPT_SCHEMA: i32 = 9;
export const CORRUPT_EVENT: i32 = 10;
export const OUT_OF_RANGE: i32 = 11;
export const INVALID_ORDER: i32 = 12;
export const OTHER_CHANNEL: i32 = 13;
export const UNREPRESENTABLE_PRICE: i32 = 14;
export const UNREPRESENTABLE_SIZE: i32 = 15;
/** No result of a message: the book is full. */
export const TOO_MANY_ORDERS: i32 = 16;
