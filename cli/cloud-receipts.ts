import { dollarsOf } from '../core/plan/plan-cost.ts'
import { decodeReceipts, type Receipt } from '../core/plan/run/receipt.ts'
import { runFiles } from '../core/plan/run/run-files.ts'
import type { CloudRun } from './cloud-run.ts'

/** What the receipts of a run come to so far. */
export interface RunWork {
  /** Receipts objects: attempts at tasks that are over. */
  readonly attempts: number
  /** Partitions that are done, and that failed at least once. */
  readonly done: number
  readonly failed: number
  readonly messages: number
  readonly bytes: number
  readonly messagesPerSecond: number
  /** US dollars, at prices on demand. */
  readonly dollars: number
  /** Objects that were read; what the others say is estimated from these. */
  readonly read: number
}

/** What one receipts object says. */
interface AttemptWork {
  readonly done: number
  readonly failed: number
  readonly messages: number
  readonly bytes: number
  readonly fromMs: number
  readonly toMs: number
}

/** Objects read by one call, so that looking at a large run stays cheap. */
const MAX_READ = 200
/** A container is paid for from its start; its first receipt begins later. */
const START_MS = 5_000
const READ_BYTES = 4 * 2 ** 20

/** Reads receipts as they appear, each once, a limited number per call. */
export class RunReceiptsReader {
  readonly #run: CloudRun
  readonly #works = new Map<string, AttemptWork>()

  constructor(run: CloudRun) {
    this.#run = run
  }

  async read(): Promise<RunWork> {
    const { table, run } = this.#run
    const fresh: string[] = []
    let attempts = 0
    for await (const { key } of table.list(runFiles(run).receipts)) {
      attempts++
      if (!this.#works.has(key)) fresh.push(key)
    }
    // Spread over all of them: tasks differ by instrument.
    const step = Math.max(1, fresh.length / MAX_READ)
    const chosen = Array.from({ length: Math.min(fresh.length, MAX_READ) }, (_, i) => fresh[Math.floor(i * step)]!)
    await Promise.all(
      chosen.map(async (key) => {
        const object = await table.get(key)
        if (object !== null) this.#works.set(key, workOf(decodeReceipts(object.bytes, key)))
      }),
    )
    return this.#sum(attempts)
  }

  #sum(attempts: number): RunWork {
    const works = [...this.#works.values()]
    const share = works.length === 0 ? 1 : attempts / works.length
    const sum = (value: (work: AttemptWork) => number): number => works.reduce((total, work) => total + value(work), 0) * share
    const [messages, bytes, done] = [sum((work) => work.messages), sum((work) => work.bytes), sum((work) => work.done)]
    const fromMs = Math.min(...works.map((work) => work.fromMs))
    const toMs = Math.max(...works.map((work) => work.toMs))
    const containerMs = sum((work) => work.toMs - work.fromMs + START_MS)
    const vcpuSeconds = (containerMs / 1000) * this.#run.submission.taskVcpus
    return {
      ...{ attempts, read: works.length },
      ...{ done: Math.round(done), failed: Math.round(sum((work) => work.failed)) },
      ...{ messages: Math.round(messages), bytes: Math.round(bytes) },
      messagesPerSecond: works.length === 0 || toMs <= fromMs ? 0 : messages / ((toMs - fromMs) / 1000),
      dollars: dollarsOf({ vcpuSeconds, gets: bytes / READ_BYTES + 10 * attempts, puts: done + 2 * attempts }),
    }
  }
}

function workOf(receipts: readonly Receipt[]): AttemptWork {
  const work = { done: 0, failed: 0, messages: 0, bytes: 0, fromMs: Number.POSITIVE_INFINITY, toMs: 0 }
  for (const { error, messages, timing } of receipts) {
    if (error === null) work.done++
    else work.failed++
    work.messages += messages.read + messages.warmUp
    work.bytes += timing.bytes
    work.fromMs = Math.min(work.fromMs, timing.startedMs)
    work.toMs = Math.max(work.toMs, timing.startedMs + timing.durationMs)
  }
  return work.toMs === 0 ? { ...work, fromMs: 0 } : work
}
