import type { CommandInput, CommandIo } from './command.ts'

const REDRAW_MS = 100
const LINE_MS = 10_000

/** Progress on stderr: one redrawn line on a terminal, a line every 10 s otherwise, nothing with --quiet. */
export class ProgressLine {
  readonly #io: CommandIo
  readonly #quiet: boolean
  #lastMs = performance.now()
  #drawn = false

  constructor(io: CommandIo, input: CommandInput) {
    this.#io = io
    this.#quiet = input.flag('quiet')
  }

  /** Shows `text()` if it is time to. */
  update(text: () => string): void {
    const nowMs = performance.now()
    if (this.#quiet || nowMs - this.#lastMs < (this.#io.redraws ? REDRAW_MS : LINE_MS)) return
    this.#lastMs = nowMs
    this.#io.err(this.#io.redraws ? `\r\u001b[K${text()}` : `${text()}\n`)
    this.#drawn = this.#io.redraws
  }

  /** Clears the redrawn line. */
  end(): void {
    if (this.#drawn) this.#io.err('\r\u001b[K')
    this.#drawn = false
  }

  /** A failure: said even with --quiet. */
  problem(text: string): void {
    this.end()
    this.#io.err(`${text}\n`)
  }

  /** A line that stays, e.g. the advice a command ends with. */
  note(text: string): void {
    this.end()
    if (!this.#quiet) this.#io.err(`${text}\n`)
  }
}
