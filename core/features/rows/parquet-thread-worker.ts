/** Thread of ParquetThread: writes each row group that it is told of, and leaves its memory empty for another. */
import { parentPort, workerData } from 'node:worker_threads'
import { ReplayError } from '../../errors.ts'
import { ColumnBuffer } from '../../table/column-buffer.ts'
import { GroupWriter } from '../../table/group-writer.ts'
import type { ParquetAnswer, ParquetOrder, ParquetThreadData } from './parquet-thread.ts'

const { path, specs, capacity, memory, finished } = workerData as ParquetThreadData
const blocks = memory.map((block) => specs.map((spec, i) => new ColumnBuffer(spec, capacity, block[i])))
let writer: GroupWriter | null = null

parentPort!.on('message', (order: ParquetOrder) => {
  try {
    writer ??= new GroupWriter({ path, columns: specs })
    if ('rows' in order) writer.write(blocks[order.block]!, order.rows)
    else {
      if (order.end === 'abandon') writer.abandon()
      else writer.close()
      answer({ ended: true })
    }
  } catch (error) {
    writer?.abandon()
    answer({ failure: failureOf(error) })
  }
  if ('rows' in order) giveBack(order.block)
})

/** Also after a failure: the other thread may be waiting for the block, where it hears nothing else. */
function giveBack(block: number): void {
  for (const column of blocks[block]!) column.restart(null)
  Atomics.add(finished, 0, 1)
  Atomics.notify(finished, 0)
  answer({ done: true })
}

function answer(message: ParquetAnswer): void {
  parentPort!.postMessage(message)
}

function failureOf(error: unknown): { code: string; category: ReplayError['category']; message: string } {
  if (error instanceof ReplayError) return { code: error.code, category: error.category, message: error.message }
  return { code: 'worker-failed', category: 'bug', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
