import { dayOfDate } from '../instant.ts'
import type { AddFile } from './delta-action.ts'

/** One reading of the table's rows by a statement. */
export interface Scan {
  /** What every row that the statement takes from this scan meets, by column. */
  readonly filters: ReadonlyMap<string, ColumnFilter>
}

/** A condition on one column, as DuckDB's plans have it; those of other kinds than these may be met by any value. */
export type ColumnFilter =
  | { readonly filter_type: 'CONSTANT_COMPARISON'; readonly comparison_type: string; readonly constant: Constant }
  | { readonly filter_type: 'IN_FILTER'; readonly values: readonly Constant[] }
  | { readonly filter_type: 'CONJUNCTION_AND' | 'CONJUNCTION_OR'; readonly child_filters: readonly ColumnFilter[] }
  | { readonly filter_type: 'OPTIONAL_FILTER'; readonly child_filter: ColumnFilter }

interface Constant {
  readonly type: { readonly id: string }
  readonly is_null: boolean
  readonly value?: unknown
}

/** What a column's values in a part are: one text, or NULL; or numbers within bounds. */
type Values =
  | { readonly type: 'VARCHAR'; readonly value: string | null }
  | { readonly type: string; readonly min: number; readonly max: number }

/** What Delta's `stats` say. */
type Statistics = { readonly [bounds in 'minValues' | 'maxValues']?: Record<string, unknown> }

/**
 * Whether a part can hold a row that a scan wants, by what the table's log says of it: false only where it cannot.
 * @param slackDays by so much the times that a statement names may be others when it runs
 */
export function mayHold(part: AddFile, { filters }: Scan, slackDays: number): boolean {
  for (const name of ['venue', 'symbol']) {
    const filter = filters.get(name)
    // For Delta an empty value is none.
    if (filter !== undefined && !mayMeet({ type: 'VARCHAR', value: part.partitionValues[name] || null }, filter)) return false
  }
  let stats: Statistics | null = null
  for (const [name, { type, perDay, ofOurs }] of Object.entries(BOUNDED)) {
    const filter = filters.get(name)
    if (filter === undefined || (ofOurs && part.tags?.columns === undefined)) continue
    stats ??= JSON.parse(part.stats ?? '{}') as Statistics
    const bounds = boundsOf(stats, name)
    if (bounds === null) continue
    const slack = slackDays * perDay
    if (!mayMeet({ type, min: bounds.min - slack, max: bounds.max + slack }, filter)) return false
  }
  return true
}

/** Numbers of 64 bits are rounded on both sides of a comparison, which keeps their order: none here is strict. */
function mayMeet(values: Values, filter: ColumnFilter): boolean {
  switch (filter.filter_type) {
    case 'CONSTANT_COMPARISON':
      return mayCompare(values, filter.comparison_type, filter.constant)
    case 'IN_FILTER':
      return filter.values.some((constant) => mayCompare(values, 'COMPARE_EQUAL', constant))
    case 'CONJUNCTION_AND':
      return filter.child_filters.every((child) => mayMeet(values, child))
    case 'CONJUNCTION_OR':
      return filter.child_filters.some((child) => mayMeet(values, child))
    case 'OPTIONAL_FILTER':
      return mayMeet(values, filter.child_filter)
    default:
      return true
  }
}

function mayCompare(values: Values, comparison: string, { type, is_null: isNull, value: constant }: Constant): boolean {
  if (isNull || type.id !== values.type || !COMPARISONS.has(comparison)) return true
  if ('min' in values) {
    if (typeof constant !== 'number') return true
    if (comparison === 'COMPARE_NOTEQUAL') return true
    if (comparison === 'COMPARE_EQUAL') return values.min <= constant && constant <= values.max
    return comparison.startsWith('COMPARE_LESS') ? values.min <= constant : values.max >= constant
  }
  if (typeof constant !== 'string') return true
  // NULL is neither equal nor unequal to anything.
  if (values.value === null) return false
  if (comparison === 'COMPARE_NOTEQUAL') return values.value !== constant
  if (comparison === 'COMPARE_EQUAL') return values.value === constant
  const order = Buffer.compare(Buffer.from(values.value), Buffer.from(constant))
  return comparison.startsWith('COMPARE_LESS') ? order <= 0 : order >= 0
}

/** Bounds of a column's values by the part's statistics; null: they do not say. */
function boundsOf({ minValues, maxValues }: Statistics, name: string): { readonly min: number; readonly max: number } | null {
  const number = (value: unknown): number => (name === 'date' ? dayOf(value) : typeof value === 'number' ? value : Number.NaN)
  // `ts` is `ts_ns` without the digits below a microsecond.
  const [column, unit, round] = name === 'ts' ? ['ts_ns', 1000, 1] : [name, 1, 0]
  const [min, max] = [number(minValues?.[column]) / unit - round, number(maxValues?.[column]) / unit + round]
  return min <= max ? { min, max } : null
}

function dayOf(value: unknown): number {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? dayOfDate(value) : Number.NaN
}

const DAY_US = 86_400_000_000
const COMPARISONS: ReadonlySet<string> = new Set(
  ['EQUAL', 'NOTEQUAL', 'LESSTHAN', 'LESSTHANOREQUALTO', 'GREATERTHAN', 'GREATERTHANOREQUALTO'].map((name) => `COMPARE_${name}`),
)
/** Columns with bounds in statistics, their type in plans, and how many of their units a day has. */
const BOUNDED = {
  date: { type: 'DATE', perDay: 1, ofOurs: false },
  ts_ns: { type: 'BIGINT', perDay: DAY_US * 1000, ofOurs: false },
  // Others may have given rows times of their own.
  ts: { type: 'TIMESTAMP WITH TIME ZONE', perDay: DAY_US, ofOurs: true },
} as const
