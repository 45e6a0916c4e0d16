import { L2Book } from '../book/l2-book.ts'
import { L3Book } from '../book/l3-book.ts'
import type { LogBookSettings } from '../book/log-settings.ts'
import { restoreBook } from '../book/snapshot/warm-start.ts'
import { type ErrorPlace, ReplayError } from '../errors.ts'
import { microsOf } from '../features/clocks/microseconds.ts'
import type { FeatureEngineOptions } from '../features/engine-options.ts'
import type { FeatureEngine } from '../features/feature-engine.ts'
import { dayOfDate } from '../instant.ts'
import { usesBook } from '../job/row-schema.ts'
import { LoopTurns } from '../loop-turns.ts'
import type { MessageBatch } from '../message/batch.ts'
import type { ReadIssue } from '../message/source.ts'
import { reachOf } from '../plan/archive/day-spans.ts'
import { isBookStream } from '../plan/archive/instrument-days.ts'
import { DAY_NS } from '../plan/cells.ts'
import { messageCounts, PassWarnings } from '../plan/run/message-counts.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import type { InputFolder } from '../plan/run/task-share.ts'
import { MODE_L3 } from '../protocol/book-event.ts'
import { CellRows, NO_ROWS, PassCell } from './cell-rows.ts'
import { jobEngines } from './job-engines.ts'
import { PassDamage } from './pass-damage.ts'
import type { PassOptions, PassPlan, PassResult } from './pass-plan.ts'
import { passSource } from './pass-source.ts'
import { likelyEndOf, type PassStart } from './pass-start.ts'
import { ROW_LOST } from './row-values.ts'

/** Cells that are being finished at once: one that fills a part waits for a disk, or for S3. */
const MAX_PUTS = 4

/** Makes rows of partitions in one pass over their logs, by an engine per trigger. */
export class FeaturePass {
  readonly done: PassResult[] = []
  readonly #plan: PassPlan
  readonly #turns = new LoopTurns()
  readonly #options: PassOptions
  readonly #inputs: readonly InputFolder[]
  readonly #cells: readonly PassCell[]
  readonly #engines: readonly FeatureEngine[]
  /** First cell that is not done, and first one whose part is not on its way to the table. */
  #next = 0
  #ended = 0
  /** Cells whose parts are on their way; each is done after those before it. */
  readonly #underWay: Promise<void>[] = []
  #isOver = false
  #working: FeatureEngine | null = null
  readonly #damage = new PassDamage()
  readonly #warnings = new PassWarnings()
  /** Greatest record time so far. */
  #seenMicros = 0
  /** A part could not be finished: nothing after it can. */
  #broken: { readonly cause: unknown } | null = null
  /** First cell that the clock has not come through, and the planned bytes of those before it. */
  #reachedCell = 0
  #reachedBytes = 0
  // Since the last cell that was settled.
  #warmUp = 0
  #bytes = 0
  #unproven = 0
  #startedMs: number
  #gaps: Readonly<Record<string, number>> = {}

  constructor(plan: PassPlan, inputs: readonly InputFolder[], settings: LogBookSettings | null, options: PassOptions) {
    this.#plan = plan
    this.#options = options
    this.#inputs = inputs
    this.#startedMs = options.clock()
    const dates = new Set(inputs.map(({ date }) => date))
    this.#cells = plan.partitions.map((partition) => new PassCell(partition, dates.has(partition.date), options))
    this.#engines = this.#makeEngines(settings)
  }

  get isInWarmUp(): boolean {
    const cell = this.#cells[this.#next]
    return cell !== undefined && this.#clockMicros < cell.startMicros
  }

  /** Where it is, or was when it failed. */
  placeOf(_error: unknown): ErrorPlace {
    return this.#working?.place ?? {}
  }

