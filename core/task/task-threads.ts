import { type ErrorCategory, ReplayError } from '../errors.ts'
import { requireEngine } from '../job/engine-hash.ts'
import { type PlanHead, readPlanHead, readTask } from '../plan/run/plan-document.ts'
import { type Receipt, receiptFrame, rowlessReceipt } from '../plan/run/receipt.ts'
import { readTaskReceipts } from '../plan/run/run-receipts.ts'
import { type PlannedPartition, readTaskShare } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { openStore } from '../store/open-store.ts'
import { newStoreCounts, type StoreCounts } from '../store/store-counts.ts'
import type { IdlePartition } from './idle-partition.ts'
import { putReceipts, requireNewAttempt, summaryOf, type TaskResult } from './task.ts'
import { type TaskCounts, type TaskFailure, TaskPool } from './task-pool.ts'
import { cutUnits } from './task-units.ts'

export interface ThreadedTaskOptions {
  readonly tableUri: string
  readonly run: string
  /** `000123`. */
  readonly task: string
  /** As in `runTask`. */
  readonly attempt: string
  /** Hash of the engine that is running. */
  readonly engine: string
  /** Worker threads. */
  readonly threads: number
  /** All that the job's code can see of the environment: what access to the stores needs. */
  readonly env: NodeJS.ProcessEnv
  /** Of an S3 service that is not AWS. */
  readonly endpoint?: string | undefined
  /** Whether an earlier attempt belongs to this try, so that what failed for good in it is not repeated. @default none does */
  readonly isSameTry?: ((attempt: string) => boolean) | undefined
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Ends the task: what is done gets its receipts. */
  readonly signal: AbortSignal
  /** Milliseconds that a thread has to come to an end after the signal. */
  readonly graceMs: number
  /** Hears of a partition of which nothing was read for `idleMs`, once a stop. */
  readonly onIdle?: ((at: IdlePartition) => void) | undefined
  /** Milliseconds. @default 60,000 */
  readonly idleMs?: number | undefined
  /** Hears of partitions as they are done or have failed. */
  readonly onReceipts?: ((receipts: readonly Receipt[]) => void) | undefined
}

export interface ThreadedTaskResult extends TaskResult {
  /** The job, for metrics. */
  readonly job: string
  /** Partitions that were done before, and that had failed for good in this try. */
  readonly before: { readonly done: number; readonly failed: number }
  /** Why the try is no success: the reason that decides what to do next. Null: it is one. */
  readonly failure: TaskFailure | null
  /** Of all threads. */
  readonly counts: StoreCounts & Pick<TaskCounts, 'messages' | 'bytes'>
}

/**
 * Runs one task in worker threads, each taking some of its partitions; those that are done already are left out. All that
 * happened is in one receipts object, also what a thread was at that died or had to be stopped.
 * @throws ReplayError those of `runTask`
 */
export async function runTaskInThreads(options: ThreadedTaskOptions): Promise<ThreadedTaskResult> {
  const { tableUri, run, task, attempt, engine, threads, env, endpoint, signal, graceMs } = options
  const counts = newStoreCounts()
  const table = openStore(tableUri, { endpoint, counts })
  const head = await readPlanHead(table, run)
  requireEngine(run, head.engine, engine)
  await requireNewAttempt(table, run, task, attempt)
  const { units, planned, before } = await unitsOf(table, head, options)
  const thread = new ThreadedTask(options, head, planned)
  const pool = new TaskPool({
    places: { imports: head.imports !== undefined, tableUri, archiveUri: head.archive, restartsUri: head.restarts, endpoint, run, engine },
    tasks: units.map((only) => ({ task, attempt, only, receipts: 'give' })),
    ...{ workers: threads, env, signal, graceMs, idleMs: options.idleMs },
    onIdle({ partition, idleMs }) {
      const { venue, symbol, startNs } = planned.get(partition)!
      options.onIdle?.({ venue, symbol, startNs, job: head.job, task, idleMs })
    },
    onEnd({ only }, reply) {
      if ('failure' in reply) return thread.lose(only, reply.failure)
      thread.add(reply.work.receipts)
      for (const [name, count] of Object.entries(reply.counts)) counts[name as keyof StoreCounts] += count
      return true
    },
  })
  await pool.run()
  const left = thread.settle(units.flat())
  const receipts = thread.receipts.sort((a, b) => a.partition - b.partition)
  await putReceipts(table, run, task, attempt, receipts)
  const errors = [...before.failures, ...receipts.flatMap(({ error }) => error ?? [])]
  return {
    ...{ job: head.job, task, attempt, left, ...summaryOf(receipts) },
    before: { done: before.done, failed: before.failures.length },
    failure: CATEGORIES.flatMap((category) => errors.find((error) => error.category === category) ?? [])[0] ?? null,
    counts: { ...counts, messages: pool.counts.messages, bytes: pool.counts.bytes },
  }
}

