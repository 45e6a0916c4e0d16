/** Asks threads that end after they answered, and prints what they answer next: `late-errors.ts throw|exit`. */
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { AnsweringThread } from '../../../core/answering-thread.ts'

const [end] = process.argv.slice(2)
const started = once(process, 'worker')
const thread = new AnsweringThread<string, string>(new URL('./late-thread.ts', import.meta.url), {})
const [worker] = (await started) as [Worker]
const ended = new Promise((resolve) => worker.once('exit', resolve))

const first = await thread.ask(end!)
await ended
const next = await thread.ask('again')
await thread.terminate()
console.log(JSON.stringify({ first, next }))
