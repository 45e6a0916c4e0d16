import { missingInstruments } from '../backtest/instruments.ts'
import { ReplayError } from '../errors.ts'
import type { JobOutline } from '../job/job-outline.ts'
import { PARTITION_COLUMNS } from '../job/row-schema.ts'
import { mergeSchemas } from '../table/table-schema.ts'
import type { InstrumentDays } from './archive/instrument-days.ts'
import type { LiveParts } from './table/live-parts.ts'
import type { VariantWindows } from './variant-windows.ts'

/** What would run has to have a market. @throws ReplayError input `instrument-missing` */
export function requireInstruments({ instruments }: JobOutline, days: readonly InstrumentDays[]): void {
  if (instruments === undefined) return
  const known = new Set(instruments.map(({ venue, symbol }) => `${venue}/${symbol}`))
  const missing = days.filter(({ venue, symbol }) => !known.has(`${venue}/${symbol}`))
  if (missing.length > 0) throw missingInstruments(missing)
}

/** An outline may be older than the table. */
export function requireKnown(live: LiveParts, windows: VariantWindows): void {
  const unknown = live.variants.find(({ id }) => !windows.has(id))
  if (unknown === undefined) return
  const message = `another run brought variant ${JSON.stringify(unknown.params)} into the table since this one was asked for; submit it again`
  throw new ReplayError('variants-changed', message, { category: 'input' })
}

/** Rows that the table would not take are not made. @throws ReplayError input `table-schema` */
export function requireSchema({ table }: LiveParts, { name, columns }: JobOutline): void {
  if (table === null) return
  const own = columns.filter((column) => !PARTITION_COLUMNS.includes(column.name))
  mergeSchemas(table.schema, { job: name, columns: own }, table.uri, table.foreignColumns)
}

export function appendOnly(path: string, stale: number): ReplayError {
  const message = `the table is append-only (delta.appendOnly), and ${stale} partitions in it are to be replaced; set the property to false, or use another table`
  return new ReplayError('table-append-only', message, { category: 'input', path })
}

export function otherJob(found: string, name: string): ReplayError {
  return new ReplayError('table-job', `the table holds rows of job ${found}, not of ${name}; give each job a table of its own`, {
    category: 'input',
  })
}

export function skippingSnapshots(name: string): ReplayError {
  const message = `job ${name} writes restart points, which are of whole books only: it stops at damaged input (--on-error quarantine or abort)`
  return new ReplayError('snapshots-skip', message, { category: 'input' })
}

export function overlapping(partition: string, other: string): ReplayError {
  const message = `partition ${partition} overlaps rows of another slicing, ${other}; use that --slice, or another table`
  return new ReplayError('cell-overlap', message, { category: 'input' })
}
