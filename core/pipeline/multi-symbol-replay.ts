import fs from 'node:fs'
import os from 'node:os'
import { pathToFileURL } from 'node:url'
import { AnsweringThread } from '../answering-thread.ts'
import { type ErrorCategory, type ErrorPlace, ReplayError } from '../errors.ts'
import { findLogs, type LogLocation } from '../log/format/log-path.ts'
import type { PipelineStats } from './stats.ts'

/** What a pipeline module is asked to build a pipeline for. */
export interface SymbolTask {
  readonly symbol: string
  /** The symbol's logs, sorted by path. */
  readonly logs: readonly LogLocation[]
  /** What was given to `run`. */
  readonly data: unknown
}

/** The end of one symbol: its totals, or why it failed. */
export type SymbolResult =
  | { readonly symbol: string; readonly stats: PipelineStats; readonly error: null }
  | { readonly symbol: string; readonly stats: null; readonly error: ReplayError }

export interface MultiSymbolProgress {
  /** Messages read so far, over all workers. */
  readonly read: number
  readonly symbolsDone: number
  readonly symbols: number
  readonly elapsedMs: number
}

export interface MultiSymbolResult {
  /** In the order the symbols were added. */
  readonly results: readonly SymbolResult[]
  /** Symbols that failed, in the same order. */
  readonly failed: readonly SymbolResult[]
  /** Messages read by the symbols that succeeded. */
  readonly read: number
  readonly durationMs: number
}

/** Message from the pool to a worker, and back. */
export interface WorkerTask extends SymbolTask {
  readonly module: string
}
export type WorkerReply = { readonly stats: PipelineStats } | { readonly failure: SymbolFailure }

/** Why a symbol failed; its message leaves out the place. */
export interface SymbolFailure {
  readonly code: string
  readonly category: ErrorCategory
  readonly message: string
  readonly place?: ErrorPlace
}

const PROGRESS_INTERVAL_MS = 250

/**
 * Replays many symbols at once: a pool of worker threads, a pipeline per symbol, the largest symbol first.
 * The pipeline comes from a module that exports `createPipeline(task: SymbolTask): ReplayPipeline | Promise<ReplayPipeline>`.
 */
export class MultiSymbolReplay {
  readonly #logs: LogLocation[]
  readonly #symbols: string[] = []
  #workers = os.availableParallelism()
  #onFailure: 'finish' | 'abort' = 'finish'
  #onProgress: ((progress: MultiSymbolProgress) => void) | null = null

  /**
   * @param root archive, Hive table or bus folder; every log below it whose path names a symbol can be replayed
   * @throws ReplayError input `log-missing`
   */
  constructor(root: string) {
    this.#logs = findLogs(root)
  }

