import { isBacktest, type StatisticsTerms } from '../core/backtest/statistics.ts'
import { ReplayError } from '../core/errors.ts'
import type { PlanColumn } from '../core/job/row-schema.ts'
import { nearest } from '../core/nearest-word.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import type { ObjectStore } from '../core/store/object-store.ts'
import type { AddFile } from '../core/table/delta-action.ts'
import { quoteName } from '../core/table/file-select.ts'
import { type Query, unite } from '../core/table/query.ts'
import type { RemotePartsOptions } from '../core/table/remote-parts.ts'
import { openParts, openTable } from '../core/table/table-query.ts'
import { selectParts } from '../core/table/table-view.ts'
import { type BacktestView, type FillView, readAllFills, readBacktest } from './backtest-view.ts'
import { type ColumnPlot, plotColumn } from './column-plot.ts'
import { type ColumnSummary, summariseColumn } from './column-summary.ts'
import { type PlotScope, type PlottedVariant, plotScopes } from './plot-scope.ts'
import { type QualityRows, qualityGrid } from './quality-map.ts'
import type { RunRecord } from './run-record.ts'
import { readSweep, type SweepMetric, type SweepView } from './sweep-view.ts'

export interface TableFiguresOptions {
  /** Columns to plot. @default the first `DEFAULT_PLOTS` numeric ones */
  readonly plot?: readonly string[] | undefined
  /** What a sweep compares: an aggregate in SQL, e.g. `avg(imbalance)`. @default a backtest's gain, else the mean of the first plotted column */
  readonly metric?: string | undefined
  /** Which variant is plotted: values of parameters, as text. @default the first one of the run */
  readonly params?: ReadonlyMap<string, string> | undefined
  /** Of a backtest. @default a year of 365 days, and nothing relative to a book */
  readonly statistics?: StatisticsTerms | undefined
  /** How parts in an object store are read. */
  readonly remote?: RemotePartsOptions | undefined
}

/** What is told of one variant alone. */
export interface VariantView {
  readonly variant: PlottedVariant
  readonly plots: readonly ColumnPlot[]
  readonly summaries: readonly ColumnSummary[]
  /** Of a backtest. */
  readonly fills: readonly FillView[]
}

/** What DuckDB says of the rows. */
export interface TableFigures {
  /** `table`: as the run's last commit left it. `parts`: what the run wrote, as it is not in the table. */
  readonly source: 'table' | 'parts'
  /** Rows of that source; null when it could not be read. */
  readonly counted: number | null
  /** Why there are no figures of the rows; null when there are. */
  readonly problem: string | null
  readonly quality: readonly QualityRows[]
  /** Why crossed books are not counted; null when they are. */
  readonly noCrossed: string | null
  /** Null: there are no rows. */
  readonly variant: PlottedVariant | null
  readonly plots: readonly ColumnPlot[]
  readonly summaries: readonly ColumnSummary[]
  /** Numeric columns that are not summarised. */
  readonly otherColumns: number
  readonly backtest: BacktestView | null
  /** Other variants of the run that the page can show in place of that one. */
  readonly others: readonly VariantView[]
  readonly sweep: SweepView | null
}

const DEFAULT_PLOTS = 3
const MAX_PLOTS = 8
const MAX_SUMMARIES = 24
/** Variants that a page can show, and the columns of all of them: a page is to stay well below a megabyte. */
const MAX_VIEWS = 8
const MAX_VIEWED_COLUMNS = 16
/** Of more rows than these only one variant is looked at: each is a pass over them for every column. */
const MAX_VIEWED_ROWS = 20_000_000

/** @throws ReplayError input `report-column` for a column that cannot be plotted, `report-param` for a variant that there is not, `query-failed` for a metric that is no SQL */
export async function readTableFigures(store: ObjectStore, record: RunRecord, options: TableFiguresOptions = {}): Promise<TableFigures> {
  const columns = plotColumns(record.head, options.plot)
  const source = record.commits.length > 0 ? 'table' : 'parts'
  const nothing = {
    source,
    counted: null,
    quality: [],
    noCrossed: null,
    variant: null,
    plots: [],
    summaries: [],
    otherColumns: 0,
    backtest: null,
    others: [],
    sweep: null,
  } as const
  let query: Query | null = null
  try {
    let counted: number
    try {
      query = await openRows(store, record, options.remote)
      if (query === null) return { ...nothing, problem: 'no rows were written' }
      counted = Number((await query.rows('SELECT count(*) AS n FROM t'))[0]!.n)
    } catch (error) {
      // Parts of an old run may have been removed, and a store may not be within DuckDB's reach.
      if (!(error instanceof ReplayError)) throw error
      return { ...nothing, problem: error.message.split('\n')[0]! }
    }
    if (counted === 0) return { ...nothing, counted, problem: 'the table has no rows' }
    const numeric = numericColumns(record.head)
    const most = counted > MAX_VIEWED_ROWS ? 1 : Math.max(1, Math.min(MAX_VIEWS, Math.floor(MAX_VIEWED_COLUMNS / columns.length)))
    const [scope, ...others] = await plotScopes(query, record.head, options.params ?? new Map(), most)
    const { plots, summaries } = await viewOf(query, scope, columns, numeric)
    const backtest = await readBacktest(query, record.head, scope, options.statistics)
    const views: VariantView[] = []
    for (const other of others) {
      views.push({ ...(await viewOf(query, other, columns, numeric)), fills: backtest === null ? [] : await readAllFills(query, other) })
    }
    return {
      source,
      counted,
      problem: null,
      ...(await countBadRows(query, record)),
      variant: scope.variant,
      plots,
      summaries,
      otherColumns: numeric.length - summaries.length,
      backtest,
      others: views,
      sweep: await readSweep(query, record.head, metricOf(record.head, options.metric, columns[0])),
    }
  } finally {
    await query?.close()
  }
}

