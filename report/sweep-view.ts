import { GAIN_SQL, isBacktest } from '../core/backtest/statistics.ts'
import type { ParamValue } from '../core/job/job-definition.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import { quoteName } from '../core/table/file-select.ts'
import type { Query } from '../core/table/query.ts'
import { inOrder } from './variant-text.ts'

/** A metric of the rows over the parameters that vary in the table. */
export interface SweepView {
  readonly metric: string
  /** One or two parameters, that with most values first, and their values in order. */
  readonly axes: readonly { readonly name: string; readonly values: readonly ParamValue[]; readonly isNumeric: boolean }[]
  /** Parameters that vary too: the metric is of all their values together. */
  readonly others: readonly string[]
  readonly cells: readonly SweepCell[]
  /** The metric of each instrument alone, the one with most rows first: its values in the order of the cells. Null: there is but one. */
  readonly byInstrument: readonly { readonly instrument: string; readonly values: readonly (number | null)[] }[] | null
  /** Instruments that are not in it. */
  readonly otherInstruments: number
}

export interface SweepCell {
  /** Where it is on each axis. */
  readonly at: readonly number[]
  readonly value: number | null
  readonly rows: number
  /** Mean of the metric over days of instruments ÷ its standard error; null where fewer than three have one. */
  readonly t: number | null
  /** How many these are. */
  readonly days: number
}

/** An aggregate of the rows (`next_x` is column `x` in the next row), and what it is called. */
export interface SweepMetric {
  readonly sql: string
  readonly name: string
}

/** Null: no parameter varies. @throws ReplayError input `query-failed` when the metric is no SQL */
export async function readSweep(query: Query, { variants, columns: all }: PlanHead, metric: SweepMetric | null): Promise<SweepView | null> {
  const names = Object.keys(variants[0]?.params ?? {})
  if (metric === null || names.length === 0) return null
  const columns = new Set(all.map(({ name }) => name))
  const varying: { name: string; values: ParamValue[] }[] = []
  for (const name of names) {
    const rows = await query.rows(`SELECT DISTINCT ${quoteName(name)} AS v FROM t WHERE ${quoteName(name)} IS NOT NULL`)
    if (rows.length > 1) varying.push({ name, values: inOrder(rows.map(({ v }) => v as ParamValue)) })
  }
  if (varying.length === 0) return null
  varying.sort((a, b) => b.values.length - a.values.length)
  const axes = varying
    .slice(0, 2)
    .map(({ name, values }) => ({ name, values, isNumeric: values.every((value) => typeof value === 'number') }))
  const keys = axes.map(({ name }, i) => `${quoteName(name)} AS k${i}`).join(', ')
  const by = axes.map((_, i) => `k${i}`).join(', ')
  const value = `(${metric.sql})::DOUBLE AS metric_value`
  const rowsOf = (more: string, suffix = ''): string =>
    `SELECT ${keys}${more}, ${value}, count(*) AS metric_rows FROM ${rowsWithNext(metric.sql, columns)} GROUP BY ALL${suffix}`
  const placeOf = (row: Readonly<Record<string, unknown>>): number[] =>
    axes.map(({ values }, i) => values.indexOf(row[`k${i}`] as ParamValue))

  const perDay = await query.rows(
    `SELECT ${by}, avg(metric_value) / nullif(stddev_samp(metric_value) / sqrt(count(*)), 0) AS t, count(*) AS days
     FROM (${rowsOf(', venue, symbol, date')}) WHERE isfinite(metric_value) GROUP BY ALL`,
  )
  const days = new Map(perDay.map((row) => [placeOf(row).join(), row]))
  const cells = (await query.rows(rowsOf(''))).flatMap((row): SweepCell[] => {
    const at = placeOf(row)
    if (at.includes(-1)) return []
    const own = days.get(at.join())
    const t = Number(own?.days ?? 0) < MIN_DAYS ? null : finite(own!.t)
    return [{ at, value: finite(row.metric_value), rows: Number(row.metric_rows), t, days: Number(own?.days ?? 0) }]
  })
  cells.sort((a, b) => a.at[0]! - b.at[0]! || (a.at[1] ?? 0) - (b.at[1] ?? 0))
  const others = varying.slice(2).map(({ name }) => name)
  return {
    metric: metric.name,
    axes,
    others,
    cells,
    ...perInstrument(await query.rows(rowsOf(`, venue || '/' || symbol AS instrument`)), cells, placeOf),
  }
}

/** Days of instruments below which a t-statistic says nothing. */
const MIN_DAYS = 3
const MAX_INSTRUMENTS = 30

function perInstrument(
  rows: readonly Readonly<Record<string, unknown>>[],
  cells: readonly SweepCell[],
  placeOf: (row: Readonly<Record<string, unknown>>) => number[],
): Pick<SweepView, 'byInstrument' | 'otherInstruments'> {
  const found = new Map<string, { rows: number; values: (number | null)[] }>()
  const cellAt = new Map(cells.map(({ at }, i) => [at.join(), i]))
  for (const row of rows) {
    const cell = cellAt.get(placeOf(row).join())
    if (cell === undefined) continue
    const instrument = String(row.instrument)
    const own = found.get(instrument) ?? { rows: 0, values: cells.map(() => null) }
    own.rows += Number(row.metric_rows)
    own.values[cell] = finite(row.metric_value)
    found.set(instrument, own)
  }
  if (found.size < 2) return { byInstrument: null, otherInstruments: 0 }
  const sorted = [...found].sort(([a, x], [b, y]) => y.rows - x.rows || (a < b ? -1 : 1))
  const byInstrument = sorted.slice(0, MAX_INSTRUMENTS).map(([instrument, { values }]) => ({ instrument, values }))
  return { byInstrument, otherInstruments: sorted.length - byInstrument.length }
}

/**
 * The rows, and of each column `x` that the metric calls `next_x` its value in the next row of the same instrument and variant: what
 * came after, which no row may hold itself.
 */
function rowsWithNext(sql: string, columns: ReadonlySet<string>): string {
  const rows = isBacktest(columns) ? `(SELECT *, ${GAIN_SQL} AS gain FROM t)` : 't'
  const wanted = new Set([...sql.matchAll(/\bnext_(\w+)/g)].map(([, name]) => name!).filter((name) => columns.has(name)))
  if (wanted.size === 0) return rows
  const next = [...wanted].map((name) => `lead(${quoteName(name)}) OVER following AS ${quoteName(`next_${name}`)}`)
  return `(SELECT *, ${next.join(', ')} FROM ${rows} WINDOW following AS (PARTITION BY venue, symbol, variant ORDER BY ts_ns, seq, "row"))`
}

function finite(value: unknown): number | null {
  return value === null || value === undefined || !Number.isFinite(Number(value)) ? null : Number(value)
}
