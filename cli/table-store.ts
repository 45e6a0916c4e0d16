import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import { FileStore } from '../core/store/file-store.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import { LOG_FOLDER } from '../core/table/delta-log.ts'

/** The store of a table that exists. @throws ReplayError input `not-a-table` */
export function openTableStore(uri: string): ObjectStore {
  if (fs.statSync(uri, { throwIfNoEntry: false })?.isDirectory() === true) return new FileStore(uri)
  throw new ReplayError('not-a-table', 'expected the folder of a table, found none; run a job into it first', {
    category: 'input',
    path: uri,
  })
}

/** Whether a folder holds a table. */
export function isTable(folder: string): boolean {
  return fs.existsSync(path.join(folder, LOG_FOLDER))
}
