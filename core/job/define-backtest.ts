import { Instruments, type InstrumentsFile } from '../backtest/instruments.ts'
import type { MarketSettings } from '../backtest/market-terms.ts'
import type { StrategyContext, StrategyHandlers } from '../backtest/strategy.ts'
import { ReplayError } from '../errors.ts'
import type { KnownOptions } from '../known-options.ts'
import { shownValue } from '../shown-value.ts'
import { BACKTEST_COLUMNS, ORDER_COLUMNS } from './backtest-columns.ts'
import { checkedJob, requireSpec } from './define-job.ts'
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

/** What goes before the settings of an instrument. */
export type BacktestMarketPart<P extends JobParamDefaults> =
  | ((params: JobParams<P>) => Partial<MarketSettings>)
  | { readonly [K in keyof MarketSettings]?: OfParams<P, MarketSettings[K]> }

/** Where the market of a backtest comes from: it is the same for all instruments, or each has its own. */
export type BacktestMarketSource<P extends JobParamDefaults> =
  | {
      /** Tick, lot, fees, latency, queue model: what the market is to the strategy. */
      readonly market: BacktestMarketSpec<P>
      readonly instruments?: undefined
    }
  | {
      /**
       * Settings by venue and symbol, as of a JSON file: `import instruments from './instruments.json' with { type: 'json' }`. They become part
       * of the job, so that rows of other settings are other rows.
       */
      readonly instruments: InstrumentsFile
      /** What goes before them. */
      readonly market?: BacktestMarketPart<P>
    }

/** Sessions of a day that do not begin at midnight. */
export interface DailySession {
  readonly every: 'day'
  /** Time of day, UTC, `17:00` or `17:00:30`. @default '00:00' */
  readonly start?: string
}

/** A backtest as written; everything but name, market, every and create has a default. */
export type BacktestSpec<P extends JobParamDefaults, C extends JobColumns> = BacktestParts<P, C> & BacktestMarketSource<P>

interface BacktestParts<P extends JobParamDefaults, C extends JobColumns> {
  /** `[a-z0-9-]`, begins with a letter. One table holds one backtest. */
  readonly name: string
  /** Parameters and their defaults, which give their types. */
  readonly params?: P
  /** Values of parameters to run side by side, see `defineJob`. */
  readonly sweep?: ParamGrid<P> | readonly Partial<JobParams<P>>[]
  /** How often the strategy takes a step, and an account row is made: `500ms`. */
  readonly every: OfParams<P, string>
  /** A row for each thing that happens to an order, with why: see `ORDER_COLUMNS`. @default false */
  readonly orderRows?: boolean
  /** Columns of account rows that `row` fills. @default none */
  readonly columns?: C
  /**
   * `day`: a session per UTC day, flat and without orders at its start, marked at its end; or per day from a time on, in which
   * bars begin. `run`: one over all days that the archive has of an instrument; a pass reads them all. @default 'day'
   */
  readonly session?: 'day' | 'run' | DailySession
  /** How far record and exchange time may differ; local times after the shift too. @default '5s' */
  readonly maxSkew?: string
  /** Share of partitions, 0 to 1, that may fail without holding up the commit. @default 0 */
  readonly tolerance?: number
  /** Makes the handlers of a session; what they keep ends with it. */
  create(params: JobParams<P>, context: StrategyContext): StrategyHandlers<RowOut<C>>
}

/**
 * Defines a backtest, which is a job like any other; a job module exports it by default. Its rows are those of `BACKTEST_COLUMNS`,
 * `ORDER_COLUMNS` where asked for, and `columns`.
 * @throws ReplayError input `job-invalid`
 */
