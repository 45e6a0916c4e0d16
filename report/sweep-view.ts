import { parseDuration } from '../core/features/clocks/duration.ts'
import type { ParamValue } from '../core/job/job-definition.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import type { Query } from '../core/table/query.ts'
import { quoteName } from '../core/table/table-query.ts'

/** A metric of the rows over the parameters that vary in the table. */
export interface SweepView {
  readonly metric: string
  /** One or two parameters, that with most values first, and their values in order. */
  readonly axes: readonly { readonly name: string; readonly values: readonly ParamValue[]; readonly isNumeric: boolean }[]
  /** Parameters that vary too: the metric is of all their values together. */
  readonly others: readonly string[]
  readonly cells: readonly { readonly at: readonly number[]; readonly value: number | null; readonly rows: number }[]
}

/** An aggregate of the rows, and what it is called. */
export interface SweepMetric {
  readonly sql: string
  readonly name: string
}

/** Null: no parameter varies. @throws ReplayError input `query-failed` when the metric is no SQL */
export async function readSweep(query: Query, { variants }: PlanHead, metric: SweepMetric | null): Promise<SweepView | null> {
  const names = Object.keys(variants[0]?.params ?? {})
  if (metric === null || names.length === 0) return null
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
  const keys = axes.map(({ name }) => quoteName(name)).join(', ')
  const rows = await query.rows(
    `SELECT ${axes.map(({ name }, i) => `${quoteName(name)} AS k${i}`).join(', ')}, (${metric.sql})::DOUBLE AS metric_value, count(*) AS metric_rows FROM t GROUP BY ${keys}`,
  )
  const cells = rows.flatMap((row) => {
    const at = axes.map(({ values }, i) => values.indexOf(row[`k${i}`] as ParamValue))
    const value = row.metric_value === null ? null : Number(row.metric_value)
    return at.includes(-1) ? [] : [{ at, value: value !== null && Number.isFinite(value) ? value : null, rows: Number(row.metric_rows) }]
  })
  cells.sort((a, b) => a.at[0]! - b.at[0]! || (a.at[1] ?? 0) - (b.at[1] ?? 0))
  return { metric: metric.name, axes, others: varying.slice(2).map(({ name }) => name), cells }
}

/** Numbers and durations by size, other texts by letters. */
export function inOrder(values: readonly ParamValue[]): ParamValue[] {
  const size = (value: ParamValue): number => {
    if (typeof value !== 'string') return Number(value)
    try {
      return parseDuration(value)
    } catch {
      return Number.NaN
    }
  }
  const isSized = values.every((value) => !Number.isNaN(size(value)))
  return values.toSorted((a, b) => (isSized ? size(a) - size(b) : String(a) < String(b) ? -1 : 1))
}
