import fs from 'node:fs'
import path from 'node:path'
import { needingRoom } from '../disk-full.ts'
import { FileStore } from '../store/file-store.ts'
import type { PutContent } from '../store/object-store.ts'

/** A store of files in a temporary folder that wait for no disk; or, to count rows alone, of none at all. */
export class ScratchParts extends FileStore {
  override readonly waitsForDisk = false
  readonly #isKept: boolean
  readonly #keys = new Set<string>()

  /** @param isKept whether what is put can be read */
  constructor(folder: string, isKept: boolean) {
    super(folder)
    this.#isKept = isKept
  }

  /** @throws ReplayError input `disk-full` */
  override async put(key: string, content: PutContent): Promise<string | null> {
    if (this.#keys.has(key)) return null
    this.#keys.add(key)
    if (!this.#isKept) return 'scratch'
    const file = path.join(this.directory, key)
    needingRoom(file, 'object', () => {
      fs.mkdirSync(path.dirname(file), { recursive: true })
      if (content instanceof Uint8Array) fs.writeFileSync(file, content)
      else fs.copyFileSync(content.file, file)
    })
    return 'scratch'
  }
}
