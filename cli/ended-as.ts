import { type ErrorPlace, ReplayError } from '../core/errors.ts'
import { type CommandIo, OutputClosed } from './command.ts'
import { jsonText } from './output.ts'

/** Exit codes of a command that a signal ended. */
const SIGNALS: Readonly<Record<number, string>> = { 130: 'SIGINT', 143: 'SIGTERM' }

/** Tells machines how a command ended that did not come to its document: by one on standard output that has an `error`. */
export class EndedAs {
  /** What the command is to write to. */
  readonly io: CommandIo
  readonly #isAsked: boolean
  readonly #isJsonLines: boolean
  #hasWritten = false
  /** Standard output takes nothing more, which whoever wrote to it was told. */
  #isBroken = false

  constructor(io: CommandIo, { isJson, isJsonLines }: { readonly isJson: boolean; readonly isJsonLines: boolean }) {
    this.#isAsked = isJson
    this.#isJsonLines = isJsonLines
    this.io = {
      ...io,
      out: (data) => {
        this.#hasWritten = true
        try {
          io.out(data)
        } catch (error) {
          this.#isBroken = true
          throw error
        }
      },
    }
  }

  /** Gives the exit code back. */
  with(exitCode: number): number {
    const signal = SIGNALS[exitCode]
    if (signal !== undefined) this.#tell({ code: 'interrupted', category: null, message: `${signal} ended the command`, exitCode })
    return exitCode
  }

  /** Gives the exit code back. */
  byError(error: unknown, exitCode: number): number {
    const { code, category, message, place } =
      error instanceof ReplayError ? error : { code: 'internal', category: 'bug', message: String(error), place: {} as ErrorPlace }
    const { instrument, time, path, segment, offset, seq } = place
    this.#tell({ code, category, message, exitCode, instrument, time, path, segment, offset, seq })
    return exitCode
  }

  #tell(error: object): void {
    // A second document would make one that cannot be read of both; lines go on.
    if (!this.#isAsked || this.#isBroken || (this.#hasWritten && !this.#isJsonLines)) return
    try {
      this.io.out(jsonText({ error }))
    } catch (cause) {
      // The exit code says it all the same.
      if (!(cause instanceof ReplayError)) throw cause
      if (!(cause instanceof OutputClosed)) this.io.err(`error ${cause.code}: ${cause.message}\n`)
    }
  }
}
