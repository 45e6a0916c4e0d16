import { type ErrorCategory, ReplayError } from '../../errors.ts'
import type { ImportRecord } from '../../import/import-records.ts'
import type { StoredFolder } from '../../import/logs/log-place.ts'
import type { FolderFact } from '../archive/archive-facts.ts'
import type { DamageReport } from './damage-report.ts'
import { type MessageCounts, NO_MESSAGES } from './message-counts.ts'
import type { PartitionCheck } from './partition-check.ts'
import type { PlanHead } from './plan-document.ts'
import type { PlannedPartition } from './task-share.ts'

/**
 * What became of one partition in one attempt at its task: a line of the attempt's receipts object. In a run the first
 * receipt without `error` wins, in order of the objects' keys.
 */
export interface Receipt {
  readonly version: 1
  readonly run: string
  readonly task: string
  readonly attempt: string
  /** Index among the partitions of the plan. */
  readonly partition: number
  readonly venue: string
  readonly symbol: string
  /** UTC day of the cell, `YYYY-MM-DD`. */
  readonly date: string
  /** The cell, nanoseconds since the epoch, half-open. */
  readonly startNs: string
  readonly endNs: string
  /** Ids of the variants that ran, sorted. */
  readonly variants: readonly string[]
  /** Of the partition with these variants (fingerprint.ts); goes into the table's tags with `inputs` and `restart`. */
  readonly fingerprint: string
  /** In a run that skips damage, of a partition that met none: its fingerprint without skipping, which is what the table gets. */
  readonly soundFingerprint?: string
  /** Digest of the objects read, as listed by the plan. */
  readonly inputs: string
  /** Where state began, see `Restart` in fingerprint.ts. */
  readonly restart: string
  /** What reading began with: a snapshot of the book, or a day folder; null when nothing was read. It is in no fingerprint. */
  readonly began: { readonly with: 'snapshot' | 'folder'; readonly key: string } | null
  /** Null: there were no rows, so there is no file, and the partition is done; or it failed. */
  readonly part: {
    /** Key in the table. Partitions of an instrument and month share a part. */
    readonly path: string
    /** Bytes, of all that share it. */
    readonly size: number
    readonly etag: string
    /** Rows of the part before those of the partition, which begin a row group. */
    readonly firstRow: number
    /** Of all that share it; also of those that no receipt tells of. */
    readonly rows: number
  } | null
  /** Rows and the sum of their hashes modulo 2^64: the table's checksum of this part. */
  readonly checksum: { readonly rows: number; readonly sum: string }
  /** Least and greatest `ts_ns`; null without rows. */
  readonly minTsNs: string | null
  readonly maxTsNs: string | null
  /** Sequence findings by kind. */
  readonly gaps: Readonly<Record<string, number>>
  /** Boundaries between folders or sessions that nothing proves to be without loss. */
  readonly unproven: number
  readonly messages: MessageCounts
  /** What was left out as damaged; absent where nothing was. In `messages.leftOut`, too. */
  readonly damage?: DamageReport
  /** Of a partition that was made a second time to compare its rows (recheck.ts). */
  readonly check?: PartitionCheck
  /** What was learnt of the folders read; `commit` keeps it in the archive index. */
  readonly facts: readonly FolderFact[]
  /** Of a unit that was imported: its logs wait for the commit. */
  readonly imported?: ImportedUnit
  readonly timing: {
    /** Milliseconds since the epoch. */
    readonly startedMs: number
    readonly durationMs: number
    /** Bytes read. */
    readonly bytes: number
  }
  /** Null: done. */
  readonly error: { readonly code: string; readonly category: ErrorCategory; readonly message: string } | null
}

/** What was read of a unit's files. */
export interface ImportedUnit extends Omit<ImportRecord, 'folders' | 'files'> {
  readonly files: readonly (ImportRecord['files'][number] & { readonly holds: string })[]
  /** Its logs, and where they are staged. */
  readonly folders: readonly StoredFolder[]
}

/** What a receipt says of the rows. */
export type PartResult = Pick<Receipt, 'part' | 'checksum' | 'minTsNs' | 'maxTsNs'>

/** A partition without rows. */
export const NO_PART: PartResult = { part: null, checksum: { rows: 0, sum: '0' }, minTsNs: null, maxTsNs: null }

/** The part of a receipt that says which partition it is of. */
export type ReceiptFrame = Omit<
  Receipt,
  | 'soundFingerprint'
  | 'damage'
  | 'check'
  | 'imported'
  | 'began'
  | 'part'
  | 'checksum'
  | 'minTsNs'
  | 'maxTsNs'
  | 'gaps'
  | 'unproven'
  | 'messages'
  | 'timing'
  | 'error'
  | 'facts'
>

export function receiptFrame(
  partition: PlannedPartition,
  { variantSets, variants }: PlanHead,
  names: Pick<Receipt, 'run' | 'task' | 'attempt'>,
): ReceiptFrame {
  const { index, venue, symbol, date, startNs, endNs, variantSet, fingerprint, inputs, restart } = partition
  return {
    version: 1,
    ...names,
    partition: index,
    ...{ venue, symbol, date },
    startNs: String(startNs),
    endNs: String(endNs),
    variants: variantSets[variantSet]!.map((at) => variants[at]!.id).sort(),
    ...{ fingerprint, inputs, restart },
  }
}

/** A receipt without rows: of a partition that has none, or that failed. */
export function rowlessReceipt(
  frame: ReceiptFrame,
  error: Receipt['error'],
  { facts = [], ...timing }: Pick<Receipt['timing'], 'startedMs' | 'durationMs'> & Partial<Pick<Receipt, 'facts'>>,
): Receipt {
  const nothing = { began: null, gaps: {}, unproven: 0, messages: NO_MESSAGES }
  return { ...frame, facts, ...NO_PART, ...nothing, timing: { ...timing, bytes: 0 }, error }
}

export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return new TextEncoder().encode(receipts.map((receipt) => `${JSON.stringify(receipt)}\n`).join(''))
}

/** @throws ReplayError corrupt `receipt` when a line is no receipt of this version */
export function decodeReceipts(bytes: Uint8Array, path: string): Receipt[] {
  if (bytes.length === 0) return []
  const lines = new TextDecoder().decode(bytes).split('\n')
  if (lines.pop() !== '') throw damaged(path, 'the last line has no end')
  return lines.map((line, i) => {
    let value: Partial<Receipt> | null
    try {
      value = JSON.parse(line) as Partial<Receipt> | null
    } catch (cause) {
      throw damaged(path, `line ${i + 1} is not JSON`, cause)
    }
    const isWhole =
      value?.version === 1 &&
      typeof value.partition === 'number' &&
      typeof value.fingerprint === 'string' &&
      typeof value.checksum?.rows === 'number' &&
      Array.isArray(value.variants) &&
      value.part !== undefined &&
      value.error !== undefined
    if (!isWhole) throw damaged(path, `line ${i + 1} is not a receipt of version 1`)
    return withCounts(value as Receipt)
  })
}

/** Receipts of earlier versions called what was left out `skipped`. */
function withCounts(receipt: Receipt): Receipt {
  const { leftOut, noted, skipped } = receipt.messages as Partial<MessageCounts> & { skipped?: MessageCounts['leftOut'] }
  if (leftOut !== undefined && noted !== undefined) return receipt
  return { ...receipt, messages: { ...receipt.messages, leftOut: leftOut ?? skipped ?? {}, noted: noted ?? {} } }
}

function damaged(path: string, what: string, cause?: unknown): ReplayError {
  return new ReplayError('receipt', `receipts: ${what}`, { category: 'corrupt', path, cause })
}
