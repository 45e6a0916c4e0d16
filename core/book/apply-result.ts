/**
 * What a book did with a message: small integers, so that the hot path returns a number.
 * Up to `LAST_GOOD_RESULT` nothing is wrong; from `FIRST_BAD_RESULT` the message is damaged or impossible and
 * the book is as it was before.
 */
export const APPLIED = 0
/** A heartbeat: seen, changes nothing. */
export const HEARTBEAT = 1
/** Not a book event. */
export const SKIPPED_TYPE = 2
/** A book event of the other mode (L2 or L3). */
export const SKIPPED_MODE = 3
/** L3: an order that the book does not know, or id 0 where the event may be ignored. */
export const UNKNOWN_ORDER = 4
/** Left out by the sequence policy (BookReplay): the market is quarantined after a gap, … */
export const QUARANTINED = 5
/** … the same event again, … */
export const DUPLICATE = 6
/** … or older than the snapshot before it. */
export const STALE = 7

export const LAST_GOOD_RESULT = 7
export const FIRST_BAD_RESULT = 8
/** The payload ends before what its counts announce, or its record length disagrees. */
export const CORRUPT_LENGTH = 8
/** Not schema version 3, or not little-endian. */
export const CORRUPT_SCHEMA = 9
/** An event type, side or mode that the protocol does not have. */
export const CORRUPT_EVENT = 10
/** A scale above 18, or a price or size that a double cannot hold exactly at the book's scale. */
export const OUT_OF_RANGE = 11
/** L3: an order that cannot be added (id 0). */
export const INVALID_ORDER = 12
/** L3: another channel than the book's. */
export const OTHER_CHANNEL = 13

export type ApplyResult = number

/** Stable names, by code. */
export const RESULT_NAMES = [
  'applied',
  'heartbeat',
  'skipped-type',
  'skipped-mode',
  'unknown-order',
  'quarantined',
  'duplicate',
  'stale',
  'corrupt-length',
  'corrupt-schema',
  'corrupt-event',
  'out-of-range',
  'invalid-order',
  'other-channel',
] as const

export type ApplyResultName = (typeof RESULT_NAMES)[number]

/** Counters by result, indexed by code. */
export function newResultCounts(): Float64Array {
  return new Float64Array(RESULT_NAMES.length)
}

/** `{ applied: 10, heartbeat: 2 }`: the counters that are not zero. */
export function namedCounts(counts: Float64Array): Partial<Record<ApplyResultName, number>> {
  const named: Partial<Record<ApplyResultName, number>> = {}
  for (const [code, name] of RESULT_NAMES.entries()) if (counts[code]! > 0) named[name] = counts[code]!
  return named
}
