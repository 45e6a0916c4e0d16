import { jobTiming } from '../../../core/job/define-job.ts'
import type { JobDefinition } from '../../../core/job/job-definition.ts'
import { rowSchema } from '../../../core/job/row-schema.ts'
import { variantsOf } from '../../../core/job/variants.ts'
import { readPlainArchive } from './archive.ts'
import type { PlainCase } from './jobs.ts'
import { type PlainTally, plainPass } from './pass.ts'
import { linesOf, type PlainRow, sumOfRows } from './rows.ts'

/** What a table of a whole archive has to hold. */
export interface PlainTable {
  /** As `tableSum` tells it. */
  readonly sum: string
  readonly rows: number
  /** What became of the messages, each variant's alike. */
  readonly tally: PlainTally
  /** An instrument has a day with folders, and none of a book: jobs over one are then behind a gap, which is not told here. */
  readonly lacksBook: boolean
  /** Every row as a line, sorted. */
  lines(): string[]
}

/** The rows of a job over a whole archive, by one plain pass per instrument and variant. */
export function plainTable(archive: string, { params, streams, plain }: PlainCase, job: JobDefinition): PlainTable {
  const variants = variantsOf(job, params)
  const columns = rowSchema(
    job,
    variants.map((variant) => jobTiming(job, variant.params)),
  )
  const instruments = readPlainArchive(archive, streams)
  const passes = instruments.map(({ venue, symbol, dates, messages, repeated, holes }) =>
    variants.map((variant) => {
      const { rows, tally } = plainPass(messages, dates, plain(variant.params))
      tally.read += repeated + holes
      if (repeated > 0) tally.leftOut['duplicate-segment'] = repeated
      if (holes > 0) tally.leftOut['segment-missing'] = holes
      return { tally, rows: rows.map((row): PlainRow => ({ ...row, ...variant.params, venue, symbol, variant: variant.id })) }
    }),
  )
  const rows = passes.flatMap((ofInstrument) => ofInstrument.flatMap((pass) => pass.rows))
  const tally = sumOfTallies(passes.map(([first]) => first!.tally))
  return {
    sum: sumOfRows(columns, rows),
    rows: rows.length,
    tally,
    lacksBook: instruments.some(({ lacksBook }) => lacksBook),
    lines: () => linesOf(columns, rows),
  }
}

export function sumOfTallies(tallies: readonly PlainTally[]): PlainTally {
  const sum: PlainTally = { read: 0, leftOut: {}, noted: {} }
  for (const { read, leftOut, noted } of tallies) {
    sum.read += read
    for (const [name, count] of Object.entries(leftOut)) sum.leftOut[name] = (sum.leftOut[name] ?? 0) + count
    for (const [name, count] of Object.entries(noted)) sum.noted[name] = (sum.noted[name] ?? 0) + count
  }
  return sum
}