async function viewOf(
  query: Query,
  scope: PlotScope,
  columns: readonly string[],
  numeric: readonly string[],
): Promise<Omit<VariantView, 'fills'>> {
  const plots: ColumnPlot[] = []
  for (const column of columns) plots.push(await plotColumn(query, column, scope))
  const summaries: ColumnSummary[] = []
  for (const column of numeric.slice(0, MAX_SUMMARIES)) summaries.push(await summariseColumn(query, column, scope))
  return { variant: scope.variant, plots, summaries }
}

function metricOf({ columns }: PlanHead, given: string | undefined, column: string | undefined): SweepMetric | null {
  if (given !== undefined) return { sql: given, name: given }
  if (isBacktest(new Set(columns.map(({ name }) => name)))) return { sql: 'sum(gain)', name: 'gain' }
  return column === undefined ? null : { sql: `avg(${quoteName(column)})`, name: `mean of ${column}` }
}

/** Null: nothing was written. */
async function openRows(store: ObjectStore, { head, commits, done }: RunRecord, remote?: RemotePartsOptions): Promise<Query | null> {
  if (commits.length > 0) return openTable(store, { asOf: head.run, remote })
  // Of partitions that share a part, the rows of each are in it.
  const parts = new Map([...done.values()].flatMap((receipt) => (receipt.part === null ? [] : [[receipt.part.path, receipt] as const])))
  if (parts.size === 0) return null
  const adds = [...parts].map(([path, { venue, symbol, part, endedMs }]): AddFile => {
    const place = { path, partitionValues: { venue, symbol }, size: part!.size }
    return { ...place, modificationTime: endedMs, dataChange: true, tags: { columns: 'of the run' } }
  })
  const schema = { job: head.job, columns: head.columns }
  return openParts(store, adds, (fileOf) => unite(selectParts(adds, schema, fileOf)), { remote })
}

/** Numeric columns that are the job's own. */
function numericColumns({ columns, variants }: PlanHead): string[] {
  const given = new Set([...PREFIX, ...Object.keys(variants[0]?.params ?? {})])
  return columns.filter(({ name, type }) => NUMERIC.has(type) && !given.has(name) && !name.endsWith('_ns')).map(({ name }) => name)
}

function plotColumns(head: PlanHead, wanted: readonly string[] | undefined): string[] {
  const numeric = numericColumns(head)
  if (wanted === undefined) return numeric.slice(0, DEFAULT_PLOTS)
  for (const name of wanted) {
    if (numeric.includes(name)) continue
    const near = nearest(name, numeric)
    const known = numeric.length === 0 ? 'it has none' : `it has ${numeric.join(', ')}`
    const message = `no numeric column ${JSON.stringify(name)} in the rows of job ${head.job}${near === null ? '' : `, did you mean ${near}?`} (${known})`
    throw new ReplayError('report-column', message, { category: 'input' })
  }
  if (wanted.length <= MAX_PLOTS) return [...wanted]
  throw new ReplayError('report-column', `expected at most ${MAX_PLOTS} columns to plot, found ${wanted.length}`, { category: 'input' })
}

const PREFIX = ['venue', 'symbol', 'date', 'ts', 'ts_ns', 'seq', 'row', 'variant']
const NUMERIC: ReadonlySet<PlanColumn['type']> = new Set(['f64', 'i64', 'i32'])

/** Rows with a crossed book, and rows that the job marked as after a gap. */
async function countBadRows(query: Query, record: RunRecord): Promise<Pick<TableFigures, 'quality' | 'noCrossed'>> {
  const grid = qualityGrid(record)
  const names = new Set(record.head.columns.map(({ name }) => name))
  const crossed = CROSSED.find(({ needs }) => needs.every((name) => names.has(name)))
  const noCrossed = crossed === undefined ? 'the rows have neither bid and ask prices nor spread_bps' : null
  if (grid === null) return { quality: [], noCrossed }
  const conditions = [
    ...(crossed === undefined ? [] : [['crossed', crossed.where] as const]),
    ...(names.has('gap') ? [['marked', 'gap'] as const] : []),
  ]
  const endNs = grid.fromNs + grid.binNs * BigInt(grid.bins)
  const timeNs = names.has('bar_start_ns') ? 'coalesce(bar_start_ns, ts_ns)' : 'ts_ns'
  const quality: QualityRows[] = []
  for (const [name, where] of conditions) {
    const rows = await query.rows(
      `SELECT venue || '/' || symbol AS instrument, ${grid.fromNs} + (${timeNs} - ${grid.fromNs}) // ${grid.binNs} * ${grid.binNs} AS bin_ns, count(*) AS n
       FROM t WHERE ${where} AND ${timeNs} >= ${grid.fromNs} AND ${timeNs} < ${endNs} GROUP BY ALL ORDER BY ALL`,
    )
    quality.push({
      name,
      counts: rows.map(({ instrument, bin_ns, n }) => ({
        instrument: String(instrument),
        timeNs: BigInt(bin_ns as string),
        count: Number(n),
      })),
    })
  }
  return { quality, noCrossed }
}

const CROSSED = [
  { needs: ['bid_price', 'ask_price'], where: 'bid_price > ask_price' },
  { needs: ['bid', 'ask'], where: 'bid > ask' },
  { needs: ['spread_bps'], where: 'spread_bps < 0' },
] as const
