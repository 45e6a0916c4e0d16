import { type ErrorPlace, ReplayError } from '../../errors.ts'
import type { ReadIssue } from '../../message/source.ts'

/** What a reader does with damaged data, and whom it tells: one for all parts of a reader. */
export class DamagePolicy {
  #onCorrupt: 'abort' | 'skip'
  #report: (issue: ReadIssue) => void
  /** Whether anything was left out as damaged. */
  hasFailed = false

  constructor(onCorrupt: 'abort' | 'skip', report: (issue: ReadIssue) => void) {
    this.#onCorrupt = onCorrupt
    this.#report = report
  }

  get skips(): boolean {
    return this.#onCorrupt === 'skip'
  }

  /** A pipeline takes over. */
  replace(onCorrupt: 'abort' | 'skip', report: (issue: ReadIssue) => void): void {
    this.#onCorrupt = onCorrupt
    this.#report = report
  }

  /**
   * Data is damaged or missing.
   * @throws ReplayError corrupt, under `abort`
   */
  fail(code: string, message: string, place: ErrorPlace, told: Pick<ReadIssue, 'repeated'> = {}): void {
    if (this.#onCorrupt === 'abort') throw new ReplayError(code, message, { category: 'corrupt', ...place })
    this.hasFailed = true
    this.#report({ code, severity: 'error', message, ...place, ...told })
  }

  /** As `fail`, with what was thrown somewhere below. Anything but a corrupt ReplayError is thrown again in any case. */
  failWith(error: unknown): void {
    if (!(error instanceof ReplayError) || error.category !== 'corrupt' || this.#onCorrupt === 'abort') throw error
    this.hasFailed = true
    this.#report({ code: error.code, severity: 'error', message: error.message, ...error.place })
  }

  /** Something is odd, but nothing was lost. */
  warn(code: string, message: string, place: ErrorPlace): void {
    this.#report({ code, severity: 'warning', message, ...place })
  }

  /** Passes on what another part found. */
  report(issue: ReadIssue): void {
    this.#report(issue)
  }
}
