import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A file as it was: its path, bytes, and when it was written last. */
type SeenFile = readonly [path: string, bytes: number, mtimeMs: number]

/** What a check that found nothing wrong has read: a check takes seconds, a look at whether these files changed milliseconds. */
export class SoundFiles {
  readonly #record: string

  /** @param words all that a check depends on beside the files */
  constructor(words: readonly string[]) {
    const name = createHash('sha256').update(words.join('\0')).digest('hex').slice(0, 32)
    this.#record = path.join(os.tmpdir(), 'chronicle-replay-types', `${name}.json`)
  }

  areUnchanged(): boolean {
    try {
      const seen = JSON.parse(fs.readFileSync(this.#record, 'utf8')) as readonly SeenFile[]
      return seen.length > 0 && seen.every(([file, bytes, mtimeMs]) => isAs(fs.statSync(file), bytes, mtimeMs))
    } catch {
      return false
    }
  }

  keep(files: readonly string[]): void {
    try {
      const seen = files.map((file): SeenFile => {
        const { size, mtimeMs } = fs.statSync(file)
        return [file, size, mtimeMs]
      })
      fs.mkdirSync(path.dirname(this.#record), { recursive: true })
      const written = `${this.#record}.${process.pid}`
      fs.writeFileSync(written, JSON.stringify(seen))
      fs.renameSync(written, this.#record)
    } catch {
      // Then it is checked again.
    }
  }
}

function isAs({ size, mtimeMs }: fs.Stats, bytes: number, thenMs: number): boolean {
  return size === bytes && mtimeMs === thenMs
}
