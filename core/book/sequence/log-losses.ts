import { logName } from './record-sessions.ts'

/** What was lost of a log. */
export interface Loss {
  readonly log: string
  readonly path: string
  /** It matters to what the next directory of the log begins with. */
  readonly isCarried: boolean
}

/**
 * Losses that a reader reported: where records are lost at the begin or end of a directory, no sequence need show it. They are
 * met at the next message of the same log, which is known by its name.
 */
export class LogLosses {
  /** The last loss of each log. */
  readonly #byLog = new Map<string, Loss>()
  /** Those that no message is behind yet. */
  readonly #pending = new Map<string, Loss>()

  get hasAny(): boolean {
    return this.#byLog.size > 0
  }

  get hasPending(): boolean {
    return this.#pending.size > 0
  }

  /** @param path of the log's directory */
  add(path: string, isCarried: boolean): void {
    const log = logName(path)
    const loss = { log, path, isCarried }
    this.#byLog.set(log, loss)
    this.#pending.set(log, loss)
  }

  /** Where the next message of a log lies that something was lost of before it: `here`, in its directory, or in the one `before`. */
  meet(path: string): 'here' | 'before' | null {
    const log = logName(path)
    const loss = this.#pending.get(log)
    if (loss === undefined) return null
    this.#pending.delete(log)
    if (loss.path === path) return 'here'
    return loss.isCarried ? 'before' : null
  }

  /** The last loss that messages of a directory are behind. */
  lastOf(path: string): Loss | null {
    const loss = this.#byLog.get(logName(path))
    return loss !== undefined && (loss.isCarried || loss.path === path) ? loss : null
  }
}
