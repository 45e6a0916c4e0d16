import type { JobDefinition } from '../job/job-definition.ts'
import type { JobWindow } from '../job/job-outline.ts'
import type { Variant } from '../job/variants.ts'
import type { OnCorrupt } from '../plan/fingerprint.ts'
import type { DamageReport } from '../plan/run/damage-report.ts'
import type { MessageCounts } from '../plan/run/message-counts.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { CellResult, PartOptions } from './part-file.ts'
import type { PartPacker } from './part-packer.ts'
import type { PassStart, ShareFolders } from './pass-start.ts'

/** Partitions of one instrument with the same variants, that one pass over its logs makes. */
export interface PassPlan {
  /** By time. */
  readonly partitions: readonly PlannedPartition[]
  readonly variants: readonly Variant[]
  readonly start: PassStart
  readonly window: JobWindow
}

export interface PassOptions extends Omit<PartOptions, 'partition'> {
  readonly table: ObjectStore
  /** Takes the rows of cells that are over. */
  readonly parts: PartPacker
  readonly run: string
  readonly attempt: string
  readonly job: JobDefinition
  /** Name of the job in stack traces. */
  readonly jobFile: string
  /** Source map of the job's bundle, where there is one. */
  readonly sourceMap: () => Promise<string | undefined>
  readonly folders: ShareFolders
  readonly onCorrupt: OnCorrupt
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly signal: AbortSignal | undefined
  /**
   * Hears of messages and bytes read since the last call; of the bytes that the plan gives the partitions, those that the pass
   * has come through; and how many partitions are done.
   */
  readonly onProgress: (messages: number, bytes: number, plannedBytes: number, partitions: number) => void
}

/** What became of a partition. */
export interface PassResult extends CellResult {
  readonly partition: PlannedPartition
  readonly gaps: Readonly<Record<string, number>>
  readonly unproven: number
  readonly messages: MessageCounts
  readonly timing: { readonly startedMs: number; readonly durationMs: number; readonly bytes: number }
  readonly began: Receipt['began']
  readonly damage?: DamageReport
  /** Nothing that it may depend on was left out as damaged. */
  readonly isSound: boolean
}
