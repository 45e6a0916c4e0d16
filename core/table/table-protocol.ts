import { ReplayError } from '../errors.ts'
import type { AddFile, MetaData, Protocol } from './delta-action.ts'

/** The protocol of the tables written here: every Delta reader can read them. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const

/** What a protocol demands of whom. */
interface Guarded {
  readonly protocol: Protocol
  readonly metaData: MetaData
  readonly parts: ReadonlyMap<string, AddFile>
}

/**
 * Refuses a table that cannot be read rightly, by the name of what it uses. A feature that a table may use and does not is none.
 * @throws ReplayError input `table-protocol`
 */
export function requireReader({ protocol, metaData, parts }: Guarded, path: string): void {
  const { minReaderVersion, readerFeatures } = protocol
  const features = minReaderVersion >= 3 ? (readerFeatures ?? []) : []
  const unknown = features.filter((name) => !READABLE.has(name))
  if (minReaderVersion > 3 || (minReaderVersion === 3 && readerFeatures === undefined) || unknown.length > 0) {
    const what = unknown.length > 0 ? `the reader features ${unknown.join(', ')}` : `a Delta reader of version ${minReaderVersion}`
    throw refused(`the table needs ${what}, which this program has not; another program upgraded it`, 'a table without them', path)
  }
  requireNoMapping(metaData, path)
  if (!features.includes('deletionVectors')) return
  for (const { path: key, deletionVector } of parts.values()) {
    if (deletionVector === undefined || deletionVector === null) continue
    const message = `rows of ${key} are deleted by a deletion vector, which this program cannot read`
    throw refused(message, 'REORG TABLE … APPLY (PURGE), or a copy without deletion vectors', path)
  }
}

/**
 * Refuses a table into which no rows may be written without more than this program does.
 * @param isReplacing whether parts are to be taken out
 * @throws ReplayError input `table-protocol`, `table-append-only`
 */
export function requireWriter({ protocol, metaData }: Omit<Guarded, 'parts'>, isReplacing: boolean, path: string): void {
  const { minWriterVersion, writerFeatures } = protocol
  const unknown = minWriterVersion >= 7 ? (writerFeatures ?? []).filter((name) => !WRITABLE.has(name)) : []
  if (minWriterVersion > 7 || (minWriterVersion === 7 && writerFeatures === undefined) || unknown.length > 0) {
    const what = unknown.length > 0 ? `the writer features ${unknown.join(', ')}` : `a Delta writer of version ${minWriterVersion}`
    throw refused(`the table needs ${what}, which this program has not; another program upgraded it`, 'a table without them', path)
  }
  requireNoMapping(metaData, path)
  const constraints = Object.keys(metaData.configuration).filter((name) => name.startsWith('delta.constraints.'))
  if (constraints.length > 0) {
    const names = constraints.map((name) => name.slice('delta.constraints.'.length)).join(', ')
    throw refused(`the table has constraints (${names}), which this program does not check`, 'ALTER TABLE … DROP CONSTRAINT', path)
  }
  const { fields } = JSON.parse(metaData.schemaString) as { fields: { name: string; metadata?: Record<string, unknown> }[] }
  for (const { name, metadata = {} } of fields) {
    const demand = ['delta.invariants', 'delta.generationExpression', 'delta.identity.start'].find((key) => key in metadata)
    if (demand !== undefined) throw refused(`column ${name} has ${demand}, which this program does not obey`, 'a table without it', path)
  }
  if (isReplacing && metaData.configuration['delta.appendOnly'] === 'true') {
    const message =
      'the table is append-only (delta.appendOnly), and rows in it are to be replaced; set the property to false, or use another table'
    throw new ReplayError('table-append-only', message, { category: 'input', path })
  }
}

function requireNoMapping({ configuration }: MetaData, path: string): void {
  const mode = configuration['delta.columnMapping.mode'] ?? 'none'
  if (mode === 'none') return
  throw refused(`the table maps columns by ${mode} (delta.columnMapping.mode), which this program does not`, 'a table without it', path)
}

function refused(message: string, advice: string, path: string): ReplayError {
  return new ReplayError('table-protocol', `${message}: use ${advice}`, { category: 'input', path })
}

/** Reader features that change nothing of what is read here, or are looked for where they are used. */
const READABLE: ReadonlySet<string> = new Set(['columnMapping', 'deletionVectors', 'timestampNtz', 'v2Checkpoint', 'vacuumProtocolCheck'])
/** Likewise; of a change data feed, readers find out from the parts what a version changed. */
const WRITABLE: ReadonlySet<string> = new Set([
  ...READABLE,
  'appendOnly',
  'changeDataFeed',
  'checkConstraints',
  'generatedColumns',
  'identityColumns',
  'invariants',
])
