import fs from 'node:fs'
import path from 'node:path'
import type { ObjectStore } from '../../core/store/object-store.ts'

const PARALLEL_PUTS = 8

/** Puts the files of a folder into a store, under their paths. @param below only those below this part of it, e.g. `v1` */
export async function uploadFolder(folder: string, store: ObjectStore, below = '.'): Promise<void> {
  const keys = fs
    .globSync('**/*', { cwd: path.join(folder, below) })
    .map((key) => path.posix.join(below, key))
    .filter((key) => fs.statSync(path.join(folder, key)).isFile())
  const put = async (): Promise<void> => {
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const file = path.join(folder, key)
      await store.put(key, { file, size: fs.statSync(file).size })
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_PUTS }, put))
}
