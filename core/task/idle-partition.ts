import { partitionText } from '../plan/partition-state.ts'
import type { PlannedPartition } from '../plan/run/task-share.ts'

/** A partition that makes no progress. */
export interface IdlePartition extends Pick<PlannedPartition, 'startNs'> {
  readonly venue: string
  readonly symbol: string
  readonly job: string
  /** `000123`. */
  readonly task: string
  readonly idleMs: number
}

/** For people: what a handler is at that does not return. */
export function idleText({ job, venue, symbol, startNs, task, idleMs }: IdlePartition): string {
  const at = partitionText(venue, symbol, startNs)
  return `no progress for ${Math.round(idleMs / 1000)} s: job ${job}, ${at} (task ${task}): a handler that does not return, or a disk that does not answer`
}
