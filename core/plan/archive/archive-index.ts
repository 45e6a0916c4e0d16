import type { ObjectStore } from '../../store/object-store.ts'
import { type ArchiveFacts, FolderFacts, NO_FACTS } from './archive-facts.ts'

/** The facts about an archive's folders, kept beside the table: JSON lines (`FolderFacts`). */
export const ARCHIVE_INDEX = '_chronicle/archive-index.jsonl'

/** The facts that earlier runs into this table learnt. A damaged index is no index: facts only save work. */
export async function readArchiveIndex(table: ObjectStore): Promise<ArchiveFacts> {
  const facts = decodeFacts((await table.get(ARCHIVE_INDEX))?.bytes)
  return facts.isEmpty ? NO_FACTS : facts
}

/** Adds facts; a new one replaces that of other bytes in the same folder. Of several writers at once each adds its own. */
export async function addToArchiveIndex(table: ObjectStore, added: FolderFacts): Promise<void> {
  for (let tried = 0; tried < MAX_TRIES; tried++) {
    const current = await table.get(ARCHIVE_INDEX)
    const facts = decodeFacts(current?.bytes)
    let isChanged = false
    for (const fact of added.all()) isChanged = facts.add(fact) || isChanged
    if (!isChanged) return
    const bytes = Buffer.from(facts.encode())
    if ((await table.put(ARCHIVE_INDEX, bytes, current === null ? 'absent' : { ifMatch: current.etag })) !== null) return
  }
}

function decodeFacts(bytes: Uint8Array | undefined): FolderFacts {
  return FolderFacts.decode(bytes === undefined ? '' : Buffer.from(bytes).toString())
}

const MAX_TRIES = 5