  async run(): Promise<void> {
    const { folders, onProgress, signal } = this.#options
    const { partitions, start, window } = this.#plan
    const isSkipping = this.#options.onCorrupt === 'skip'
    const source = passSource(this.#inputs, folders, {
      start,
      likelyEndNs: likelyEndOf(partitions.at(-1)!.endNs, window),
      isSkipping,
      onIssue: (issue) => this.#hear(issue),
    })
    try {
      for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
        signal?.throwIfAborted()
        for (const engine of this.#engines) {
          this.#working = engine
          engine.write(batch)
        }
        if (isSkipping) this.#see(batch)
        if (this.isInWarmUp && this.#next === 0) this.#warmUp += batch.length
        this.#bytes += batch.scannedBytes
        onProgress(batch.length, batch.scannedBytes, this.#reached(), this.done.length)
        await this.settle(false)
        // Parts that are on their way get on only then.
        await this.#turns.next()
        if (this.#engines.every(({ isDone }) => isDone)) break
      }
      for (const engine of this.#engines) {
        this.#working = engine
        engine.finish()
      }
      await this.settle(true)
    } finally {
      await source.close()
    }
  }

  /** Finishes the cells whose rows are all there. While parts are put into the table, rows of the next are made. */
  async settle(isEnd: boolean): Promise<void> {
    if (this.#broken !== null) return
    for (let cell = this.#cells[this.#ended]; cell !== undefined && (isEnd || this.#clockMicros >= cell.endMicros); ) {
      this.#options.signal?.throwIfAborted()
      if (this.#underWay.length === MAX_PUTS) await this.#underWay[0]
      const finished = this.#finish(cell, this.#underWay.at(-1))
      finished.catch(() => undefined) // told to whoever waits for it
      this.#underWay.push(finished)
      cell = this.#cells[++this.#ended]
    }
    if (isEnd) await this.#underWay.at(-1)
  }

  /** Waits for the parts that are on their way; gives why one could not be finished, null when all could. */
  async rest(): Promise<unknown> {
    await Promise.allSettled(this.#underWay)
    return this.#broken?.cause ?? null
  }

  #see(batch: MessageBatch): void {
    const { timeWords } = batch
    for (let k = 0; k < batch.length; k++) {
      const row = batch.rowAt(k)
      this.#seenMicros = Math.max(this.#seenMicros, microsOf(timeWords[2 * row]!, timeWords[2 * row + 1]!))
    }
  }

  #hear(issue: ReadIssue): void {
    if (issue.severity === 'warning') this.#warnings.add(issue, this.#options.folders.keyAt(issue.path ?? '', this.#inputs))
    else if (this.#options.onCorrupt === 'skip') this.#leaveOut(issue)
  }

  /** Damage is left out: of the cell that the pass has come to, and of what it begins with. */
  #leaveOut(issue: ReadIssue): void {
    const { folders } = this.#options
    const folder = folders.folderAt(issue.path ?? '', this.#inputs)
    if (folder === undefined) throw new ReplayError('task-failed', `damage outside of the inputs: ${issue.path}`, { category: 'bug' })
    // Nothing of a folder lies before what it reaches; and of a log all that lies before the damage has come.
    const reach = reachOf(folder)
    const micros = Math.max(this.#seenMicros, Number(reach.fromNs / 1000n))
    const loss = { isBook: isBookStream(folder.stream), fromMicros: micros, untilMicros: Number(reach.toNs / 1000n) }
    // What was left out because it was given before is no loss.
    if (issue.repeated === undefined) for (const engine of this.#engines) engine.lose(folders.pathOf(folder), loss)
    const found = this.#cells.findIndex(({ endMicros }) => endMicros > micros)
    const cell = Math.max(this.#ended, found < 0 ? this.#cells.length : found)
    this.#damage.add(issue, folder.key, cell, micros < (this.#cells[cell]?.startMicros ?? Number.POSITIVE_INFINITY))
  }

  async #finish(cell: PassCell, before: Promise<void> | undefined): Promise<void> {
    const counts = this.#countsOfCell(this.#ended)
    try {
      const rows = cell.part === null ? NO_ROWS : await cell.part.finish(this.#options.parts, cell.partition)
      await before
      this.done.push({ partition: cell.partition, ...rows, ...counts, began: beganOf(this.#plan.start, this.#inputs) })
    } catch (cause) {
      this.#broken ??= { cause }
      throw cause
    }
    this.#next++
    this.#underWay.shift()
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const cell of this.#cells.slice(this.#next)) cell.part?.abandon()
  }

  get #clockMicros(): number {
    return Math.min(...this.#engines.map(({ clockMicros }) => clockMicros))
  }

  get #identity(): { readonly venue: string; readonly symbol: string } {
    const { venue, symbol } = this.#plan.partitions[0]!
    return { venue, symbol }
  }

  /** Of the bytes planned: those of whole cells, and of the cell that time has come to as large a part as of its time. */
  #reached(): number {
    const micros = this.#clockMicros
    let cell = this.#cells[this.#reachedCell]
    while (cell !== undefined && micros >= cell.endMicros) {
      this.#reachedBytes += cell.partition.bytes
      cell = this.#cells[++this.#reachedCell]
    }
    if (cell === undefined || micros <= cell.startMicros) return this.#reachedBytes
    return this.#reachedBytes + (cell.partition.bytes * (micros - cell.startMicros)) / (cell.endMicros - cell.startMicros)
  }

  #makeEngines(settings: LogBookSettings | null): FeatureEngine[] {
    const { job, onCorrupt, folders } = this.#options
    const { variants, partitions, start } = this.#plan
    return jobEngines({
      ...{ job, variants, settings, onCorrupt, ...this.#identity },
      rowsFromNs: partitions[0]!.startNs,
      isKnown: knownOf(this.#inputs),
      range: {
        fromNs: partitions[0]!.startNs,
        toNs: partitions.at(-1)!.endNs,
        startNs: this.#startNs,
        cells: this.#cells,
        absences: usesBook(job) ? folders.absencesOf(start, this.#inputs) : [],
      },
      restart: () => this.#restart(),
      rows: (specs, variant, values) => new CellRows(specs, { cells: this.#cells, variant, values }),
    })
  }

  /** Where bars begin: with the window, but a session over all days with the first day there is. */
  get #startNs(): bigint {
    const { startNs } = this.#plan.start
    if (this.#options.job.backtest?.session !== 'run') return startNs
    const firstDay = this.#inputs.reduce((least, { date }) => Math.min(least, dayOfDate(date)), Number.POSITIVE_INFINITY)
    return Number.isFinite(firstDay) ? BigInt(firstDay) * DAY_NS : startNs
  }

  /** Each engine has a book of its own. */
  #restart(): FeatureEngineOptions['restart'] {
    const { restart } = this.#plan.start
    if (restart === null) return undefined
    const { snapshot, settings, policy } = restart
    const { bookMode, exchangeEndNs, ingestEndNs } = snapshot.header
    const book = bookMode === MODE_L3 ? new L3Book() : new L2Book({ depthLimit: settings.depthLimit })
    restoreBook(snapshot, book)
    return { book, policy, last: { exchangeNs: exchangeEndNs, recordNs: ingestEndNs } }
  }

  #countsOfCell(index: number): Pick<PassResult, 'gaps' | 'unproven' | 'messages' | 'timing' | 'damage' | 'isSound'> {
    const { clock } = this.#options
    const { stats, policy, tally } = this.#engines[0]!
    const endedMs = clock()
    const damage = this.#damage.of(index)
    const counts = {
      gaps: increase(stats.gaps, this.#gaps),
      unproven: policy.unprovenBoundaries - this.#unproven,
      messages: {
        ...messageCounts(tally.of(index), damage, this.#warmUp, (path) => this.#options.folders.keyAt(path, this.#inputs)),
        ...this.#warnings.take(),
      },
      timing: { startedMs: this.#startedMs, durationMs: endedMs - this.#startedMs, bytes: this.#bytes },
      ...(damage !== null && { damage }),
      isSound: this.#damage.isSound && Object.keys(stats.skipped).length === 0 && !(ROW_LOST in stats.notRepresentable),
    }
    this.#gaps = stats.gaps
    this.#unproven = policy.unprovenBoundaries
    this.#warmUp = 0
    this.#bytes = 0
    this.#startedMs = endedMs
    return counts
  }
}

function beganOf({ restart }: PassStart, [first]: readonly InputFolder[]): Receipt['began'] {
  if (restart !== null) return { with: 'snapshot', key: restart.snapshot.entry.key }
  return first === undefined ? null : { with: 'folder', key: first.key }
}

/** Whether a folder reaches into a time. Those of days that follow one another are one span. */
function knownOf(inputs: readonly InputFolder[]): (fromMicros: number, toMicros: number) => boolean {
  const spans: [number, number][] = []
  const reaches = inputs.map(reachOf).sort((a, b) => (a.fromNs < b.fromNs ? -1 : 1))
  for (const { fromNs, toNs } of reaches) {
    const [from, to, last] = [Number(fromNs / 1000n), Number(toNs / 1000n), spans.at(-1)]
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else spans.push([from, to])
  }
  return (fromMicros, toMicros) => spans.some(([from, to]) => from < toMicros && to > fromMicros)
}

function increase(now: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): Record<string, number> {
  const grown = Object.entries(now).map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)])
  return Object.fromEntries(grown.filter(([, count]) => count > 0))
}
