import type { LocalImport } from '../core/commit/import-local.ts'
import { EXIT_PARTIAL, exitCodeOf, ReplayError } from '../core/errors.ts'
import type { LeftOutFile, UnreadFile } from '../core/import/import-plan.ts'
import { emptyCounts, type ImportCounts } from '../core/import/messages/import-tally.ts'
import type { CommandInput, CommandIo } from './command.ts'
import { importDocument, placeText } from './import-document.ts'
import { commandText, countText, jsonText } from './output.ts'
import type { ProgressLine } from './progress.ts'

export interface AskedImport {
  /** URI of the archive. */
  readonly uri: string
  /** Files that were imported before. */
  readonly known: readonly string[]
  /** Files that are not imported, and why. */
  readonly leftOut: readonly LeftOutFile[]
  /** Of these, those that cannot be read. */
  readonly unread: readonly UnreadFile[]
  /** It was asked for one unit alone. */
  readonly isOne: boolean
}

/** Says what an import on this machine did (null: all was there), failures first, and gives the exit code. */
export function reportImport(
  result: LocalImport | null,
  { uri, known, leftOut, unread, isOne }: AskedImport,
  input: CommandInput,
  io: CommandIo,
  progress: ProgressLine,
): number {
  const { counts = emptyCounts(), folders = [] } = result?.commit.imported ?? {}
  const failed = result?.failed ?? []
  for (const { files, error } of failed)
    progress.problem(`failed ${error.code}: ${error.message}${files.length > 1 ? ` (with ${files.join(', ')})` : ''}`)
  if (input.flag('json')) {
    const { bytes = 0, durationMs = 0 } = result ?? {}
    const missed = failed.flatMap(({ files, error: { code, message } }) => files.map((path) => ({ path, code, message })))
    const document = importDocument({ imported: result?.commit.imported, missed: [...missed, ...unread], bytes, durationMs })
    io.out(jsonText({ run: result?.run ?? null, ...document, counts, folders, known, failed, filesLeftOut: leftOut }))
  } else {
    const made = folders.filter(({ action }) => action !== 'same')
    const records = made.reduce((sum, folder) => sum + folder.records, 0)
    io.out(`${countText(counts.rows)} rows into ${countText(records)} messages, ${countText(made.length)} logs in ${uri}\n`)
    if (known.length > 0) io.out(`${countText(known.length)} files were imported before\n`)
  }
  for (const line of linesOf(counts)) progress.problem(line)
  if (failed.length === 0) {
    progress.note(`next: ${commandText(['chronicle-replay', 'inspect', uri])}`)
    return unread.length > 0 ? EXIT_PARTIAL : 0
  }
  const [only] = failed
  return isOne ? exitCodeOf(new ReplayError(only!.error.code, only!.error.message, only!.error)) : EXIT_PARTIAL
}

/** What is not in the archive, and what else there is to know. */
function linesOf({ leftOut, unrepresentable, bad, noted, places }: ImportCounts): string[] {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${countText(count)} ${name}`)
      .join(', ')
  const placed = Object.entries(bad).map(([name, count]) => {
    const place = places[name]!
    return `${countText(count)} ${name} (first in ${place.path}, ${placeText(place)})`
  })
  return [
    ...(Object.keys(leftOut).length > 0 ? [`left out: ${list(leftOut)}`] : []),
    ...(Object.keys(unrepresentable).length > 0 ? [`no message can hold: ${list(unrepresentable)}`] : []),
    ...(placed.length > 0 ? [`damaged: ${placed.join(', ')}`] : []),
    ...(Object.keys(noted).length > 0 ? [`noted: ${list(noted)}`] : []),
  ]
}
