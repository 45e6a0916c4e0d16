import type { CellBytes } from './archive/instrument-days.ts'

/** Consecutive partitions that one task runs. */
export interface TaskCut {
  /** Index of the first. */
  first: number
  partitions: number
  /** Bytes to read. */
  bytes: number
}

/** A partition that runs, as far as cutting is concerned. */
export interface CutPartition {
  /** Differs between instruments. */
  readonly instrument: number
  readonly bytes: CellBytes
  /** There is a restart point; without one the state has to come from the partitions before. */
  readonly canRestart: boolean
}

/** Tasks of a run: what a Distributed Map takes in one go, with room. */
const MAX_TASKS = 9_000
/** What a partition costs besides its bytes (files to open and to write), in bytes of reading. */
const PARTITION_WEIGHT = 2 * 2 ** 20
/** At most so much of a task's weight may be reading what another task reads, too. */
const MAX_REREAD = 0.25

/**
 * Cuts partitions, in order of instrument and time, into tasks of about equal bytes. Those of an instrument stay together
 * as long as they fit, because what follows on from another one need not read what leads to it.
 * @param taskBytes about the bytes of a task; @param minTasks rather more and smaller tasks than fewer
 */
export function cutTasks(
  partitions: Iterable<CutPartition>,
  total: { bytes: number; partitions: number },
  taskBytes: number,
  minTasks: number,
): TaskCut[] {
  const weight = total.bytes + total.partitions * PARTITION_WEIGHT
  // A task and the one after it weigh more than the target, so that twice as many is the most.
  const target = Math.max(Math.min(taskBytes, weight / Math.max(1, minTasks)), (2 * weight) / MAX_TASKS)
  const tasks: TaskCut[] = []
  let current: TaskCut | null = null
  let taskWeight = 0
  let index = 0
  let last: CutPartition | null = null
  for (const partition of partitions) {
    const { from, start, end } = partition.bytes
    const lead = start - from
    const follows = last !== null && last.instrument === partition.instrument
    // From the partition before through what lies between, or from the restart point: whichever is nearer.
    const joined = follows ? end - Math.min(start, Math.max(last!.bytes.end, from)) : end - from
    const isTooMuch = taskWeight + joined + PARTITION_WEIGHT > target
    const isCheapToCut = !follows || (lead <= target * MAX_REREAD && (partition.canRestart || lead === 0))
    if (current === null || (isTooMuch && isCheapToCut)) {
      current = { first: index, partitions: 0, bytes: 0 }
      tasks.push(current)
      taskWeight = 0
      last = null
    }
    const bytes = last === null ? end - from : joined
    current.partitions++
    current.bytes += bytes
    taskWeight += bytes + PARTITION_WEIGHT
    last = partition
    index++
  }
  return tasks
}
