/** Thread of ParquetThread: copies the rows it is sent into a ParquetFile and gives their arrays back. */
import { parentPort, workerData } from 'node:worker_threads'
import { ReplayError } from '../../errors.ts'
import type { ColumnSpec } from '../../table/column-buffer.ts'
import { ParquetFile } from '../../table/parquet-writer.ts'
import type { ParquetAnswer, ParquetOrder } from './parquet-thread.ts'
import type { RowColumn } from './row-target.ts'

const { path, columns } = workerData as { path: string; columns: readonly ColumnSpec[] }
let file: ParquetFile | null = null

parentPort!.on('message', async (order: ParquetOrder) => {
  try {
    if ('rows' in order) {
      file ??= new ParquetFile({ path, columns })
      write(file, order.columns, order.rows)
      for (const { valid } of order.columns) valid?.fill(0)
      const buffers = order.columns.flatMap(({ f64, words, i32, bools, valid }) => [
        f64,
        words,
        i32,
        bools,
        ...(valid === null ? [] : [valid]),
      ])
      answer(
        { done: order.columns },
        buffers.map(({ buffer }) => buffer as ArrayBuffer),
      )
      return
    }
    if (order.end === 'abandon') file?.abandon()
    else {
      file ??= new ParquetFile({ path, columns })
      await file.close()
    }
    answer({ ended: true })
  } catch (error) {
    file?.abandon()
    answer({ failure: failureOf(error) })
  }
})

function write(target: ParquetFile, blocks: readonly RowColumn[], rows: number): void {
  for (let from = 0; from < rows; ) {
    const { row, freeRows } = target
    const count = Math.min(rows - from, freeRows)
    target.columns.forEach((column, i) => {
      const block = blocks[i]!
      if (column.type === 'f64') column.f64.set(block.f64.subarray(from, from + count), row)
      else if (column.type === 'i64') column.words.set(block.words.subarray(2 * from, 2 * (from + count)), 2 * row)
      else if (column.type === 'i32') column.i32.set(block.i32.subarray(from, from + count), row)
      else column.bools.set(block.bools.subarray(from, from + count), row)
      if (block.valid !== null) column.valid!.set(block.valid.subarray(from, from + count), row)
    })
    target.endRows(count)
    from += count
  }
}

function answer(message: ParquetAnswer, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer)
}

function failureOf(error: unknown): { code: string; category: ReplayError['category']; message: string } {
  if (error instanceof ReplayError) return { code: error.code, category: error.category, message: error.message }
  return { code: 'worker-failed', category: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
