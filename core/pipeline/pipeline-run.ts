import { ReplayError } from '../errors.ts'
import { LoopTurns } from '../loop-turns.ts'
import type { MessageBatch } from '../message/batch.ts'
import { BatchBuilder } from '../message/batch-builder.ts'
import { ReplayChecksum } from '../message/checksum.ts'
import type { MessageCursor } from '../message/message.ts'
import { combineFilters, type MessageSource, NO_GRANT, type ReadIssue, type SourceFilter, type SourceGrant } from '../message/source.ts'
import { type DeadLetter, DeadLetterLog } from '../sink/dead-letter.ts'
import type { Sink } from '../sink/sink.ts'
import { noteBatch, notePlace } from './failure-place.ts'
import type { PipelineProgress, PipelineStats } from './stats.ts'
import type { Filter, MessageTransform, Transform } from './transform.ts'

/** `abort`: the first error ends the run. `skip`: damaged or failing messages are counted, kept as dead letters, and left out. */
export type ErrorStrategy = 'abort' | 'skip'

/** A stage as built: a filter, with what of it a source could do, or a transform. */
export type StageSpec =
  | { readonly kind: 'filter'; readonly filter: Filter; readonly pushdown: SourceFilter | null }
  | { readonly kind: 'transform'; readonly transform: Transform | MessageTransform }

/** A sink of the user's, or how to make one when the run starts: outputs of a pipeline that is never run are not touched. */
export type SinkSpec = Sink | (() => Sink | Promise<Sink>)

/** What the fluent calls of a pipeline set. */
export interface RunSettings {
  onError: ErrorStrategy
  deadLetters: string | ((letter: DeadLetter) => void) | null
  onIssue: ((issue: ReadIssue) => void) | null
  onProgress: ((progress: PipelineProgress) => void) | null
  counter: BigInt64Array | null
  signal: AbortSignal | null
  pushdown: boolean
  checksum: boolean
  checked: boolean
}

type Stage = Extract<StageSpec, { kind: 'filter' }> | (Extract<StageSpec, { kind: 'transform' }> & { readonly builder: BatchBuilder })

/** One run of a pipeline: its stages at work, its sinks, its totals. */
export class PipelineRun {
  readonly #source: MessageSource
  readonly #specs: readonly StageSpec[]
  readonly #sinkSpecs: readonly SinkSpec[]
  readonly #settings: Readonly<RunSettings>
  #stages: Stage[] = []
  #sinks: { readonly name: string; readonly sink: Sink; written: number }[] = []
  #letters: DeadLetterLog | null = null
  #checksum: ReplayChecksum | null = null
  readonly #issues: Record<string, number> = {}
  /** What went wrong behind a transform that passed messages on: not the transform's failure, so `skip` does not apply. */
  #downstreamFailure: { readonly error: unknown } | null = null
  readonly #totals = { read: 0, filtered: 0, skipped: 0, consumed: 0, forwarded: 0, emitted: 0, bytes: 0 }

  readonly #turns = new LoopTurns()

  constructor(source: MessageSource, stages: readonly StageSpec[], sinks: readonly SinkSpec[], settings: Readonly<RunSettings>) {
    this.#source = source
    this.#specs = stages
    this.#sinkSpecs = sinks
    this.#settings = settings
  }

