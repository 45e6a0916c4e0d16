import fs from 'node:fs'
import path from 'node:path'
import { CACHE } from './local-state.ts'

/** A folder below the cache, made under another name and renamed when complete. */
export function makeOnce(name: string, make: (folder: string) => void): string {
  const folder = path.join(CACHE, name)
  if (fs.existsSync(folder)) return folder
  const making = `${folder}.${process.pid}`
  fs.mkdirSync(CACHE, { recursive: true })
  fs.rmSync(making, { recursive: true, force: true })
  try {
    make(making)
    fs.renameSync(making, folder)
  } catch (error) {
    fs.rmSync(making, { recursive: true, force: true })
    if (!fs.existsSync(folder)) throw error // else another process was faster
  }
  return folder
}
