import fc from 'fast-check'
import type { LoadedJob } from '../../bench/made/job-run.ts'
import { commitRun } from '../../core/commit/commit.ts'
import type { CommitResult } from '../../core/commit/commit-result.ts'
import type { ParamGrid } from '../../core/job/job-definition.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { readArchiveIndex } from '../../core/plan/archive/archive-index.ts'
import { planRun } from '../../core/plan/plan.ts'
import type { PlanOptions } from '../../core/plan/plan-options.ts'
import { type PlanHead, readTasks } from '../../core/plan/run/plan-document.ts'
import { writePlan } from '../../core/plan/run/plan-writer.ts'
import { newRunId } from '../../core/plan/run/run-files.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { runTask, type TaskResult } from '../../core/task/task.ts'
import { DyingStore } from './dying-store.ts'

/** How one attempt at a task ends early: asked to, after so many batches, or dead, after so many changes of the store. */
export interface Fault {
  readonly kind: 'abort' | 'die'
  readonly after: number
}

/** A run over a part of the range: which cells, in what tasks, with which accidents. */
export interface HistoryRun {
  /** Thousandths of the range. */
  readonly from: number
  readonly to: number
  readonly taskBytes: number
  readonly minTasks: number
  readonly isReversed: boolean
  /** One after the other, over the tasks. */
  readonly faults: readonly Fault[]
  /** A second attempt at every task, whose name sorts before or behind the first: before the commit, or behind it. */
  readonly duplicate: 'none' | 'early' | 'late'
  /** Begins with what earlier runs learnt of the archive. */
  readonly knowsFacts: boolean
}

/** Runs of one table, the last one over the whole range. */
export interface JobHistory {
  readonly slice: string
  readonly runs: readonly HistoryRun[]
  /** All but the last are planned before any is committed; then in the order that the weights give. */
  readonly isConcurrent: boolean
  readonly weights: readonly number[]
}

const run: fc.Arbitrary<HistoryRun> = fc.record({
  from: fc.nat(999),
  to: fc.nat(999),
  taskBytes: fc.constantFrom(2 ** 32, 4000, 500),
  minTasks: fc.integer({ min: 1, max: 12 }),
  isReversed: fc.boolean(),
  faults: fc.array(fc.record({ kind: fc.constantFrom('abort', 'die'), after: fc.nat(6) }), { maxLength: 3 }),
  duplicate: fc.constantFrom('none', 'none', 'early', 'late'),
  knowsFacts: fc.boolean(),
})

export const jobHistories: fc.Arbitrary<JobHistory> = fc.record({
  slice: fc.constantFrom('1d', '12h', '6h', '1h'),
  runs: fc.array(run, { minLength: 1, maxLength: 3 }),
  isConcurrent: fc.boolean(),
  weights: fc.array(fc.nat(9), { minLength: 2, maxLength: 2 }),
})

export interface HistoryOptions extends LoadedJob {
  readonly archive: ObjectStore
  readonly table: ObjectStore
  readonly params: ParamGrid
  /** Half-open, nanoseconds since the epoch, whole days. */
  readonly fromNs: bigint
  readonly toNs: bigint
  /** @default 'abort' */
  readonly onCorrupt?: PlanOptions['onCorrupt']
  /** What every plan knows of the archive. @default what earlier runs learnt, or nothing, as the history says */
  readonly facts?: PlanOptions['facts']
}

let runs = 0

/** Carries a history out in this thread. Gives what the last commit said, and what a plan says then. */
export async function carryOut(history: JobHistory, options: HistoryOptions): Promise<{ readonly left: PlanHead['counts'] }> {
  const { slice, isConcurrent, weights } = history
  const early = history.runs.slice(0, -1)
  const last = { ...history.runs.at(-1)!, from: 0, to: 1000 }
  if (isConcurrent) {
    const planned = []
    for (const each of early) planned.push({ each, id: await writtenPlan(each, slice, options) })
    for (const { each, id } of planned) if (id !== null) await finishTasks(each, id, options)
    const order = planned.map((one, i) => ({ ...one, weight: weights[i] ?? 0 })).sort((a, b) => a.weight - b.weight)
    for (const { each, id } of order) if (id !== null) await commit(each, id, options)
  } else for (const each of early) await whole(each, slice, options)
  await whole(last, slice, options)
  const after = await plan(last, slice, options)
  return { left: after.head.counts }
}

