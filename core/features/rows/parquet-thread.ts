import { Worker } from 'node:worker_threads'
import { type ErrorCategory, ReplayError } from '../../errors.ts'
import { ColumnBuffer, type ColumnSpec, columnBytes } from '../../table/column-buffer.ts'
import { groupRowsOf } from '../../table/parquet-writer.ts'
import type { RowColumn, RowTarget } from './row-target.ts'

export interface ParquetThreadData {
  readonly path: string
  readonly specs: readonly ColumnSpec[]
  /** Rows of a block. */
  readonly capacity: number
  /** By block and column. */
  readonly memory: readonly (readonly SharedArrayBuffer[])[]
  /** Blocks that the thread has given back so far. */
  readonly finished: Int32Array
}

/** What the thread is told: the rows of a block, or the end. */
export type ParquetOrder = { readonly block: number; readonly rows: number } | { readonly end: 'close' | 'abandon' }

/** What the thread answers. */
export type ParquetAnswer =
  | { readonly done: true }
  | { readonly ended: true }
  | { readonly failure: { readonly code: string; readonly category: ErrorCategory; readonly message: string } }

/** One is filled, one written, two wait in between. Memory that no row has come to yet takes none. */
const BLOCKS = 4
/** A row group that takes longer will not be finished by a thread that works. */
const PATIENCE_MS = 60_000

/**
 * A Parquet file that is encoded, compressed and written in a thread of its own: row groups are filled here, in memory that both
 * threads share, so that nothing is copied or made anew. The file is the same as `ParquetFile` writes.
 */
export class ParquetThread implements RowTarget {
  row = 0
  columns: readonly RowColumn[]
  readonly #capacity: number
  readonly #blocks: readonly (readonly RowColumn[])[]
  readonly #worker: Worker
  /** Blocks sent; they go round. */
  #sent = 0
  readonly #finished = new Int32Array(new SharedArrayBuffer(4))
  #failure: ReplayError | null = null
  #hasEnded = false
  #wake: (() => void) | null = null

  constructor(path: string, specs: readonly ColumnSpec[]) {
    const capacity = groupRowsOf(specs)
    const memory = Array.from({ length: BLOCKS }, () => specs.map((spec) => new SharedArrayBuffer(columnBytes(spec, capacity))))
    const workerData: ParquetThreadData = { path, specs, capacity, memory, finished: this.#finished }
    this.#capacity = capacity
    this.#blocks = memory.map((block) => specs.map((spec, i) => new ColumnBuffer(spec, capacity, block[i])))
    this.columns = this.#blocks[0]!
    this.#worker = new Worker(WORKER_URL, { workerData })
    this.#worker.on('message', (answer: ParquetAnswer) => this.#hear(answer))
    this.#worker.on('error', (error) => this.#fail(new ReplayError('worker-failed', error.message, { category: 'bug', cause: error })))
    this.#worker.on('exit', () => {
      if (!this.#hasEnded) this.#fail(new ReplayError('worker-died', 'the Parquet thread ended without an answer', { category: 'bug' }))
    })
  }

  endRow(): void {
    if (++this.row === this.#capacity) this.#send()
  }

  /** @throws ReplayError what the thread met: `disk-full`, `output-failed` */
  ready(): Promise<void> | void {
    if (this.#failure !== null) throw this.#failure
    if (this.#waiting > BLOCKS - 2) return this.#until(() => this.#waiting <= BLOCKS - 2)
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
    if (this.#failure === null && !this.#hasEnded) this.#tell({ end: how })
    try {
      await this.#until(() => this.#hasEnded)
    } finally {
      await this.#worker.terminate()
    }
  }

  /** Blocks that the thread has. It says so in shared memory: while rows are made, nobody listens to messages. */
  get #waiting(): number {
    return this.#sent - Atomics.load(this.#finished, 0)
  }

  #send(): void {
    this.#tell({ block: this.#sent % BLOCKS, rows: this.row })
    this.#sent++
    this.#requireBlock()
    this.columns = this.#blocks[this.#sent % BLOCKS]!
    this.row = 0
  }

  /** Waits for the next block where rows come too fast for `ready`, as where time jumps by a million bars. */
  #requireBlock(): void {
    for (let finished = Atomics.load(this.#finished, 0); this.#sent - finished === BLOCKS; finished = Atomics.load(this.#finished, 0)) {
      if (Atomics.wait(this.#finished, 0, finished, PATIENCE_MS) !== 'timed-out') continue
      const message = `the Parquet thread has not written a row group in ${PATIENCE_MS / 1000} s`
      throw new ReplayError('worker-died', message, { category: 'bug' })
    }
  }

  #tell(order: ParquetOrder): void {
    this.#worker.postMessage(order)
  }

  #hear(answer: ParquetAnswer): void {
    if ('failure' in answer) {
      const { code, category, message } = answer.failure
      this.#fail(new ReplayError(code, message, { category }))
      return
    }
    if ('ended' in answer) this.#hasEnded = true
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
