import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { ReplayError } from '../errors.ts'
import { loadJob } from '../job/bundle.ts'
import { requireEngine } from '../job/engine-hash.ts'
import type { JobDefinition } from '../job/job-definition.ts'
import { windowOfVariants } from '../job/job-outline.ts'
import type { Variant } from '../job/variants.ts'
import { fingerprintOf } from '../plan/fingerprint.ts'
import { type PlanHead, readPlanHead, readTask } from '../plan/run/plan-document.ts'
import { encodeReceipts, type Receipt, type ReceiptFrame, receiptFrame, rowlessReceipt } from '../plan/run/receipt.ts'
import { requireNotCancelled } from '../plan/run/run-cancel.ts'
import { runFiles } from '../plan/run/run-files.ts'
import { type InstrumentShare, type PlannedPartition, readTaskShare } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import { type PackedPart, PartPacker } from './part-packer.ts'
import { runPass } from './pass.ts'
import type { PassOptions, PassPlan } from './pass-plan.ts'
import { ShareFolders } from './pass-start.ts'
import { recheck } from './recheck.ts'
import { snapshotShare } from './snapshot-share.ts'

export interface RunTaskOptions {
  /** The table that the run belongs to. */
  readonly table: ObjectStore
  /** The archive of the plan; its URI is the folder that logs are read from. */
  readonly archive: ObjectStore
  /** Where the plan says that restart points lie. @default beside the logs */
  readonly restarts?: ObjectStore | undefined
  /** Of an S3 service that is not AWS, for files that are imported. */
  readonly endpoint?: string | undefined
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
  /** Folder for files that are being written. @default a temporary one */
  readonly scratch?: string | undefined
  /** Memory that parts are made in, of tasks of the same run that are over. @default the task's own */
  readonly spare?: RowGroupBuffers[] | undefined
  /** Ends the task: what is done gets its receipts, the current partition is given up. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: TaskProgress) => void) | undefined
}

/** So far. */
export interface TaskProgress {
  readonly partitions: number
  readonly messages: number
  readonly bytes: number
  /** Of the bytes that the plan gives the partitions. */
  readonly plannedBytes: number
}

/** What an attempt at a task has achieved. */
export interface TaskWork {
  /** Of the partitions that are done or failed. */
  readonly receipts: readonly Receipt[]
  /** Partitions that were given up or not begun because of an abort. */
  readonly left: number
}

export interface TaskResult extends TaskWork {
  readonly task: string
  readonly attempt: string
  /** Partitions that are done, and the receipts of those that failed. */
  readonly done: number
  readonly failed: readonly Receipt[]
  readonly rows: number
}

/**
 * Runs one task of a run: its partitions, consecutive ones of an instrument in one pass, their rows in Parquet parts, and at
 * the end one receipts object. A partition that fails does not stop the others.
 * @param work what is done for the receipts. @default `workTask`
 * @throws ReplayError those of `workTask`, input `attempt-exists`, and those of the store when the receipts cannot be written
 */
export async function runTask(
  options: RunTaskOptions,
  work: (options: RunTaskOptions) => Promise<TaskWork> = workTask,
): Promise<TaskResult> {
  const { table, run, task, attempt } = options
  await requireNewAttempt(table, run, task, attempt)
  const { receipts, left } = await work(options)
  await putReceipts(table, run, task, attempt, receipts)
  return { task, attempt, left, ...summaryOf(receipts) }
}

/** Of the receipts of an attempt. */
export function summaryOf(receipts: readonly Receipt[]): Pick<TaskResult, 'receipts' | 'done' | 'failed' | 'rows'> {
  const failed = receipts.filter(({ error }) => error !== null)
  return { receipts, done: receipts.length - failed.length, failed, rows: receipts.reduce((sum, { checksum }) => sum + checksum.rows, 0) }
}

/** @throws ReplayError input `attempt-exists` */
export async function requireNewAttempt(table: ObjectStore, run: string, task: string, attempt: string): Promise<void> {
  const key = runFiles(run).receipt(task, attempt)
  if ((await table.get(key)) !== null) throw attemptExists(key)
}

/** Writes the receipts object of an attempt; none where there is nothing to tell. @throws ReplayError input `attempt-exists` */
export async function putReceipts(
  table: ObjectStore,
  run: string,
  task: string,
  attempt: string,
  receipts: readonly Receipt[],
): Promise<void> {
  const key = runFiles(run).receipt(task, attempt)
  if (receipts.length > 0 && (await table.put(key, encodeReceipts(receipts), 'absent')) === null) throw attemptExists(key)
}

/**
 * Does what `runTask` does, and leaves the receipts to the caller.
 * @throws ReplayError input `run-unknown`, `task-unknown`, `run-cancelled`, `engine-differs`; corrupt `plan-document`, `bundle-damaged`
 */
export async function workTask(options: RunTaskOptions): Promise<TaskWork> {
  const { table, archive, run, task } = options
  const head = await readPlanHead(table, run)
  if (options.engine !== undefined) requireEngine(run, head.engine, options.engine)
  const shares = await readTaskShare(table, head, await readTask(table, run, task))
  const code = await readBundle(table, head)
  const job = await loadJob(code, jobFileOf(head), undefined, head.blocksEffects)
  const scratch = options.scratch ?? makeTemporaryFolder('chronicle-replay-task-')
  try {
    const running = new RunningTask(options, head, { code, job }, { table, archive, scratch })
    for (const share of shares) await running.runShare(share)
    return running.work
  } finally {
    if (options.scratch === undefined) fs.rmSync(scratch, { recursive: true, force: true })
  }
}

class RunningTask {
  readonly #options: RunTaskOptions
  readonly #head: PlanHead
  readonly #job: JobDefinition
  readonly #code: string
  readonly #table: ObjectStore
  readonly #archive: ObjectStore
  readonly #pass: Omit<PassOptions, 'folders' | 'parts'>
  readonly #receipts: Receipt[] = []
  /** Parts of receipts that are not in the table yet. */
  readonly #packed = new Map<Receipt, PackedPart>()
  /** Partitions that are made a second time. */
  readonly #checked: ReadonlySet<number>
  #left = 0
  #messages = 0
  #bytes = 0
  /** Planned, of the partitions that are dealt with. */
  #plannedBytes = 0

