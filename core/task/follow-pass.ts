import type { LogBookSettings } from '../book/log-settings.ts'
import type { ErrorPlace } from '../errors.ts'
import { parseDuration } from '../features/clocks/duration.ts'
import type { EngineMoment } from '../features/columns/column.ts'
import type { FeatureEngine } from '../features/feature-engine.ts'
import type { CellTally } from '../features/message-tally.ts'
import { RowBlock, type RowColumn } from '../features/rows/row-target.ts'
import { dateOfDay, dayOfDate } from '../instant.ts'
import { jobTiming } from '../job/define-job.ts'
import type { JobDefinition, ParamValue } from '../job/job-definition.ts'
import { type PlanColumn, rowSchema } from '../job/row-schema.ts'
import type { Variant } from '../job/variants.ts'
import type { MessageBatch } from '../message/batch.ts'
import { DAY_NS } from '../plan/cells.ts'
import type { OnCorrupt } from '../plan/fingerprint.ts'
import type { ColumnSpec } from '../table/column-buffer.ts'
import { JOB_COLUMN } from './job-column.ts'
import { engineGroups, jobEngines, type VariantRows } from './job-engines.ts'
import { RowNumbers } from './row-numbers.ts'
import type { RowValues } from './row-values.ts'

/** A value of a row; 64-bit columns are bigints, times microseconds. */
export type FollowedValue = number | bigint | boolean | string | null

export interface FollowOptions {
  readonly job: JobDefinition
  readonly variants: readonly Variant[]
  readonly venue: string
  readonly symbol: string
  /** Of the book's log; null: the job has none. */
  readonly settings: LogBookSettings | null
  readonly onCorrupt: OnCorrupt
  /** Rows from here on, nanoseconds since the epoch, a multiple of the bars' length. @default the UTC day of the first message */
  readonly fromNs?: bigint | undefined
  /**
   * Takes each row when it is made, in the order of `columns`; the array is used again.
   * @param micros the time that says which cell it is of: of a bar its begin
   */
  readonly onRow: (row: readonly FollowedValue[], micros: number) => void
}

/** Rows of a job over an instrument's messages as they come: those that a run over the finished logs makes. */
export class FollowPass {
  readonly columns: readonly PlanColumn[]
  readonly #options: FollowOptions
  #engines: readonly FeatureEngine[] = []
  #working: FeatureEngine | null = null
  #fromNs: bigint | null = null
  /** Days since the epoch that the instrument is known to have folders of: only there are rows without messages. */
  readonly #days = new Set<number>()

  constructor(options: FollowOptions) {
    this.#options = options
    const { job, variants } = options
    this.columns = rowSchema(
      job,
      variants.map(({ params }) => jobTiming(job, params)),
    )
  }

