import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import { isForeignName } from '../core/log/format/archive-place.ts'
import { RUNS_FOLDER } from '../core/plan/run/run-files.ts'
import { FileStore } from '../core/store/file-store.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { isS3Uri } from '../core/store/open-store.ts'
import { LOG_FOLDER } from '../core/table/delta-log.ts'
import { cloudOf } from './cloud-clients.ts'
import type { CommandInput } from './command.ts'

/** The store of a table that exists; on S3 it is not looked for yet. @throws ReplayError input `not-a-table` */
export function openTableStore(uri: string, input: CommandInput): ObjectStore {
  if (isS3Uri(uri)) return cloudOf(input).open(uri)
  if (fs.statSync(uri, { throwIfNoEntry: false })?.isDirectory() === true) return new FileStore(uri)
  throw new ReplayError('not-a-table', 'expected the folder of a table, found none; run a job into it first', {
    category: 'input',
    path: uri,
  })
}

/** Refuses to make a table among files that are something else. @throws ReplayError input `not-a-table` */
export function requireTablePlace(uri: string): void {
  if (isS3Uri(uri)) return // a prefix is no folder: files that are something else do no harm beside a table
  const stat = fs.statSync(uri, { throwIfNoEntry: false })
  if (stat === undefined) return
  const names = stat.isDirectory()
    ? fs
        .readdirSync(uri)
        .filter((name) => !isForeignName(name))
        .sort()
    : []
  if (stat.isDirectory() && (names.length === 0 || isTable(uri))) return
  const found = stat.isDirectory() ? `a folder with ${names.slice(0, 3).join(', ')}` : 'a file'
  throw new ReplayError('not-a-table', `expected a table, or a place for a new one, found ${found}; choose another --table`, {
    category: 'input',
    path: uri,
  })
}

/** Whether a place holds a table, be it one into which nothing was committed yet; a place on S3 can hold nothing else. */
export function isTable(folder: string): boolean {
  const has = (name: string): boolean => fs.existsSync(path.join(folder, name))
  // Archives have runs, too: those that import into them.
  return isS3Uri(folder) || has(LOG_FOLDER) || (has(RUNS_FOLDER) && !has('_imports'))
}