export function defineBacktest<const P extends JobParamDefaults, const C extends JobColumns>(spec: BacktestSpec<P, C>): JobDefinition {
  requireSpec(spec.name, 'defineBacktest', spec, BACKTEST_OPTIONS)
  const { name, params = {}, sweep, market, every, columns = {}, orderRows = false, maxSkew, tolerance, create } = spec
  if (typeof create !== 'function') throw invalid(name, `create: expected a function, found ${String(create)}`)
  if (typeof every !== 'string' && typeof every !== 'function') {
    throw invalid(name, `every: expected a duration like 500ms, or a function of the parameters, found ${String(every)}`)
  }
  if (typeof orderRows !== 'boolean') throw invalid(name, `orderRows: expected true or false, found ${shownValue(orderRows)}`)
  const { session, sessionStartNs } = sessionOf(name, spec.session ?? 'day')
  const instruments = spec.instruments === undefined ? null : instrumentsOf(name, spec.instruments)
  const ours = orderRows ? { ...BACKTEST_COLUMNS, ...ORDER_COLUMNS } : BACKTEST_COLUMNS
  const twice = Object.keys(columns).find((column) => Object.hasOwn(ours, column.toLowerCase()))
  if (twice !== undefined) throw invalid(name, `columns: ${twice} is a column of every backtest; choose another name`)
  const given = (value: JobParamDefaults): JobParams<P> => value as unknown as JobParams<P>
  return checkedJob({
    name,
    streams: ['book', 'trades'],
    params,
    ...(sweep !== undefined && { sweep: sweep as never }),
    columns: { ...ours, ...columns },
    trigger: (values: JobParamDefaults) => ({ every: typeof every === 'function' ? every(given(values)) : every }),
    // Strategies take their steps in quiet markets, too.
    fill: true,
    clock: 'exchange',
    ...(maxSkew !== undefined && { maxSkew }),
    ...(tolerance !== undefined && { tolerance }),
    ...(session !== 'run' && { session }),
    backtest: {
      ...{ session, sessionStartNs, instruments, orderRows },
      market: (values, instrument) => {
        const own = marketOf(market, given(values))
        return instruments === null ? own : { ...instruments.of(instrument ?? instruments.names[0]!), ...own }
      },
      create: (values, context) => create(given(values), context) as StrategyHandlers<never>,
    },
    [JOB_MARK]: 1,
  } as JobDefinition)
}

const BACKTEST_OPTIONS: KnownOptions<BacktestSpec<JobParamDefaults, JobColumns>> = {
  name: true,
  params: true,
  sweep: true,
  every: true,
  orderRows: true,
  columns: true,
  session: true,
  maxSkew: true,
  tolerance: true,
  create: true,
  market: true,
  instruments: true,
}

function invalid(name: string, message: string): ReplayError {
  return new ReplayError('job-invalid', `job ${name}: ${message}`, { category: 'input' })
}

function sessionOf(name: string, session: 'day' | 'run' | DailySession): { session: 'day' | 'run'; sessionStartNs: number } {
  if (session === 'day' || session === 'run') return { session, sessionStartNs: 0 }
  const { every, start = '00:00' } = (session ?? {}) as Partial<DailySession>
  const time = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(String(start))
  if (every === 'day' && time !== null) {
    const [hours, minutes, seconds] = time.slice(1).map((digits) => Number(digits ?? 0)) as [number, number, number]
    return { session: 'day', sessionStartNs: (3600 * hours + 60 * minutes + seconds) * 1e9 }
  }
  throw invalid(name, `session: expected day, run or { every: 'day', start: 'HH:MM' } (UTC), found ${shownValue(session)}`)
}

function instrumentsOf(name: string, file: InstrumentsFile): Instruments {
  try {
    return new Instruments(file)
  } catch (error) {
    throw invalid(name, error instanceof Error ? error.message : String(error))
  }
}

function marketOf<P extends JobParamDefaults>(
  market: BacktestMarketSpec<P> | BacktestMarketPart<P> | undefined,
  params: JobParams<P>,
): MarketSettings {
  if (typeof market === 'function') return market(params) as MarketSettings
  const settings = Object.entries(market ?? {}).map(([name, value]) => [name, typeof value === 'function' ? value(params) : value])
  return Object.fromEntries(settings) as unknown as MarketSettings
}
