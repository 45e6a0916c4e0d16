import { ReplayError } from '../errors.ts'
import { BAR_TIMES, ROW_TIME } from '../features/rows/row-times.ts'
import type { ColumnType } from '../table/column-buffer.ts'
import type { JobDefinition, JobTiming, ParamValue } from './job-definition.ts'

/** A column of the rows. */
export interface PlanColumn {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
}

/**
 * The columns that every row begins with; docs/tables.md says what they mean.
 *
 * | column  | type         | holds                                                                                  |
 * | venue   | string       | directory; also symbol                                                                 |
 * | date    | date         | UTC day of the cell, which of a bar is that it began in                                  |
 * | ts      | timestamp_us | when the row's values were known: the latest time of a message so far, or the end of the bar |
 * | ts_ns   | i64          | the same exactly, nanoseconds since the epoch                                           |
 * | seq     | i64          | position of the message, of a bar's last one: segment · 2³² + offset ÷ 64; NULL if none  |
 * | row     | i32          | number of the row among those of one message, from 0                                     |
 * | variant | string       | id of the variant                                                                        |
 */
const PREFIX: readonly PlanColumn[] = [
  { name: 'venue', type: 'string', nullable: false },
  { name: 'symbol', type: 'string', nullable: false },
  { name: 'date', type: 'date', nullable: false },
  ...ROW_TIME.map((spec) => ({ ...spec, nullable: false })),
  { name: 'seq', type: 'i64', nullable: true },
  { name: 'row', type: 'i32', nullable: false },
  { name: 'variant', type: 'string', nullable: false },
]

/** The columns that are directories, not in the files. */
export const PARTITION_COLUMNS: readonly string[] = ['venue', 'symbol']

/** Names that neither a parameter nor a column of a job may have; `emit` ends a row. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set([
  ...PREFIX.map(({ name }) => name),
  ...BAR_TIMES.map(({ name }) => name),
  'gap',
  'emit',
])

/**
 * The schema of a job's rows: the prefix, its parameters, the bounds of bars, `gap` where it has a book, its own columns.
 * Parameters may be NULL: a table's older rows may be of a time without them.
 * @param timings of every variant @throws ReplayError input `job-invalid` when variants differ in having bars or event rows
 */
export function rowSchema(job: JobDefinition, timings: readonly JobTiming[]): PlanColumn[] {
  const shapes = new Set(timings.map(({ everyNs, trigger }) => `${everyNs !== null} ${trigger?.hasEventRows ?? true}`))
  if (shapes.size > 1) {
    throw new ReplayError(
      'job-invalid',
      `job ${job.name}: trigger: some variants have time bars or event rows and some not; use two jobs`,
      {
        category: 'input',
      },
    )
  }
  const [timing] = timings
  const hasEventRows = timing?.trigger?.hasEventRows ?? true
  const bars = BAR_TIMES.map((spec): PlanColumn => ({ ...spec, nullable: hasEventRows }))
  return [
    ...PREFIX,
    ...Object.entries(job.params).map(([name, value]): PlanColumn => ({ name, type: paramType(value), nullable: true })),
    ...(timing === undefined || timing.everyNs === null ? [] : bars),
    ...(usesBook(job) ? [{ name: 'gap', type: 'bool', nullable: false } as const] : []),
    ...Object.entries(job.columns).map(([name, type]): PlanColumn => ({ name, type, nullable: true })),
  ]
}

/** Whether rows depend on a book, and so on all that was before. */
export function usesBook(job: JobDefinition): boolean {
  return job.pipeline === undefined && job.streams !== 'all' && job.streams.includes('book')
}

function paramType(value: ParamValue): PlanColumn['type'] {
  return typeof value === 'number' ? 'f64' : typeof value === 'boolean' ? 'bool' : 'string'
}
