import { dateOfDay } from '../../instant.ts'
import type { JobOutline } from '../../job/job-outline.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { wantedOf } from '../fingerprint.ts'
import { folderKey, objectsOf } from '../run/task-share.ts'
import type { ArchiveListing } from './archive-listing.ts'
import { isBookStream } from './instrument-days.ts'
import { type BookFolder, estimateRestarts, MAX_RESTART_LOOKS, type RestartEstimate } from './restart-estimate.ts'
import { wantsOf } from './wanted-streams.ts'

/** What the snapshots job will write, by the folders of books in the days of the range. */
export function restartsOf(
  archive: ObjectStore,
  listing: ArchiveListing,
  outline: JobOutline,
  [firstDay, lastDay]: readonly [number, number],
): Promise<RestartEstimate> {
  const first: BookFolder[] = []
  let [folders, present] = [0, 0]
  for (const instrument of listing.instruments) {
    const inRange = instrument.folders.filter(({ day, stream }) => isBookStream(stream) && day >= firstDay && day <= lastDay)
    const books = wantedOf(inRange, wantsOf(instrument, outline))
    folders += books.length
    for (const { snapshots } of books) present += snapshots
    const [folder] = books
    if (folder === undefined || first.length === MAX_RESTART_LOOKS) continue
    const key = folderKey(instrument.venue, instrument.symbol, dateOfDay(folder.day), folder.stream)
    const objects = objectsOf(JSON.parse(listing.objectsText(folder)) as (string | number)[])
    first.push({ key, objects: objects.map(({ name, size, etag }) => ({ key: key + name, size, etag })) })
  }
  return estimateRestarts(archive, BigInt(outline.restartEveryNs!), { folders, present }, first)
}