  /** Reads the source to its end, or until a filter passes no more; closes sinks and source in any case. */
  async run(): Promise<PipelineStats> {
    const startedMs = performance.now()
    try {
      await this.#open()
      for (let batch = await this.#source.nextBatch(); batch !== null; batch = await this.#source.nextBatch()) {
        this.#settings.signal?.throwIfAborted()
        await this.#take(batch)
        this.#reportProgress(batch.scanned, startedMs)
        batch.release()
        await this.#turns.next()
        this.#settings.signal?.throwIfAborted()
        if (this.#stages.some((stage) => stage.kind === 'filter' && stage.filter.isOver === true)) break
      }
      await this.#finish()
    } catch (error) {
      await this.#closeAll(error)
      throw error
    }
    await this.#closeAll(null)
    return this.#statsSince(startedMs)
  }

  async #open(): Promise<void> {
    this.#settings.signal?.throwIfAborted()
    this.#stages = this.#specs.map((spec, index) => {
      if (spec.kind === 'filter') return spec
      return { ...spec, builder: new BatchBuilder((batch) => this.#passOn(batch, index + 1), this.#settings.checked) }
    })
    this.#dropStages(this.#prepareSource())
    if (typeof this.#settings.deadLetters === 'string') this.#letters = new DeadLetterLog({ path: this.#settings.deadLetters })
    if (this.#settings.checksum) this.#checksum = new ReplayChecksum()
    for (const stage of this.#stages) {
      if (stage.kind === 'transform')
        stage.transform.open?.({ warn: (code, message) => this.#hear({ code, severity: 'warning', message }) })
    }
    for (const spec of this.#sinkSpecs) this.#addSink(typeof spec === 'function' ? await spec() : spec)
  }

  #addSink(sink: Sink): void {
    const isTaken = (name: string): boolean => this.#sinks.some((other) => other.name === name)
    let name = sink.name
    for (let number = 2; isTaken(name); number++) name = `${sink.name}-${number}`
    this.#sinks.push({ name, sink, written: 0 })
  }

  #prepareSource(): SourceGrant {
    const filter = this.#settings.pushdown ? this.#headFilters().reduce(combineFilters, {}) : {}
    return this.#source.prepare?.({ filter, onCorrupt: this.#settings.onError, report: (issue) => this.#hear(issue) }) ?? NO_GRANT
  }

  /** Filters before the first stage that is not one the source could apply. */
  #headFilters(): SourceFilter[] {
    const end = this.#stages.findIndex((stage) => stage.kind !== 'filter' || stage.pushdown === null)
    return this.#stages.slice(0, end < 0 ? undefined : end).map((stage) => (stage.kind === 'filter' ? stage.pushdown! : {}))
  }

  /** Leaves out the head filters that the source applies. Stage indices in builders stay right: the slots become empty filters. */
  #dropStages(grant: SourceGrant): void {
    if (!this.#settings.pushdown) return
    const head = this.#headFilters().length
    for (let i = 0; i < head; i++) {
      const stage = this.#stages[i]!
      if (stage.kind !== 'filter' || stage.pushdown === null) continue
      const { fromNs, toNs, types, symbols } = stage.pushdown
      if (
        ((fromNs === undefined && toNs === undefined) || grant.time) &&
        (types === undefined || grant.types) &&
        (symbols === undefined || grant.symbols)
      ) {
        this.#stages[i] = { ...stage, filter: PASS_ALL }
      }
    }
  }

  async #take(batch: MessageBatch): Promise<void> {
    const { read, filtered, skipped, bytes } = this.#totals
    this.#totals.read = read + batch.scanned
    this.#totals.skipped = skipped + batch.skipped
    this.#totals.filtered = filtered + batch.scanned - batch.skipped - batch.length
    this.#totals.bytes = bytes + batch.scannedBytes
    await this.#push(batch, 0)
  }

  /** Sends a batch through the stages from `first` on, and to the sinks. */
  async #push(batch: MessageBatch, first: number): Promise<void> {
    for (let i = first; i < this.#stages.length; i++) {
      if (batch.length === 0) return
      const stage = this.#stages[i]!
      if (stage.kind === 'transform') return this.#transform(stage.transform, stage.builder, batch)
      const before = countOriginals(batch) + this.#totals.skipped
      stage.filter.select(batch, this.#settings.onError === 'skip' ? this.#leaveOut : undefined)
      this.#totals.filtered += before - countOriginals(batch) - this.#totals.skipped
    }
    if (batch.length > 0) await this.#deliver(batch)
  }

  /** What a transform flushes goes on to the stages behind it. */
  async #passOn(batch: MessageBatch, stage: number): Promise<void> {
    try {
      await this.#push(batch, stage)
    } catch (error) {
      this.#downstreamFailure ??= { error }
      throw error
    }
  }

