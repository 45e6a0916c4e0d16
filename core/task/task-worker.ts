/** Thread of a run: carries out the tasks that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '../store/open-store.ts'
import { newStoreCounts } from '../store/store-counts.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import { runTask, workTask } from './task.ts'
import { COUNTERS, failureOf, type TaskWorkerData, type WorkerReply, type WorkerTask } from './task-pool.ts'

const { tableUri, archiveUri, endpoint, run, engine, counters, slot, library } = workerData as TaskWorkerData
/** Provides the library to jobs, as in the thread that started this one. */
const provided = import(library)
const counter = new BigInt64Array(counters, slot * COUNTERS * 8, COUNTERS)
const counts = newStoreCounts()
const table = openStore(tableUri, { endpoint, counts })
const archive = openStore(archiveUri, { endpoint, counts })
/** Megabytes each: tasks one after the other would leave it to the garbage collector how many are held at once. */
const spare: RowGroupBuffers[] = []
const stop = new AbortController()

parentPort!.on('message', async (message: WorkerTask | 'abort') => {
  if (message === 'abort') stop.abort()
  else parentPort!.postMessage(await carryOut(message))
})

async function carryOut({ task, attempt, only, receipts }: WorkerTask): Promise<WorkerReply> {
  const [partitions, messages, bytes, planned] = counter.map((count) => count)
  const before = { ...counts }
  try {
    await provided
    const work = await (receipts === 'write' ? runTask : workTask)({
      table,
      archive,
      run,
      task,
      attempt,
      engine,
      only: new Set(only),
      spare,
      clock: Date.now,
      signal: stop.signal,
      onProgress(progress) {
        counter[0] = partitions! + BigInt(progress.partitions)
        counter[1] = messages! + BigInt(progress.messages)
        counter[2] = bytes! + BigInt(progress.bytes)
        counter[3] = planned! + BigInt(Math.floor(progress.plannedBytes))
      },
    })
    counter[0] = partitions! + BigInt(work.receipts.length)
    return { work, counts: differenceOf(before) }
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

function differenceOf(before: typeof counts): typeof counts {
  const names = Object.keys(counts) as (keyof typeof counts)[]
  return Object.fromEntries(names.map((name) => [name, counts[name] - before[name]])) as unknown as typeof counts
}
