import os from 'node:os'
import { ReplayError } from '../errors.ts'
import { engineHash, requireEngine } from '../job/engine-hash.ts'
import type { MissingStream } from '../plan/run/plan-document.ts'
import { readPlanHead } from '../plan/run/plan-document.ts'
import type { Receipt } from '../plan/run/receipt.ts'
import { attemptName } from '../plan/run/run-files.ts'
import { type MissingPartition, readMissing } from '../plan/run/run-receipts.ts'
import { openStore } from '../store/open-store.ts'
import type { IdlePartition } from '../task/idle-partition.ts'
import { TaskPool, type WorkerTask } from '../task/task-pool.ts'
import { commitRun } from './commit.ts'
import type { CommitResult } from './commit-result.ts'
import { type FailureGroup, groupFailures } from './failure-groups.ts'

export interface LocalRunOptions {
  /** Folder or URI of the table, in which the run is planned. */
  readonly tableUri: string
  /** Of an S3 service that is not AWS. */
  readonly endpoint?: string | undefined
  readonly run: string
  /** Worker threads. @default `workersFor` what is left to read; of imports as many as the machine runs at once */
  readonly workers?: number | undefined
  /** What a failing partition means: it is set aside and the others finish, or no further task is begun. @default 'quarantine' */
  readonly onError?: 'quarantine' | 'abort' | undefined
  /** As of `commitRun`. */
  readonly ignoreCheck?: boolean | undefined
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** Ends the run: what is done stays done, and can be gone on from. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds that a worker has to come to an end after the signal; then it is stopped where it is. @default 15,000 */
  readonly graceMs?: number | undefined
  /** Called four times a second and at the end. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined
  /** Hears of a partition of which nothing was read for `idleMs`, once a stop. */
  readonly onIdle?: ((at: IdlePartition) => void) | undefined
  /** Milliseconds. @default 60,000 */
  readonly idleMs?: number | undefined
}

/** Over all workers, so far. */
export interface RunProgress {
  /** Of the partitions that this call runs. */
  readonly done: number
  readonly partitions: number
  readonly messages: number
  /** Read, those that only warm up included. */
  readonly bytes: number
  /** Of the bytes that the plan gives these partitions: what was come through, and all. */
  readonly plannedBytes: number
  readonly plannedTotal: number
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
  /** Streams that instruments of the run lack. */
  readonly missingStreams: readonly MissingStream[]
  readonly messages: number
  readonly bytes: number
  readonly durationMs: number
  /** What of it was work: from the first partition's beginning to the last one's end. Before it workers start, behind it is the commit. */
  readonly work: { readonly startMs: number; readonly durationMs: number }
}

const PROGRESS_INTERVAL_MS = 250
/** A thread takes longer to start than to read ten times as many, unless the job itself takes long. */
const BYTES_PER_WORKER = 4 << 20

/** Threads that are worth their start: one for each 4 MiB times a variant, up to as many as the machine runs at once. */
export function workersFor(bytes: number, variants: number): number {
  return Math.max(1, Math.min(os.availableParallelism(), Math.ceil((bytes * variants) / BYTES_PER_WORKER)))
}

/**
 * Runs what is left to do of a planned run in worker threads, then commits it. Called again, it goes on: partitions with a
 * receipt are not run again.
 * @throws ReplayError input `run-unknown`, `run-cancelled`, `engine-differs`, and those of `commitRun`; the reason of the signal
 */
