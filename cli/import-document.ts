import type { ImportedFolder, ImportedLogs } from '../core/commit/commit-result.ts'
import type { UnreadFile } from '../core/import/import-plan.ts'
import { emptyCounts, type ImportPlace } from '../core/import/messages/import-tally.ts'

/** Something that is wrong with a file. */
interface BadPlace {
  readonly file: string
  /** `line 7` or `byte 512`; null: it is said by the message, or is all of the file. */
  readonly place: string | null
  readonly code: string
  readonly message: string
  /** Rows of which this is the first; 0: none of the file's rows are counted, as nothing of it is in the archive. */
  readonly rows: number
}

/** What an import came to, and what it cost. */
export interface MeasuredImport {
  /** Undefined: nothing was to be done. */
  readonly imported: ImportedLogs | undefined
  /** Files of which nothing is in the archive. */
  readonly missed: readonly UnreadFile[]
  readonly bytes: number
  readonly durationMs: number
}

/** What every document of an import says, wherever it was carried out: rows = written + merged + the sums of `leftOut`, `notRepresentable` and `bad`. */
export function importDocument({ imported, missed, bytes, durationMs }: MeasuredImport): object {
  const { counts = emptyCounts(), folders = [], files = 0 } = imported ?? {}
  const { rows, written, merged, leftOut, unrepresentable: notRepresentable } = counts
  const logs = folders.filter(({ action }) => action !== 'same').map(logOf)
  const bad: BadPlace[] = [
    ...Object.entries(counts.bad).map(([what, count]) => badRows(what, count, counts.places[what]!)),
    ...missed.map(({ path: file, code, message }) => ({ file, place: null, code, message, rows: 0 })),
  ]
  return { files, rows, written, merged, logs, leftOut, notRepresentable, bad, bytes, durationMs }
}

function logOf({ key, records: messages }: ImportedFolder): object {
  const [venue, symbol, date, stream] = key.split('/')
  return { venue, symbol, date, stream, messages }
}

/** All rows that are damaged in one way, at the first of them. */
function badRows(what: string, rows: number, at: ImportPlace): BadPlace {
  const place = placeText(at)
  return { file: at.path, place, code: `import-${what}`, message: `${what}: ${rows} damaged, the first at ${place}`, rows }
}

/** Where in a file something lies, for people. */
export function placeText({ line, offset }: ImportPlace): string {
  return line !== undefined ? `line ${line}` : `byte ${offset ?? 0}`
}
