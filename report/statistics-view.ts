import { type StatisticsTerms, statisticsSql } from '../core/backtest/statistics.ts'
import type { Query } from '../core/table/query.ts'
import { quoteText } from './plot-scope.ts'

/** What `statistics` says of variants and instruments. */
export interface StatisticsView {
  readonly rows: readonly StatisticsRow[]
  /** Variants in instruments that are not told of. */
  readonly others: number
  readonly yearDays: number
  /** What is at stake, where that is known. */
  readonly bookSize: number | null
}

export interface StatisticsRow {
  /** Of the variant. */
  readonly label: string
  readonly instrument: string
  /** By the names of `statisticsSql`; null: there is none. */
  readonly values: Readonly<Record<string, number | null>>
}

/** As `statistics` takes it by itself. */
const DEFAULTS: StatisticsTerms = { yearDays: 365 }
const MAX_ROWS = 40

/** Of some variants, in their order, those with most turnover. @param variants by id, with what they are called */
export async function readStatistics(query: Query, variants: ReadonlyMap<string, string>, options = DEFAULTS): Promise<StatisticsView> {
  const ids = [...variants.keys()]
  const found = await query.rows(
    `SELECT *, count(*) OVER () AS total FROM (${statisticsSql({ by: 'whole', ...options })})
     WHERE variant IN (${ids.map(quoteText).join(', ')}) ORDER BY turnover DESC, venue, symbol, variant LIMIT ${MAX_ROWS}`,
  )
  const rows = found.map(({ venue, symbol, variant, total, ...values }) => ({
    place: ids.indexOf(String(variant)),
    label: variants.get(String(variant))!,
    instrument: `${venue}/${symbol}`,
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === null ? null : Number(value)])),
  }))
  rows.sort((a, b) => a.place - b.place || (a.instrument < b.instrument ? -1 : 1))
  const total = Number(found[0]?.total ?? 0)
  const { yearDays, bookSize = null } = options
  return { rows: rows.map(({ place, ...row }) => row), others: total - rows.length, yearDays, bookSize }
}
