import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import type { TaskCut } from '../task-cuts.ts'
import { decodePlanHead, encodePlanHead, encodeTasks, type PlanHead, readTasks, type TaskEntry } from './plan-document.ts'
import { plannerOf, runFiles, shareName, taskName } from './run-files.ts'

/** A plan, as far as it is written. */
export interface WritablePlan {
  readonly head: PlanHead
  readonly tasks: readonly TaskCut[]
  /** Seconds after which an attempt at a task is given up, by task. */
  readonly taskSeconds: readonly number[]
  /** What a task has to do: lines of task-share.ts. */
  shareText(task: TaskCut): string
}

/** A file of shares is written when it has so many bytes. */
const SHARE_FILE_BYTES = 8 * 2 ** 20

/**
 * Writes a plan below the table: shares, the task list, the bundle, and last the head, which makes it a run.
 * @param map source map of the bundle
 * @throws ReplayError input `run-exists`
 */
export async function writePlan(table: ObjectStore, plan: WritablePlan, bundle: string, map?: string): Promise<void> {
  const files = runFiles(plan.head.run)
  const entries = await writeShares(table, plan, null)
  await putOnce(table, plan, files.tasks, encodeTasks(entries))
  await putOnce(table, plan, files.bundle, encoder.encode(bundle))
  if (map !== undefined) await putOnce(table, plan, files.bundleMap, encoder.encode(map))
  await putOnce(table, plan, files.plan, encodePlanHead(plan.head))
}

/**
 * Writes a plan that others may be making at the same moment, or began to make and died: what is written under the planner's
 * own name becomes the run's with the task list, which only one can put; whoever comes later finishes what that one began.
 * The bundle is there already. Returns whether this plan is the one.
 * @param planner a-z and 0-9, at most 20, of this attempt alone
 */
export async function writeSharedPlan(table: ObjectStore, plan: WritablePlan, planner: string): Promise<boolean> {
  const files = runFiles(plan.head.run)
  if (await finishPlan(table, plan.head.run)) return false
  const entries = await writeShares(table, plan, planner)
  await putOnce(table, plan, files.plannedHead(planner), encodePlanHead(plan.head))
  const isFirst = (await table.put(files.tasks, encodeTasks(entries), 'absent')) !== null
  await finishPlan(table, plan.head.run)
  return isFirst
}

/** Whether a run is planned; where only its head is not in its place yet, puts it there. */
export async function finishPlan(table: ObjectStore, run: string): Promise<boolean> {
  const files = runFiles(run)
  if ((await table.get(files.plan)) !== null) return true
  if ((await table.get(files.tasks, { range: { start: 0, end: 1 } })) === null) return false
  const [first] = await readTasks(table, run)
  const head = first === undefined ? await emptyHead(table, run) : await headOfShare(table, run, first.file)
  if (head === null) return false
  await table.put(files.plan, head, 'absent')
  return true
}

async function headOfShare(table: ObjectStore, run: string, share: string): Promise<Uint8Array | null> {
  const planner = plannerOf(share)
  return planner === null ? null : ((await table.get(runFiles(run).plannedHead(planner)))?.bytes ?? null)
}

/** A list without tasks does not say who made it: any head of a plan with nothing to do. */
async function emptyHead(table: ObjectStore, run: string): Promise<Uint8Array | null> {
  for await (const { key } of table.list(runFiles(run).shares)) {
    const object = key.endsWith('.json') ? await table.get(key) : null
    if (object !== null && decodePlanHead(object.bytes, run, `${table.uri}/${key}`).tasks === 0) return object.bytes
  }
  return null
}

async function writeShares(table: ObjectStore, plan: WritablePlan, planner: string | null): Promise<TaskEntry[]> {
  const files = runFiles(plan.head.run)
  const entries: TaskEntry[] = []
  let chunks: Uint8Array[] = []
  let at = 0
  let count = 0
  for (const [i, task] of plan.tasks.entries()) {
    const share = encoder.encode(plan.shareText(task))
    const place = { task: taskName(i), file: shareName(count, planner), at, length: share.length }
    const { first, partitions, bytes } = task
    entries.push({ ...place, first, partitions, bytes: Math.round(bytes), seconds: plan.taskSeconds[i]! })
    chunks.push(share)
    at += share.length
    if (at < SHARE_FILE_BYTES) continue
    await putOnce(table, plan, files.share(shareName(count++, planner)), Buffer.concat(chunks))
    chunks = []
    at = 0
  }
  if (at > 0) await putOnce(table, plan, files.share(shareName(count, planner)), Buffer.concat(chunks))
  return entries
}

async function putOnce(table: ObjectStore, plan: WritablePlan, key: string, bytes: Uint8Array): Promise<void> {
  if ((await table.put(key, bytes, 'absent')) !== null) return
  throw new ReplayError('run-exists', `run ${plan.head.run} was planned before`, { category: 'input', path: `${table.uri}/${key}` })
}

const encoder = new TextEncoder()
