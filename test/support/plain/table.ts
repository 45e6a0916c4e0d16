import type { JobDefinition } from '../../../core/job/define-job.ts'
import { jobTiming } from '../../../core/job/define-job.ts'
import { rowSchema } from '../../../core/job/row-schema.ts'
import { variantsOf } from '../../../core/job/variants.ts'
import { readPlainArchive } from './archive.ts'
import type { PlainCase } from './jobs.ts'
import { plainPass } from './pass.ts'
import { linesOf, type PlainRow, sumOfRows } from './rows.ts'

/** What a table of a whole archive has to hold. */
export interface PlainTable {
  /** As `tableSum` tells it. */
  readonly sum: string
  readonly rows: number
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
  const rows = readPlainArchive(archive, streams).flatMap(({ venue, symbol, dates, messages }) =>
    variants.flatMap((variant) => {
      const own = plainPass(messages, dates, plain(variant.params))
      return own.map((row): PlainRow => ({ ...row, ...variant.params, venue, symbol, variant: variant.id }))
    }),
  )
  return { sum: sumOfRows(columns, rows), rows: rows.length, lines: () => linesOf(columns, rows) }
}
