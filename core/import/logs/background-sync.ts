import { open } from 'node:fs/promises'
import { diskFull } from '../../disk-full.ts'

/** More at a time would leave no thread to those who read and unpack. */
const MAX_AT_ONCE = 1

/** Brings files that are complete to the disk while others are written, so that whoever waits for the disk in the end waits for little. */
export class BackgroundSync {
  readonly #files: string[] = []
  readonly #running = new Set<Promise<void>>()
  #error: unknown = null

  begin(file: string): void {
    this.#files.push(file)
    if (this.#running.size < MAX_AT_ONCE) this.#next()
  }

  /** Waits for all of them. @throws ReplayError input `disk-full`, or what else the disk told, which tells it once */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
    if (this.#error !== null) throw this.#error
  }

  #next(): void {
    const file = this.#files.shift()
    if (file === undefined) return
    const running = this.#sync(file).finally(() => {
      this.#running.delete(running)
      this.#next()
    })
    this.#running.add(running)
  }

  async #sync(file: string): Promise<void> {
    try {
      const handle = await open(file, 'r+')
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      // A log that is written once more, with other scales, is not there any more.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#error ??= diskFull(error, file, 'segment') ?? error
    }
  }
}
