import { snapshotLog } from '../book/snapshot/snapshot-log.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import type { JobDefinition } from '../job/job-definition.ts'
import type { Variant } from '../job/variants.ts'
import { reachOf } from '../plan/archive/day-spans.ts'
import { isBookStream } from '../plan/archive/instrument-days.ts'
import type { InstrumentShare } from '../plan/run/task-share.ts'
import type { ShareFolders } from './pass-start.ts'

export interface SnapshotShareOptions {
  readonly job: JobDefinition
  readonly variants: readonly Variant[]
  readonly signal: AbortSignal | undefined
  /** Hears of messages read since the last call. */
  readonly onProgress: (messages: number) => void
}

/**
 * Writes the restart points of an instrument's books beside their logs, for all partitions of a share in one pass. Those that
 * are there already are left alone, so that a repeated or a second attempt does no harm.
 * @throws ReplayError input `input-changed`, and those of `snapshotLog`; the reason of the signal
 */
export async function snapshotShare(share: InstrumentShare, folders: ShareFolders, options: SnapshotShareOptions): Promise<void> {
  const { job, variants, signal, onProgress } = options
  const { endNs } = share.partitions.at(-1)!
  const books = share.folders.filter((folder) => isBookStream(folder.stream) && reachOf(folder).fromNs < endNs)
  const days = books.map((folder) => folders.logOf(folder))
  await folders.check(books)
  await folders.learn(books)
  for (const { params } of variants) {
    let told = 0
    await snapshotLog(days, {
      everyNs: BigInt(parseDuration(job.restartPoints!({ ...job.params, ...params }))),
      onGap: job.onGap,
      onProgress(messages) {
        signal?.throwIfAborted()
        onProgress(messages - told)
        told = messages
      },
    })
  }
  await folders.check(books)
}