  async #transform(transform: Transform | MessageTransform, builder: BatchBuilder, batch: MessageBatch): Promise<void> {
    const originals = countOriginals(batch)
    const forwarded = builder.forwarded
    builder.begin(batch)
    const leftOut =
      'message' in transform ? await this.#applyEach(transform, builder, batch) : await this.#applyAll(transform, builder, batch)
    this.#totals.consumed += originals - leftOut - (builder.forwarded - forwarded)
    if ('message' in transform || transform.flushesItself !== true) await builder.flush()
  }

  /** Returns how many messages of the source were left out. */
  async #applyAll(transform: Transform, builder: BatchBuilder, batch: MessageBatch): Promise<number> {
    builder.mark()
    try {
      const result = transform.apply(batch, builder)
      if (result !== undefined) await result
      this.#throwDownstreamFailure()
      return 0
    } catch (error) {
      noteBatch(error, batch)
      this.#rollBackOrThrow(builder, error)
      for (let k = 0; k < batch.length; k++) this.#leaveOut(batch.at(batch.rowAt(k)), error)
      return countOriginals(batch)
    }
  }

  /** Returns how many messages of the source were left out. */
  async #applyEach(transform: MessageTransform, builder: BatchBuilder, batch: MessageBatch): Promise<number> {
    const { length } = batch
    let leftOut = 0
    for (let k = 0; k < length; k++) {
      const row = batch.rowAt(k)
      builder.mark()
      try {
        const result = transform.message(batch.at(row), builder)
        if (result !== undefined) await result
        if (this.#downstreamFailure !== null) this.#throwDownstreamFailure()
      } catch (error) {
        notePlace(error, batch.at(row))
        this.#rollBackOrThrow(builder, error)
        leftOut += 1 - madeFlag(batch, row)
        this.#leaveOut(batch.at(row), error)
      }
    }
    return leftOut
  }

  /** A transform's failure can be skipped unless part of its output is gone already, or it was that output that failed. */
  #rollBackOrThrow(builder: BatchBuilder, error: unknown): void {
    this.#throwDownstreamFailure()
    if (this.#settings.onError === 'abort' || !builder.rollback()) throw error
  }

  #throwDownstreamFailure(): void {
    if (this.#downstreamFailure !== null) throw this.#downstreamFailure.error
  }

  async #deliver(batch: MessageBatch): Promise<void> {
    const originals = countOriginals(batch)
    this.#totals.forwarded += originals
    this.#totals.emitted += batch.length - originals
    this.#checksum?.add(batch)
    for (const entry of this.#sinks) {
      const result = entry.sink.write(batch)
      if (result !== undefined) await result
      entry.written += batch.length
    }
  }

  async #finish(): Promise<void> {
    for (const stage of this.#stages) {
      if (stage.kind !== 'transform') continue
      const forwarded = stage.builder.forwarded
      await stage.transform.finish?.(stage.builder)
      this.#totals.consumed -= stage.builder.forwarded - forwarded // held back until now
      await stage.builder.flush()
      this.#throwDownstreamFailure()
    }
    for (const { sink } of this.#sinks) await sink.flush()
  }

  /** Closes sinks, dead letters and source. When the run has already failed, that error counts, not those of closing. */
  async #closeAll(failure: unknown): Promise<void> {
    let first = failure
    const opened = this.#sinks.map(({ sink }) => sink)
    const unopened = this.#sinkSpecs.filter((spec) => typeof spec !== 'function' && !opened.includes(spec)) as Sink[]
    const closings = [
      ...[...new Set([...opened, ...unopened])].map(
        (sink) => () => (failure === null || sink.abandon === undefined ? sink.close() : sink.abandon()),
      ),
      () => this.#letters?.close(),
      () => this.#source.close(),
    ]
    for (const close of closings) {
      try {
        await close()
      } catch (error) {
        first ??= error
      }
    }
    if (failure === null && first !== null) throw first
  }

  /** Counts and buries a message that a stage failed on. */
  readonly #leaveOut = (message: MessageCursor, error: unknown): void => {
    this.#totals.skipped += 1 - madeFlag(message.batch, message.index)
    const place = message.segment < 0 ? {} : { segment: message.segment, offset: message.segmentOffset }
    const { path } = message.batch.originAt(message.index)
    const code = error instanceof ReplayError ? error.code : 'transform-failed'
    this.#bury({
      code,
      message: String(error instanceof Error ? error.message : error),
      path,
      seq: message.seq,
      type: message.typeId,
      ...place,
    })
  }

  #hear(issue: ReadIssue): void {
    this.#issues[issue.code] = (this.#issues[issue.code] ?? 0) + 1
    this.#settings.onIssue?.(issue)
    if (issue.severity === 'error') this.#letter(issue)
  }

  #bury(letter: DeadLetter): void {
    this.#issues[letter.code] = (this.#issues[letter.code] ?? 0) + 1
    this.#letter(letter)
  }

  #letter(letter: DeadLetter): void {
    this.#letters?.add(letter)
    if (typeof this.#settings.deadLetters === 'function') this.#settings.deadLetters(letter)
  }

  #reportProgress(scanned: number, startedMs: number): void {
    if (this.#settings.counter !== null) Atomics.add(this.#settings.counter, 0, BigInt(scanned))
    const { read, forwarded, bytes } = this.#totals
    this.#settings.onProgress?.({ read, forwarded, bytes, elapsedMs: performance.now() - startedMs })
  }

  /** Of all sinks. */
  #noted(): Record<string, number> {
    const noted: Record<string, number> = {}
    for (const { sink } of this.#sinks) {
      for (const [kind, count] of Object.entries(sink.noted ?? {})) noted[kind] = (noted[kind] ?? 0) + count
    }
    return noted
  }

  #rows(): Record<string, number> {
    return Object.fromEntries(
      this.#sinks.flatMap(({ name, written, sink: { rows } }) => (rows === undefined || rows === written ? [] : [[name, rows]])),
    )
  }

  #statsSince(startedMs: number): PipelineStats {
    const durationMs = performance.now() - startedMs
    const written = Object.fromEntries(this.#sinks.map((entry) => [entry.name, entry.written]))
    const messagesPerSecond = durationMs > 0 ? (this.#totals.read / durationMs) * 1000 : 0
    return {
      ...this.#totals,
      warmUpRead: 0,
      written,
      rows: this.#rows(),
      noted: this.#noted(),
      issues: this.#issues,
      durationMs,
      messagesPerSecond,
      checksum: this.#checksum?.result() ?? null,
    }
  }
}

const PASS_ALL: Filter = { name: 'done by the source', select: () => undefined }

/** 1 when a transform made the message, 0 when it came from the source. */
function madeFlag({ emitted }: Pick<MessageBatch, 'emitted'>, row: number): number {
  return emitted === null ? 0 : emitted[row]!
}

/** Selected messages that came from the source. */
function countOriginals(batch: MessageBatch): number {
  if (batch.emitted === null) return batch.length
  let originals = 0
  for (let k = 0; k < batch.length; k++) if (batch.emitted[batch.rowAt(k)] === 0) originals++
  return originals
}