  constructor(
    options: RunTaskOptions,
    head: PlanHead,
    { code, job }: { readonly code: string; readonly job: JobDefinition },
    places: { readonly table: ObjectStore; readonly archive: ObjectStore; readonly scratch: string },
  ) {
    this.#options = options
    this.#head = head
    this.#job = job
    this.#code = code
    this.#checked = new Set(head.check?.partitions)
    this.#table = places.table
    this.#archive = places.archive
    this.#pass = {
      table: places.table,
      job,
      jobFile: jobFileOf(head),
      sourceMap: () => readBundleMap(places.table, head),
      run: head.run,
      attempt: options.attempt,
      columns: head.columns,
      onCorrupt: head.onCorrupt ?? 'abort',
      scratch: places.scratch,
      spare: options.spare ?? [],
      clock: options.clock,
      signal: options.signal,
      onProgress: (messages, bytes, plannedBytes, partitions) => this.#progress(messages, bytes, plannedBytes, partitions),
    }
  }

  async runShare(share: InstrumentShare): Promise<void> {
    const folders = new ShareFolders(this.#archive, share, this.#head.onCorrupt, this.#options.restarts)
    const { only } = this.#options
    let rest = only === undefined ? share.partitions : share.partitions.filter(({ index }) => only.has(index))
    if (this.#job.restartPoints !== undefined) {
      await this.#writeSnapshots(share, folders, rest)
      return
    }
    const { run, attempt, scratch } = this.#pass
    const isAlone = ({ index }: PlannedPartition): boolean => this.#checked.has(index)
    const parts = new PartPacker({ table: this.#table, run, attempt, scratch, isAlone })
    try {
      while (rest.length > 0) {
        await requireNotCancelled(this.#table, this.#head.run)
        const count = await this.#runFirst(rest, { share, folders, parts })
        this.#plannedBytes += bytesOf(rest.slice(0, count))
        this.#progress(0, 0)
        rest = rest.slice(count)
        if (this.#options.signal?.aborted === true) {
          this.#left += rest.length
          return
        }
      }
    } finally {
      await parts.close()
      this.#settleParts()
    }
  }

  /** Receipts whose parts could not be put into the table tell why. */
  #settleParts(): void {
    for (const [at, receipt] of this.#receipts.entries()) {
      const error = this.#packed.get(receipt)?.error ?? null
      if (error === null) continue
      if (!(error instanceof ReplayError)) throw error
      this.#receipts[at] = failedReceipt(receipt, error)
    }
    this.#packed.clear()
  }

  get work(): TaskWork {
    return { receipts: this.#receipts, left: this.#left }
  }

  /** Rows have none of these partitions, so that they stand or fall together. */
  async #writeSnapshots(share: InstrumentShare, folders: ShareFolders, partitions: readonly PlannedPartition[]): Promise<void> {
    const { clock, signal } = this.#options
    const [first] = partitions
    if (first === undefined) return
    await requireNotCancelled(this.#table, this.#head.run)
    const startedMs = clock()
    try {
      const variants = this.#variantsOf(first.variantSet)
      await snapshotShare(share, folders, { job: this.#job, variants, signal, onProgress: (messages) => this.#progress(messages, 0) })
      for (const partition of partitions) this.#receipts.push(this.#rowless(partition, folders, null, startedMs))
      this.#plannedBytes += bytesOf(partitions)
      this.#progress(0, 0)
    } catch (error) {
      if (signal?.aborted === true) this.#left += partitions.length
      else if (!(error instanceof ReplayError)) throw error
      else for (const partition of partitions) this.#receipts.push(this.#rowless(partition, folders, error, startedMs))
    }
  }

  /** Runs the first partitions of a list in one pass, and gives how many are dealt with. */
  async #runFirst(list: readonly PlannedPartition[], place: SharePlace): Promise<number> {
    const { folders, share, parts } = place
    if (this.#options.signal?.aborted === true) return 0
    if (this.#isGone(list[0]!, folders)) {
      const receipt = this.#rowless(list[0]!, folders, null)
      this.#receipts.push({ ...receipt, ...this.#soundFingerprint(receipt, true) })
      return 1
    }
    let plan: PassPlan
    try {
      plan = await this.#planPass(list, folders)
    } catch (error) {
      if (!(error instanceof ReplayError) || error.category === 'transient') throw error
      this.#receipts.push(this.#rowless(list[0]!, folders, error))
      return 1
    }
    const startedMs = this.#options.clock()
    const end = await runPass(plan, { ...this.#pass, folders, parts })
    for (const { partition, isSound, packed, ...result } of end.done) {
      const frame = this.#frame(partition, folders)
      const receipt: Receipt = { ...frame, ...this.#soundFingerprint(frame, isSound), ...result, error: null }
      if (packed !== null) this.#packed.set(receipt, packed)
      await this.#tell(receipt, partition, { share, variants: plan.variants, isFirst: partition === plan.partitions[0] })
    }
    if (end.isAborted) return end.done.length
    if (end.error === null) return plan.partitions.length
    // What goes wrong before a partition begins goes wrong for all that need the same beginning.
    const after = plan.partitions.slice(end.done.length)
    const failed = end.inWarmUp ? after : after.slice(0, 1)
    for (const partition of failed) this.#receipts.push(this.#rowless(partition, folders, end.error, startedMs))
    return end.done.length + failed.length
  }

  /** Tells of a partition that is done, once it was checked where it is to be: a check that was interrupted is made again with it. */
  async #tell(
    receipt: Receipt,
    partition: PlannedPartition,
    made: { readonly share: InstrumentShare; readonly variants: readonly Variant[]; readonly isFirst: boolean },
  ): Promise<void> {
    const { check: asked } = this.#head
    if (asked === undefined || !this.#checked.has(partition.index)) {
      this.#receipts.push(receipt)
      return
    }
    try {
      const [archive, pass] = [this.#archive, this.#pass]
      const options = {
        ...made,
        archive,
        restarts: this.#options.restarts,
        pass,
        seed: asked.seed,
        loadJob: () => loadJob(this.#code, jobFileOf(this.#head), undefined, this.#head.blocksEffects),
      }
      this.#receipts.push({ ...receipt, check: await recheck(partition, receipt, options) })
    } catch (error) {
      if (this.#options.signal?.aborted === true) this.#left++
      else if (!(error instanceof ReplayError)) throw error
      else {
        this.#receipts.push(failedReceipt(receipt, error))
      }
    }
  }

  /** As many partitions as go on from one another without reading more than each on its own would. */
  async #planPass(list: readonly PlannedPartition[], folders: ShareFolders): Promise<PassPlan> {
    const [first] = list as [PlannedPartition]
    const variants = this.#variantsOf(first.variantSet)
    const window = windowOfVariants(this.#job, variants)
    const start = await folders.startOf(first, window, this.#job)
    const partitions = [first]
    for (const next of list.slice(1)) {
      const last = partitions.at(-1)!
      if (this.#job.pipeline !== undefined) break // each has a pipeline of its own
      if (next.variantSet !== first.variantSet || this.#isGone(next, folders)) break
      if (next.startNs !== last.endNs && (await folders.startOf(next, window, this.#job)).readFromNs >= last.endNs) break
      partitions.push(next)
    }
    return { partitions, variants, start, window }
  }

  /** What is gone from the archive has no rows, whatever a pass over it would fill in. */
  #isGone({ startNs, endNs, variantSet }: PlannedPartition, folders: ShareFolders): boolean {
    return !folders.hasInput(startNs, endNs, windowOfVariants(this.#job, this.#variantsOf(variantSet)))
  }

  #variantsOf(set: number): Variant[] {
    return this.#head.variantSets[set]!.map((index) => this.#head.variants[index]!)
  }

  #frame(partition: PlannedPartition, folders: ShareFolders): ReceiptFrame & Pick<Receipt, 'facts'> {
    const { run, task, attempt } = this.#options
    // Facts are told once each.
    return { ...receiptFrame(partition, this.#head, { run, task, attempt }), facts: folders.facts.splice(0) }
  }

  /** What met no damage is what a run that stops at it would give. */
  #soundFingerprint(frame: ReceiptFrame, isSound: boolean): Pick<Receipt, 'soundFingerprint'> {
    if (this.#head.onCorrupt !== 'skip' || !isSound) return {}
    const { venue, symbol, startNs, endNs, inputs, variants } = frame
    const { bundle, engine } = this.#head
    return { soundFingerprint: fingerprintOf({ bundle, engine }, `${venue}/${symbol}/${startNs}/${endNs}`, inputs, variants) }
  }

  #rowless(partition: PlannedPartition, folders: ShareFolders, error: ReplayError | null, startedMs = this.#options.clock()): Receipt {
    const { facts, ...frame } = this.#frame(partition, folders)
    const told = error === null ? null : { code: error.code, category: error.category, message: error.message }
    return rowlessReceipt(frame, told, { startedMs, durationMs: this.#options.clock() - startedMs, facts })
  }

  /** @param plannedBytes of the pass that is running, likewise @param partitions */
  #progress(messages: number, bytes: number, plannedBytes = 0, partitions = 0): void {
    this.#messages += messages
    this.#bytes += bytes
    this.#options.onProgress?.({
      partitions: this.#receipts.length + partitions,
      messages: this.#messages,
      bytes: this.#bytes,
      plannedBytes: this.#plannedBytes + plannedBytes,
    })
  }
}

/** Where the partitions of an instrument are run. */
interface SharePlace {
  readonly share: InstrumentShare
  readonly folders: ShareFolders
  readonly parts: PartPacker
}

/** In place of a receipt with rows. */
function failedReceipt(receipt: Receipt, { code, category, message }: ReplayError): Receipt {
  const { version, run, task, attempt, partition, venue, symbol, date, startNs, endNs, variants, fingerprint, inputs, restart } = receipt
  const frame = { version, run, task, attempt, partition, venue, symbol, date, startNs, endNs, variants, fingerprint, inputs, restart }
  return rowlessReceipt(frame, { code, category, message }, { ...receipt.timing, facts: receipt.facts })
}

function bytesOf(partitions: readonly PlannedPartition[]): number {
  return partitions.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** @throws ReplayError corrupt `bundle-damaged` */
export async function readBundle(table: ObjectStore, head: PlanHead): Promise<string> {
  const { bundle } = runFiles(head.run)
  const object = await table.get(bundle)
  const place = { category: 'corrupt', path: `${table.uri}/${bundle}` } as const
  const hash = object === null ? 'nothing' : createHash('sha256').update(object.bytes).digest('hex').slice(0, 32)
  if (hash !== head.bundle)
    throw new ReplayError('bundle-damaged', `expected the job's code of hash ${head.bundle}, found ${hash}; plan the run again`, place)
  return Buffer.from(object!.bytes).toString()
}

/** Undefined: it has none, or it was lost; errors then tell lines of the bundle. */
async function readBundleMap(table: ObjectStore, head: PlanHead): Promise<string | undefined> {
  const object = await table.get(runFiles(head.run).bundleMap)
  return object === null ? undefined : Buffer.from(object.bytes).toString()
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
