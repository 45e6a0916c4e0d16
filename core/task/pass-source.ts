import { type ArchiveLog, mergedStreams } from '../log/reading/archive-source.ts'
import type { MessageSource, ReadIssue } from '../message/source.ts'
import type { InputFolder } from '../plan/run/task-share.ts'
import type { PassStart, ShareFolders } from './pass-start.ts'

export interface PassSourceOptions {
  readonly start: PassStart
  /** About the time at which enough will have been seen, nanoseconds since the epoch. */
  readonly likelyEndNs: bigint
  /** Damage is left out, and told to `onIssue`; else it ends the pass. */
  readonly isSkipping: boolean
  readonly onIssue: (issue: ReadIssue) => void
}

/** What a pass reads of an instrument's folders; what they reach is learnt. */
export function passSource(inputs: readonly InputFolder[], folders: ShareFolders, options: PassSourceOptions): MessageSource {
  const { start, likelyEndNs, isSkipping, onIssue } = options
  const begins = folders.beginsOf(inputs, start)
  const logs = inputs.map((folder, i): ArchiveLog => ({ ...folders.logOf(folder), begin: begins[i] }))
  return mergedStreams(logs, {
    likelyEndNs,
    soundTimes: true,
    onTimes: (log, minNs, maxNs) => folders.learnTimes(inputs[logs.indexOf(log)]!, minNs, maxNs),
    onIssue,
    ...(isSkipping && { onCorrupt: 'skip' }),
  })
}
