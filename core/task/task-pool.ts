import { AnsweringThread } from '../answering-thread.ts'
import { type ErrorCategory, ReplayError } from '../errors.ts'
import { hostLibrary } from '../host-library.ts'
import type { StoreCounts } from '../store/store-counts.ts'
import type { TaskWork } from './task.ts'

export interface TaskPoolOptions {
  readonly places: TaskPlaces
  /** What to carry out, the first one first; a task may be there several times with different partitions. */
  readonly tasks: readonly WorkerTask[]
  /** Worker threads at most. */
  readonly workers: number
  /** Environment of the threads. @default a copy of the process's */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Ends the tasks: what is done stays done. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds that a worker has to come to an end after the signal; then it is stopped where it is. @default 15,000 */
  readonly graceMs?: number | undefined
  /** Called when a task is over; false: no further task is begun. */
  readonly onEnd: (task: WorkerTask, reply: WorkerReply) => boolean
  /** Hears, once a stop, of a worker that has read nothing for `idleMs`: what it is at. @default nobody does */
  readonly onIdle?: ((at: IdleTask) => void) | undefined
  /** Milliseconds. @default 60,000 */
  readonly idleMs?: number | undefined
}

/** A worker that makes no progress. */
export interface IdleTask {
  readonly task: string
  /** The partition, by index: the first of the task that is not done. */
  readonly partition: number
  readonly idleMs: number
}

/** What all tasks of a pool have in common. */
export interface TaskPlaces {
  /** What tasks do: an import has threads of its own. @default rows or restart points */
  readonly imports?: boolean | undefined
  readonly tableUri: string
  readonly archiveUri: string
  /** As of the plan's head. */
  readonly restartsUri?: string | undefined
  /** Of an S3 service that is not AWS. */
  readonly endpoint?: string | undefined
  readonly run: string
  readonly engine: string
}

/** Message to a worker thread, and back; `abort` has no answer. */
export interface WorkerTask {
  readonly task: string
  readonly attempt: string
  /** Partitions to run, by index. */
  readonly only: readonly number[]
  /** `write` puts the receipts object of the attempt; `give` only answers with the receipts. */
  readonly receipts: 'write' | 'give'
}
export type WorkerReply = { readonly work: TaskWork; readonly counts: StoreCounts } | { readonly failure: TaskFailure }

/** Why a task came to no end of its own. */
export interface TaskFailure {
  readonly code: string
  readonly category: ErrorCategory
  readonly message: string
}

export interface TaskWorkerData extends TaskPlaces {
  /** Four counters per worker: partitions, messages, bytes, planned bytes. */
  readonly counters: SharedArrayBuffer
  readonly slot: number
  /** Module that provides the library to jobs. */
  readonly library: string
}

/** Over all workers, so far. */
export interface TaskCounts {
  readonly partitions: number
  readonly messages: number
  readonly bytes: number
  /** Of the bytes that the plan gives the partitions. */
  readonly plannedBytes: number
}

/** What waits for a store is told by its retries; so long waits a handler that does not return. */
const IDLE_MS = 60_000
const IDLE_LOOKS = 4
/** Batch kills 20 to 30 s after it asks to stop. */
const GRACE_MS = 15_000
export const COUNTERS = 4
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const WORKER_URL = new URL(`./task-worker${EXTENSION}`, import.meta.url)
const IMPORT_WORKER_URL = new URL(`./import-task-worker${EXTENSION}`, import.meta.url)

/**
 * V8 would let the young objects of each thread take 32 MB before it looks at them. Replay makes few; a job whose objects live
 * for thousands of messages is up to 5 % slower.
 */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 6 }

type TaskThread = AnsweringThread<WorkerTask | 'abort', WorkerReply>

/** Worker threads that take tasks until none is left. */
export class TaskPool {
  readonly #options: TaskPoolOptions
  readonly #tasks: WorkerTask[]
  readonly #counters: BigInt64Array<SharedArrayBuffer>
  readonly #workers: number
  #isStopped = false

