import { parentPort, workerData } from 'node:worker_threads'
import { openStore } from '../store/open-store.ts'
import { newStoreCounts, type StoreCounts } from '../store/store-counts.ts'
import type { RowGroupBuffers } from '../table/row-group-buffers.ts'
import { type RunTaskOptions, runTask, type TaskWork } from './task.ts'
import { COUNTERS, failureOf, type TaskWorkerData, type WorkerReply, type WorkerTask } from './task-pool.ts'

/**
 * What a thread of a run does: carries out the tasks that it is sent, one after the other.
 * @param work does what a task is there for, and leaves its receipts to the caller
 */
export function answerTasks(work: (options: RunTaskOptions) => Promise<TaskWork>): void {
  const { tableUri, archiveUri, restartsUri, endpoint, run, engine, counters, slot, library } = workerData as TaskWorkerData
  /** Provides the library to jobs, as in the thread that started this one. */
  const provided = import(library)
  const counter = new BigInt64Array(counters, slot * COUNTERS * 8, COUNTERS)
  const counts = newStoreCounts()
  const table = openStore(tableUri, { endpoint, counts })
  const archive = openStore(archiveUri, { endpoint, counts })
  const restarts = restartsUri === undefined ? undefined : openStore(restartsUri, { endpoint, counts })
  /** Megabytes each: tasks one after the other would leave it to the garbage collector how many are held at once. */
  const spare: RowGroupBuffers[] = []
  const stop = new AbortController()

  const carryOut = async ({ task, attempt, only, receipts }: WorkerTask): Promise<WorkerReply> => {
    const [partitions, messages, bytes, planned] = counter.map((count) => count)
    const before = { ...counts }
    const options: RunTaskOptions = {
      table,
      archive,
      restarts,
      endpoint,
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
    }
    try {
      await provided
      const done = await (receipts === 'write' ? runTask(options, work) : work(options))
      counter[0] = partitions! + BigInt(done.receipts.length)
      return { work: done, counts: differenceOf(before, counts) }
    } catch (error) {
      return { failure: failureOf(error) }
    }
  }

  parentPort!.on('message', async (message: WorkerTask | 'abort') => {
    if (message === 'abort') stop.abort()
    else parentPort!.postMessage(await carryOut(message))
  })
}

function differenceOf(before: StoreCounts, counts: StoreCounts): StoreCounts {
  const names = Object.keys(counts) as (keyof StoreCounts)[]
  return Object.fromEntries(names.map((name) => [name, counts[name] - before[name]])) as unknown as StoreCounts
}
