import type { InstrumentName, Instruments } from '../backtest/instruments.ts'
import type { MarketSettings } from '../backtest/market-terms.ts'
import type { StrategyContext, StrategyHandlers } from '../backtest/strategy.ts'
import type { Trigger, TriggerPlan } from '../features/clocks/trigger.ts'
import type { ColumnRequest } from '../features/columns/builtin-columns.ts'
import type { FeatureBook } from '../features/feature-book.ts'
import type { MessageCursor } from '../message/message.ts'
import type { MessageSource } from '../message/source.ts'
import type { ReplayPipeline } from '../pipeline/replay-pipeline.ts'
import type { BookEventView } from '../protocol/book-event.ts'
import type { BookTickerView } from '../protocol/book-ticker.ts'
import type { TradeView } from '../protocol/trade.ts'
import type { Sink } from '../sink/sink.ts'

/** The value of a job's parameter. */
export type ParamValue = number | string | boolean

/** `book`: L2, or L3 where the instrument has no L2 book. */
export type JobStream = 'book' | 'trades' | 'ticker'
export type JobStreams = readonly JobStream[] | 'all'
export type JobParamDefaults = Readonly<Record<string, ParamValue>>
export type JobColumnType = 'f64' | 'i64' | 'i32' | 'bool' | 'string'
export type JobColumns = Readonly<Record<string, JobColumnType>>

/** The parameters of a variant: literal types of defaults (`{ depth: 5 }`) as what values may be (`{ depth: number }`). */
export type JobParams<P extends JobParamDefaults> = { readonly [K in keyof P]: Widened<P[K]> }

type Widened<V> = V extends number ? number : V extends boolean ? boolean : string

interface ColumnValues {
  readonly f64: number
  readonly i32: number
  /** A number must be whole and at most 2⁵³; a u64 beyond 2⁶³ is an error. */
  readonly i64: bigint | number
  readonly bool: boolean
  readonly string: string
}

/** The row being made: one reused object. What is not set, or set to null or a number that is not finite, is NULL. */
export type RowOut<C extends JobColumns> = { -readonly [K in keyof C]: ColumnValues[C[K]] | null } & {
  /** Ends a row at the current message, beside those of the trigger. */
  emit(): void
}

/** A gap in the sequences, or the end of one. */
export interface GapInfo {
  /** The book is not to be trusted from here on, until its next snapshot or reset. */
  readonly isOpen: boolean
}

/** What a job hears, in the order of the clock. Views and cursors are valid during the call. */
export interface JobHandlers<C extends JobColumns> {
  /** A book event, applied to the book. */
  book?(event: BookEventView, out: RowOut<C>): void
  trade?(trade: TradeView, out: RowOut<C>): void
  ticker?(ticker: BookTickerView, out: RowOut<C>): void
  /** Every message, before the handler of its type; `stream` is the folder it comes from. */
  message?(message: MessageCursor, out: RowOut<C>, stream: string): void
  gap?(info: GapInfo): void
  /** Start of a pass, before warm-up, and after each gap. */
  reset?(): void
  /** The trigger makes a row. */
  row?(out: RowOut<C>): void
  /** A UTC day ends, once whatever the slice; rows only of days that the instrument has folders of. */
  end?(out: RowOut<C>): void
}

/** What a job computes from, for one instrument and variant. */
export interface JobContext<S extends JobStreams = JobStreams> {
  /** The book of the instrument, for jobs with the stream `book`. */
  readonly book: S extends readonly JobStream[] ? ('book' extends S[number] ? FeatureBook : undefined) : undefined
  readonly venue: string
  readonly symbol: string
  /** Id of the variant. */
  readonly variant: string
}

/** For jobs that build a whole pipeline: one partition of one variant. */
export interface JobPipelineContext<P extends JobParamDefaults, C extends JobColumns> {
  /**
   * The streams merged by record time: the warm-up, then the cell. It ends with the cell, and cannot be sought. Filters of the
   * pipeline work behind it, not in it.
   */
  readonly source: MessageSource
  /**
   * A sink for the end of the pipeline: calls `take` for each message, the warm-up's included; `out.emit()` makes a row with
   * the message's time and position. Rows of the warm-up are not written. A message that a transform made has no position
   * (`seq` NULL), and is of the cell if the transform made it there: it must not hold back what it makes until later.
   */
  rows(take: (message: MessageCursor, out: RowOut<C>) => void): Sink
  readonly params: JobParams<P>
  readonly venue: string
  readonly symbol: string
  /** UTC day of the cell, `YYYY-MM-DD`. */
  readonly date: string
  /** The cell, nanoseconds since the epoch, half-open. */
  readonly startNs: bigint
  readonly endNs: bigint
}

