/** How the update ids of a stream's diffs are chained. */
export type UpdateIdRule =
  /** Not checked. */
  | 'none'
  /**
   * What the stream shows since its last snapshot: without a previous id as `first-follows-last`; with one as
   * `previous-equals-last`, and as `contiguous` once 16 diffs in a row were. Streams without ids pass.
   */
  | 'auto'
  /** Each diff's first id is the last id of the diff before + 1; there is no previous id (Binance spot). */
  | 'first-follows-last'
  /** Each diff's previous id is the last id of the diff before; ids between may be skipped (Binance futures). */
  | 'previous-equals-last'
  /** Both at once. */
  | 'contiguous'

/** What a sequence policy checks in a stream. Everything absent is 'auto' or on. */
export interface SequenceRule {
  /** @default 'auto' */
  readonly updateIds?: UpdateIdRule | undefined
  /**
   * The header's `seq`: `auto` = rises by one per book event of the market, or as the record sequence does; 0 = no value.
   * @default 'auto'
   */
  readonly headerSeq?: 'auto' | 'none' | undefined
  /**
   * The header's `native_seq` of L2 diffs: `update-id` = equals the last update id; `auto` = that, if it holds for the
   * first diff after a snapshot. `contiguous` = rises by one per book event of the market, in L3 too. 0 = no value.
   * @default 'auto'
   */
  readonly nativeSeq?: 'auto' | 'none' | 'update-id' | 'contiguous' | undefined
  /**
   * Whether record sequences are checked. Turn off where a filter leaves records out.
   * @default true
   */
  readonly recordSeq?: boolean | undefined
}

const BINANCE_FUTURES: SequenceRule = { updateIds: 'previous-equals-last' }
const BINANCE_SPOT: SequenceRule = { updateIds: 'first-follows-last' }

/** Rules by venue code (the first directory of an archive path). */
export const VENUE_RULES: ReadonlyMap<string, SequenceRule> = new Map([
  ['binance-usdm', BINANCE_FUTURES],
  ['binance-coinm', BINANCE_FUTURES],
  ['binance-spot', BINANCE_SPOT],
])

/** The rule of a venue; every check on `auto` for a venue without one. */
export function ruleOfVenue(venue: string | null): SequenceRule {
  return (venue === null ? undefined : VENUE_RULES.get(venue)) ?? {}
}
