import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { RetryingStore } from '../store/retrying-store.ts'
import { loadJob } from './bundle.ts'
import { type JobDefinition, jobTiming } from './define-job.ts'
import type { JobWindow } from './instrument-days.ts'
import { NO_PART } from './part-file.ts'
import { type PassOptions, type PassPlan, runPass } from './pass.ts'
import { ShareFolders } from './pass-start.ts'
import { type PlanHead, readPlanHead, readTask, type Variant } from './plan-document.ts'
import { encodeReceipts, type Receipt } from './receipt.ts'
import { usesBook } from './row-schema.ts'
import { runFiles } from './run-files.ts'
import { snapshotShare } from './snapshot-share.ts'
import { type InstrumentShare, type PlannedPartition, readTaskShare } from './task-share.ts'

export interface RunTaskOptions {
  /** The table that the run belongs to. */
  readonly table: ObjectStore
  /** The archive of the plan; its URI is the folder that logs are read from. */
  readonly archive: ObjectStore
  readonly run: string
  /** `000123`. */
  readonly task: string
  /** Name of this attempt among those of the task: a-z and 0-9. Of two attempts the first by name wins. */
  readonly attempt: string
  /** Hash of the engine that is running, to be compared with the plan's. @default not compared */
  readonly engine?: string | undefined
  /** Only these partitions, by index. @default all of the task */
  readonly only?: ReadonlySet<number> | undefined
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Folder for files that are being written. @default a temporary one */
  readonly scratch?: string | undefined
  /** Ends the task: what is done gets its receipts, the current partition is given up. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: TaskProgress) => void) | undefined
}

/** So far. */
export interface TaskProgress {
  readonly partitions: number
  readonly messages: number
  readonly bytes: number
}

export interface TaskResult {
  readonly task: string
  readonly attempt: string
  /** Partitions that are done, that failed, and that were given up or not begun because of an abort. */
  readonly done: number
  readonly failed: readonly Receipt[]
  readonly left: number
  readonly rows: number
}

/**
 * Runs one task of a run: its partitions, consecutive ones of an instrument in one pass, a Parquet part for each that has
 * rows, and at the end one receipts object. A partition that fails does not stop the others.
 * @throws ReplayError input `run-unknown`, `task-unknown`, `run-cancelled`, `engine-differs`, `attempt-exists`; corrupt `plan-document`,
 *   `bundle-damaged`; and those of the store when the receipts cannot be written
 */
export async function runTask(options: RunTaskOptions): Promise<TaskResult> {
  const { run, task, random } = options
  const table = new RetryingStore(options.table, { random })
  const archive = new RetryingStore(options.archive, { random })
  const head = await readPlanHead(table, run)
  if (options.engine !== undefined && options.engine !== head.engine) throw engineDiffers(head)
  const receipts = runFiles(run).receipt(task, options.attempt)
  if ((await table.get(receipts)) !== null) throw attemptExists(receipts)
  const shares = await readTaskShare(table, head, await readTask(table, run, task))
  const job = await loadBundle(table, head)
  const scratch = options.scratch ?? fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-task-'))
  try {
    const running = new RunningTask(options, head, job, { table, archive, scratch })
    for (const share of shares) await running.runShare(share)
    return await running.finish()
  } finally {
    if (options.scratch === undefined) fs.rmSync(scratch, { recursive: true, force: true })
  }
}

class RunningTask {
  readonly #options: RunTaskOptions
  readonly #head: PlanHead
  readonly #job: JobDefinition
  readonly #table: ObjectStore
  readonly #archive: ObjectStore
  readonly #pass: Omit<PassOptions, 'folders'>
  readonly #receipts: Receipt[] = []
  #left = 0
  #messages = 0
  #bytes = 0

  constructor(
    options: RunTaskOptions,
    head: PlanHead,
    job: JobDefinition,
    places: { readonly table: ObjectStore; readonly archive: ObjectStore; readonly scratch: string },
  ) {
    this.#options = options
    this.#head = head
    this.#job = job
    this.#table = places.table
    this.#archive = places.archive
    this.#pass = {
      table: places.table,
      job,
      jobFile: jobFileOf(head),
      run: head.run,
      attempt: options.attempt,
      columns: head.columns,
      scratch: places.scratch,
      clock: options.clock,
      signal: options.signal,
      onProgress: (messages, bytes) => this.#progress(messages, bytes),
    }
  }

