import { type ErrorPlace, ReplayError } from '../errors.ts'
import type { ReadIssue } from '../pipeline/source.ts'

/** What a reader does with damaged data, and whom it tells: one for all parts of a reader. */
export class DamagePolicy {
  #onCorrupt: 'abort' | 'skip'
  #report: (issue: ReadIssue) => void

  constructor(onCorrupt: 'abort' | 'skip', report: (issue: ReadIssue) => void) {
    this.#onCorrupt = onCorrupt
    this.#report = report
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
  fail(code: string, message: string, place: ErrorPlace): void {
    if (this.#onCorrupt === 'abort') throw new ReplayError(code, message, { category: 'corrupt', ...place })
    this.#report({ code, severity: 'error', message, ...place })
  }

  /** As `fail`, with what was thrown somewhere below. Anything but a corrupt ReplayError is thrown again in any case. */
  failWith(error: unknown): void {
    if (!(error instanceof ReplayError) || error.category !== 'corrupt' || this.#onCorrupt === 'abort') throw error
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
