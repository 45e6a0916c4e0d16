import { BacktestMarket, type BacktestMarketOptions } from '../backtest/backtest-market.ts'
import type { InstrumentName } from '../backtest/instruments.ts'
import { marketTerms } from '../backtest/market-terms.ts'
import type { LogBookSettings } from '../book/log-settings.ts'
import type { Trigger } from '../features/clocks/trigger.ts'
import type { EngineMoment } from '../features/columns/column.ts'
import type { FeatureEngineOptions } from '../features/engine-options.ts'
import { FeatureEngine } from '../features/feature-engine.ts'
import type { FeatureTableOptions } from '../features/rows/feature-table.ts'
import type { RowTarget } from '../features/rows/row-target.ts'
import { jobTiming } from '../job/define-job.ts'
import type { JobDefinition, JobParamDefaults } from '../job/job-definition.ts'
import { resolveFeatures } from '../job/job-features.ts'
import { usesBook } from '../job/row-schema.ts'
import type { Variant } from '../job/variants.ts'
import { DAY_NS } from '../plan/cells.ts'
import type { OnCorrupt } from '../plan/fingerprint.ts'
import type { ColumnSpec } from '../table/column-buffer.ts'
import { backtestColumn } from './backtest-column.ts'
import { jobColumn } from './job-column.ts'
import type { RowValues } from './row-values.ts'

/** Where rows of a variant go. */
export interface VariantRows extends RowTarget {
  /** Tells rows of one message apart. */
  watch(moment: EngineMoment): void
}

export interface JobEnginesOptions {
  readonly job: JobDefinition
  readonly variants: readonly Variant[]
  readonly venue: string
  readonly symbol: string
  readonly onCorrupt: OnCorrupt
  /** Of the book's log; null: the job has none. */
  readonly settings: LogBookSettings | null
  /** Where rows begin, nanoseconds since the epoch: sessions begin with its UTC day. */
  readonly rowsFromNs: bigint
  /** Of backtests, see `BacktestMarketOptions`. */
  readonly isKnown?: BacktestMarketOptions['isKnown']
  readonly range: Pick<FeatureEngineOptions, 'fromNs' | 'toNs' | 'startNs' | 'cells' | 'absences'>
  /** Each engine has a book of its own. */
  readonly restart?: () => FeatureEngineOptions['restart']
  /** Makes what takes the rows of a variant. @param specs what the engine fills @param values what the job sets */
  readonly rows: (specs: readonly ColumnSpec[], variant: Variant, values: RowValues) => VariantRows
}

/** The engines of a job over one instrument: one per trigger, and market of a backtest, with a table per variant. */
export function jobEngines(options: JobEnginesOptions): FeatureEngine[] {
  return engineGroups(options.job, options.variants, options).map(({ trigger, variants }) => engineOf(options, trigger, variants))
}

export interface EngineGroup {
  readonly trigger: Trigger | null
  readonly variants: readonly Variant[]
}

/** Variants that share an engine. */
export function engineGroups(job: JobDefinition, variants: readonly Variant[], instrument: InstrumentName): EngineGroup[] {
  const groups = new Map<string, { readonly trigger: Trigger | null; readonly variants: Variant[] }>()
  for (const variant of variants) {
    const trigger = (typeof job.trigger === 'function' ? job.trigger(variant.params) : job.trigger) ?? null
    const key = JSON.stringify([trigger, job.backtest === undefined ? null : marketOf(job, variant, instrument, 0n)])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { trigger, variants: [variant] })
    else group.variants.push(variant)
  }
  return [...groups.values()]
}

function engineOf(options: JobEnginesOptions, trigger: Trigger | null, variants: readonly Variant[]): FeatureEngine {
  const { job, settings, range, rowsFromNs } = options
  const hasBook = usesBook(job)
  const market =
    job.backtest === undefined
      ? null
      : new BacktestMarket({ ...marketOf(job, variants[0]!, options, rowsFromNs), isKnown: options.isKnown })
  return new FeatureEngine({
    trigger,
    hasBook,
    fill: job.fill,
    clock: job.clock,
    maxSkew: job.maxSkew,
    onGap: hasBook ? job.onGap : 'ignore',
    ...(settings ?? { depthLimit: undefined, rule: hasBook ? {} : NO_BOOK }),
    ...range,
    hasLeadIn: !hasBook,
    onCorrupt: options.onCorrupt,
    restart: options.restart?.(),
    feed: market ?? undefined,
    tables: variants.map((variant) => tableOf(options, variant, market)),
  })
}

/** What backtests that share a market have to agree on. */
function marketOf(job: JobDefinition, { params }: Variant, { venue, symbol }: InstrumentName, rowsFromNs: bigint): BacktestMarketOptions {
  const { session, sessionStartNs, market } = job.backtest!
  const { tick, lot, localShiftNs } = marketTerms(market({ ...job.params, ...params }, { venue, symbol }))
  const barMicros = Number(jobTiming(job, { ...job.params, ...params }).everyNs! / 1000n)
  const intoNs = (rowsFromNs + DAY_NS - BigInt(sessionStartNs)) % DAY_NS
  const fromMicros = Number((rowsFromNs - intoNs) / 1000n)
  return { tick, lot, localShiftNs, session, barMicros, startMicros: sessionStartNs / 1000, fromMicros }
}

function tableOf(options: JobEnginesOptions, variant: Variant, market: BacktestMarket | null): FeatureTableOptions {
  const { job, venue, symbol, onCorrupt } = options
  const params: JobParamDefaults = { ...job.params, ...variant.params }
  const { warmUpNs } = jobTiming(job, params)
  const given = { job, params, venue, symbol, variant: variant.id, warmUpNs: Number(warmUpNs), isSkipping: onCorrupt === 'skip' }
  const { column, values, moment } = market === null ? jobColumn(given) : backtestColumn(given, market)
  return {
    columns: [...resolveFeatures(job, params), column],
    target: (specs) => {
      const rows = options.rows(specs, variant, values)
      rows.watch(moment())
      return rows
    },
  }
}

/** Book events that go to no book are not looked into. */
const NO_BOOK = { updateIds: 'none', headerSeq: 'none', nativeSeq: 'none' } as const
