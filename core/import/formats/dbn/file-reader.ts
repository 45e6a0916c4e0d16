import { ReplayError } from '../../../errors.ts'
import type { ImportFile, ImportSettings } from '../../importer.ts'
import type { ImportOutput } from '../../messages/import-output.ts'
import type { ImportTally } from '../../messages/import-tally.ts'
import { type DbnInstruments, requireOnePublisher } from './instruments.ts'
import type { DbnMetadata } from './metadata.ts'
import { RecordMessages } from './record-messages.ts'
import { DbnRecords } from './record-reader.ts'
import { type Survey, surveyFile } from './survey.ts'
import { symbolsOf } from './symbol-routes.ts'

/**
 * Reads one file of a unit. Damage that hides where records begin ends the reading of the file.
 * @param number of the file in its unit
 * @throws ReplayError input `databento-publishers`; corrupt `databento-<what>`, `import-<what>` unless damage is skipped
 */
export async function readDbnFile(
  file: ImportFile,
  number: number,
  output: ImportOutput,
  instruments: DbnInstruments,
  settings: ImportSettings,
): Promise<void> {
  const { tally } = output
  const survey = await quietSurvey(file, instruments, tally)
  if (settings.venue !== undefined) requireOnePublisher(survey, file.path)
  const cutBefore = timesCutShort(tally)
  const records = new DbnRecords(await file.open(), file.path)
  try {
    const metadata = await records.open()
    noteSymbols(tally, metadata)
    const messages = new RecordMessages(records, metadata, file.path, number, tally, (publisher, symbol, id) =>
      instruments.of(metadata, survey, publisher, symbol, id),
    )
    while (await records.block()) while (records.next()) messages.put()
  } catch (error) {
    if (!(error instanceof ReplayError) || !error.code.startsWith(DAMAGE)) throw error
    if (error.code === 'databento-truncated' && timesCutShort(tally) > cutBefore) tally.leave('record cut short')
    else countDamage(tally, error, file.path)
  } finally {
    await records.close()
  }
}

/** What it notes, the second reading would note again. */
async function quietSurvey(file: ImportFile, { definitions }: DbnInstruments, { counts: { noted } }: ImportTally): Promise<Survey> {
  const before = { ...noted }
  const survey = await surveyFile(file, definitions)
  for (const what of Object.keys(noted)) {
    if (before[what] === undefined) delete noted[what]
    else noted[what] = before[what]
  }
  return survey
}

/** Symbols that are not the exchange's own keep the name that was asked for. */
function noteSymbols(tally: ImportTally, metadata: DbnMetadata): void {
  const kind = metadata.stypeIn === null ? undefined : AS_ASKED[metadata.stypeIn]
  if (kind !== undefined) tally.note(`${kind} symbols, as asked for`, symbolsOf(metadata).length)
}

/** As a record that is bad, where these are skipped. */
function countDamage(tally: ImportTally, error: ReplayError, path: string): void {
  const { code, message, place } = error
  try {
    tally.bad(code.slice(DAMAGE.length), message, { path, offset: place.offset ?? 0 })
  } catch {
    throw error
  }
  tally.note('files not read to their end')
}

/** How many files were kept although their compression ends too early. */
function timesCutShort({ counts: { noted } }: ImportTally): number {
  let times = 0
  for (const [what, count] of Object.entries(noted)) if (what.startsWith('files cut short')) times += count
  return times
}

const DAMAGE = 'databento-'
const AS_ASKED: readonly (string | undefined)[] = [undefined, undefined, 'smart', 'continuous']