  /** Rows of one engine come in one order, whatever batches messages come in. */
  get engineCount(): number {
    return engineGroups(this.#options.job, this.#options.variants, this.#options).length
  }

  /** All rows of what lies before are made, microseconds since the epoch; −∞ before the first message. */
  get clockMicros(): number {
    return this.#engines.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...this.#engines.map(({ clockMicros }) => clockMicros))
  }

  /** What became of the messages so far. */
  get tally(): CellTally | null {
    return this.#engines[0]?.tally.of(0) ?? null
  }

  /** The instrument has a folder of a day. @param date `YYYY-MM-DD` */
  addDay(date: string): void {
    this.#days.add(dayOfDate(date))
  }

  /** Begins with the first messages; gives where rows begin, nanoseconds since the epoch; null: there are no messages yet. */
  begin(batch: MessageBatch): bigint | null {
    if (this.#fromNs === null && batch.length > 0) this.#fromNs = this.#start(BigInt.asUintN(64, batch.times[batch.rowAt(0)]!))
    return this.#fromNs
  }

  /** @throws ReplayError as FeatureEngine.write, and what the job throws */
  write(batch: MessageBatch): void {
    this.begin(batch)
    for (const engine of this.#engines) {
      this.#working = engine
      engine.write(batch)
    }
  }

  /** Where it is, or was when it failed. */
  get place(): ErrorPlace {
    const { venue, symbol } = this.#options
    return { instrument: `${venue}/${symbol}`, ...this.#working?.place }
  }

  #start(firstNs: bigint): bigint {
    const { onRow, fromNs, ...options } = this.#options
    const dayNs = dayOf(firstNs)
    // By the exchange's clock the first messages may be of the day before.
    const { job } = options
    const isOneSession = job.backtest?.session === 'run'
    const reachNs = job.clock === 'exchange' && !isOneSession ? BigInt(parseDuration(job.maxSkew ?? '5s')) : 0n
    const startNs = dayOf(firstNs - reachNs)
    const rowsFromNs = fromNs === undefined || fromNs < startNs ? startNs : fromNs
    // Of a log whose place says nothing of days there are rows from the first day on.
    const firstDay = Number(dayNs / DAY_NS)
    const isOfDay = (day: number): boolean => (this.#days.size === 0 ? day >= firstDay : this.#days.has(day))
    const given = { ...this.#options, columns: this.columns, isOfDay }
    const isKnown = (micros: number): boolean => {
      const day = Number((BigInt(micros) * 1000n) / DAY_NS)
      return isOfDay(day) || day < Math.min(...this.#days)
    }
    this.#engines = jobEngines({
      ...options,
      ...{ rowsFromNs, isKnown },
      range: { fromNs: rowsFromNs, startNs },
      rows: (specs, variant, values) => new FollowedRows(specs, variant, values, given),
    })
    return rowsFromNs
  }
}

/** Gives each row of a variant to whoever follows. */
class FollowedRows implements VariantRows {
  readonly row = 0
  readonly columns: readonly RowColumn[]
  readonly #block: RowBlock
  readonly #readers: readonly (() => FollowedValue)[]
  readonly #values: RowValues
  readonly #row: FollowedValue[] = []
  readonly #onRow: FollowOptions['onRow']
  readonly #numbers = new RowNumbers()
  readonly #isOfDay: (day: number) => boolean
  /** Time that says which cell the row is of: of a bar its begin. */
  #micros = 0
  #isBar = false

  constructor(
    specs: readonly ColumnSpec[],
    variant: Variant,
    values: RowValues,
    given: FollowOptions & { readonly columns: readonly PlanColumn[]; readonly isOfDay: (day: number) => boolean },
  ) {
    const { venue, symbol, columns, onRow, isOfDay } = given
    this.#values = values
    this.#isOfDay = isOfDay
    this.#onRow = onRow
    this.#block = new RowBlock(
      specs.map((spec) => (spec.name === JOB_COLUMN ? { ...spec, nullable: true } : spec)),
      1,
    )
    this.columns = this.#block.columns
    const fixed: Readonly<Record<string, () => FollowedValue>> = {
      venue: () => venue,
      symbol: () => symbol,
      date: () => dateOfDay(Math.floor(this.#micros / DAY_MICROS)),
      row: () => this.#numbers.next(this.#isBar),
      variant: () => variant.id,
    }
    this.#readers = columns.map(({ name }) => fixed[name] ?? this.#reader(name, specs, variant))
  }

  watch(moment: EngineMoment): void {
    this.#numbers.moment = moment
  }

  enter(micros: number, isBar: boolean, hasMessage: boolean): boolean {
    this.#isBar = isBar
    this.#micros = micros
    return hasMessage || this.#isOfDay(Math.floor(micros / DAY_MICROS))
  }

  endRow(): void {
    if (this.#values.isBroken) this.#values.loseRow()
    else {
      for (let i = 0; i < this.#readers.length; i++) this.#row[i] = this.#readers[i]!()
      this.#onRow(this.#row, this.#micros)
    }
    this.#block.clear()
  }

  async close(): Promise<void> {}

  abandon(): void {}

  /** What the job set goes before what the engine filled in. */
  #reader(name: string, specs: readonly ColumnSpec[], { params }: Variant): () => FollowedValue {
    const param = params[name] as ParamValue | undefined
    if (param !== undefined) return () => param
    const at = specs.findIndex((spec) => spec.name === name)
    const type = specs[at]?.type
    const engine = at < 0 ? () => null : () => engineValue(this.columns[at]!, type!)
    const isOwn = this.#values.names.includes(name)
    const { out } = this.#values as unknown as { out: Readonly<Record<string, FollowedValue>> }
    return isOwn ? () => out[name] ?? engine() : engine
  }
}

const DAY_MICROS = Number(DAY_NS / 1000n)

function dayOf(timeNs: bigint): bigint {
  return timeNs - (timeNs % DAY_NS)
}

function engineValue(column: RowColumn, type: ColumnSpec['type']): FollowedValue {
  if (column.valid !== null && column.valid[0] === 0) return null
  if (type === 'i64' || type === 'timestamp_us') return wideOf(column)
  if (type === 'i32') return column.i32[0]!
  return type === 'bool' ? column.bools[0] === 1 : column.f64[0]!
}

function wideOf({ words }: RowColumn): bigint {
  return (BigInt(words[1]! | 0) << 32n) | BigInt(words[0]!)
}
