import type { JobEffect } from '../job/job-effects.ts'
import type { JobOutline } from '../job/job-outline.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { ArchiveFacts } from './archive/archive-facts.ts'
import type { ArchiveListing } from './archive/archive-listing.ts'
import type { CheckAmount } from './check-choice.ts'
import type { FingerprintBase, OnCorrupt } from './fingerprint.ts'
import type { LiveParts } from './table/live-parts.ts'
import type { OnForeign } from './table/pack.ts'

/** What a plan is made from. */
export interface PlanOptions {
  readonly archive: ObjectStore
  /** Of the job with its variants (`outlineJob`). */
  readonly outline: JobOutline
  /** Hashes of the job's bundle and of the engine. */
  readonly code: Pick<FingerprintBase, 'bundle' | 'engine'>
  /** What becomes of damaged input. @default 'abort': its partitions fail */
  readonly onCorrupt?: OnCorrupt | undefined
  /** What becomes of rows that another program changed or brought. @default a run that has to write there is refused */
  readonly onForeign?: OnForeign | undefined
  /** As in the plan's head. @default none, not blocked */
  readonly effects?: readonly JobEffect[] | undefined
  readonly blocksEffects?: true | undefined
  /** Whether a note says so. @default not */
  readonly tellsEffects?: true | undefined
  /** What the job was asked for by, so that advice can repeat it. @default not recorded */
  readonly source?: string | undefined
  /** Set in place of the job's own, so that advice can repeat it; it is in the bundle. */
  readonly maxSkew?: string | undefined
  /** Id of the run, and when it is planned (milliseconds since the epoch). */
  readonly run: string
  readonly createdMs: number
  /** @default all that the archive has */
  readonly venues?: readonly string[] | undefined
  readonly symbols?: readonly string[] | undefined
  /** Half-open, nanoseconds since the epoch, multiples of the slice. @default the days that the archive has */
  readonly fromNs?: bigint | undefined
  readonly toNs?: bigint | undefined
  /** Length of a cell. @default '1d' */
  readonly slice?: string | undefined
  /** What is in the table. @default nothing */
  readonly live?: LiveParts | undefined
  /** What earlier runs learnt of the archive. @default nothing */
  readonly facts?: ArchiveFacts | undefined
  /** About the bytes of a task. @default 4 GiB */
  readonly taskBytes?: number | undefined
  /** Rather more and smaller tasks than fewer. @default 1 */
  readonly minTasks?: number | undefined
  /** Seconds that an attempt at a task is given at least. @default 900 */
  readonly minTaskSeconds?: number | undefined
  /** Partitions that the run makes a second time, from other starts, to compare their rows. @default none */
  readonly check?: CheckAmount | undefined
  /** A listing of the selection that is there already. @default lists the archive */
  readonly listing?: ArchiveListing | undefined
  /** Where restart points lie, in folders of the same names. @default beside the logs */
  readonly restarts?: ObjectStore | undefined
}
