import { Worker } from 'node:worker_threads'
import { type ErrorCategory, ReplayError } from '../errors.ts'
import { FileStore } from '../store/file-store.ts'
import { type CommitResult, commitRun } from './commit.ts'
import { engineHash } from './engine-hash.ts'
import { type FailureGroup, groupFailures } from './failure-groups.ts'
import { type PlanHead, readPlanHead } from './plan-document.ts'
import { type MissingPartition, readRunReceipts } from './run-receipts.ts'
import type { TaskResult } from './task.ts'

export interface LocalRunOptions {
  /** Folder of the table, in which the run is planned. */
  readonly tableUri: string
  readonly run: string
  /** Worker threads. */
  readonly workers: number
  /** What a failing partition means: the others finish, or no further task is begun. @default 'finish' */
  readonly onError?: 'finish' | 'abort' | undefined
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Ends the run: what is done stays done, and can be gone on from. */
  readonly signal?: AbortSignal | undefined
  /** Called four times a second and at the end. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined
}

/** Over all workers, so far. */
export interface RunProgress {
  /** Of the partitions that this call runs. */
  readonly done: number
  readonly partitions: number
  readonly messages: number
  readonly bytes: number
  readonly elapsedMs: number
}

export interface LocalRunResult {
  readonly run: string
  /** As planned; `failed`: of them, those without rows now. */
  readonly partitions: { readonly run: number; readonly cached: number; readonly stale: number; readonly failed: number }
  /** Rows that the commit added. */
  readonly rows: number
  /** Version of the table; −1: there is none. */
  readonly version: number
  readonly commit: CommitResult
  readonly failures: readonly FailureGroup[]
  readonly messages: number
  readonly bytes: number
  readonly durationMs: number
}

/** Message to a worker thread, and back. */
export interface WorkerTask {
  readonly task: string
  readonly attempt: string
  /** Partitions to run, by index. */
  readonly only: readonly number[]
}
export type WorkerReply =
  | { readonly result: TaskResult }
  | { readonly failure: { readonly code: string; readonly category: ErrorCategory; readonly message: string } }
export interface TaskWorkerData {
  readonly tableUri: string
  readonly archiveUri: string
  readonly run: string
  readonly engine: string
  /** Three counters per worker: partitions, messages, bytes. */
  readonly counters: SharedArrayBuffer
  readonly slot: number
}

const PROGRESS_INTERVAL_MS = 250

/**
 * Runs what is left to do of a planned run in worker threads, then commits it. Called again, it goes on: partitions with a
 * receipt are not run again.
 * @throws ReplayError input `run-unknown`, `run-cancelled`, `engine-differs`, and those of `commitRun`; the reason of the signal
 */
export async function runLocally(options: LocalRunOptions): Promise<LocalRunResult> {
  const { tableUri, run, clock, random, signal } = options
  const startedMs = performance.now()
  const table = new FileStore(tableUri)
  const head = await readPlanHead(table, run)
  const engine = await engineHash()
  if (engine !== head.engine) {
    throw new ReplayError('engine-differs', `run ${run} was planned for another version of the engine; start a new run`, {
      category: 'input',
    })
  }
  const pool = new TaskPool(options, head, engine, (await readRunReceipts(table, head)).missing)
  await pool.run()
  signal?.throwIfAborted()
  const { missing } = await readRunReceipts(table, head)
  const commit = await commitRun(table, run, { clock, random })
  const { run: toRun, cached, stale } = head.counts
  return {
    run,
    partitions: { run: toRun, cached, stale, failed: missing.length },
    rows: commit.added.rows,
    version: commit.version,
    commit,
    failures: groupFailures(missing, pool.lost),
    messages: pool.progress.messages,
    bytes: pool.progress.bytes,
    durationMs: performance.now() - startedMs,
  }
}

/** Worker threads that take tasks until none is left. */
class TaskPool {
  /** Errors of whole tasks, by task. */
  readonly lost = new Map<string, ReplayError>()
  readonly #options: LocalRunOptions
  readonly #head: PlanHead
  readonly #engine: string
  readonly #tasks: WorkerTask[]
  readonly #partitions: number
  readonly #counters: BigInt64Array<SharedArrayBuffer>
  readonly #workers: number
  readonly #startedMs = performance.now()
  #isStopped = false

