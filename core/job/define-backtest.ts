import type { MarketSettings } from '../backtest/market-terms.ts'
import type { StrategyContext, StrategyHandlers } from '../backtest/strategy.ts'
import { ReplayError } from '../errors.ts'
import { BACKTEST_COLUMNS } from './backtest-columns.ts'
import { checkedJob } from './define-job.ts'
import {
  JOB_MARK,
  type JobColumns,
  type JobDefinition,
  type JobParamDefaults,
  type JobParams,
  type ParamGrid,
  type RowOut,
} from './job-definition.ts'

/** What the parameters say: a value, or a function of them. */
type OfParams<P extends JobParamDefaults, T> = T | ((params: JobParams<P>) => T)

/** The market of a backtest, as a whole or setting by setting from the parameters. */
export type BacktestMarketSpec<P extends JobParamDefaults> =
  | ((params: JobParams<P>) => MarketSettings)
  | { readonly [K in keyof MarketSettings]: OfParams<P, MarketSettings[K]> }

/** A backtest as written; everything but name, market, every and create has a default. */
export interface BacktestSpec<P extends JobParamDefaults, C extends JobColumns> {
  /** `[a-z0-9-]`, begins with a letter. One table holds one backtest. */
  readonly name: string
  /** Parameters and their defaults, which give their types. */
  readonly params?: P
  /** Values of parameters to run side by side, see `defineJob`. */
  readonly sweep?: ParamGrid<P> | readonly Partial<JobParams<P>>[]
  /** Tick, lot, fees, latency, queue model: what the market is to the strategy. */
  readonly market: BacktestMarketSpec<P>
  /** How often the strategy takes a step, and an account row is made: `500ms`. */
  readonly every: OfParams<P, string>
  /** Columns of account rows that `row` fills. @default none */
  readonly columns?: C
  /**
   * `day`: a session per UTC day, flat and without orders at its start, marked at its end. `run`: one over all days that the
   * archive has of an instrument; a pass reads them all. @default 'day'
   */
  readonly session?: 'day' | 'run'
  /** How far record and exchange time may differ; local times after the shift too. @default '5s' */
  readonly maxSkew?: string
  /** Share of partitions, 0 to 1, that may fail without holding up the commit. @default 0 */
  readonly tolerance?: number
  /** Makes the handlers of a session; what they keep ends with it. */
  create(params: JobParams<P>, context: StrategyContext): StrategyHandlers<RowOut<C>>
}

/**
 * Defines a backtest, which is a job like any other; a job module exports it by default. Its rows are those of `BACKTEST_COLUMNS`
 * and of `columns`.
 * @throws ReplayError input `job-invalid`
 */
export function defineBacktest<const P extends JobParamDefaults, const C extends JobColumns>(spec: BacktestSpec<P, C>): JobDefinition {
  const { name, params = {}, sweep, market, every, columns = {}, session = 'day', maxSkew, tolerance, create } = spec
  if (typeof create !== 'function') throw invalid(name, `create: expected a function, found ${String(create)}`)
  if (!['day', 'run'].includes(session)) throw invalid(name, `session: expected day or run, found ${JSON.stringify(session)}`)
  const twice = Object.keys(columns).find((column) => Object.hasOwn(BACKTEST_COLUMNS, column.toLowerCase()))
  if (twice !== undefined) throw invalid(name, `columns: ${twice} is a column of every backtest; choose another name`)
  const given = (value: JobParamDefaults): JobParams<P> => value as unknown as JobParams<P>
  return checkedJob({
    name,
    streams: ['book', 'trades'],
    params,
    ...(sweep !== undefined && { sweep: sweep as never }),
    columns: { ...BACKTEST_COLUMNS, ...columns },
    trigger: (values: JobParamDefaults) => ({ every: typeof every === 'function' ? every(given(values)) : every }),
    // Strategies take their steps in quiet markets, too.
    fill: true,
    clock: 'exchange',
    ...(maxSkew !== undefined && { maxSkew }),
    ...(tolerance !== undefined && { tolerance }),
    ...(session !== 'run' && { session }),
    backtest: {
      session,
      market: (values) => marketOf(market, given(values)),
      create: (values, context) => create(given(values), context) as StrategyHandlers<never>,
    },
    [JOB_MARK]: 1,
  } as JobDefinition)
}

function invalid(name: string, message: string): ReplayError {
  return new ReplayError('job-invalid', `job ${name}: ${message}`, { category: 'input' })
}

function marketOf<P extends JobParamDefaults>(market: BacktestMarketSpec<P>, params: JobParams<P>): MarketSettings {
  if (typeof market === 'function') return market(params)
  const settings = Object.entries(market ?? {}).map(([name, value]) => [name, typeof value === 'function' ? value(params) : value])
  return Object.fromEntries(settings) as unknown as MarketSettings
}
