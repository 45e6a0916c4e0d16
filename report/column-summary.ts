import { quoteName } from '../core/table/file-select.ts'
import type { Query } from '../core/table/query.ts'
import { type PlotScope, quoteText, short } from './plot-scope.ts'

/** What the values of a column are like, over all rows of one variant. */
export interface ColumnSummary {
  readonly column: string
  readonly rows: number
  readonly nulls: number
  /** Values that are no finite numbers; what follows leaves them out. */
  readonly notFinite: number
  /** Null: there are no values (of `deviation`: fewer than two). */
  readonly mean: number | null
  readonly deviation: number | null
  /** At `QUANTILES`; empty without values. */
  readonly quantiles: readonly number[]
  readonly histogram: Histogram | null
}

/** Counts of values in steps from the 1 % to the 99 % quantile, so that a few far values do not make one step of all others. */
export interface Histogram {
  readonly from: number
  readonly to: number
  readonly counts: readonly number[]
  readonly below: number
  readonly above: number
}

export const QUANTILES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1] as const
const STEPS = 30

export async function summariseColumn(query: Query, column: string, { variant }: PlotScope): Promise<ColumnSummary> {
  const values = `(SELECT ${quoteName(column)}::DOUBLE AS v FROM t WHERE variant = ${quoteText(variant.id)})`
  const quantiles = QUANTILES.map((q, i) => `quantile_cont(v, ${q}) FILTER (isfinite(v)) AS q${i}`)
  const [row] = await query.rows(
    `SELECT count(*) AS n, count(v) AS has, count(*) FILTER (isfinite(v)) AS finite, avg(v) FILTER (isfinite(v)) AS mean,
       stddev_samp(v) FILTER (isfinite(v)) AS deviation, ${quantiles.join(', ')} FROM ${values}`,
  )
  const { n, has, finite, mean, deviation } = row!
  const counts = { column, rows: Number(n), nulls: Number(n) - Number(has), notFinite: Number(has) - Number(finite) }
  if (Number(finite) === 0) return { ...counts, mean: null, deviation: null, quantiles: [], histogram: null }
  const at = QUANTILES.map((_, i) => short(row![`q${i}`]))
  return {
    ...counts,
    mean: short(mean),
    deviation: deviation === null ? null : short(deviation),
    quantiles: at,
    histogram: await histogramOf(query, values, at),
  }
}

/** Null: there is one value only. */
async function histogramOf(query: Query, values: string, quantiles: readonly number[]): Promise<Histogram | null> {
  const [least, greatest] = [quantiles[0]!, quantiles.at(-1)!]
  const [low, high] = [quantiles[1]!, quantiles.at(-2)!]
  const [from, to] = low < high ? [low, high] : [least, greatest]
  if (!(from < to)) return null
  const step = `CASE WHEN v < ${from} THEN -1 WHEN v > ${to} THEN ${STEPS} ELSE least(${STEPS - 1}, floor((v - ${from}) / ${(to - from) / STEPS}))::INTEGER END`
  const rows = await query.rows(`SELECT ${step} AS step, count(*) AS n FROM ${values} WHERE isfinite(v) GROUP BY ALL`)
  const counts = new Map(rows.map(({ step: at, n }) => [Number(at), Number(n)]))
  return {
    from,
    to,
    counts: Array.from({ length: STEPS }, (_, i) => counts.get(i) ?? 0),
    below: counts.get(-1) ?? 0,
    above: counts.get(STEPS) ?? 0,
  }
}
