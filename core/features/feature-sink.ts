import { ReplayError } from '../errors.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { Sink } from '../sink/sink.ts'
import { ParquetFile } from '../table/parquet-writer.ts'
import { parseTrigger, type Trigger } from './clocks/trigger.ts'
import { type ColumnRequest, resolveColumns } from './columns/builtin-columns.ts'
import type { ColumnDefinition } from './columns/column.ts'
import type { FeatureEngineOptions, FeatureStats } from './engine-options.ts'
import { FeatureEngine } from './feature-engine.ts'
import { CsvRows } from './rows/csv-rows.ts'
import type { RowTarget, RowTargetFactory } from './rows/row-target.ts'

export interface FeatureSinkOptions extends Omit<FeatureEngineOptions, 'tables' | 'trigger'> {
  /** `mid,spread_bps,imbalance:5`, or a list that may hold definitions of one's own. */
  readonly columns: string | readonly ColumnRequest[]
  /** Definitions that text in `columns` may name besides the built-in ones. */
  readonly definitions?: readonly ColumnDefinition[]
  /** A trigger, or its text: `1s`, `event`, `best`, `100`, `1m,best`. */
  readonly trigger: string | Trigger
  /** Parquet file to create or replace. One of `parquet`, `csv`, `target`. */
  readonly parquet?: string
  /** CSV file to create or overwrite. */
  readonly csv?: string
  readonly target?: RowTargetFactory
  /** @default 'features' */
  readonly name?: string
}

/**
 * The end of a pipeline that writes a feature table:
 * `pipeline.sink(new FeatureSink({ columns: 'mid,spread_bps,imbalance:5', trigger: '1s', parquet: 'features.parquet' }))`.
 *
 * Columns: `ts` and `ts_ns` (when the values were known: the end of the bar, or the latest time so far, by `clock`), `seq` (position
 * of the message, of a bar's last one: segment · 2³² + offset ÷ 64), with time bars `bar_start`, `bar_end` and both in nanoseconds,
 * then `gap` and the features.
 * Filters before it leave out records: give `rule: { recordSeq: false }` then.
 */
export class FeatureSink implements Sink {
  readonly name: string
  readonly engine: FeatureEngine
  readonly #target: RowTarget
  #hasFinished = false

  /** @throws ReplayError as FeatureEngine and `resolveColumns`; input `feature-target`, `output-failed`, `disk-full` */
  constructor(options: FeatureSinkOptions) {
    const { columns, definitions, trigger } = options
    this.name = options.name ?? 'features'
    this.engine = new FeatureEngine({
      ...options,
      trigger: typeof trigger === 'string' ? parseTrigger(trigger) : trigger,
      tables: [{ columns: resolveColumns(columns, definitions), target: targetOf(options) }],
    })
    this.#target = this.engine.tables[0]!.target
  }

  get stats(): FeatureStats {
    return this.engine.stats
  }

  /** @throws ReplayError as `FeatureEngine.write`; `disk-full`, `output-failed` */
  write(batch: MessageBatch): void {
    this.engine.write(batch)
  }

  /** Rows that wait for time to pass stay: only the end of the stream makes them. */
  async flush(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#hasFinished) return
    this.#hasFinished = true
    try {
      this.engine.finish()
    } catch (error) {
      await this.#target.abandon()
      throw error
    }
    await this.#target.close()
  }

  async abandon(): Promise<void> {
    await this.#target.abandon()
  }
}

function targetOf({ parquet, csv, target }: FeatureSinkOptions): RowTargetFactory {
  if ([parquet, csv, target].filter((one) => one !== undefined).length !== 1) {
    throw new ReplayError('feature-target', 'a feature table needs one of parquet, csv, target', { category: 'input' })
  }
  if (csv !== undefined) return (columns) => new CsvRows({ path: csv }, columns)
  if (parquet === undefined) return target!
  return (columns) => new ParquetFile({ path: parquet, columns })
}
