import type { SnapshotHome } from '../core/book/snapshot/restart-points.ts'
import { listSnapshots, SnapshotStore } from '../core/book/snapshot/snapshot-store.ts'
import type { LogLocation } from '../core/log/format/log-path.ts'
import { restartFolders } from '../core/plan/archive/restart-places.ts'
import { folderKey } from '../core/plan/run/task-share.ts'
import { FileStore } from '../core/store/file-store.ts'
import type { ObjectStore } from '../core/store/object-store.ts'

/** Logs with their restart points in another place, in folders of the same names; that of a log outside of an archive has none. */
export function placedAt(place: ObjectStore, logs: readonly LogLocation[]): LogLocation[] {
  return logs.map((log) => {
    const { venue, symbol, date, stream } = log
    const isDated = venue !== null && symbol !== null && date !== null && stream !== null
    return { ...log, home: { store: place, prefix: isDated ? folderKey(venue, symbol, date, stream) : '' } }
  })
}

/** Where the restart points of logs lie. */
export function homesOf(logs: readonly LogLocation[]): SnapshotHome[] {
  return logs.map(({ path, home }) => home ?? { store: new FileStore(path), prefix: '' })
}

/** Where a place has restart points, be their logs there or not. */
export async function homesAt(place: ObjectStore): Promise<SnapshotHome[]> {
  return [...(await restartFolders(place)).keys()].map((prefix) => ({ store: place, prefix }))
}

/** Restart points that go, and those that stay. */
export interface Retention {
  readonly removed: number
  /** Of the files that are gone, without their sidecars. */
  readonly bytes: number
  readonly kept: number
}

/** Removes the restart points that were written longer ago than `maxAgeMs`. @param onFolder hears of each folder that is done */
export async function retainRestarts(
  homes: readonly SnapshotHome[],
  { maxAgeMs, nowMs, isDryRun }: { readonly maxAgeMs: number; readonly nowMs: number; readonly isDryRun: boolean },
  onFolder: (done: number) => void,
): Promise<Retention> {
  let [removed, bytes, kept] = [0, 0, 0]
  for (const [i, { store, prefix }] of homes.entries()) {
    for (const { venueId, marketId, entries } of await listSnapshots(store, prefix)) {
      const gone = await new SnapshotStore(store, prefix, venueId, marketId).retain({ maxAgeMs }, nowMs, isDryRun)
      removed += gone.length
      bytes += gone.reduce((sum, entry) => sum + entry.bytes, 0)
      kept += entries.length - gone.length
    }
    onFolder(i + 1)
  }
  return { removed, bytes, kept }
}
