import { ReplayError } from '../../errors.ts'
import type { SeekIndex } from '../format/seek-index.ts'
import { isSealed } from '../reading/checked-segment.ts'
import { readFolderNames } from '../reading/folder-names.ts'
import { listSegments, openSegmentFile } from '../reading/segment-file.ts'
import { SegmentIndexes } from '../reading/segment-indexes.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LogFolder, SegmentEntry } from '../stores/log-folder.ts'
import { summarizeLog } from './log-summary.ts'

/** What can be said of a log without reading its records, where its indexes allow. */
export interface LogOutline {
  readonly segments: number
  /** Bytes on disk, indexes and metadata not counted. */
  readonly bytes: number
  /** Nanoseconds since the epoch; null when the log is empty. */
  readonly minTimestampNs: bigint | null
  readonly maxTimestampNs: bigint | null
  /** Segment ids missing before and between those that are there; of a live queue only between. */
  readonly missingSegments: readonly number[]
}

/** Outlines a log from its indexes; a log that lacks one for a sealed segment, or has an open segment, is read. */
export async function outlineLog(log: string | LogFolder): Promise<LogOutline> {
  const folder = folderOf(log)
  const segments = listSegments(folder)
  const bytes = segments.reduce((sum, { name }) => sum + (folder.versionOf(name)?.size ?? 0), 0)
  const first = readFolderNames(folder, segments).beginsAtZero ? 0 : (segments[0]?.id ?? 0)
  const missingSegments = segments.flatMap(({ id }, i) => range(i === 0 ? first : segments[i - 1]!.id + 1, id))
  const known = new SegmentIndexes(folder, 0n, () => {})
  const indexes: (SeekIndex | null)[] = []
  for (const segment of segments) indexes.push(await sealedIndex(known, segment))
  if (indexes.every((index) => index !== null)) {
    const minTimestampNs = indexes.reduce<bigint | null>(
      (min, index) => (min === null || index.minTimestampNs < min ? index.minTimestampNs : min),
      null,
    )
    const maxTimestampNs = indexes.reduce<bigint | null>(
      (max, index) => (max === null || index.maxTimestampNs > max ? index.maxTimestampNs : max),
      null,
    )
    return { segments: segments.length, bytes, minTimestampNs, maxTimestampNs, missingSegments }
  }
  const { minTimestampNs, maxTimestampNs } = await summarizeLog(folder, { onCorrupt: 'skip' })
  return { segments: segments.length, bytes, minTimestampNs, maxTimestampNs, missingSegments }
}

/** The index of a sealed segment if it can be trusted, else null. */
async function sealedIndex(indexes: SegmentIndexes, segment: SegmentEntry): Promise<SeekIndex | null> {
  try {
    const file = openSegmentFile(segment)
    try {
      return await indexes.trusted(file, await isSealed(file))
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof ReplayError) return null // reading the log will tell what is wrong
    throw error
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
