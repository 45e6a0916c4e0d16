import { GAIN_SQL, isBacktest, type StatisticsTerms } from '../core/backtest/statistics.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import type { Query } from '../core/table/query.ts'
import { BINS, type PlotScope, quoteText, short } from './plot-scope.ts'
import { readStatistics, type StatisticsView } from './statistics-view.ts'
import { paramsText } from './variant-text.ts'

/** What a backtest's report draws beside what all have. */
export interface BacktestView {
  readonly equity: EquityView
  /** Of the variants whose equity is drawn. */
  readonly statistics: StatisticsView
  /** Fills of the variant that is plotted, on its mid price. */
  readonly fills: readonly FillView[]
}

/** Equity over time, of all instruments together: the variants that gained most, and the one that is plotted. */
export interface EquityView {
  readonly fromNs: string
  readonly binNs: string
  readonly curves: readonly EquityCurve[]
  /** Variants that are not drawn. */
  readonly others: number
  readonly instruments: number
}

export interface EquityCurve {
  /** Id of the variant. */
  readonly variant: string
  readonly label: string
  readonly isPlotted: boolean
  readonly gain: number
  /** Greatest fall below what it was before. */
  readonly drawdown: number
  /** Of each bin with a sample: number, equity at its end, greatest drawdown within it. */
  readonly points: readonly number[]
}

export interface FillView {
  readonly instrument: string
  readonly fromNs: string
  readonly binNs: string
  /** Of each bin with a sample: number, mean mid price. */
  readonly mid: readonly number[]
  /** Of each fill drawn: nanoseconds since `fromNs`, price, 1 for a buy and −1 for a sell, 1 for a maker and 0 for a taker. */
  readonly marks: readonly number[]
  readonly buys: number
  readonly sells: number
}

const MAX_CURVES = 6
const MAX_MARKS = 300

/** Null: the rows are not those of a backtest. */
export async function readBacktest(
  query: Query,
  head: PlanHead,
  scope: PlotScope,
  options?: StatisticsTerms,
): Promise<BacktestView | null> {
  if (!isBacktest(new Set(head.columns.map(({ name }) => name)))) return null
  const equity = await readEquity(query, head, scope)
  if (equity === null) return null
  const statistics = await readStatistics(query, new Map(equity.curves.map(({ variant, label }) => [variant, label])), options)
  return { equity, statistics, fills: await readAllFills(query, scope) }
}

/** Of each instrument. */
export async function readAllFills(query: Query, { variant, instruments }: PlotScope): Promise<FillView[]> {
  const fills: FillView[] = []
  for (const instrument of instruments) fills.push(await readFills(query, variant.id, instrument))
  return fills
}

async function readEquity(query: Query, { variants }: PlanHead, { variant }: PlotScope): Promise<EquityView | null> {
  const [range] = await query.rows(
    `SELECT min(bar_start_ns) AS from_ns, max(bar_end_ns) AS to_ns, count(DISTINCT (venue, symbol)) AS instruments FROM t WHERE kind = 'sample'`,
  )
  if (range?.from_ns == null) return null
  const fromNs = BigInt(range.from_ns as string)
  const binNs = (BigInt(range.to_ns as string) - fromNs) / BigInt(BINS) + 1n
  // Gains of all instruments at a time come together before anything is added up.
  const rows = await query.rows(
    `WITH gains AS (SELECT variant, bar_end_ns, sum(gain) AS gain FROM (SELECT variant, bar_end_ns, ${GAIN_SQL} AS gain FROM t) WHERE gain IS NOT NULL GROUP BY ALL),
     curve AS (SELECT variant, bar_end_ns, sum(gain) OVER so_far AS e FROM gains WINDOW so_far AS (PARTITION BY variant ORDER BY bar_end_ns)),
     falls AS (SELECT *, greatest(0, max(e) OVER (PARTITION BY variant ORDER BY bar_end_ns)) - e AS fall FROM curve)
     SELECT variant, ((bar_end_ns - 1 - ${fromNs}) // ${binNs})::INTEGER AS bin, arg_max(e, bar_end_ns) AS e, max(fall) AS fall
     FROM falls GROUP BY ALL ORDER BY variant, bin`,
  )
  const points = new Map<string, number[]>()
  for (const row of rows) {
    const id = String(row.variant)
    const own = points.get(id) ?? []
    own.push(Number(row.bin), short(row.e), short(row.fall))
    points.set(id, own)
  }
  const labels = new Map(variants.map(({ id, params }) => [id, paramsText(params, variants)]))
  const curves = [...points].map(([id, own]) => ({
    variant: id,
    label: labels.get(id) ?? id,
    isPlotted: id === variant.id,
    gain: own.at(-2)!,
    drawdown: own.reduce((most, value, i) => (i % 3 === 2 ? Math.max(most, value) : most), 0),
    points: own,
  }))
  curves.sort((a, b) => b.gain - a.gain)
  const drawn = curves.filter(({ isPlotted }, i) => i < MAX_CURVES || isPlotted)
  return {
    fromNs: String(fromNs),
    binNs: String(binNs),
    curves: drawn,
    others: curves.length - drawn.length,
    instruments: Number(range.instruments),
  }
}

async function readFills(
  query: Query,
  variant: string,
  { venue, symbol, fromNs, binNs }: PlotScope['instruments'][number],
): Promise<FillView> {
  const own = `FROM t WHERE venue = ${quoteText(venue)} AND symbol = ${quoteText(symbol)} AND variant = ${quoteText(variant)}`
  const mid = await query.rows(
    `SELECT ((ts_ns - ${fromNs}) // ${binNs})::INTEGER AS bin, avg(mid) AS mid ${own} AND kind = 'sample' AND isfinite(mid) GROUP BY bin ORDER BY bin`,
  )
  const [count] = await query.rows(
    `SELECT count(*) FILTER (side = 'buy') AS buys, count(*) FILTER (side = 'sell') AS sells ${own} AND kind = 'fill'`,
  )
  const [buys, sells] = [Number(count!.buys), Number(count!.sells)]
  // Every nth one where there are too many to tell apart.
  const every = Math.max(1, Math.ceil((buys + sells) / MAX_MARKS))
  const marks = await query.rows(
    `SELECT ts_ns - ${fromNs} AS at, price, side, is_maker FROM (SELECT *, row_number() OVER (ORDER BY ts_ns, seq, "row") AS i ${own} AND kind = 'fill')
     WHERE i % ${every} = 0 ORDER BY i`,
  )
  return {
    instrument: `${venue}/${symbol}`,
    fromNs: String(fromNs),
    binNs: String(binNs),
    mid: mid.flatMap(({ bin, mid: price }) => [Number(bin), short(price)]),
    marks: marks.flatMap(({ at, price, side, is_maker }) => [Number(at), short(price), side === 'buy' ? 1 : -1, is_maker === true ? 1 : 0]),
    buys,
    sells,
  }
}
