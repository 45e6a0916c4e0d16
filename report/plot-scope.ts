import { ReplayError } from '../core/errors.ts'
import type { ParamValue } from '../core/job/job-definition.ts'
import { nearest } from '../core/nearest-word.ts'
import type { PlanHead } from '../core/plan/run/plan-document.ts'
import type { Query } from '../core/table/query.ts'
import { sortVariants } from './variant-text.ts'

const MAX_INSTRUMENTS = 4
/** Steps of time of a curve. */
export const BINS = 200

/** What is plotted: one variant, of the instruments with most rows. */
export interface PlotScope {
  readonly variant: PlottedVariant
  readonly instruments: readonly {
    readonly venue: string
    readonly symbol: string
    readonly fromNs: bigint
    readonly binNs: bigint
  }[]
}

export interface PlottedVariant {
  readonly id: string
  /** Null: the run does not know it. */
  readonly params: Readonly<Record<string, ParamValue>> | null
  /** Variants of the run that have rows. */
  readonly of: number
}

/**
 * The first variant of the run with rows and with the parameters asked for, and then others, as many as are wanted.
 * @param params values as text, as `--param` takes them; @param most variants at most
 * @throws ReplayError input `report-param`
 */
export async function plotScopes(
  query: Query,
  { asked, variants }: PlanHead,
  params: ReadonlyMap<string, string>,
  most: number,
): Promise<readonly [PlotScope, ...PlotScope[]]> {
  const present = new Set((await query.rows('SELECT DISTINCT variant FROM t ORDER BY variant')).map(({ variant }) => String(variant)))
  const known = sortVariants(variants).filter(({ id }) => asked.includes(id) && present.has(id))
  const wanted = [...params]
  const fitting = known.filter((variant) => wanted.every(([name, value]) => String(variant.params[name]) === value))
  if (fitting.length === 0 && wanted.length > 0) throw unknownVariant(known, wanted)
  const [first] = fitting
  const id = first?.id ?? (asked.length === 0 ? [...present][0] : undefined) ?? ''
  const of = Math.max(known.length, id === '' ? 0 : 1)
  const others = known.filter((variant) => variant !== first).slice(0, most - 1)
  const scopes: PlotScope[] = []
  for (const variant of others) scopes.push(await scopeOf(query, { id: variant.id, params: variant.params, of }))
  return [await scopeOf(query, { id, params: first?.params ?? null, of }), ...scopes]
}

async function scopeOf(query: Query, variant: PlottedVariant): Promise<PlotScope> {
  const { id } = variant
  const rows = await query.rows(
    `SELECT venue, symbol, count(*) AS n, min(ts_ns) AS from_ns, max(ts_ns) AS to_ns FROM t WHERE variant = ${quoteText(id)}
     GROUP BY ALL ORDER BY n DESC, venue, symbol LIMIT ${MAX_INSTRUMENTS}`,
  )
  const instruments = rows.map(({ venue, symbol, from_ns, to_ns }) => {
    const [fromNs, toNs] = [BigInt(from_ns as string), BigInt(to_ns as string)]
    return { venue: String(venue), symbol: String(symbol), fromNs, binNs: (toNs - fromNs) / BigInt(BINS) + 1n }
  })
  instruments.sort((a, b) => (`${a.venue}/${a.symbol}` < `${b.venue}/${b.symbol}` ? -1 : 1))
  return { variant, instruments }
}

function unknownVariant(known: PlanHead['variants'], wanted: readonly (readonly [string, string])[]): ReplayError {
  const names = Object.keys(known[0]?.params ?? {})
  const strange = wanted.find(([name]) => !names.includes(name))?.[0]
  const near = strange === undefined ? null : nearest(strange, names)
  const values = names.map((name) => `${name}=${[...new Set(known.map(({ params }) => params[name]))].join(',')}`)
  const message = `no variant of the run with rows has ${wanted.map((pair) => pair.join('=')).join(' ')}${near === null ? '' : `, did you mean ${near}?`}; there are ${values.join(' ') || 'none'}`
  return new ReplayError('report-param', message, { category: 'input' })
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Eight digits are more than a chart shows. */
export function short(value: unknown): number {
  return Number(Number(value).toPrecision(8))
}