  constructor(options: TaskPoolOptions) {
    this.#options = options
    this.#tasks = [...options.tasks]
    this.#workers = Math.min(options.workers, this.#tasks.length)
    this.#counters = new BigInt64Array(new SharedArrayBuffer(8 * COUNTERS * Math.max(1, this.#workers)))
  }

  get counts(): TaskCounts {
    const sums = [0, 0, 0, 0]
    for (const [i, count] of this.#counters.entries()) sums[i % COUNTERS]! += Number(count)
    const [partitions, messages, bytes, plannedBytes] = sums as [number, number, number, number]
    return { partitions, messages, bytes, plannedBytes }
  }

  async run(): Promise<void> {
    const works = Array.from({ length: this.#workers }, (_, slot) => this.#work(slot))
    for (const work of await Promise.allSettled(works)) if (work.status === 'rejected') throw work.reason
  }

  async #work(slot: number): Promise<void> {
    const { signal, graceMs = GRACE_MS, onEnd } = this.#options
    let thread: TaskThread | null = null
    let grace: NodeJS.Timeout | undefined
    const abort = (): void => {
      thread?.tell('abort')
      // A handler that does not return hears no message. Parts and receipts are put whole, so that nothing is left in halves.
      grace = setTimeout(() => void thread?.terminate(), graceMs)
    }
    signal?.addEventListener('abort', abort)
    try {
      for (let task = this.#take(); task !== undefined; task = this.#take()) {
        thread ??= this.#startThread(slot)
        const watch = this.#watch(slot, task)
        const { reply, hasEnded } = await thread.ask(task).finally(() => clearInterval(watch))
        if (hasEnded) thread = null // a new one for the next task
        if (!onEnd(task, reply)) this.#isStopped = true
      }
    } finally {
      signal?.removeEventListener('abort', abort)
      clearTimeout(grace)
      await thread?.terminate()
    }
  }

  /** Looks now and then whether a worker's counters move. */
  #watch(slot: number, task: WorkerTask): NodeJS.Timeout | undefined {
    const { onIdle, idleMs = IDLE_MS } = this.#options
    if (onIdle === undefined) return undefined
    const counters = this.#counters.subarray(slot * COUNTERS, (slot + 1) * COUNTERS)
    const [begun] = counters
    let seen = counters.slice()
    let movedMs = performance.now()
    let isTold = false
    const look = (): void => {
      const nowMs = performance.now()
      if (counters.some((count, i) => count !== seen[i])) {
        seen = counters.slice()
        movedMs = nowMs
        isTold = false
      } else if (!isTold && nowMs - movedMs >= idleMs) {
        isTold = true
        const done = Number(counters[0]! - begun!)
        onIdle({ task: task.task, partition: task.only[Math.min(done, task.only.length - 1)]!, idleMs: nowMs - movedMs })
      }
    }
    return setInterval(look, idleMs / IDLE_LOOKS)
  }

  #startThread(slot: number): TaskThread {
    const { places, env } = this.#options
    const workerData: TaskWorkerData = { ...places, counters: this.#counters.buffer, slot, library: hostLibrary().url }
    const own = { workerData, ...(env !== undefined && { env }) }
    return places.imports === true
      ? new AnsweringThread(IMPORT_WORKER_URL, own)
      : new AnsweringThread(WORKER_URL, { ...own, resourceLimits: THREAD_LIMITS })
  }

  #take(): WorkerTask | undefined {
    return this.#isStopped || this.#options.signal?.aborted === true ? undefined : this.#tasks.shift()
  }
}

/** An error as what it is told by. */
export function failureOf(error: unknown): TaskFailure {
  if (error instanceof ReplayError) return { code: error.code, category: error.category, message: error.message }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'task-failed', category: 'bug', message }
}
