import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A directory by a path without `key=value` folders, from which DuckDB would take columns. */
export interface PlainDirectory {
  readonly path: string
  close(): void
}

/** Where a path has such folders, a link to it in the temporary folder. */
export function plainDirectory(directory: string): PlainDirectory {
  if (!directory.includes('=')) return { path: directory, close: () => {} }
  let folder: string
  try {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-query-'))
    fs.symlinkSync(path.resolve(directory), path.join(folder, 'table'), 'junction')
  } catch {
    // Without a link queries are slower where very many partitions are to be told apart; their rows are the same.
    return { path: directory, close: () => {} }
  }
  return { path: path.join(folder, 'table'), close: () => fs.rmSync(folder, { recursive: true, force: true }) }
}
