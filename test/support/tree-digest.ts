import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/** One digest over the names and bytes of all files below a folder. @param pattern of names that count */
export function hexOf(folder: string, pattern = /./): string {
  const hash = createHash('sha256')
  for (const name of fs.globSync('**/*', { cwd: folder }).sort()) {
    const file = path.join(folder, name)
    if (!pattern.test(name) || !fs.statSync(file).isFile()) continue
    hash.update(`${name}\n`).update(fs.readFileSync(file))
  }
  return hash.digest('hex')
}
