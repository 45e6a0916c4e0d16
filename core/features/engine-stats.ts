import { FIRST_BAD_RESULT, RESULT_NAMES, UNKNOWN_ORDER } from '../book/apply-result.ts'
import type { SequencePolicy } from '../book/sequence/sequence-policy.ts'
import type { ExchangeClock } from './clocks/exchange-clock.ts'
import type { FeatureStats } from './engine-options.ts'
import type { FeatureTable } from './rows/feature-table.ts'

/** What an engine counts itself. */
export interface EngineCounts extends Pick<FeatureStats, 'bookEvents' | 'trades' | 'otherTypes' | 'otherMarkets'> {
  /** Trades, and tickers, that are too short. */
  readonly badTrades: number
}

/** The totals of an engine so far. @param results book events by ApplyResult */
export function featureStats(
  tables: readonly FeatureTable[],
  policy: SequencePolicy,
  exchange: ExchangeClock | null,
  results: Iterable<number>,
  { badTrades, ...counts }: EngineCounts,
): FeatureStats {
  const bad = [...results].map((count, code): [string, number] => [
    RESULT_NAMES[code]!,
    code === UNKNOWN_ORDER || code >= FIRST_BAD_RESULT ? count : 0,
  ])
  return {
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    ...counts,
    skipped: Object.fromEntries([...bad, ['trade-truncated', badTrades] as const].filter(([, count]) => count > 0)),
    unusable: combine(tables, ({ unusable }) => unusable, Math.max),
    notRepresentable: combine(
      tables,
      ({ notRepresentable }) => notRepresentable,
      (a, b) => a + b,
    ),
    beyondSkew: exchange?.beyondSkew ?? 0,
    late: exchange?.late ?? 0,
    gaps: Object.fromEntries(Object.entries(policy.findings).filter(([, count]) => count > 0)),
    quarantined: policy.quarantinedMessages,
    duplicates: policy.duplicateMessages,
    stale: policy.staleMessages,
  }
}

/** Counts by reason over all tables: they see the same messages, but each has values of its own. */
function combine(
  tables: readonly FeatureTable[],
  countsOf: (table: FeatureTable) => Readonly<Record<string, number>>,
  join: (a: number, b: number) => number,
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const table of tables)
    for (const [reason, count] of Object.entries(countsOf(table))) counts[reason] = join(counts[reason] ?? 0, count)
  return counts
}
