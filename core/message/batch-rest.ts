import type { MessageBatch } from './batch.ts'

/** What a source keeps back of a batch that it gives in pieces. */
export class BatchRest {
  #kept: { readonly batch: MessageBatch; readonly rows: Uint32Array } | null = null

  /** Ends a batch before its k-th selected message; that and those behind it are taken later. */
  keepFrom(batch: MessageBatch, k: number): void {
    this.#kept = { batch, rows: batch.rowsFrom(k) }
    batch.keepFirst(k)
  }

  /** The batch with what was kept of it; null when nothing was. */
  take(): MessageBatch | null {
    if (this.#kept === null) return null
    const { batch, rows } = this.#kept
    this.#kept = null
    batch.giveAgain(rows)
    return batch
  }

  forget(): void {
    this.#kept = null
  }
}
