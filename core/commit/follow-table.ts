import { ReplayError } from '../errors.ts'
import type { CellTally } from '../features/message-tally.ts'
import { isoTime } from '../instant.ts'
import type { JobBundle } from '../job/bundle.ts'
import type { JobDefinition, ParamGrid } from '../job/job-definition.ts'
import { type JobOutline, outlineJob } from '../job/job-outline.ts'
import type { PlanColumn } from '../job/row-schema.ts'
import { type CellGrid, cellsOfRange } from '../plan/cells.ts'
import type { RunPlan } from '../plan/plan.ts'
import { planGrid } from '../plan/plan-range.ts'
import { type MessageCounts, messageCounts, NO_MESSAGES } from '../plan/run/message-counts.ts'
import { readTasks } from '../plan/run/plan-document.ts'
import { writePlan } from '../plan/run/plan-writer.ts'
import { type Receipt, receiptFrame, rowlessReceipt } from '../plan/run/receipt.ts'
import { newRunId } from '../plan/run/run-files.ts'
import { readTaskShare } from '../plan/run/task-share.ts'
import { planRequest, type RunRequest } from '../plan/run-request.ts'
import { readCommittedParts } from '../plan/table/committed-parts.ts'
import type { LiveParts } from '../plan/table/live-parts.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { NO_ROWS } from '../task/cell-rows.ts'
import type { FollowedValue } from '../task/follow-pass.ts'
import { FollowedCells } from '../task/followed-cells.ts'
import { type PackedPart, PartPacker } from '../task/part-packer.ts'
import { putReceipts } from '../task/task.ts'
import { commitRun } from './commit.ts'

export interface FollowTableOptions {
  readonly table: ObjectStore
  /** That the logs lie in. */
  readonly archive: ObjectStore
  readonly job: JobDefinition
  readonly bundle: JobBundle
  /** Calls that reach for more than messages and parameters throw. */
  readonly blocksEffects: boolean
  /** Hash of the engine. */
  readonly engine: string
  /** What the job was asked for by. */
  readonly source: string
  /** Values of parameters; of a sweep several. */
  readonly params: ParamGrid
  readonly venue: string
  readonly symbol: string
  readonly columns: readonly PlanColumn[]
  /** Length of a cell. @default an hour, or a day where the job wants whole days */
  readonly slice?: string | undefined
  readonly maxSkew?: string | undefined
  readonly onCorrupt: 'abort' | 'skip'
  /** Folder for files that are being written. */
  readonly scratch: string
  readonly clock: () => number
  readonly random: () => number
}

/** What a commit brought. */
export interface FollowCommit {
  readonly run: string
  readonly version: number
  readonly rows: number
  /** End of the last cell, nanoseconds since the epoch. */
  readonly toNs: bigint
}

/**
 * Rows that are followed, as parts of a table: when cells of the grid are over, they are planned, get their receipts and are committed as
 * those of any run. A cell comes into the table whole or not at all, so that whoever goes on begins behind the last one.
 */
export class FollowTable {
  readonly #grid: CellGrid
  readonly #options: FollowTableOptions
  /** Ids of the variants, sorted. */
  readonly #asked: readonly string[]
  readonly #slice: string
  #cells: FollowedCells | null = null
  /** First cell that is not in the table. */
  #next = 0n
  #told: Pick<CellTally, 'read' | 'leftOut' | 'noted'> = { read: 0, leftOut: {}, noted: {} }

  /** @throws ReplayError input as `planGrid` */
  constructor(options: FollowTableOptions) {
    this.#options = options
    const outline = outlineJob(options.job, options.params)
    this.#slice = options.slice ?? (isHourly(outline) ? '1h' : '1d')
    this.#asked = outline.asked.map(({ id }) => id)
    this.#grid = planGrid(outline, this.#slice)
  }

