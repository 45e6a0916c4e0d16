import type { ErrorPlace } from '../errors.ts'
import { microsOf, putWhole } from '../features/clocks/microseconds.ts'
import type { EngineMoment } from '../features/columns/column.ts'
import { MessageTally } from '../features/message-tally.ts'
import { ROW_TIME } from '../features/rows/row-times.ts'
import type { JobColumns, JobParamDefaults, JobPipelineContext } from '../job/job-definition.ts'
import type { Variant } from '../job/variants.ts'
import type { MessageCursor } from '../message/message.ts'
import type { ReadIssue } from '../message/source.ts'
import { notePlace, placeOfFailure } from '../pipeline/failure-place.ts'
import { DAY_NS } from '../plan/cells.ts'
import { messageCounts, PassWarnings } from '../plan/run/message-counts.ts'
import type { InputFolder } from '../plan/run/task-share.ts'
import type { Sink } from '../sink/sink.ts'
import type { ColumnSpec } from '../table/column-buffer.ts'
import { CellRows, NO_ROWS, PassCell } from './cell-rows.ts'
import { CellSource } from './cell-source.ts'
import { PassDamage } from './pass-damage.ts'
import type { PassOptions, PassPlan, PassResult } from './pass-plan.ts'
import { passSource } from './pass-source.ts'
import { likelyEndOf } from './pass-start.ts'
import { ROW_LOST, RowValues } from './row-values.ts'

/** Runs the pipelines of a job over one partition, a variant at a time: nothing is carried over from the one before. */
export class PipelinePass {
  readonly done: PassResult[] = []
  readonly isInWarmUp = false
  readonly #plan: PassPlan
  readonly #inputs: readonly InputFolder[]
  readonly #options: PassOptions
  readonly #cell: PassCell
  #damage = new PassDamage()
  #tally: MessageTally
  readonly #warnings = new PassWarnings()
  /** As in `FeatureStats`. */
  readonly notRepresentable: Record<string, number> = {}
  #bytes = 0

  constructor(plan: PassPlan, inputs: readonly InputFolder[], options: PassOptions) {
    this.#plan = plan
    this.#inputs = inputs
    this.#options = options
    this.#cell = new PassCell(plan.partitions[0]!, true, options)
    this.#tally = new MessageTally([this.#cell])
  }

  async run(): Promise<void> {
    const { clock, folders, parts } = this.#options
    const startedMs = clock()
    for (const variant of this.#plan.variants) {
      // Each variant reads the same anew.
      this.#damage = new PassDamage()
      this.#tally = new MessageTally([this.#cell])
      await this.#runVariant(variant)
    }
    const rows = this.#cell.part === null ? NO_ROWS : await this.#cell.part.finish(parts, this.#cell.partition)
    const [first] = this.#inputs
    const damage = this.#damage.of(0)
    this.done.push({
      partition: this.#cell.partition,
      ...rows,
      gaps: {},
      unproven: 0,
      messages: { ...messageCounts(this.#tally.of(0), damage, 0, (path) => folders.keyAt(path, this.#inputs)), ...this.#warnings.take() },
      timing: { startedMs, durationMs: clock() - startedMs, bytes: this.#bytes },
      began: first === undefined ? null : { with: 'folder', key: first.key },
      ...(damage !== null && { damage }),
      isSound: this.#damage.isSound && !(ROW_LOST in this.notRepresentable),
    })
  }

  /** There is one partition, whose rows are there at the end or not at all. */
  async settle(_isEnd: boolean): Promise<void> {}

  /** Nothing is finished in the background. */
  async rest(): Promise<null> {
    return null
  }

  placeOf(error: unknown): ErrorPlace {
    return placeOfFailure(error)
  }

  abandon(): void {
    if (this.done.length === 0) this.#cell.part?.abandon()
  }

  async #runVariant(variant: Variant): Promise<void> {
    const { job, signal } = this.#options
    const { venue, symbol, date, startNs, endNs } = this.#cell.partition
    const params: JobParamDefaults = { ...job.params, ...variant.params }
    const source = this.#source()
    try {
      const rows: JobPipelineContext<JobParamDefaults, JobColumns>['rows'] = (take) => this.#rows(variant, source, take)
      const pipeline = await job.pipeline!({ source, params, venue, symbol, date, startNs, endNs, rows })
      if (signal !== undefined) pipeline.withSignal(signal)
      await pipeline.run()
    } finally {
      await source.close()
    }
  }

  #source(): CellSource {
    const { folders, onProgress, onCorrupt } = this.#options
    const { startNs, endNs } = this.#cell.partition
    const { start, window } = this.#plan
    const isSkipping = onCorrupt === 'skip'
    const onIssue = (issue: ReadIssue): void => {
      if (issue.severity === 'warning') this.#warnings.add(issue, folders.keyAt(issue.path ?? '', this.#inputs))
      else if (isSkipping) this.#leaveOut(issue, source.isInCell)
    }
    const inner = passSource(this.#inputs, folders, {
      start,
      likelyEndNs: likelyEndOf(endNs, window),
      ...{ isSkipping, onIssue },
    })
    const source = new CellSource(inner, {
      ...{ startNs, endNs, fromNs: start.startNs },
      ...{ isSkipping, onIssue },
      tally: this.#tally,
      onProgress: (messages, bytes) => {
        this.#bytes += bytes
        onProgress(messages, bytes, 0, 0)
      },
    })
    return source
  }

