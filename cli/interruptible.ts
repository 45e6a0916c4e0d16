import type { ReadIssue } from '../core/message/source.ts'
import type { CommandIo } from './command.ts'
import type { ProgressLine } from './progress.ts'

/** Exit codes as a shell counts them: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type EndSignal = keyof typeof EXIT_CODES
/** What started the process (npm, npx, our own starter) passes on what a terminal sent to both: within this time it is one signal. */
const ONE_SIGNAL_MS = 500

/**
 * Runs long work that Ctrl-C, or SIGTERM, ends through the signal; then says so, with exit code 130 or 143. A second one, later,
 * ends the process at once.
 * @param advice what became of the work then, and how to go on
 */
export async function interruptible(
  io: CommandIo,
  progress: ProgressLine,
  work: (signal: AbortSignal) => Promise<void>,
  advice: () => string = () => 'no file was written; a queue keeps what it has so far',
): Promise<number> {
  const interrupt = new AbortController()
  let first = null as { readonly signal: EndSignal; readonly atMs: number } | null
  const onSignal = (signal: EndSignal): void => {
    if (first === null) {
      first = { signal, atMs: performance.now() }
      interrupt.abort(new Error('interrupted'))
    } else if (performance.now() - first.atMs > ONE_SIGNAL_MS) {
      stopListening()
      process.kill(process.pid, signal)
    }
  }
  const stopListening = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    await work(interrupt.signal)
    return 0
  } catch (error) {
    progress.end()
    if (first === null || error !== interrupt.signal.reason) throw error
    io.err(`interrupted: ${advice()}\n`)
    return EXIT_CODES[first.signal]
  } finally {
    stopListening()
  }
}

/** An issue of a source as one line. */
export function issueText({ severity, code, message, segment, offset, path }: ReadIssue): string {
  return `${severity} ${code}: ${message} (segment ${segment ?? '-'}, offset ${offset ?? '-'}, in ${path ?? '-'})`
}
