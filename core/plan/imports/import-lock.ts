import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { needingRoom } from '../../disk-full.ts'
import { ReplayError } from '../../errors.ts'
import { WriterLock } from '../../log/writing/writer-lock.ts'
import type { ObjectStore } from '../../store/object-store.ts'

/**
 * Keeps other imports of this machine away from an archive until it is released, or the process ends. Null: the system has no such locks.
 * @throws ReplayError input `import-active`, `disk-full`, `store-not-writable`
 */
export function lockArchive({ directory, uri }: ObjectStore): WriterLock | null {
  const name = createHash('sha256').update(uri).digest('hex').slice(0, 16)
  const folder = directory === undefined ? path.join(os.tmpdir(), `chronicle-import-${name}`) : path.join(directory, '_imports')
  needingRoom(folder, 'folder', () => fs.mkdirSync(folder, { recursive: true }))
  try {
    return WriterLock.acquire(folder)
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'flock-missing') return null
    if (!(error instanceof ReplayError) || error.code !== 'writer-active') throw error
    throw new ReplayError('import-active', 'another import writes into this archive', { category: 'input', path: uri, cause: error })
  }
}
