/** Pipeline module of the MultiSymbolReplay test: what it does for a symbol is said in `task.data`. */
import fs from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { ReplayReader } from '../../../core/log/reading/replay-reader.ts'
import type { SymbolTask } from '../../../core/pipeline/multi-symbol-replay.ts'
import { ReplayPipeline } from '../../../core/pipeline/replay-pipeline.ts'

export interface Instructions {
  /** What befalls a symbol's pipeline; `late`: the worker, right after it answered for the symbol that it is given next. */
  readonly fates?: Readonly<Record<string, 'throw' | 'exit' | 'crash' | 'late' | 'sink' | 'slow'>>
  /** File that the order of starts is appended to. */
  readonly diary?: string
}

export async function createPipeline({ symbol, logs, data }: SymbolTask): Promise<ReplayPipeline> {
  const { fates = {}, diary } = (data ?? {}) as Instructions
  if (diary !== undefined) fs.appendFileSync(diary, `${symbol}\n`)
  const fate = fates[symbol]
  if (fate === 'throw') throw new Error('no pipeline for you')
  if (fate === 'exit') process.exit(3)
  if (fate === 'crash') {
    setImmediate(() => {
      throw new Error('out of the blue')
    })
    await new Promise(() => {})
  }
  if (fate === 'late') throwAfterNextAnswer()
  const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(logs[0]!.path, { bufferBytes: 4096 })).checksum()
  if (fate === 'slow') return pipeline.transform({ apply: () => new Promise((resolve) => setTimeout(resolve, 100)) })
  return fate === 'sink' ? pipeline.writeToCsv('/nonexistent/folder/out.csv') : pipeline
}

/** The worker has looked up `postMessage` for the symbol at hand already. */
function throwAfterNextAnswer(): void {
  const port = parentPort!
  const post = port.postMessage.bind(port)
  port.postMessage = (answer) => {
    post(answer)
    throw new Error('after the answer')
  }
}
