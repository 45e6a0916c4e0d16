import { quoteName } from '../core/table/file-select.ts'
import type { Query } from '../core/table/query.ts'
import { type PlotScope, quoteText, short } from './plot-scope.ts'

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

export async function plotColumn(query: Query, column: string, { variant, instruments }: PlotScope): Promise<ColumnPlot> {
  const curves: ColumnCurve[] = []
  const value = `${quoteName(column)}::DOUBLE`
  for (const { venue, symbol, fromNs, binNs } of instruments) {
    const rows = await query.rows(
      `SELECT ((ts_ns - ${fromNs}) // ${binNs})::INTEGER AS bin, min(v) AS low, max(v) AS high, avg(v) AS mean, count(*) AS n
       FROM (SELECT ts_ns, ${value} AS v FROM t WHERE venue = ${quoteText(venue)} AND symbol = ${quoteText(symbol)} AND variant = ${quoteText(variant.id)})
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
