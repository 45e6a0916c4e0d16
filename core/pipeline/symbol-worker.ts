/** Thread of MultiSymbolReplay: builds and runs the pipeline of each symbol that it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import { describePlace, type ErrorPlace, ReplayError } from '../errors.ts'
import type { SymbolFailure, SymbolTask, WorkerReply, WorkerTask } from './multi-symbol-replay.ts'
import type { ReplayPipeline } from './replay-pipeline.ts'

const { counters, slot } = workerData as { counters: SharedArrayBuffer; slot: number }
const counter = new BigInt64Array(counters, slot * 8, 1)

parentPort!.on('message', async (task: WorkerTask) => {
  parentPort!.postMessage(await run(task))
})

async function run({ module, ...task }: WorkerTask): Promise<WorkerReply> {
  try {
    const loaded = (await import(module)) as { createPipeline?: (task: SymbolTask) => ReplayPipeline | Promise<ReplayPipeline> }
    if (typeof loaded.createPipeline !== 'function') {
      throw new ReplayError('pipeline-module', `${module} does not export createPipeline(task)`, { category: 'input' })
    }
    const pipeline = await loaded.createPipeline(task)
    return { stats: await pipeline.countInto(counter).run() }
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

function failureOf(error: unknown): SymbolFailure {
  if (error instanceof ReplayError) {
    const { code, category, place, message } = error
    return { code, category, place, message: withoutPlace(message, place) }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'pipeline-failed', category: 'bug', place: {}, message }
}

/** The place goes on its own, and is described again by the error it becomes. */
function withoutPlace(message: string, place: ErrorPlace): string {
  const described = describePlace(place)
  return described !== '' && message.endsWith(described) ? message.slice(0, -described.length) : message
}
