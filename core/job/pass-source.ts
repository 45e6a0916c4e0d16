import { type ArchiveLog, ArchiveSource, type ArchiveSourceOptions } from '../pipeline/archive-source.ts'
import { MergedSource } from '../pipeline/merged-source.ts'
import type { MessageSource, ReadIssue } from '../pipeline/source.ts'
import type { PassStart, ShareFolders } from './pass-start.ts'
import type { InputFolder } from './task-share.ts'

export interface PassSourceOptions {
  readonly start: PassStart
  /** About the time at which enough will have been seen, nanoseconds since the epoch. */
  readonly likelyEndNs: bigint
  /** Damage is left out and told to this. @default it ends the pass */
  readonly onDamage?: ((issue: ReadIssue) => void) | undefined
}

/**
 * What a pass reads: the folders of each stream one behind the other, the streams merged by record time. A day of one
 * stream need not end where that of another does, as recorders roll when they please; so days are not merged by themselves.
 */
export function passSource(inputs: readonly InputFolder[], folders: ShareFolders, options: PassSourceOptions): MessageSource {
  const { start, likelyEndNs, onDamage } = options
  const byStream = new Map<string, ArchiveLog[]>()
  const folderOf = new Map<ArchiveLog, InputFolder>()
  for (const folder of inputs) {
    const log: ArchiveLog = { ...folders.logOf(folder), begin: folders.beginOf(folder, start) }
    folderOf.set(log, folder)
    byStream.set(folder.stream, [...(byStream.get(folder.stream) ?? []), log])
  }
  const each: ArchiveSourceOptions = {
    likelyEndNs,
    soundTimes: true,
    onTimes: (log, minNs, maxNs) => folders.learnTimes(folderOf.get(log)!, minNs, maxNs),
    ...(onDamage !== undefined && { onCorrupt: 'skip', onIssue: onDamage }),
  }
  const streams = [...byStream.values()].map((logs) => new ArchiveSource(logs, each))
  return streams.length === 1 ? streams[0]! : new MergedSource(streams)
}
