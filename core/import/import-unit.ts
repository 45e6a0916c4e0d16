import { ReplayError } from '../errors.ts'
import { type ByteStream, type OpenOptions, openBytes, type StoredFile } from './files/byte-stream.ts'
import type { Importer, ImportFile, ImportSettings } from './importer.ts'
import { LogStager, type StagedFolder } from './logs/log-stager.ts'
import { ImportOutput } from './messages/import-output.ts'
import type { ImportRange, ImportScales } from './messages/import-range.ts'
import { type ImportCounts, ImportTally } from './messages/import-tally.ts'

/** A file of a unit, and what its importer takes it for. */
export interface UnitFile {
  readonly name: string
  readonly holds: string
  readonly stored: StoredFile
}

export interface UnitOptions {
  readonly settings: ImportSettings
  readonly range: ImportRange
  readonly scales: ImportScales
  readonly onError: 'abort' | 'skip'
  /** What there is of a file whose compression is cut short is kept. */
  readonly keepsTruncated: boolean
}

export interface UnitResult {
  readonly folders: readonly StagedFolder[]
  readonly counts: ImportCounts
}

/**
 * Reads the files of a unit into staged logs.
 * @param directory is made, and holds the logs
 * @throws ReplayError those of the files and the format; input `import-overlap` of a file and its compressed copy, `disk-full`
 */
export async function importUnit(
  importer: Importer,
  files: readonly UnitFile[],
  options: UnitOptions,
  directory: string,
): Promise<UnitResult> {
  const stager = new LogStager(directory)
  const counts = await readUnit(importer, files, options, stager)
  const folders = await stager.finish()
  if (stager.coarse > 0) counts.noted['messages with scales of their own'] = stager.coarse
  return { folders, counts }
}

/** Puts what the files of a unit hold; how many rows became what. @throws ReplayError as `importUnit` */
export async function readUnit(
  importer: Importer,
  files: readonly UnitFile[],
  { settings, range, scales, onError, keepsTruncated }: UnitOptions,
  stager: LogStager,
): Promise<ImportCounts> {
  requireNoCopies(files)
  const tally = new ImportTally(onError)
  const open: OpenOptions = keepsTruncated ? { onTruncated: ({ code }) => tally.note(`files cut short (${code})`) } : {}
  const opened: AsyncGenerator<Uint8Array>[] = []
  const read = files.map(({ name, holds, stored }): ImportFile => {
    const opening = async (): Promise<ByteStream> => {
      const stream = openBytes(stored, open)
      opened.push(stream)
      return stream
    }
    return { name, path: stored.path, holds, open: opening }
  })
  try {
    await importer.read(read, new ImportOutput(stager, tally, { venue: settings.venue }, range, scales), settings)
  } finally {
    // An error leaves files in the middle.
    for (const stream of opened) await stream.return(undefined)
  }
  tally.check()
  return tally.counts
}

/** A file that lies beside what it was unpacked from, or packed into, would be read as if it went on behind it. */
function requireNoCopies(files: readonly UnitFile[]): void {
  const seen = new Map<string, string>()
  for (const { stored } of files) {
    const { path } = stored
    const unpacked = path.replace(/\.(?:gz|zst|zip)$/i, '')
    const other = seen.get(unpacked)
    // The begin of a file that is only looked at has no path.
    if (other !== undefined && path !== '') {
      const message = `this file and ${other} have one name but for the compression: one looks like a copy of the other; import one of them`
      throw new ReplayError('import-overlap', message, { category: 'input', path })
    }
    seen.set(unpacked, path)
  }
}
