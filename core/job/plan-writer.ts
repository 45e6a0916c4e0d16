import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { dateOfDay } from './cells.ts'
import type { InstrumentDays } from './instrument-days.ts'
import type { RunPlan } from './plan.ts'
import { encodePlanHead, encodeTasks, type TaskEntry } from './plan-document.ts'
import { runFiles, taskName } from './run-files.ts'
import type { TaskCut } from './task-cuts.ts'

/** A file of shares is written when it has so many bytes. */
const SHARE_FILE_BYTES = 8 * 2 ** 20

/**
 * Writes a plan below the table: shares, the task list, the bundle, and last the head, which makes it a run.
 * @throws ReplayError input `run-exists`
 */
export async function writePlan(table: ObjectStore, plan: RunPlan, bundle: string): Promise<void> {
  const files = runFiles(plan.head.run)
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    if ((await table.put(key, bytes, 'absent')) === null) {
      throw new ReplayError('run-exists', `run ${plan.head.run} was planned before`, { category: 'input', path: `${table.uri}/${key}` })
    }
  }
  const entries: TaskEntry[] = []
  let chunks: Uint8Array[] = []
  let at = 0
  let file = 0
  for (const task of plan.tasks) {
    const share = encoder.encode(shareText(plan, task))
    entries.push({ task: taskName(entries.length), file, at, length: share.length, first: task.first, ...sizesOf(task) })
    chunks.push(share)
    at += share.length
    if (at < SHARE_FILE_BYTES) continue
    await put(files.share(file++), Buffer.concat(chunks))
    chunks = []
    at = 0
  }
  if (at > 0) await put(files.share(file), Buffer.concat(chunks))
  await put(files.tasks, encodeTasks(entries))
  await put(files.bundle, encoder.encode(bundle))
  await put(files.plan, encodePlanHead(plan.head))
}

function sizesOf({ partitions, bytes }: TaskCut): Pick<TaskEntry, 'partitions' | 'bytes'> {
  return { partitions, bytes: Math.round(bytes) }
}

function shareText(plan: RunPlan, task: TaskCut): string {
  const lines: string[] = []
  for (const { days, first, end } of plan.partitions.byInstrument(task)) {
    lines.push(JSON.stringify(['i', days.venue, days.symbol]))
    for (const line of folderLines(plan, days, plan.partitions.daysOf(first, end))) lines.push(line)
    for (let i = first; i < end; i++) lines.push(plan.partitions.line(i))
  }
  return `${lines.join('\n')}\n`
}

function* folderLines(
  { listing }: RunPlan,
  days: InstrumentDays,
  [first, last]: readonly [number, number],
): Generator<string, void, undefined> {
  for (let index = first; index <= last; index++) {
    const date = dateOfDay(days.days.days[index]!)
    for (const folder of days.days.foldersOf(index)) {
      yield `["f","${date}",${JSON.stringify(folder.stream)},"${folder.digest}",${listing.objectsText(folder)}]`
    }
  }
}

const encoder = new TextEncoder()
