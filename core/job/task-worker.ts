/** Thread of a local run: carries out the tasks that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { ReplayError } from '../errors.ts'
import { FileStore } from '../store/file-store.ts'
import type { TaskWorkerData, WorkerReply, WorkerTask } from './run-local.ts'
import { runTask } from './task.ts'

const { tableUri, archiveUri, run, engine, counters, slot } = workerData as TaskWorkerData
const COUNTERS = 3
const counter = new BigInt64Array(counters, slot * COUNTERS * 8, COUNTERS)
const [table, archive] = [new FileStore(tableUri), new FileStore(archiveUri)]
const stop = new AbortController()

parentPort!.on('message', async (message: WorkerTask | 'abort') => {
  if (message === 'abort') stop.abort()
  else parentPort!.postMessage(await carryOut(message))
})

async function carryOut({ task, attempt, only }: WorkerTask): Promise<WorkerReply> {
  const [partitions, messages, bytes] = counter.map((count) => count)
  try {
    const result = await runTask({
      table,
      archive,
      run,
      task,
      attempt,
      engine,
      only: new Set(only),
      clock: Date.now,
      random: Math.random,
      signal: stop.signal,
      onProgress(progress) {
        counter[0] = partitions! + BigInt(progress.partitions)
        counter[1] = messages! + BigInt(progress.messages)
        counter[2] = bytes! + BigInt(progress.bytes)
      },
    })
    counter[0] = partitions! + BigInt(result.done + result.failed.length)
    return { result }
  } catch (error) {
    if (error instanceof ReplayError) return { failure: { code: error.code, category: error.category, message: error.message } }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { failure: { code: 'task-failed', category: 'bug', message } }
  }
}
