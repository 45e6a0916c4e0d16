/** Entry of the container: `plan <run>`, `task <run> <task>`, `commit <run>`; `<run>` is the run's URI. */
import { containerCodeOf } from '../core/container-exit.ts'
import { EXIT_AGAIN, exitCodeOf, ReplayError } from '../core/errors.ts'
import '../core/provide-library.ts'
import { commit } from './commit.ts'
import { readContainer } from './container.ts'
import { Log } from './log.ts'
import { plan } from './plan.ts'
import { task } from './task.ts'

/** After the signal; Batch kills after 30 s. */
const STOP_MS = 18_000

const [command, run = '', name, ...rest] = process.argv.slice(2)
let log = new Log({ run, task: name ?? null, attempt: '' }, Date.now)
const stop = new AbortController()

process.on('SIGTERM', () => {
  log.error('stopping', { message: 'SIGTERM: spot interruption, timeout or cancel' })
  // Plan and commit leave nothing in halves, and can be done again.
  if (command !== 'task') process.exit(EXIT_AGAIN)
  stop.abort()
  setTimeout(() => process.exit(EXIT_AGAIN), STOP_MS)
})

process.exit(containerCodeOf(await main()))

async function main(): Promise<number> {
  try {
    const isWhole = command === 'task' ? name !== undefined && rest.length === 0 : name === undefined
    if (!isWhole || (command !== 'plan' && command !== 'task' && command !== 'commit')) throw usage()
    const container = await readContainer(run, process.env, Date.now)
    log = new Log({ run: container.run, task: name ?? null, attempt: container.attempt }, Date.now)
    if (command === 'plan') return await plan(container, log)
    if (command === 'commit') return await commit(container, log)
    return await task(container, name!, log, stop.signal)
  } catch (error) {
    const isOurs = error instanceof ReplayError
    const message = error instanceof Error ? (isOurs ? error.message : error.stack) : String(error)
    log.error('failed', { command, code: isOurs ? error.code : 'bug', category: isOurs ? error.category : 'bug', message })
    return exitCodeOf(error)
  }
}

function usage(): ReplayError {
  const found = JSON.stringify(process.argv.slice(2).join(' '))
  return new ReplayError('usage', `expected plan <run>, task <run> <task> or commit <run>, found ${found}`, { category: 'input' })
}