  /**
   * Begins behind what the table has; gives where.
   * @param fromNs the first rows, nanoseconds since the epoch
   * @throws ReplayError input `range-off-grid`, `cell-overlap`, and those of `readCommittedParts`
   */
  async begin(fromNs: bigint): Promise<bigint> {
    const { table, venue, symbol, columns, scratch } = this.#options
    const { sliceNs } = this.#grid
    cellsOfRange(this.#grid, fromNs, fromNs + sliceNs)
    this.#next = this.#firstMissing(await readCommittedParts(table), fromNs)
    this.#cells = new FollowedCells({ venue, symbol, columns, sliceNs, fromNs: this.#next, scratch })
    return this.#next
  }

  get hasBegun(): boolean {
    return this.#cells !== null
  }

  add(row: readonly FollowedValue[], micros: number): void {
    this.#cells?.add(row, micros)
  }

  /**
   * Commits the cells that are over; null: none is, or they were there already.
   * @param clockMicros all rows of what lies before are made @param tally of the messages so far
   * @throws ReplayError input `follow-variants`, those of `planRequest` and `commitRun`
   */
  async commit(clockMicros: number, tally: CellTally | null): Promise<FollowCommit | null> {
    const { sliceNs } = this.#grid
    const toNs = Number.isFinite(clockMicros) ? BigInt(Math.floor(clockMicros / Number(sliceNs / 1000n))) * sliceNs : this.#next
    if (this.#cells === null || toNs <= this.#next) return null
    const planned = await this.#plan(this.#next, toNs)
    const made = planned === null ? null : await this.#write(planned, this.#cells, tally)
    for (let at = this.#next; at < toNs; at += sliceNs) this.#cells.take(at)?.abandon()
    this.#next = toNs
    return made === null ? null : { ...made, toNs }
  }

  /** Gives up the rows of cells that are not over. */
  abandon(): void {
    this.#cells?.abandon()
  }

  /** Behind the last cell whose rows are there, by this code; or the first one with rows of other code, or other variants. */
  #firstMissing(live: LiveParts, fromNs: bigint): bigint {
    const { venue, symbol, bundle, engine, archive } = this.#options
    const { sliceNs } = this.#grid
    let lastNs = fromNs
    for (const cell of live.withRows(archive.uri)) {
      if (cell.venue === venue && cell.symbol === symbol && cell.endNs > lastNs) lastNs = cell.endNs
    }
    for (let at = fromNs; ; at += sliceNs) {
      const other = live.overlapping(venue, symbol, at, at + sliceNs)
      if (other !== null) throw otherSlice(this.#slice, other)
      const parts = live.of(venue, symbol, at, at + sliceNs)
      const own = parts.filter((part) => part.bundle === bundle.hash && part.engine === engine).flatMap(({ variants }) => variants)
      const isThere = this.#asked.every((id) => own.includes(id))
      if (!isThere && (parts.length > 0 || at >= lastNs)) return at
    }
  }

  /** Null: no cell has anything to be made of, or all are there. */
  async #plan(fromNs: bigint, toNs: bigint): Promise<RunPlan | null> {
    const { table, archive, job, params, bundle, engine, source, venue, symbol, maxSkew, onCorrupt, clock, random } = this.#options
    const live = await readCommittedParts(table)
    const createdMs = clock()
    const request: RunRequest = {
      ...{ version: 1, run: newRunId(createdMs, random), createdMs, source, bundle: bundle.hash, engine, archive: archive.uri },
      ...{ outline: outlineJob(job, params, live), venues: [venue], symbols: [symbol], slice: this.#slice },
      ...{ fromNs: String(fromNs), toNs: String(toNs) },
      ...(maxSkew !== undefined && { maxSkew }),
      ...(onCorrupt === 'skip' && { onCorrupt }),
      ...(bundle.effects !== undefined && bundle.effects.length > 0 && { effects: bundle.effects }),
      ...(this.#options.blocksEffects && { blocksEffects: true }),
    }
    try {
      const plan = await planRequest(request, { archive, table, live })
      return plan.head.partitions === 0 ? null : plan
    } catch (error) {
      if (error instanceof ReplayError && error.code === 'range-empty') return null
      throw error
    }
  }

  /** Parts, receipts and the commit of what was planned. */
  async #write(plan: RunPlan, cells: FollowedCells, tally: CellTally | null): Promise<Omit<FollowCommit, 'toNs'>> {
    const { table, bundle, scratch, clock, random } = this.#options
    const { head } = plan
    const { run } = head
    await writePlan(table, plan, bundle.code)
    let messages = this.#messagesSince(tally)
    for (const entry of await readTasks(table, run)) {
      const shares = await readTaskShare(table, head, entry)
      const receipts: Receipt[] = []
      const packs: PackedPart[] = []
      const parts = new PartPacker({ table, run, attempt: ATTEMPT, scratch })
      try {
        for (const partition of shares.flatMap(({ partitions }) => partitions)) {
          const startedMs = clock()
          const frame = receiptFrame(partition, head, { run, task: entry.task, attempt: ATTEMPT })
          if (frame.variants.join(' ') !== this.#asked.join(' ')) throw otherVariants(isoTime(partition.startNs))
          const rows = cells.take(partition.startNs)
          const { packed, ...result } = rows === null ? NO_ROWS : await rows.finish(parts, partition)
          if (packed !== null) packs.push(packed)
          receipts.push({ ...rowlessReceipt(frame, null, { startedMs, durationMs: clock() - startedMs }), ...result, messages })
          messages = NO_MESSAGES
        }
      } finally {
        await parts.close()
      }
      const lost = packs.find(({ error }) => error !== null)
      if (lost !== undefined) throw lost.error
      await putReceipts(table, run, entry.task, ATTEMPT, receipts)
    }
    const { state, version, added } = await commitRun(table, run, { clock, random })
    if (state === 'refused') throw refused(run)
    return { run, version, rows: added.rows }
  }

  /** Those of all cells that are committed together are told with the first. */
  #messagesSince(tally: CellTally | null): MessageCounts {
    if (tally === null) return NO_MESSAGES
    const before = this.#told
    this.#told = tally
    const since = (now: Counts, then: Counts): Counts =>
      Object.fromEntries(
        Object.entries(now).flatMap(([name, count]) => (count > (then[name] ?? 0) ? [[name, count - (then[name] ?? 0)]] : [])),
      )
    const told = messageCounts({ ...tally, places: [], skew: null }, null, 0, (path) => path)
    return {
      ...told,
      read: tally.read - before.read,
      leftOut: since(tally.leftOut, before.leftOut),
      noted: since(tally.noted, before.noted),
    }
  }
}

type Counts = Readonly<Record<string, number>>

/** Each run of it has one. */
const ATTEMPT = 'follow'
const HOUR_NS = 3_600_000_000_000n

/** Whether bars and session allow for cells of an hour. */
function isHourly({ everyNs, isOneSession }: JobOutline): boolean {
  return !isOneSession && (everyNs === null || HOUR_NS % BigInt(everyNs) === 0n)
}

function otherSlice(slice: string, other: string): ReplayError {
  const message = `--slice ${slice}: the table has rows of the instrument by another slicing, ${other}; use that --slice, or another table`
  return new ReplayError('cell-overlap', message, { category: 'input' })
}

function refused(run: string): ReplayError {
  return new ReplayError('follow-refused', `the commit of run ${run} was refused; resume it, or see what its receipts say`, {
    category: 'input',
  })
}

function otherVariants(cell: string): ReplayError {
  const message = `the cell of ${cell} has rows of other variants in the table, which would have to be made with these: use run, or another table`
  return new ReplayError('follow-variants', message, { category: 'input' })
}