async function whole(each: HistoryRun, slice: string, options: HistoryOptions): Promise<void> {
  const id = await writtenPlan(each, slice, options)
  if (id === null) return
  await finishTasks(each, id, options)
  await commit(each, id, options)
}

async function plan(each: HistoryRun, slice: string, options: HistoryOptions): ReturnType<typeof planRun> {
  const { archive, table, bundle, job, params, fromNs, toNs, onCorrupt } = options
  const sliceNs = { '1d': 86_400_000_000_000n, '12h': 43_200_000_000_000n, '6h': 21_600_000_000_000n, '1h': 3_600_000_000_000n }[slice]!
  const cells = Number((toNs - fromNs) / sliceNs)
  const [a, b] = [each.from, each.to].sort((x, y) => x - y).map((share) => Math.round((cells * share) / 1000)) as [number, number]
  const isWhole = each.from === 0 && each.to === 1000
  const first = Math.min(a, cells - 1)
  const end = Math.max(b, first + 1)
  const live = await readCommittedParts(table)
  return planRun({
    archive,
    outline: outlineJob(job, params, live),
    code: { bundle: bundle.hash, engine: 'engine' },
    run: newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5),
    createdMs: 1,
    slice,
    taskBytes: each.taskBytes,
    minTasks: each.minTasks,
    onCorrupt,
    // Jobs of the tests are right, so that no partition is to come out otherwise when it is made again.
    check: each.isReversed ? 1 : undefined,
    ...(!isWhole && { fromNs: fromNs + BigInt(first) * sliceNs, toNs: fromNs + BigInt(end) * sliceNs }),
    live,
    facts: options.facts ?? (each.knowsFacts ? await readArchiveIndex(table) : undefined),
  })
}

/** Null: nothing to run in that part of the range. */
async function writtenPlan(each: HistoryRun, slice: string, options: HistoryOptions): Promise<string | null> {
  try {
    const made = await plan(each, slice, options)
    if (made.head.partitions === 0) return null
    await writePlan(options.table, made, options.bundle.code)
    return made.head.run
  } catch (error) {
    if ((error as { code?: string }).code === 'range-empty' && each.to !== 1000) return null
    throw error
  }
}

async function finishTasks(each: HistoryRun, id: string, options: HistoryOptions): Promise<void> {
  const tasks = (await readTasks(options.table, id)).map(({ task }) => task)
  const faults = [...each.faults]
  for (const task of each.isReversed ? tasks.reverse() : tasks) {
    for (let attempt = 1; ; attempt++) {
      const fault = faults.shift()
      const result = await attemptAt(task, id, `m${attempt}`, options, fault)
      if (fault === undefined && result !== null) {
        if (result.failed.length > 0) throw new Error(JSON.stringify(result.failed[0]!.error))
        break
      }
    }
    if (each.duplicate === 'early') await attemptAt(task, id, 'b', options)
    if (each.duplicate === 'late') await attemptAt(task, id, 'z', options)
  }
}

async function attemptAt(task: string, run: string, attempt: string, options: HistoryOptions, fault?: Fault): Promise<TaskResult | null> {
  const { archive } = options
  const stop = new AbortController()
  let batches = 0
  const table = fault?.kind === 'die' ? new DyingStore(options.table, fault.after) : options.table
  const onProgress = (): void => {
    if (fault?.kind === 'abort' && ++batches > fault.after) stop.abort()
  }
  try {
    if (fault?.kind === 'abort' && fault.after === 0) stop.abort()
    return await runTask({ table, archive, run, task, attempt, clock: Date.now, signal: stop.signal, onProgress })
  } catch (error) {
    if (table instanceof DyingStore && table.isDead) return null
    throw error
  }
}

async function commit(each: HistoryRun, id: string, options: HistoryOptions): Promise<CommitResult> {
  const { table } = options
  const result = await commitRun(table, id, { clock: Date.now, random: Math.random })
  if (result.state === 'refused')
    throw new Error(`refused: ${JSON.stringify(result.missing[0], (_, v) => (typeof v === 'bigint' ? String(v) : v))}`)
  if (each.duplicate !== 'none') {
    // A container that nobody waits for any more comes to its end, and the commit is asked for again.
    for (const { task } of await readTasks(table, id)) await attemptAt(task, id, each.duplicate === 'early' ? 'a' : 'zz', options)
    const again = await commitRun(table, id, { clock: Date.now, random: Math.random })
    if (again.state !== 'unchanged') throw new Error(`committed again: ${again.state}`)
  }
  return result
}