  async runShare(share: InstrumentShare): Promise<void> {
    const folders = new ShareFolders(this.#archive, share)
    const { only } = this.#options
    let rest = only === undefined ? share.partitions : share.partitions.filter(({ index }) => only.has(index))
    if (this.#job.restartPoints !== undefined) {
      await this.#writeSnapshots(share, folders, rest)
      return
    }
    while (rest.length > 0) {
      await this.#requireNotCancelled()
      const count = await this.#runFirst(rest, folders)
      rest = rest.slice(count)
      if (this.#options.signal?.aborted === true) {
        this.#left += rest.length
        return
      }
    }
  }

  async finish(): Promise<TaskResult> {
    const { run, task, attempt } = this.#options
    if (this.#receipts.length > 0) {
      const key = runFiles(run).receipt(task, attempt)
      if ((await this.#table.put(key, encodeReceipts(this.#receipts), 'absent')) === null) throw attemptExists(key)
    }
    const failed = this.#receipts.filter(({ error }) => error !== null)
    const rows = this.#receipts.reduce((sum, { checksum }) => sum + checksum.rows, 0)
    return { task, attempt, done: this.#receipts.length - failed.length, failed, left: this.#left, rows }
  }

  /** Rows have none of these partitions, so that they stand or fall together. */
  async #writeSnapshots(share: InstrumentShare, folders: ShareFolders, partitions: readonly PlannedPartition[]): Promise<void> {
    const { clock, signal } = this.#options
    const [first] = partitions
    if (first === undefined) return
    await this.#requireNotCancelled()
    const startedMs = clock()
    try {
      const variants = this.#head.variantSets[first.variantSet]!.map((index) => this.#head.variants[index]!)
      await snapshotShare(share, folders, { job: this.#job, variants, signal, onProgress: (messages) => this.#progress(messages, 0) })
      for (const partition of partitions) this.#receipts.push(this.#rowless(partition, folders, null, startedMs))
    } catch (error) {
      if (signal?.aborted === true) this.#left += partitions.length
      else if (!(error instanceof ReplayError)) throw error
      else for (const partition of partitions) this.#receipts.push(this.#rowless(partition, folders, error, startedMs))
    }
  }

  /** Runs the first partitions of a list in one pass, and gives how many are dealt with. */
  async #runFirst(list: readonly PlannedPartition[], folders: ShareFolders): Promise<number> {
    if (this.#options.signal?.aborted === true) return 0
    let plan: PassPlan
    try {
      plan = await this.#planPass(list, folders)
    } catch (error) {
      if (!(error instanceof ReplayError) || error.category === 'transient') throw error
      this.#receipts.push(this.#rowless(list[0]!, folders, error))
      return 1
    }
    const startedMs = this.#options.clock()
    const end = await runPass(plan, { ...this.#pass, folders })
    for (const { partition, ...result } of end.done) this.#receipts.push({ ...this.#frame(partition, folders), ...result, error: null })
    if (end.isAborted) return end.done.length
    if (end.error === null) return plan.partitions.length
    // What goes wrong before a partition begins goes wrong for all that need the same beginning.
    const after = plan.partitions.slice(end.done.length)
    const failed = end.inWarmUp ? after : after.slice(0, 1)
    for (const partition of failed) this.#receipts.push(this.#rowless(partition, folders, end.error, startedMs))
    return end.done.length + failed.length
  }

  /** As many partitions as go on from one another without reading more than each on its own would. */
  async #planPass(list: readonly PlannedPartition[], folders: ShareFolders): Promise<PassPlan> {
    const [first] = list as [PlannedPartition]
    const variants = this.#head.variantSets[first.variantSet]!.map((index) => this.#head.variants[index]!)
    const window = windowOf(this.#job, variants)
    const hasBook = usesBook(this.#job)
    const start = await folders.startOf(first, window, hasBook)
    const partitions = [first]
    for (const next of list.slice(1)) {
      const last = partitions.at(-1)!
      if (next.variantSet !== first.variantSet) break
      if (next.startNs !== last.endNs && (await folders.startOf(next, window, hasBook)).startNs >= last.endNs) break
      partitions.push(next)
    }
    return { partitions, variants, start, window }
  }

  #frame(
    partition: PlannedPartition,
    folders: ShareFolders,
  ): Omit<Receipt, 'part' | 'checksum' | 'minTsNs' | 'maxTsNs' | 'gaps' | 'unproven' | 'messages' | 'timing' | 'error'> {
    const { index, venue, symbol, date, startNs, endNs, variantSet, fingerprint, inputs, restart } = partition
    const { run, task, attempt } = this.#options
    return {
      version: 1,
      run,
      task,
      attempt,
      partition: index,
      venue,
      symbol,
      date,
      startNs: String(startNs),
      endNs: String(endNs),
      variants: this.#head.variantSets[variantSet]!.map((at) => this.#head.variants[at]!.id).sort(),
      fingerprint,
      inputs,
      restart,
      // Once each.
      facts: folders.facts.splice(0),
    }
  }

  #rowless(partition: PlannedPartition, folders: ShareFolders, error: ReplayError | null, startedMs?: number): Receipt {
    const nowMs = this.#options.clock()
    return {
      ...this.#frame(partition, folders),
      ...NO_PART,
      gaps: {},
      unproven: 0,
      messages: { read: 0, warmUp: 0, skipped: {} },
      timing: { startedMs: startedMs ?? nowMs, durationMs: nowMs - (startedMs ?? nowMs), bytes: 0 },
      error: error === null ? null : { code: error.code, category: error.category, message: error.message },
    }
  }

  #progress(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
    this.#options.onProgress?.({ partitions: this.#receipts.length, messages: this.#messages, bytes: this.#bytes })
  }

  async #requireNotCancelled(): Promise<void> {
    const { cancel } = runFiles(this.#head.run)
    if ((await this.#table.get(cancel)) === null) return
    throw new ReplayError('run-cancelled', `run ${this.#head.run} was cancelled; start a new run`, { category: 'input', path: cancel })
  }
}

/** The window of variants that run together. */
function windowOf(job: JobDefinition, variants: readonly Variant[]): JobWindow {
  const timings = variants.map(({ params }) => jobTiming(job, { ...job.params, ...params }))
  return {
    beforeNs: Math.max(0, ...timings.map(({ warmUpNs, skewNs }) => Number(warmUpNs + skewNs))),
    afterNs: Math.max(0, ...timings.map(({ skewNs }) => Number(skewNs))),
    // Rows at events count from the row before, the first ones of a day from its beginning.
    wholeDay: timings.some(({ trigger }) => trigger !== null && (trigger.barMicros === 0 || trigger.everyEvents > 0)),
  }
}

async function loadBundle(table: ObjectStore, head: PlanHead): Promise<JobDefinition> {
  const { bundle } = runFiles(head.run)
  const object = await table.get(bundle)
  const place = { category: 'corrupt', path: `${table.uri}/${bundle}` } as const
  const hash = object === null ? 'nothing' : createHash('sha256').update(object.bytes).digest('hex').slice(0, 32)
  if (hash !== head.bundle)
    throw new ReplayError('bundle-damaged', `expected the job's code of hash ${head.bundle}, found ${hash}; plan the run again`, place)
  const job = await loadJob(Buffer.from(object!.bytes).toString(), jobFileOf(head))
  if (job.pipeline === undefined) return job
  throw new ReplayError('job-kind', `job ${job.name}: a job that is a whole pipeline cannot be run as tasks`, {
    category: 'input',
  })
}

/** What the job's code is called in stack traces. */
function jobFileOf(head: PlanHead): string {
  return `job-${head.job}-${head.bundle.slice(0, 8)}.js`
}

function attemptExists(path: string): ReplayError {
  return new ReplayError('attempt-exists', 'this attempt at the task has its receipts; give each attempt a name of its own', {
    category: 'input',
    path,
  })
}

function engineDiffers(head: PlanHead): ReplayError {
  return new ReplayError('engine-differs', `run ${head.run} was planned for another version of the engine; plan the run again`, {
    category: 'input',
  })
}
