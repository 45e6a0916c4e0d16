import type { ReadIssue } from '../core/pipeline/source.ts'
import type { CommandIo } from './command.ts'
import type { ProgressLine } from './progress.ts'

const EXIT_INTERRUPTED = 130
const INTERRUPTED = new Error('interrupted')

/**
 * Runs long work that Ctrl-C, or SIGTERM, ends through the signal; then says so, with exit code 130.
 * @param advice what became of the work then, and how to go on
 */
export async function interruptible(
  io: CommandIo,
  progress: ProgressLine,
  work: (signal: AbortSignal) => Promise<void>,
  advice: () => string = () => 'no file was written; a queue keeps what it has so far',
): Promise<number> {
  const interrupt = new AbortController()
  const onInterrupt = (): void => interrupt.abort(INTERRUPTED)
  process.once('SIGINT', onInterrupt)
  process.once('SIGTERM', onInterrupt)
  try {
    await work(interrupt.signal)
    return 0
  } catch (error) {
    progress.end()
    if (error !== INTERRUPTED) throw error
    io.err(`interrupted: ${advice()}\n`)
    return EXIT_INTERRUPTED
  } finally {
    process.removeListener('SIGINT', onInterrupt)
    process.removeListener('SIGTERM', onInterrupt)
  }
}

/** An issue of a source as one line. */
export function issueText({ severity, code, message, segment, offset, path }: ReadIssue): string {
  return `${severity} ${code}: ${message} (segment ${segment ?? '-'}, offset ${offset ?? '-'}, in ${path ?? '-'})`
}