  /** Symbols found, sorted. */
  get available(): string[] {
    return [...new Set(this.#logs.flatMap(({ symbol }) => symbol ?? []))].sort()
  }

  /** @throws ReplayError input `symbol-unknown` */
  addSymbols(symbols: Iterable<string>): this {
    for (const symbol of symbols) {
      if (!this.#logs.some((log) => log.symbol === symbol)) {
        throw new ReplayError(
          'symbol-unknown',
          `no log of symbol ${JSON.stringify(symbol)}; there are: ${this.available.slice(0, 20).join(', ')}`,
          { category: 'input' },
        )
      }
      if (!this.#symbols.includes(symbol)) this.#symbols.push(symbol)
    }
    return this
  }

  addAllSymbols(): this {
    return this.addSymbols(this.available)
  }

  /** @default the number of processors */
  workerCount(count: number): this {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new ReplayError('worker-count', `worker count: expected a positive integer, found ${count}`, { category: 'input' })
    }
    this.#workers = count
    return this
  }

  /** What a failing symbol means for the others: they finish, or all stop. @default 'finish' */
  onFailure(strategy: 'finish' | 'abort'): this {
    this.#onFailure = strategy
    return this
  }

  /** Called four times a second and at the end. */
  onProgress(hear: (progress: MultiSymbolProgress) => void): this {
    this.#onProgress = hear
    return this
  }

  /**
   * Runs all symbols. A failing symbol is a result, not an exception, unless `onFailure('abort')`.
   * @param module URL or path of the pipeline module
   * @param data handed to `createPipeline`; must survive structured cloning
   */
  async run(module: URL | string, data: unknown = null): Promise<MultiSymbolResult> {
    const startedMs = performance.now()
    const tasks = this.#tasks(typeof module === 'string' && !module.startsWith('file:') ? pathToFileURL(module).href : String(module), data)
    const symbols = tasks.length
    const workers = Math.min(this.#workers, symbols)
    const counters = new BigInt64Array(new SharedArrayBuffer(8 * Math.max(1, workers)))
    const results = new Map<string, SymbolResult>()
    const progress = (): void => {
      const read = Number(counters.reduce((sum, count) => sum + count, 0n))
      this.#onProgress?.({ read, symbolsDone: results.size, symbols, elapsedMs: performance.now() - startedMs })
    }
    const timer = setInterval(progress, PROGRESS_INTERVAL_MS)
    try {
      const stop = new AbortController()
      const works = Array.from({ length: workers }, (_, slot) => this.#work(tasks, results, counters.buffer, slot, stop))
      // All must have ended, also when one fails: nothing may go on writing behind the caller's back.
      for (const work of await Promise.allSettled(works)) if (work.status === 'rejected') throw work.reason
    } finally {
      clearInterval(timer)
      progress()
    }
    return summarize(this.#symbols, results, performance.now() - startedMs)
  }

  /** Tasks, largest first: the long ones must not start last. */
  #tasks(module: string, data: unknown): WorkerTask[] {
    return this.#symbols
      .map((symbol) => {
        const logs = this.#logs.filter((log) => log.symbol === symbol)
        return { symbol, logs, data, module, bytes: logs.reduce((sum, log) => sum + directoryBytes(log.path), 0) }
      })
      .sort((a, b) => b.bytes - a.bytes)
      .map(({ bytes: _bytes, ...task }) => task)
  }

  /** One worker thread: takes tasks until none is left. */
  async #work(
    tasks: WorkerTask[],
    results: Map<string, SymbolResult>,
    counters: ArrayBufferLike,
    slot: number,
    stop: AbortController,
  ): Promise<void> {
    let thread: AnsweringThread<WorkerTask, WorkerReply> | null = null
    const end = (): void => void thread?.terminate()
    stop.signal.addEventListener('abort', end)
    try {
      for (let task = tasks.shift(); task !== undefined && !stop.signal.aborted; task = tasks.shift()) {
        thread ??= new AnsweringThread(WORKER_URL, { workerData: { counters, slot } })
        const { reply, hasEnded } = await thread.ask(task).catch(notCloneable)
        if (hasEnded) thread = null // a new one for the next task
        if (stop.signal.aborted) return
        if ('stats' in reply) {
          results.set(task.symbol, { symbol: task.symbol, stats: reply.stats, error: null })
          continue
        }
        const { code, category, message, place }: SymbolFailure = reply.failure
        const error = new ReplayError(code, `symbol ${task.symbol}: ${message}`, { category, ...place })
        results.set(task.symbol, { symbol: task.symbol, stats: null, error })
        if (this.#onFailure === 'abort') {
          stop.abort()
          throw error
        }
      }
    } finally {
      stop.signal.removeEventListener('abort', end)
      await thread?.terminate()
    }
  }
}

const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './symbol-worker.ts' : './symbol-worker.js', import.meta.url)

function notCloneable(cause: unknown): never {
  const message = `data cannot be sent to worker threads: ${(cause as Error).message}`
  throw new ReplayError('data-not-cloneable', message, { category: 'input', cause })
}

function summarize(symbols: readonly string[], results: ReadonlyMap<string, SymbolResult>, durationMs: number): MultiSymbolResult {
  const ordered = symbols.flatMap((symbol) => results.get(symbol) ?? [])
  return {
    results: ordered,
    failed: ordered.filter(({ error }) => error !== null),
    read: ordered.reduce((sum, { stats }) => sum + (stats?.read ?? 0), 0),
    durationMs,
  }
}

function directoryBytes(directory: string): number {
  return fs
    .readdirSync(directory)
    .reduce((sum, name) => sum + (fs.statSync(`${directory}/${name}`, { throwIfNoEntry: false })?.size ?? 0), 0)
}
