/** Thread of late-errors.ts: answers, then ends in the way that it was asked to. */
import { parentPort } from 'node:worker_threads'

parentPort!.on('message', (end: 'throw' | 'exit') => {
  parentPort!.postMessage(`answer to ${end}`)
  setImmediate(() => {
    if (end === 'exit') process.exit(3)
    throw new Error('after the answer')
  })
})
