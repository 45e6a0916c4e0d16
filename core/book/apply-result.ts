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

/** A price above 2^63: what writers that know signs make of a negative one, and no book holds. */
export const UNREPRESENTABLE_PRICE = 14
/** A size above 2^63, likewise. */
export const UNREPRESENTABLE_SIZE = 15

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
  'unrepresentable-price',
  'unrepresentable-size',
] as const

export type ApplyResultName = (typeof RESULT_NAMES)[number]

const EXPLANATIONS: Partial<Record<ApplyResultName, string>> = {
  'unknown-order': 'an event for an order that is not in the book; replay from the start or a snapshot, or skip unknown orders',
  'corrupt-length': 'the payload is shorter than its counts or its record length say',
  'corrupt-schema': 'expected schema version 3, little-endian',
  'corrupt-event': 'an event type, book mode or side that the protocol does not have',
  'out-of-range': 'a scale above 18, or a price or size that is not exact at the scale of the book (above 2^53 only some are)',
  'invalid-order': 'an order with id 0 cannot be added',
  'other-channel': 'the stream id differs from the first event of the book',
  'unrepresentable-price':
    'a price above 2^63, as a negative one looks when it was written to an unsigned field; books hold prices from 0 on: see docs/negative-prices.md',
  'unrepresentable-size': 'a size above 2^63, as a negative one looks when it was written to an unsigned field',
}

/** What a result that is not good means, for an error. */
export function explanationOf(result: ApplyResult): string {
  const name = RESULT_NAMES[result]
  return name === undefined ? 'unknown result' : (EXPLANATIONS[name] ?? name)
}

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
