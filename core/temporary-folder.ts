import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { needingRoom } from './disk-full.ts'

/** Makes a folder of its own for what is not to last; its name begins with `prefix`. @throws ReplayError input `disk-full`, `store-not-writable` */
export function makeTemporaryFolder(prefix: string, parent = os.tmpdir()): string {
  return needingRoom(parent, 'temporary folder', () => fs.mkdtempSync(path.join(parent, prefix)))
}