  constructor(options: LocalRunOptions, head: PlanHead, engine: string, missing: readonly MissingPartition[]) {
    this.#options = options
    this.#head = head
    this.#engine = engine
    this.#partitions = missing.length
    this.#tasks = this.#tasksOf(missing)
    this.#workers = Math.min(options.workers, this.#tasks.length)
    this.#counters = new BigInt64Array(new SharedArrayBuffer(8 * COUNTERS * Math.max(1, this.#workers)))
  }

  get progress(): RunProgress {
    const sums = [0, 0, 0]
    for (const [i, count] of this.#counters.entries()) sums[i % COUNTERS]! += Number(count)
    const [done, messages, bytes] = sums as [number, number, number]
    return { done, partitions: this.#partitions, messages, bytes, elapsedMs: performance.now() - this.#startedMs }
  }

  async run(): Promise<void> {
    const { onProgress } = this.#options
    const timer = setInterval(() => onProgress?.(this.progress), PROGRESS_INTERVAL_MS)
    try {
      const works = Array.from({ length: this.#workers }, (_, slot) => this.#work(slot))
      for (const work of await Promise.allSettled(works)) if (work.status === 'rejected') throw work.reason
    } finally {
      clearInterval(timer)
      onProgress?.(this.progress)
    }
  }

  #tasksOf(missing: readonly MissingPartition[]): WorkerTask[] {
    const { clock, random } = this.#options
    // Later attempts sort behind earlier ones, so that the first receipts win.
    const attempt = `${clock().toString(36).padStart(9, '0')}${Math.floor(random() * 2 ** 32).toString(36)}`
    const byTask = new Map<string, number[]>()
    for (const { task, partition } of missing) {
      const known = byTask.get(task)
      if (known === undefined) byTask.set(task, [partition])
      else known.push(partition)
    }
    return [...byTask].map(([task, only]) => ({ task, attempt, only }))
  }

  async #work(slot: number): Promise<void> {
    const { tableUri, run, signal, onError } = this.#options
    let worker: Worker | null = null
    const abort = (): void => worker?.postMessage('abort')
    signal?.addEventListener('abort', abort)
    try {
      for (let task = this.#take(); task !== undefined; task = this.#take()) {
        const data: TaskWorkerData = {
          tableUri,
          archiveUri: this.#head.archive,
          run,
          engine: this.#engine,
          counters: this.#counters.buffer,
          slot,
        }
        worker ??= new Worker(WORKER_URL, { workerData: data })
        const { reply, hasEnded } = await ask(worker, task)
        if (hasEnded) worker = null // a new one for the next task
        if ('failure' in reply) {
          const { code, category, message } = reply.failure
          this.lost.set(task.task, new ReplayError(code, message, { category }))
        }
        const hasFailed = 'failure' in reply || reply.result.failed.length > 0
        if (hasFailed && onError === 'abort') this.#isStopped = true
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      await worker?.terminate()
    }
  }

  #take(): WorkerTask | undefined {
    return this.#isStopped || this.#options.signal?.aborted === true ? undefined : this.#tasks.shift()
  }
}

const COUNTERS = 3
const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './task-worker.ts' : './task-worker.js', import.meta.url)

/** Sends a task and waits for the answer, or for the worker's end. */
function ask(worker: Worker, task: WorkerTask): Promise<{ readonly reply: WorkerReply; readonly hasEnded: boolean }> {
  return new Promise((resolve) => {
    let crash: Error | null = null
    const answered = (reply: WorkerReply): void => settle(reply, false)
    const crashed = (error: Error): void => {
      crash = error // 'exit' follows
    }
    const exited = (exitCode: number): void => {
      const message = crash?.stack ?? `the worker thread ended with exit code ${exitCode} and no answer`
      settle({ failure: { code: crash === null ? 'worker-died' : 'worker-failed', category: 'bug', message } }, true)
    }
    const settle = (reply: WorkerReply, hasEnded: boolean): void => {
      worker.off('message', answered).off('error', crashed).off('exit', exited)
      resolve({ reply, hasEnded })
    }
    worker.on('message', answered).on('error', crashed).on('exit', exited)
    worker.postMessage(task)
  })
}
