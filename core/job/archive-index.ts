import type { ObjectStore } from '../store/object-store.ts'
import { type ArchiveFacts, type FolderFact, NO_FACTS } from './archive-facts.ts'

/** The facts about an archive's folders, kept beside the table: JSON lines in order of folder. */
export const ARCHIVE_INDEX = '_chronicle/archive-index.jsonl'

/** The facts that earlier runs into this table learnt. A damaged index is no index: facts only save work. */
export async function readArchiveIndex(table: ObjectStore): Promise<ArchiveFacts> {
  const facts = decodeFacts((await table.get(ARCHIVE_INDEX))?.bytes)
  return facts.size === 0 ? NO_FACTS : { of: (folder) => facts.get(folder) }
}

/** Adds facts; a new one replaces that of the same folder. Of several writers at once each adds its own. */
export async function addToArchiveIndex(table: ObjectStore, added: ReadonlyMap<string, FolderFact>): Promise<void> {
  for (let tried = 0; tried < MAX_TRIES; tried++) {
    const current = await table.get(ARCHIVE_INDEX)
    const facts = decodeFacts(current?.bytes)
    const changed = [...added.values()].filter(({ folder, digest, begins, beginsNs }) => {
      const known = facts.get(folder)
      return known?.digest !== digest || known.begins !== begins || known.beginsNs !== beginsNs
    })
    if (changed.length === 0) return
    for (const fact of changed) facts.set(fact.folder, fact)
    const sorted = [...facts.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1))
    const bytes = Buffer.from(sorted.map((fact) => `${JSON.stringify(fact)}\n`).join(''))
    if ((await table.put(ARCHIVE_INDEX, bytes, current === null ? 'absent' : { ifMatch: current.etag })) !== null) return
  }
}

function decodeFacts(bytes: Uint8Array | undefined): Map<string, FolderFact> {
  const facts = new Map<string, FolderFact>()
  if (bytes === undefined) return facts
  for (const line of Buffer.from(bytes).toString().split('\n')) {
    try {
      if (line === '') continue
      const fact = JSON.parse(line) as FolderFact
      facts.set(fact.folder, fact)
    } catch {
      // As if it had not been learnt.
    }
  }
  return facts
}

const MAX_TRIES = 5
