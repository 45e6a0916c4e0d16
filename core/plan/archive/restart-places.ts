import { snapshotOfKey } from '../../book/snapshot/snapshot-store.ts'
import { dateOfDay } from '../../instant.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { folderKey } from '../run/task-share.ts'
import type { ArchiveListing } from './archive-listing.ts'

/** The listing of an archive with the restart points of another place, as they lie there in folders of the same names, in place of its own. */
export async function withRestartsAt(place: ObjectStore, listing: ArchiveListing): Promise<ArchiveListing> {
  const counts = await restartFolders(place)
  const instruments = listing.instruments.map(({ venue, symbol, folders }) => ({
    ...{ venue, symbol },
    folders: folders.map((folder) => {
      const key = folderKey(venue, symbol, dateOfDay(folder.day), folder.stream)
      return { ...folder, snapshots: counts.get(key) ?? 0 }
    }),
  }))
  return { ...listing, instruments }
}

/** Keys of the folders in which a place has restart points of logs, ends with `/`, and how many; `''`: those of a log that lies in none. */
export async function restartFolders(place: ObjectStore): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for await (const { key } of place.list('')) {
    const found = snapshotOfKey(key)
    if (found !== null) counts.set(found.log, (counts.get(found.log) ?? 0) + 1)
  }
  return counts
}