/** A job as written; everything but name, streams and columns has a default. */
export interface JobSpec<P extends JobParamDefaults, C extends JobColumns, S extends JobStreams> {
  /** `[a-z0-9-]`, begins with a letter. One table holds one job. */
  readonly name: string
  /** The streams that reach the job, merged by record time; `all`: whatever an instrument has. */
  readonly streams: S
  /** Parameters and their defaults, which give their types. */
  readonly params?: P
  /** Values of parameters to run side by side: a grid (all combinations), or a list of variants. `--param` overrides. */
  readonly sweep?: ParamGrid<P> | readonly Partial<JobParams<P>>[]
  /** The columns that the job fills. */
  readonly columns: C
  /** When rows are made. @default only at `out.emit()` */
  readonly trigger?: Trigger | ((params: JobParams<P>) => Trigger)
  /** Rows for bars without messages, too, on days that the instrument has folders of. @default false */
  readonly fill?: boolean
  /** The clock of the bars. @default 'record' */
  readonly clock?: 'record' | 'exchange'
  /** How far record and exchange time may differ. @default '5s' */
  readonly maxSkew?: string
  /** How far back the job looks, beyond the current bar: handlers hear so much before their first row. @default nothing, or what its features need */
  readonly warmUp?: string | ((params: JobParams<P>) => string)
  /**
   * `day`: handlers are made anew for each UTC day, so that what they keep may reach back to its beginning; each partition reads
   * its day up to its end. @default none: state reaches back as far as `warmUp`
   */
  readonly session?: 'day'
  /** Share of partitions, 0 to 1, that may fail without holding up the commit. @default 0 */
  readonly tolerance?: number
  /** What a gap in the book's sequences does. @default 'quarantine' */
  readonly onGap?: 'quarantine' | 'ignore' | 'abort'
  /**
   * What becomes of an integer that its column does not hold (a u64 of 2^63 or more in an `i64`): an error, which with
   * `--on-error skip` costs the row; or NULL. Either is counted. @default 'error'
   */
  readonly beyondRange?: 'error' | 'null'
  /** Columns whose values are features: `{ imbalance: 'imbalance:5' }`. */
  features?(params: JobParams<P>): { readonly [K in keyof C]?: ColumnRequest }
  /**
   * Makes the handlers, and with them the state of one instrument × variant; called once for each, and to plan, without venue and
   * symbol, to see which handlers there are. With a `session`, again for each UTC day.
   *
   * A pass may begin at any partition, so what handlers keep must not reach further back than `warmUp` and the current bar: a
   * `let last` that `trade` sets and `row` reads gives other rows by slice and worker. Three ways to be right:
   * - a feature that has its window built in: the last trade is `last_price:1h`, the last quote `last_bid:1h`, with their ages
   * - `warmUp: '10m'`, and forgetting what is older than that by the messages' own times
   * - `session: 'day'`: state begins anew each UTC day
   *
   * What counts since the last row starts again in `row`, and all of it in `reset`. Runs of new code make some partitions a second
   * time from other starts and refuse to commit rows that differ (`--check`).
   */
  create?(params: JobParams<P>, context: JobContext<S>): JobHandlers<C>
  /**
   * Escape hatch: the job is a whole pipeline, built anew for each partition × variant, and its rows are those of
   * `context.rows`. It has no book, trigger or handlers of the engine, and no state but what `warmUp` brings. Anything else
   * that it writes is its own affair: a partition may run more than once.
   */
  pipeline?(context: JobPipelineContext<P, C>): ReplayPipeline | Promise<ReplayPipeline>
  /** Writes restart points of the books, so often. Only the built-in `snapshots` job. */
  restartPoints?(params: JobParams<P>): string
}

/** Values by parameter, one or several. */
export type ParamGrid<P extends JobParamDefaults = JobParamDefaults> = {
  readonly [K in keyof P]?: JobParams<P>[K] | readonly JobParams<P>[K][]
}

/** What makes a job a backtest. */
export interface JobBacktest {
  readonly session: 'day' | 'run'
  /** When sessions of a day begin, nanoseconds after UTC midnight. */
  readonly sessionStartNs: number
  readonly orderRows: boolean
  /** Those that it can run on; null: on all. */
  readonly instruments: Instruments | null
  /**
   * The market of a variant, to be checked with `marketTerms`.
   * @param instrument null: any that there is, for what holds of all @throws ReplayError input `instrument-missing`
   */
  market(params: JobParamDefaults, instrument: InstrumentName | null): MarketSettings
  /** Makes the handlers of a session. */
  create(params: JobParamDefaults, context: StrategyContext): StrategyHandlers<RowOut<JobColumns>>
}

/** A job as `plan` and `task` see it: checked, its types forgotten. */
export interface JobDefinition extends JobSpec<JobParamDefaults, JobColumns, JobStreams> {
  readonly params: JobParamDefaults
  /** Its rows are those of strategies that trade, see `defineBacktest`. */
  readonly backtest?: JobBacktest
  readonly [JOB_MARK]: 1
}

/** What the trigger and windows of a variant come to. */
export interface JobTiming {
  /** Null: rows only at `emit`. */
  readonly trigger: TriggerPlan | null
  /** Length of the bars in nanoseconds, or null. */
  readonly everyNs: bigint | null
  /** As declared, or what the features need where that is more. */
  readonly warmUpNs: bigint
  /** 0 with the record clock. */
  readonly skewNs: bigint
}

/** Marks definitions, also those made by another copy of the library. */
export const JOB_MARK: unique symbol = Symbol.for('chronicle-replay.job') as never
