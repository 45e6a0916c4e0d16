import fs from 'node:fs'
import path from 'node:path'
import type { ObjectStore } from '../store/object-store.ts'
import type { ImportCounts } from './messages/import-tally.ts'

/*
 * What imports keep in an archive beside its logs, below `_imports/`:
 *
 * | object                                | holds                                                                    |
 * | <unit>.json                           | `ImportRecord`: a unit whose logs are in their places, so that it is known again |
 * | active.json                           | the run that imports now (import-claim.ts)                                 |
 * | staged/<run>/<partition>-<attempt>/N/ | a log of a unit, until the run's commit puts it into its place              |
 * | placing/*.json                        | a log that is being put into its place, in a store (log-place.ts)           |
 */

/** Logs that wait for the commit of their run. */
const STAGED = '_imports/staged/'

/** A unit that is in the archive: what was read, what became of it, and which folders have some of it. */
export interface ImportRecord {
  readonly importer: string
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly digest: string }[]
  readonly counts: ImportCounts
  /** `<venue>/<symbol>/<date>/<stream>` */
  readonly folders: readonly string[]
}

/** Whether a unit was imported, and all its folders are still there. @param unit its id (import-how.ts) */
export async function isImported(archive: ObjectStore, unit: string): Promise<boolean> {
  const found = await archive.get(recordKey(unit))
  if (found === null) return false
  const { folders } = JSON.parse(new TextDecoder().decode(found.bytes)) as ImportRecord
  for (const key of folders) if ((await archive.get(`v1/${key}/meta.json`)) === null) return false
  return true
}

export async function writeImportRecord(archive: ObjectStore, unit: string, record: ImportRecord): Promise<void> {
  await archive.put(recordKey(unit), new TextEncoder().encode(`${JSON.stringify(record, null, 1)}\n`))
}

/** Key prefix, without a last `/`, of the logs that one attempt makes of a unit. */
export function stagedPrefix(run: string, partition: number, attempt: string): string {
  return `${STAGED}${run}/${partition}-${attempt}`
}

/** Removes the logs that a run has staged, or, null, that any run has. */
export async function removeStaged(archive: ObjectStore, run: string | null): Promise<void> {
  const { directory } = archive
  const prefix = run === null ? STAGED : `${STAGED}${run}/`
  if (directory !== undefined) fs.rmSync(path.join(directory, prefix), { recursive: true, force: true })
  else for await (const { key } of archive.list(prefix)) await archive.delete(key)
}

function recordKey(unit: string): string {
  return `_imports/${unit}.json`
}
