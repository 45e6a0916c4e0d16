import type { L2Book } from '../book/l2-book.ts'
import type { L3Book } from '../book/l3-book.ts'
import type { FindingKind, SequenceFinding } from '../book/sequence/sequence-finding.ts'
import type { GapPolicy, SequencePolicyState } from '../book/sequence/sequence-policy.ts'
import type { SequenceRule } from '../book/sequence/sequence-rule.ts'
import type { Trigger } from './clocks/trigger.ts'
import type { HeldFeed } from './held-feed.ts'
import type { TallyCell } from './message-tally.ts'
import type { FeatureTableOptions } from './rows/feature-table.ts'

export interface FeatureEngineOptions {
  /** When rows are made; null: only where columns emit them. */
  readonly trigger: Trigger | null
  /** One or more tables: each has its own columns, all see the same book and make rows at the same moments. */
  readonly tables: readonly FeatureTableOptions[]
  /** Rows for bars without messages, too. @default false */
  readonly fill?: boolean | undefined
  /**
   * The clock that decides which bar a message belongs to: the record's, or the exchange's, which needs time bars.
   * @default 'record'
   */
  readonly clock?: 'record' | 'exchange' | undefined
  /** How far record and exchange time may differ. @default '5s' */
  readonly maxSkew?: string | undefined
  /** `quarantine`: the book is empty from a gap to the next snapshot or reset. @default 'quarantine' */
  readonly onGap?: GapPolicy | undefined
  /** What a gap is. Turn `recordSeq` off behind a filter. @default every check on 'auto' */
  readonly rule?: SequenceRule | undefined
  readonly onFinding?: ((finding: SequenceFinding) => void) | undefined
  /**
   * Damaged messages, and L3 events of unknown orders: an error, or left out and counted. Where gaps are ignored, unknown
   * orders are left out in any case. @default 'abort'
   */
  readonly onCorrupt?: 'abort' | 'skip' | undefined
  /** Whether book events go to a book; else they are messages of another type. @default true */
  readonly hasBook?: boolean | undefined
  /** Takes only this market of a log that mixes markets. @default the log has to have one */
  readonly marketId?: number | undefined
  /** Depth limit of an L2 book (`depth_limit` of a stream). @default no limit */
  readonly depthLimit?: number | undefined
  /**
   * A slice: rows only of bars that begin, or messages that come, from `fromNs` on and before `toNs`; what is before warms up.
   * By position: from the first message with time ≥ `fromNs` to the first with time ≥ `toNs`. Multiples of the bars' length.
   */
  readonly fromNs?: bigint | undefined
  readonly toNs?: bigint | undefined
  /** Time at which the pass begins, where that is before its first message. @default `fromNs`, if that is earlier than the first message */
  readonly startNs?: bigint | undefined
  /**
   * What comes before the first message at or after `startNs` only shows whether messages are missing before that one. Not for
   * passes with a book. @default false
   */
  readonly hasLeadIn?: boolean | undefined
  /** What messages are counted for, by time; see `FeatureEngine.tally`. @default all of them together */
  readonly cells?: readonly TallyCell[] | undefined
  /**
   * Days without a log of the book, ascending: `fromNs` is their begin, `path` the directory that is not there. Rows are behind a gap
   * from there on, until a book begins. @default none
   */
  readonly absences?: readonly { readonly path: string; readonly fromNs: bigint }[] | undefined
  /** By the exchange's clock takes messages in place of the columns, which hear of those that it leaves. @default none */
  readonly feed?: HeldFeed | undefined
  /** State to go on from. @default an empty book */
  readonly restart?: EngineRestart | undefined
}

/** A book restored from a snapshot. */
export interface EngineRestart {
  readonly book: L2Book | L3Book
  /** Of the snapshot's sidecar. */
  readonly policy?: SequencePolicyState | undefined
  /** Exchange and record time of the last event in the book, nanoseconds since the epoch. @default nobody knows */
  readonly last?: { readonly exchangeNs: bigint; readonly recordNs: bigint } | undefined
}

export interface FeatureStats {
  /** Rows, of all tables. */
  readonly rows: number
  /** Book events and trades of the market. */
  readonly bookEvents: number
  readonly trades: number
  /** Messages of other types. */
  readonly otherTypes: number
  /** Messages of other markets. */
  readonly otherMarkets: number
  /** Messages that the book or a trade could not use, by reason. */
  readonly skipped: Readonly<Record<string, number>>
  /** Messages that reached the columns and were of no use to a built-in one, by reason: `not-a-number`, a trade that bars leave out. */
  readonly unusable: Readonly<Record<string, number>>
  /** Values that are NULL (`<column>-beyond-i64`) and rows that are left out (`row-beyond-range`) as their column cannot hold what was set. */
  readonly notRepresentable: Readonly<Record<string, number>>
  /** Exchange clock: see ExchangeClock. */
  readonly beyondSkew: number
  readonly late: number
  /** Findings of the sequence policy by kind, those that occurred. */
  readonly gaps: Readonly<Partial<Record<FindingKind, number>>>
  /** Book events left out after a gap, and repeated or older than a snapshot. */
  readonly quarantined: number
  readonly duplicates: number
  readonly stale: number
}
