import { ReplayError } from '../../errors.ts'
import { BAR_TIMES, ROW_TIME } from '../rows/row-times.ts'
import type { ColumnDefinition, FeatureColumn } from './column.ts'
import { DEPTH_BPS, IMBALANCE, TOP } from './depth-columns.ts'
import { LAST_SEEN } from './last-seen.ts'
import { OFI } from './order-flow-imbalance.ts'
import { MICRO_PRICE, MID, SPREAD_BPS } from './quote-columns.ts'
import { REALISED_VOL } from './realised-volatility.ts'
import { TRADE_BARS } from './trade-bar.ts'

/** The columns that have a name. */
export const BUILTIN_COLUMNS: readonly ColumnDefinition[] = [
  MID,
  SPREAD_BPS,
  IMBALANCE,
  MICRO_PRICE,
  TOP,
  DEPTH_BPS,
  ...TRADE_BARS,
  OFI,
  REALISED_VOL,
  ...LAST_SEEN,
]

/** A column as it can be asked for: as text (`imbalance:5`), by its definition (with its defaults), or itself. */
export type ColumnRequest = string | ColumnDefinition | FeatureColumn

/**
 * The columns of a table.
 * @param requests a list, or text like `mid,spread_bps,imbalance:5,realised_vol:5m:1s`
 * @param own definitions that text may name besides the built-in ones
 * @throws ReplayError input `column-unknown`, `column-params`, `column-twice`, `columns-missing`
 */
export function resolveColumns(requests: string | readonly ColumnRequest[], own: readonly ColumnDefinition[] = []): FeatureColumn[] {
  const list = typeof requests === 'string' ? requests.split(',').map((word) => word.trim()) : requests
  const columns = list.flatMap((request): readonly FeatureColumn[] => {
    if (typeof request === 'string') return parseColumn(request, [...own, ...BUILTIN_COLUMNS])
    return 'columns' in request ? request.columns([]) : [request]
  })
  if (columns.length === 0) throw new ReplayError('columns-missing', 'expected at least one column', { category: 'input' })
  const names = new Set<string>(PREFIX_NAMES)
  for (const { name } of columns) {
    if (names.has(name)) {
      throw new ReplayError('column-twice', `column ${name} is there twice, or is one that every table has`, { category: 'input' })
    }
    names.add(name)
  }
  return columns
}

/** Columns that every feature table may have before those asked for. */
export const PREFIX_NAMES: readonly string[] = [...[...ROW_TIME, ...BAR_TIMES].map(({ name }) => name), 'seq', 'gap']

function parseColumn(text: string, definitions: readonly ColumnDefinition[]): readonly FeatureColumn[] {
  const [name, ...words] = text.split(':')
  const definition = definitions.find((candidate) => candidate.name === name)
  if (definition === undefined) {
    const known = definitions.map((candidate) => candidate.name).join(', ')
    throw new ReplayError('column-unknown', `no column "${name}"; there are: ${known}`, { category: 'input' })
  }
  return definition.columns(words)
}
