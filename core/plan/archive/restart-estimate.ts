import path from 'node:path'
import { bookStartOf } from '../../book/book-start.ts'
import { ReplayError } from '../../errors.ts'
import { ReplayReader } from '../../log/reading/replay-reader.ts'
import type { ListedObject } from '../../log/stores/read-ahead.ts'
import { StoreLogs } from '../../log/stores/store-logs.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { DAY_NS } from '../cells.ts'

/** What a run of the snapshots job writes beside the logs. */
export interface RestartEstimate {
  /** Record time between restart points, nanoseconds, decimal. */
  readonly everyNs: string
  /** Folders of books: one for each instrument and day. */
  readonly folders: number
  /** Restart points at most: one for each interval, and one at the end of each folder. */
  readonly points: number
  /** Of one with its sidecar, about: that of the books' first snapshots. Null: they begin with none. */
  readonly bytesEach: number | null
  /** Snapshot files that are there already. */
  readonly present: number
}

/** A folder of a book. */
export interface BookFolder {
  /** Key, ends with `/`. */
  readonly key: string
  readonly objects: readonly ListedObject[]
}

/** Books that are looked at. */
export const MAX_RESTART_LOOKS = 3
/** Of a sidecar. */
const SIDECAR_BYTES = 1050

/**
 * @param books how many folders there are, and snapshot files in them
 * @param first folders that some of the instruments begin with: these are looked at
 */
export async function estimateRestarts(
  archive: ObjectStore,
  everyNs: bigint,
  { folders, present }: Pick<RestartEstimate, 'folders' | 'present'>,
  first: readonly BookFolder[],
): Promise<RestartEstimate> {
  const sizes: number[] = []
  for (const folder of first) {
    const bytes = await snapshotBytes(archive, folder).catch((error: unknown) => {
      // What cannot be read is told by the task.
      if (error instanceof ReplayError && error.category !== 'transient') return null
      throw error
    })
    if (bytes !== null) sizes.push(bytes)
  }
  const perFolder = Number((DAY_NS + everyNs - 1n) / everyNs) + 1
  return {
    everyNs: String(everyNs),
    folders,
    points: folders * perFolder,
    bytesEach: sizes.length === 0 ? null : Math.round(sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length) + SIDECAR_BYTES,
    present,
  }
}

/** Bytes of the snapshot that a log begins with: a restart point holds as many levels, about. Null: it begins with something else. */
async function snapshotBytes(archive: ObjectStore, { key, objects }: BookFolder): Promise<number | null> {
  const { directory } = archive
  const log = directory === undefined ? await StoreLogs.of(archive).openBeginning(key, objects) : path.join(directory, key)
  const reader = await ReplayReader.open(log, { onCorrupt: 'skip', onIssue: () => undefined })
  try {
    const batch = await reader.nextBatch()
    if (batch === null || batch.length === 0) return null
    const message = batch.at(batch.rowAt(0))
    return bookStartOf(message) === 'snapshot' ? message.length : null
  } finally {
    await reader.close()
  }
}
