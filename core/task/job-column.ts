import { ReplayError } from '../errors.ts'
import type { ColumnContext, EngineMoment, FeatureColumn, FeatureState } from '../features/columns/column.ts'
import type { JobColumns, JobContext, JobDefinition, JobHandlers, JobParamDefaults } from '../job/job-definition.ts'
import { usesBook } from '../job/row-schema.ts'
import { requireHandlers, requireNoPromise } from '../job-handlers.ts'
import { RowValues } from './row-values.ts'

const HANDLERS = ['book', 'trade', 'ticker', 'message', 'gap', 'reset', 'row', 'end'] as const

/** Name of the column that hears everything for a job; it has no values of its own. */
export const JOB_COLUMN = 'emit'

export interface JobColumnOptions {
  readonly job: JobDefinition
  readonly params: JobParamDefaults
  readonly venue: string
  readonly symbol: string
  /** Id of the variant. */
  readonly variant: string
  /** Of the variant, nanoseconds. */
  readonly warmUpNs: number
  /** Whether a row that its columns cannot hold is left out, rather than an error. */
  readonly isSkipping: boolean
}

/** A job at work for one variant, as a column of the features engine. */
export interface JobColumn {
  readonly column: FeatureColumn
  /** What its handlers set. */
  readonly values: RowValues
  /** What the engine is handling, once the column was created. */
  moment(): EngineMoment
}

/**
 * The handlers of a job as one more column beside its features: it hears what columns hear, and what it sets of a row waits
 * in `values` until the row's target takes it.
 */
export function jobColumn(options: JobColumnOptions): JobColumn {
  const { job, warmUpNs } = options
  let context: ColumnContext | null = null
  let isInRow = false
  const emit = (): void => {
    if (isInRow)
      throw new ReplayError('emit-in-row', `job ${job.name}: out.emit() in row(): the row is made without it`, { category: 'input' })
    context!.emit()
    values.clear()
  }
  const beyondRange = job.beyondRange === 'null' ? 'null' : options.isSkipping ? 'row' : 'error'
  const values = new RowValues(job.name, job.columns, emit, { beyondRange, lose: (reason) => context!.loseValue(reason) })
  const column: FeatureColumn = {
    name: JOB_COLUMN,
    type: 'f64',
    warmUpNs,
    create(given) {
      context = given
      return stateOf(options, given, values, (isIn) => {
        isInRow = isIn
      })
    },
  }
  return { column, values, moment: () => context!.moment }
}

function stateOf(options: JobColumnOptions, context: ColumnContext, values: RowValues, markRow: (isIn: boolean) => void): FeatureState {
  const { job, params, venue, symbol, variant } = options
  const { out } = values
  const book = usesBook(job) ? context.book : undefined
  const make = (): JobHandlers<JobColumns> =>
    job.create === undefined ? {} : requireHandlers(job.name, job.create(params, { book, venue, symbol, variant } as JobContext), HANDLERS)
  const hear = (handler: string, given: unknown): void => {
    if (given !== undefined) requireNoPromise(job.name, handler, given)
  }
  let handlers = make()
  const row = (): void => {
    markRow(true)
    hear('row', handlers.row!(out))
    markRow(false)
  }
  return {
    value: () => Number.NaN,
    isEmpty: true,
    reset() {
      values.clear()
      hear('reset', handlers.reset?.())
    },
    // Handlers cannot know that a row is not wanted: what they count up starts again with it.
    ...(handlers.row !== undefined && { row, muted: row }),
    ...(job.create !== undefined && { nextRow: () => values.clear() }),
    ...(handlers.trade !== undefined && { trade: (trade) => hear('trade', handlers.trade!(trade, out)) }),
    ...(handlers.book !== undefined && { book: (event) => hear('book', handlers.book!(event, out)) }),
    ...(handlers.ticker !== undefined && { ticker: (ticker) => hear('ticker', handlers.ticker!(ticker, out)) }),
    ...(handlers.message !== undefined && {
      message: (message) => hear('message', handlers.message!(message, out, streamOf(message.batch.originAt(message.index).path))),
    }),
    ...(handlers.gap !== undefined && { gap: (isOpen) => hear('gap', handlers.gap!({ isOpen })) }),
    ...((handlers.end !== undefined || job.session === 'day') && {
      dayEnds() {
        hear('end', handlers.end?.(out))
        if (job.session !== 'day') return
        handlers = make()
        handlers.reset?.()
      },
    }),
  }
}

/** The last folder of a log's path; the logs of a pass are few, so the names are kept. */
function streamOf(path: string): string {
  let stream = STREAMS.get(path)
  if (stream === undefined) {
    if (STREAMS.size >= MAX_STREAMS) STREAMS.clear()
    stream = path.split(/[\\/]/).findLast((part) => part !== '') ?? ''
    STREAMS.set(path, stream)
  }
  return stream
}

const STREAMS = new Map<string, string>()
const MAX_STREAMS = 1000
