import type { PlanHead } from '../core/plan/run/plan-document.ts'
import type { Query } from '../core/table/query.ts'
import { quoteName } from '../core/table/table-query.ts'

/** Points of a curve. */
const BINS = 200
const MAX_INSTRUMENTS = 4

/** Least, greatest and mean value of a column over time, per instrument. */
export interface ColumnPlot {
  readonly column: string
  readonly curves: readonly ColumnCurve[]
}

export interface ColumnCurve {
  readonly instrument: string
  /** Rows with a value, of those in scope. */
  readonly values: number
  /** Nanoseconds since the epoch and length of a bin, decimal. */
  readonly fromNs: string
  readonly binNs: string
  /** Of each bin that has a value: number, least, greatest, mean. */
  readonly points: readonly number[]
}

/** What is plotted: the instruments with most rows, one variant. */
export interface PlotScope {
  readonly variant: string
  readonly instruments: readonly {
    readonly venue: string
    readonly symbol: string
    readonly fromNs: bigint
    readonly binNs: bigint
  }[]
}

export async function plotScope(query: Query, { asked }: PlanHead): Promise<PlotScope> {
  const wanted = asked.length === 0 ? '' : `WHERE variant IN (${asked.map(quoteText).join(', ')})`
  const [first] = await query.rows(`SELECT min(variant) AS variant FROM t ${wanted}`)
  const variant = String(first?.variant ?? '')
  const rows = await query.rows(
    `SELECT venue, symbol, count(*) AS n, min(ts_ns) AS from_ns, max(ts_ns) AS to_ns FROM t WHERE variant = ${quoteText(variant)}
     GROUP BY ALL ORDER BY n DESC, venue, symbol LIMIT ${MAX_INSTRUMENTS}`,
  )
  const instruments = rows.map(({ venue, symbol, from_ns, to_ns }) => {
    const [fromNs, toNs] = [BigInt(from_ns as string), BigInt(to_ns as string)]
    return { venue: String(venue), symbol: String(symbol), fromNs, binNs: (toNs - fromNs) / BigInt(BINS) + 1n }
  })
  return { variant, instruments: instruments.sort((a, b) => (`${a.venue}/${a.symbol}` < `${b.venue}/${b.symbol}` ? -1 : 1)) }
}

export async function plotColumn(query: Query, column: string, { variant, instruments }: PlotScope): Promise<ColumnPlot> {
  const curves: ColumnCurve[] = []
  const value = `${quoteName(column)}::DOUBLE`
  for (const { venue, symbol, fromNs, binNs } of instruments) {
    const rows = await query.rows(
      `SELECT ((ts_ns - ${fromNs}) // ${binNs})::INTEGER AS bin, min(v) AS low, max(v) AS high, avg(v) AS mean, count(*) AS n
       FROM (SELECT ts_ns, ${value} AS v FROM t WHERE venue = ${quoteText(venue)} AND symbol = ${quoteText(symbol)} AND variant = ${quoteText(variant)})
       WHERE isfinite(v) GROUP BY bin ORDER BY bin`,
    )
    curves.push({
      instrument: `${venue}/${symbol}`,
      values: rows.reduce((total, { n }) => total + Number(n), 0),
      fromNs: String(fromNs),
      binNs: String(binNs),
      points: rows.flatMap(({ bin, low, high, mean }) => [Number(bin), short(low), short(high), short(mean)]),
    })
  }
  return { column, curves }
}

/** Eight digits are more than a chart shows. */
function short(value: unknown): number {
  return Number(Number(value).toPrecision(8))
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