export async function runLocally(options: LocalRunOptions): Promise<LocalRunResult> {
  const { tableUri, endpoint, run, onError, clock, random, signal, graceMs, onProgress } = options
  const startedMs = performance.now()
  const work = new WorkSpan(clock())
  const table = openStore(tableUri, { endpoint })
  const head = await readPlanHead(table, run)
  const engine = await engineHash()
  requireEngine(run, head.engine, engine)
  const toRun = await readMissing(table, head)
  const tasks = tasksOf(toRun, clock, random)
  const plannedTotal = toRun.reduce((sum, { bytes }) => sum + bytes, 0)
  const { workers = head.imports === undefined ? workersFor(plannedTotal, head.variants.length) : os.availableParallelism() } = options
  const partitions = tasks.reduce((sum, { only }) => sum + only.length, 0)
  const lost = new Map<string, ReplayError>()
  const pool = new TaskPool({
    places: { imports: head.imports !== undefined, tableUri, archiveUri: head.archive, restartsUri: head.restarts, endpoint, run, engine },
    ...{ tasks, workers, signal, graceMs, idleMs: options.idleMs },
    onIdle({ task, partition, idleMs }) {
      const at = toRun.find((missing) => missing.partition === partition)
      if (at !== undefined) options.onIdle?.({ ...at, job: head.job, task, idleMs })
    },
    onEnd({ task }, reply) {
      if ('work' in reply) work.add(reply.work.receipts)
      if ('failure' in reply) lost.set(task, new ReplayError(reply.failure.code, reply.failure.message, reply.failure))
      const hasFailed = 'failure' in reply || reply.work.receipts.some(({ error }) => error !== null)
      return !hasFailed || onError !== 'abort'
    },
  })
  const progressOf = (): RunProgress => {
    const { partitions: done, messages, bytes, plannedBytes } = pool.counts
    return { done, partitions, messages, bytes, plannedBytes, plannedTotal, elapsedMs: performance.now() - startedMs }
  }
  const timer = setInterval(() => onProgress?.(progressOf()), PROGRESS_INTERVAL_MS)
  try {
    await pool.run()
  } finally {
    clearInterval(timer)
    onProgress?.(progressOf())
  }
  signal?.throwIfAborted()
  const missing = await readMissing(table, head)
  const commit = await commitRun(table, run, { clock, random, ignoreCheck: options.ignoreCheck })
  const { run: planned, cached, stale } = head.counts
  return {
    run,
    partitions: { run: planned, cached, stale, failed: missing.length + commit.heldBack.length },
    rows: commit.added.rows,
    version: commit.version,
    commit,
    failures: groupFailures([...missing, ...commit.heldBack], lost),
    missingStreams: head.missingStreams ?? [],
    messages: pool.counts.messages,
    bytes: pool.counts.bytes,
    durationMs: performance.now() - startedMs,
    work: work.span,
  }
}

/** From the first partition's beginning to the last one's end. */
class WorkSpan {
  readonly #originMs: number
  #fromMs = Number.POSITIVE_INFINITY
  #toMs = 0

  /** @param originMs when the run began, milliseconds since the epoch */
  constructor(originMs: number) {
    this.#originMs = originMs
  }

  add(receipts: readonly Pick<Receipt, 'timing'>[]): void {
    for (const { timing } of receipts) {
      this.#fromMs = Math.min(this.#fromMs, timing.startedMs)
      this.#toMs = Math.max(this.#toMs, timing.startedMs + timing.durationMs)
    }
  }

  get span(): LocalRunResult['work'] {
    if (this.#toMs === 0) return { startMs: 0, durationMs: 0 }
    return { startMs: Math.max(0, this.#fromMs - this.#originMs), durationMs: this.#toMs - this.#fromMs }
  }
}

/** What is left to do, by task, in an attempt of its own. */
function tasksOf(missing: readonly MissingPartition[], clock: () => number, random: () => number): WorkerTask[] {
  const attempt = attemptName(clock(), Math.floor(random() * 2 ** 32).toString(36))
  const byTask = new Map<string, number[]>()
  for (const { task, partition } of missing) {
    const known = byTask.get(task)
    if (known === undefined) byTask.set(task, [partition])
    else known.push(partition)
  }
  return [...byTask].map(([task, only]) => ({ task, attempt, only, receipts: 'write' }))
}
