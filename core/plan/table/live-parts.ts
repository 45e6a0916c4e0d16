import type { TableSchema } from '../../table/table-schema.ts'
import type { Pack } from './pack.ts'
import type { LiveVariant } from './variant-codes.ts'

/** What a table says of the rows of a partition, in one part or, without rows, in none. */
export interface LivePart {
  /** Ids of its variants, sorted. */
  readonly variants: readonly string[]
  /** As in the receipt; also the two below. */
  readonly fingerprint: string
  readonly inputs: string
  readonly restart: string
  /** Of the run that made it. */
  readonly bundle: string
  readonly engine: string
  /** Where its rows lie with those of others. */
  readonly pack?: Pack
}

/** A table as rows have to fit into it. */
export interface LiveTable {
  readonly uri: string
  readonly schema: TableSchema
  /** No part may be taken out. */
  readonly isAppendOnly: boolean
  /** Columns that another program added. */
  readonly foreignColumns: ReadonlySet<string>
}

/** A cell of an instrument, nanoseconds since the epoch, half-open. */
export interface LiveCellPlace {
  readonly venue: string
  readonly symbol: string
  readonly startNs: bigint
  readonly endNs: bigint
}

/** What is live in a table: filled by the table side from tags and receipts, partitions without rows included. */
export interface LiveParts {
  /** Name of the table's job; null for a table that does not exist yet. */
  readonly job: string | null
  /** Null for one that does not exist yet. */
  readonly table: LiveTable | null
  /** The parts of a cell; more than one when its variants ran at different times. */
  of(venue: string, symbol: string, startNs: bigint, endNs: bigint): readonly LivePart[]
  /** A live cell of another length that overlaps this one, as text, or null. */
  overlapping(venue: string, symbol: string, startNs: bigint, endNs: bigint): string | null
  /** The cells with rows that came from an archive, in any order. @param archive its URI */
  withRows(archive: string): Iterable<LiveCellPlace>
  /** Every variant that has a live part. */
  readonly variants: readonly LiveVariant[]
  /** Rows in parts of other programs. */
  readonly packs: readonly Pack[]
}

/** A table that does not exist yet. */
export const NO_PARTS: LiveParts = {
  job: null,
  table: null,
  of: () => [],
  overlapping: () => null,
  withRows: () => [],
  variants: [],
  packs: [],
}