/** What can be done again comes first: what cannot stays as it is until then. */
const CATEGORIES: readonly ErrorCategory[] = ['transient', 'bug', 'corrupt', 'input']

/** What a thread is told to end by: Spot, a timeout, a cancelled run. */
const STOPPED: TaskFailure = {
  code: 'task-stopped',
  category: 'transient',
  message: 'the container was told to stop before the partition was done: spot interruption, timeout or cancel',
}

/** The partitions of a task that are left to do, for threads side by side. */
async function unitsOf(table: ObjectStore, head: PlanHead, { run, task, threads, isSameTry = () => false }: ThreadedTaskOptions) {
  const shares = await readTaskShare(table, head, await readTask(table, run, task))
  const planned = new Map(shares.flatMap(({ partitions }) => partitions.map((partition) => [partition.index, partition])))
  const { done, failed } = await readTaskReceipts(table, run, task)
  const isDone = (index: number): boolean => done.get(index) === planned.get(index)?.fingerprint
  const isHopeless = (index: number): boolean => {
    const last = failed.get(index)
    return last !== undefined && last.error.category !== 'transient' && isSameTry(last.attempt)
  }
  const open = [...planned.keys()].filter((index) => !isDone(index))
  const hopeless = open.filter(isHopeless)
  const wanted = new Set(open.filter((index) => !isHopeless(index)))
  return {
    planned,
    units: cutUnits(shares, (index) => wanted.has(index), threads),
    before: { done: planned.size - open.length, failures: hopeless.map((index) => failed.get(index)!.error) },
  }
}

/** What the threads of a task have told, and what they did not come to tell. */
class ThreadedTask {
  readonly receipts: Receipt[] = []
  readonly #options: ThreadedTaskOptions
  readonly #head: PlanHead
  readonly #planned: ReadonlyMap<number, PlannedPartition>
  readonly #lost = new Map<number, TaskFailure>()
  readonly #startedMs: number

  constructor(options: ThreadedTaskOptions, head: PlanHead, planned: ReadonlyMap<number, PlannedPartition>) {
    this.#options = options
    this.#head = head
    this.#planned = planned
    this.#startedMs = options.clock()
  }

  add(receipts: readonly Receipt[]): void {
    for (const receipt of receipts) this.receipts.push(receipt)
    this.#options.onReceipts?.(receipts)
  }

  /** A thread ended without an answer, or with an error of the whole unit. Always true: the others go on. */
  lose(partitions: readonly number[], failure: TaskFailure): true {
    if (failure.code === 'run-cancelled') throw new ReplayError(failure.code, failure.message, failure)
    for (const index of partitions) this.#lost.set(index, failure)
    return true
  }

  /** Gives a receipt to every partition that has none; returns how many were given up because of the signal. */
  settle(wanted: readonly number[]): number {
    const { run, task, attempt, signal, clock } = this.#options
    const told = new Set(this.receipts.map(({ partition }) => partition))
    const missing = wanted.filter((index) => !told.has(index))
    const times = { startedMs: this.#startedMs, durationMs: clock() - this.#startedMs }
    const receiptOf = (index: number): Receipt => {
      const error = signal.aborted ? STOPPED : (this.#lost.get(index) ?? UNTOLD)
      return rowlessReceipt(receiptFrame(this.#planned.get(index)!, this.#head, { run, task, attempt }), error, times)
    }
    this.add(missing.map(receiptOf))
    return signal.aborted ? missing.length : 0
  }
}

const UNTOLD: TaskFailure = { code: 'task-failed', category: 'bug', message: 'the thread told nothing of the partition' }
