import { Worker } from 'node:worker_threads'
import { type ErrorCategory, ReplayError } from '../../errors.ts'
import type { ColumnSpec } from '../../table/column-buffer.ts'
import { RowBlock, type RowColumn, type RowTarget } from './row-target.ts'

/** What the thread is told. The arrays of `rows` are given away, and come back with `done`. */
export type ParquetOrder = { readonly rows: number; readonly columns: readonly RowColumn[] } | { readonly end: 'close' | 'abandon' }

/** What the thread answers. */
export type ParquetAnswer =
  | { readonly done: readonly RowColumn[] }
  | { readonly ended: true }
  | { readonly failure: { readonly code: string; readonly category: ErrorCategory; readonly message: string } }

/** Blocks that may wait for the thread before the rows' source has to. */
const MAX_WAITING = 8
const BLOCK_ROWS = 16_384

/**
 * A Parquet file that is encoded, compressed and written in a thread of its own: rows are filled here into blocks, whose arrays
 * go over without being copied and come back empty.
 */
export class ParquetThread implements RowTarget {
  row = 0
  readonly #specs: readonly ColumnSpec[]
  readonly #worker: Worker
  readonly #spare: RowBlock[] = []
  #block: RowBlock
  #waiting = 0
  #failure: ReplayError | null = null
  #hasEnded = false
  #wake: (() => void) | null = null

  constructor(path: string, specs: readonly ColumnSpec[]) {
    this.#specs = specs
    this.#block = new RowBlock(specs, BLOCK_ROWS)
    this.#worker = new Worker(WORKER_URL, { workerData: { path, columns: specs } })
    this.#worker.on('message', (answer: ParquetAnswer) => this.#hear(answer))
    this.#worker.on('error', (error) => this.#fail(new ReplayError('worker-failed', error.message, { category: 'bug', cause: error })))
    this.#worker.on('exit', () => {
      if (!this.#hasEnded) this.#fail(new ReplayError('worker-died', 'the Parquet thread ended without an answer', { category: 'bug' }))
    })
  }

  get columns(): readonly RowColumn[] {
    return this.#block.columns
  }

  endRow(): void {
    if (++this.row === BLOCK_ROWS) this.#send()
  }

  /** @throws ReplayError what the thread met: `disk-full`, `output-failed` */
  ready(): Promise<void> | void {
    if (this.#failure !== null) throw this.#failure
    if (this.#waiting > MAX_WAITING) return this.#until(() => this.#waiting <= MAX_WAITING)
  }

  /** @throws as `ready` */
  async close(): Promise<void> {
    if (this.row > 0) this.#send()
    await this.#end('close')
  }

  async abandon(): Promise<void> {
    if (this.#failure === null) await this.#end('abandon').catch(() => undefined)
    await this.#worker.terminate()
  }

  async #end(how: 'close' | 'abandon'): Promise<void> {
    if (this.#failure === null && !this.#hasEnded) this.#worker.postMessage({ end: how } satisfies ParquetOrder)
    try {
      await this.#until(() => this.#hasEnded)
    } finally {
      await this.#worker.terminate()
    }
  }

  #send(): void {
    const { columns } = this.#block
    const buffers = columns.flatMap(({ f64, words, i32, bools, valid }) => [f64, words, i32, bools, ...(valid === null ? [] : [valid])])
    const order: ParquetOrder = { rows: this.row, columns }
    this.#worker.postMessage(
      order,
      buffers.map(({ buffer }) => buffer as ArrayBuffer),
    )
    this.#waiting++
    this.row = 0
    this.#block = this.#spare.pop() ?? new RowBlock(this.#specs, BLOCK_ROWS)
  }

  #hear(answer: ParquetAnswer): void {
    if ('failure' in answer) {
      const { code, category, message } = answer.failure
      this.#fail(new ReplayError(code, message, { category }))
      return
    }
    if ('ended' in answer) this.#hasEnded = true
    else {
      this.#waiting--
      this.#spare.push(new RowBlock(answer.done, BLOCK_ROWS))
    }
    this.#wake?.()
  }

  #fail(error: ReplayError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  async #until(isTrue: () => boolean): Promise<void> {
    while (!isTrue() && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = null
    if (this.#failure !== null) throw this.#failure
  }
}

const WORKER_URL = new URL(import.meta.url.endsWith('.ts') ? './parquet-thread-worker.ts' : './parquet-thread-worker.js', import.meta.url)
