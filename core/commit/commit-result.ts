import type { UnreadFile } from '../import/import-plan.ts'
import type { FolderStep } from '../import/logs/log-place.ts'
import type { ImportCounts } from '../import/messages/import-tally.ts'
import type { CheckTally } from '../plan/run/partition-check.ts'
import type { MissingPartition } from '../plan/run/run-receipts.ts'
import type { SkippedDamage } from './damage-tally.ts'
import type { FailureGroup } from './failure-groups.ts'
import type { MessageTotals } from './left-out-tally.ts'

export interface CommitResult {
  readonly run: string
  /**
   * `committed`: this call wrote a version. `unchanged`: all that is done was in the table. `refused`: more is missing than
   * the job's tolerance allows, or rows came out otherwise when they were made a second time, so nothing was written.
   */
  readonly state: 'committed' | 'unchanged' | 'refused'
  /** Version of the table; -1 when there is none, or the commit was refused. */
  readonly version: number
  /** Of the plan; done = with a winning receipt, whether committed now or before. */
  readonly partitions: { readonly planned: number; readonly done: number; readonly missing: number }
  /** What this version added and took out. */
  readonly added: { readonly partitions: number; readonly parts: number; readonly rows: number; readonly bytes: number }
  readonly removed: { readonly parts: number }
  /** What became of the messages, of all that is done. */
  readonly messages: MessageTotals
  /** What was left out as damaged, of all that is done; absent in a run that stops at damage. */
  readonly skipped?: SkippedDamage
  /** What an import put into the archive; absent in a run that makes rows, as `version` is −1 in one that imports. */
  readonly imported?: ImportedLogs
  /** Done partitions that could not be committed, because of what another program did to the table meanwhile; in `missing`, too. */
  readonly heldBack: readonly MissingPartition[]
  /** What making some partitions a second time came to; absent where none was to be. */
  readonly check?: CheckTally
  /** The first `MAX_MISSING` partitions that are missing. */
  readonly missing: readonly MissingPartition[]
  /** All of them, by cause. */
  readonly failures: readonly FailureGroup[]
  /** Why a checkpoint or the archive index was not written, which harms nothing; null when all is well. */
  readonly warning: string | null
}

/** What an import put into the archive. */
export interface ImportedLogs {
  /** Files of the units whose logs are in their places; absent in what earlier versions wrote. */
  readonly files?: number
  /** Of the rows of these. */
  readonly counts: ImportCounts
  /** Folders by what became of them. */
  readonly folders: readonly ImportedFolder[]
  /** Files that were not read: known from before, and left out with their reasons, the first of them. */
  readonly known: number
  readonly leftOut: readonly { readonly path: string; readonly why: string }[]
  readonly leftOutFiles: number
  /** Of these, those that could not be read, the first of them; absent in what earlier versions wrote. */
  readonly unread?: readonly UnreadFile[]
}

export interface ImportedFolder {
  /** `<venue>/<symbol>/<date>/<stream>` */
  readonly key: string
  readonly action: FolderStep['action']
  readonly records: number
}
