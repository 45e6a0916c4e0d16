import { exitCodeOf, ReplayError } from '../core/errors.ts'
import { bundleJob } from '../core/job/bundle.ts'
import { partitionText } from '../core/plan/partition-state.ts'
import { dollarsOf } from '../core/plan/plan-cost.ts'
import { readPlanHead } from '../core/plan/run/plan-document.ts'
import type { Receipt } from '../core/plan/run/receipt.ts'
import { runTaskInThreads, type ThreadedTaskResult } from '../core/task/task-threads.ts'
import type { Container } from './container.ts'
import type { Log } from './log.ts'

/** A thread that does not hear gets so long; then there is time left for the receipts, as Batch kills 30 s after it asks. */
const GRACE_MS = 12_000

/** Runs a task, or what earlier attempts left of it. Returns the command's exit code: 75 makes Batch try again. */
export async function task(container: Container, name: string, log: Log, signal: AbortSignal): Promise<number> {
  const { tableUri, run, attempt, engine, threads, threadEnv: env, endpoint, tries, submittedMs } = container
  if (container.onlyJob !== null) await requireJob(container, container.onlyJob)
  const startedMs = Date.now()
  const waitedMs = submittedMs !== null && tries === 1 ? Math.max(0, startedMs - submittedMs) : null
  log.info('task-begins', { threads, tries, ...(waitedMs !== null && { waitedMs }) })
  const result = await runTaskInThreads({
    ...{ tableUri, run, task: name, attempt, engine, threads, env, endpoint, signal },
    isSameTry: (other) => container.isSameTry(other),
    clock: Date.now,
    graceMs: GRACE_MS,
    idleMs: container.idleMs,
    onIdle({ venue, symbol, startNs, job, idleMs }) {
      const partition = partitionText(venue, symbol, startNs)
      log.error('no-progress', {
        partition,
        job,
        idleMs: Math.round(idleMs),
        message: 'a handler that does not return, or a store that does not answer',
      })
    },
    onReceipts: (receipts) => {
      for (const receipt of receipts) logReceipt(receipt, log)
    },
  })
  const seconds = (Date.now() - startedMs) / 1000
  tellMetrics(result, { seconds, threads, waitedMs }, log)
  const { done, failed, left, rows, before, failure } = result
  const fields = { done, failed: failed.length, left, rows, before, seconds }
  if (failure === null) {
    log.info('task-done', fields)
    return 0
  }
  log.error('task-failed', { ...fields, code: failure.code, category: failure.category, message: failure.message })
  return exitCodeOf(new ReplayError(failure.code, failure.message, failure))
}

/** @throws ReplayError input `job-refused` */
async function requireJob({ tableUri, run, open }: Container, name: string): Promise<void> {
  const { job, bundle } = await readPlanHead(open(tableUri), run)
  if (bundle === (await bundleJob(name)).hash) return
  const message = `the role of this container is for the built-in job ${name} alone, and the run is of another: ${job}`
  throw new ReplayError('job-refused', message, { category: 'input' })
}

function logReceipt(receipt: Receipt, log: Log): void {
  const { venue, symbol, startNs, checksum, messages, timing, gaps, error } = receipt
  const partition = partitionText(venue, symbol, BigInt(startNs))
  const fields = { partition, rows: checksum.rows, messages: messages.read, bytes: timing.bytes, durationMs: timing.durationMs, gaps }
  if (error === null) log.info('partition-done', fields)
  else log.error('partition-failed', { ...fields, ...error })
}

interface Spent {
  readonly seconds: number
  readonly threads: number
  readonly waitedMs: number | null
}

function tellMetrics({ job, done, failed, counts }: ThreadedTaskResult, { seconds, threads, waitedMs }: Spent, log: Log): void {
  const { messages, bytes, retries, puts } = counts
  const gets = counts.gets + counts.lists
  log.metrics(job, {
    Messages: { value: messages, unit: 'Count' },
    Bytes: { value: bytes, unit: 'Bytes' },
    Gets: { value: gets, unit: 'Count' },
    Puts: { value: puts, unit: 'Count' },
    Retries: { value: retries, unit: 'Count' },
    Partitions: { value: done, unit: 'Count' },
    FailedPartitions: { value: failed.length, unit: 'Count' },
    Duration: { value: seconds, unit: 'Seconds' },
    Cost: { value: dollarsOf({ vcpuSeconds: seconds * threads, gets, puts }), unit: 'None' },
    ...(waitedMs !== null && { QueueWait: { value: waitedMs / 1000, unit: 'Seconds' } }),
  })
}