  #leaveOut(issue: ReadIssue, isInCell: boolean): void {
    const folder = this.#options.folders.folderAt(issue.path ?? '', this.#inputs)
    const { startNs, date } = this.#cell.partition
    // A day's first messages may be damaged, and so none of the cell was seen yet.
    const isWarmUp = !isInCell && (folder?.date !== date || startNs % DAY_NS !== 0n)
    this.#damage.add(issue, folder?.key ?? '', 0, isWarmUp)
  }

  /** A sink that makes rows of messages; of the warm-up they are not written. */
  #rows(variant: Variant, source: CellSource, take: (message: MessageCursor, out: never) => void): Sink {
    const { job } = this.#options
    let message: MessageCursor | null = null
    const moment = { number: 0 }
    const emit = (): void => {
      if (source.isOfCell(message!)) putRow(target, message!, this.#cell.startMicros)
      values.clear()
    }
    const beyondRange = job.beyondRange === 'null' ? 'null' : this.#options.onCorrupt === 'skip' ? 'row' : 'error'
    const lose = (reason: string): void => {
      this.notRepresentable[reason] = (this.notRepresentable[reason] ?? 0) + 1
      if (message !== null && source.isOfCell(message)) this.#tally.note(reason, this.#cell.startMicros)
    }
    const values = new RowValues(job.name, job.columns, emit, { beyondRange, lose })
    const target = new CellRows(ROW_SPECS, { cells: [this.#cell], variant, values })
    target.watch(moment as EngineMoment)
    return {
      name: 'rows',
      write(batch) {
        for (let k = 0; k < batch.length; k++) {
          message = batch.at(batch.rowAt(k))
          moment.number++
          try {
            take(message, values.out as never)
          } catch (error) {
            notePlace(error, message)
            throw error
          }
          values.clear()
        }
      },
      async flush() {},
      async close() {},
    }
  }
}

/** What a row has of its message; the rest is the variant's, and the job's columns. */
const ROW_SPECS: readonly ColumnSpec[] = [...ROW_TIME, { name: 'seq', type: 'i64', nullable: true }]

/** @param micros of the cell: that the message is of it was found out */
function putRow(target: CellRows, message: MessageCursor, micros: number): void {
  target.enter(micros, false, true)
  const { columns, row } = target
  const { timeWords } = message.batch
  const [ts, exact, seq] = columns as [(typeof columns)[0], (typeof columns)[0], (typeof columns)[0]]
  const low = timeWords[2 * message.index]!
  const high = timeWords[2 * message.index + 1]!
  putWhole(ts.words, row, microsOf(low, high))
  exact.words[2 * row] = low
  exact.words[2 * row + 1] = high
  if (message.segment >= 0) {
    seq.words[2 * row] = message.segmentOffset / 64
    seq.words[2 * row + 1] = message.segment
    seq.valid![row] = 1
  }
  target.endRow()
}
