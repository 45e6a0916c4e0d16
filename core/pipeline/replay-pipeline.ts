import { ReplayError } from '../errors.ts'
import type { QueueWriterOptions } from '../log/writing/queue-writer.ts'
import type { NewMessage } from '../message/batch-builder.ts'
import type { MessageCursor } from '../message/message.ts'
import type { MessageSource, ReadIssue, SourceFilter } from '../message/source.ts'
import { ConsoleSink, type ConsoleSinkOptions } from '../sink/console-sink.ts'
import { CsvSink, type CsvSinkOptions } from '../sink/csv-sink.ts'
import type { DeadLetter } from '../sink/dead-letter.ts'
import type { ParquetSinkOptions } from '../sink/parquet-sink.ts'
import { QueueSink } from '../sink/queue-sink.ts'
import type { Sink } from '../sink/sink.ts'
import { limiter, messageFilter, sampler, symbolFilter, timeRangeFilter, typeFilter } from './filters.ts'
import { type ErrorStrategy, PipelineRun, type RunSettings, type SinkSpec, type StageSpec } from './pipeline-run.ts'
import { regroup } from './regroup.ts'
import type { PipelineProgress, PipelineStats } from './stats.ts'
import type { Filter, MessageTransform, Transform } from './transform.ts'

/**
 * Source → filters and transforms → sinks.
 *
 * Built with fluent calls, in the order in which the stages are to work, and run once:
 * `await ReplayPipeline.fromSource(reader).filterTypes([0x1002]).writeToCsv('trades.csv').run()`.
 * Filters at the head of the pipeline are pushed down into the source.
 */
export class ReplayPipeline {
  readonly #source: MessageSource
  readonly #stages: StageSpec[] = []
  readonly #sinks: SinkSpec[] = []
  readonly #settings: RunSettings = {
    onError: 'abort',
    deadLetters: null,
    onIssue: null,
    onProgress: null,
    counter: null,
    signal: null,
    pushdown: true,
    checksum: false,
    checked: false,
  }
  #hasRun = false

  private constructor(source: MessageSource) {
    this.#source = source
  }

  /** Starts a pipeline. The source is closed when the run ends. */
  static fromSource(source: MessageSource): ReplayPipeline {
    return new ReplayPipeline(source)
  }

  /** Passes messages with startNs ≤ record time < endNs; null = unbounded. */
  filterTimeRange(startNs: bigint | null, endNs: bigint | null): this {
    return this.#addFilter(timeRangeFilter(startNs, endNs), { fromNs: startNs ?? undefined, toNs: endNs ?? undefined })
  }

  /** Passes messages of these symbol codes. */
  filterSymbols(symbols: Iterable<string>): this {
    const wanted = new Set(symbols)
    return this.#addFilter(symbolFilter(wanted), { symbols: wanted })
  }

  /** Passes messages of these types, e.g. 0x1002. */
  filterTypes(types: Iterable<number>): this {
    const wanted = new Set(types)
    return this.#addFilter(typeFilter(wanted), { types: wanted })
  }

  /** Passes messages for which `keep` returns true. */
  filter(keep: (message: MessageCursor) => boolean): this {
    return this.#addFilter(messageFilter(keep), null)
  }

  /** Passes every N-th message that gets here: N, 2N, … */
  sample(interval: number): this {
    return this.#addFilter(sampler(interval), null)
  }

  /** Passes the first `count` messages that get here, and ends the run with them. What was not read is not counted. */
  limit(count: number): this {
    return this.#addFilter(limiter(count), null)
  }

  /** Replaces parts of each message: payload, type or time. What is not given stays. `null` drops the message. */
  map(change: (message: MessageCursor) => Partial<NewMessage> | null): this {
    return this.transform({
      name: 'map',
      message(message, output) {
        const changed = change(message)
        if (changed !== null) output.replace(message, changed)
      },
    })
  }

  /** Groups messages: what follows gets them `size` at a time (the last group may be smaller). */
  batch(size: number): this {
    return this.transform(regroup(size))
  }

  /** Adds a transform of one's own, per batch (`apply`) or per message (`message`). */
  transform(transform: Transform | MessageTransform): this {
    this.#stages.push({ kind: 'transform', transform })
    return this
  }

  /** Appends the messages to a Chronicle queue, with their original times and new sequences. */
  writeToQueue(path: string, options: QueueWriterOptions = {}): this {
    return this.#addSink(() => new QueueSink(path, options))
  }

  writeToCsv(path: string, options: Omit<CsvSinkOptions, 'path'> = {}): this {
    return this.#addSink(() => new CsvSink({ ...options, path }))
  }

  writeToParquet(path: string, options: Omit<ParquetSinkOptions, 'path'> = { rows: 'messages' }): this {
    // Loaded when needed: the encoder is most of the library's code.
    return this.#addSink(async () => new (await import('../sink/parquet-sink.ts')).ParquetSink({ ...options, path }))
  }

  writeToConsole(options: ConsoleSinkOptions): this {
    return this.#addSink(() => new ConsoleSink(options))
  }

  sink(sink: Sink): this {
    return this.#addSink(sink)
  }

  /** @default 'abort' */
  onError(strategy: ErrorStrategy): this {
    this.#settings.onError = strategy
    return this
  }

  /** Where what is left out under `skip` goes: a JSON-lines file, or a callback. */
  deadLettersTo(target: string | ((letter: DeadLetter) => void)): this {
    this.#settings.deadLetters = target
    return this
  }

  /** Hears of every issue the source meets, errors and warnings. */
  onIssue(hear: (issue: ReadIssue) => void): this {
    this.#settings.onIssue = hear
    return this
  }

  /** Called after every batch. */
  onProgress(hear: (progress: PipelineProgress) => void): this {
    this.#settings.onProgress = hear
    return this
  }

  /** Adds the number of messages read to `counter[0]` after each batch; over a SharedArrayBuffer other threads can watch it. */
  countInto(counter: BigInt64Array): this {
    this.#settings.counter = counter
    return this
  }

  /** Ends the run, with the signal's reason as the error, before the next batch after it fires. */
  withSignal(signal: AbortSignal): this {
    this.#settings.signal = signal
    return this
  }

  /** Whether filters at the head are handed to the source. @default true */
  pushdown(on: boolean): this {
    this.#settings.pushdown = on
    return this
  }

  /** Computes the checksum of what reaches the sinks. */
  checksum(): this {
    this.#settings.checksum = true
    return this
  }

  /** Test mode: overwrites what transforms made as soon as it is released, so that late reads are caught. */
  checkOwnership(): this {
    this.#settings.checked = true
    return this
  }

  /**
   * Reads the source to its end. Sinks are closed in any case, also the source.
   * @throws ReplayError, or the abort signal's reason; a failing sink always ends the run
   */
  async run(): Promise<PipelineStats> {
    if (this.#hasRun) throw new ReplayError('pipeline-reused', 'a pipeline runs once; build a new one', { category: 'input' })
    this.#hasRun = true
    return new PipelineRun(this.#source, this.#stages, this.#sinks, this.#settings).run()
  }

  #addFilter(filter: Filter, pushdown: SourceFilter | null): this {
    this.#stages.push({ kind: 'filter', filter, pushdown })
    return this
  }

  #addSink(make: SinkSpec): this {
    this.#sinks.push(make)
    return this
  }
}
