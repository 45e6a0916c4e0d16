import { type ErrorPlace, ReplayError } from '../../errors.ts'

/**
 * What is wrong with a sequence:
 *
 * | kind            | meaning; expected and found are                                              |
 * | record_seq_gap  | records are missing; record sequences                                        |
 * | record_seq_back | a record sequence repeats or steps back; record sequences                    |
 * | header_seq_jump | the header's `seq` skips values                                              |
 * | header_seq_back | the header's `seq` repeats or steps back                                     |
 * | update_id_gap   | updates are missing between two diffs, or a snapshot and a diff; update ids  |
 * | update_id_back  | a diff older than the one before; update ids                                 |
 * | prev_zero       | no previous id in a stream that has them; expected = last id of the diff before |
 * | duplicate       | the same diff again (its update ids, or without these its header `seq`)      |
 * | native_seq_jump | `native_seq` is ahead                                                        |
 * | native_seq_back | `native_seq` repeats or steps back                                           |
 * | snapshot_back   | orders begin anew with a state older than the book; exchange times           |
 */
export const FINDING_KINDS = [
  'record_seq_gap',
  'record_seq_back',
  'header_seq_jump',
  'header_seq_back',
  'update_id_gap',
  'update_id_back',
  'prev_zero',
  'duplicate',
  'native_seq_jump',
  'native_seq_back',
  'snapshot_back',
] as const

export type FindingKind = (typeof FINDING_KINDS)[number]

export interface SequenceFinding {
  readonly kind: FindingKind
  /** Where the message lies that shows it. */
  readonly place: ErrorPlace
  /** Market of the message; null when it is no book event. */
  readonly marketId: number | null
  readonly expected: bigint
  readonly found: bigint
  /** How many values are missing; 0 for duplicates and steps back. */
  readonly missing: bigint
}

/** Whether the book can no longer be trusted: everything but a duplicate, which brings nothing new. */
export function breaksContinuity(finding: SequenceFinding): boolean {
  return finding.kind !== 'duplicate'
}

/** The error that policy `abort` throws at a finding. */
export function sequenceError(finding: SequenceFinding): ReplayError {
  const missing = finding.missing > 0n ? `, ${finding.missing} missing` : ''
  return new ReplayError(
    'sequence-gap',
    `${finding.kind}: expected ${finding.expected}, found ${finding.found}${missing}; go on with the gap policy quarantine or ignore`,
    {
      category: 'corrupt',
      ...finding.place,
    },
  )
}
