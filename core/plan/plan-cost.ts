import type { PlanCost } from './run/plan-document.ts'

/** What a run does, as planned. */
export interface PlannedWork {
  readonly bytesInRange: number
  readonly bytesRead: number
  /** Objects opened, each counted once per task. */
  readonly objects: number
  readonly partitions: number
  readonly tasks: number
  readonly variants: number
  /** What a vCPU does with the bytes. @default `REPLAY` */
  readonly speed?: WorkSpeed | undefined
}

/** Bytes that one vCPU takes per second, at worst and at best, and what they are. */
export interface WorkSpeed {
  readonly slow: number
  readonly fast: number
  readonly does: string
}

/** Bytes of a GET request. */
const READ_BYTES = 4 * 2 ** 20
/** GETs of a task beside its objects: its plan and bundle, and the search for where reading begins. */
const TASK_GETS = 16
/** A book with rows and compression, and a light job. */
const REPLAY: WorkSpeed = { slow: 60e6, fast: 300e6, does: 'replays 60 to 300 MB/s of archive' }
/** Compressed text into books, and binary messages. */
export const IMPORT: WorkSpeed = { slow: 3e6, fast: 60e6, does: 'imports 3 to 60 MB/s of files as they are stored' }
/** Seconds of a vCPU for starting a task, and for a partition's files. */
const TASK_SECONDS = [5, 40] as const
const PARTITION_SECONDS = [0.02, 0.2] as const
/** Each further variant of a sweep, as a share of the first one's time (DESIGN: 32 variants take at most 4 times as long). */
const VARIANT_SHARE = 0.1
/** US dollars: vCPU-hour with 2 GB (spot and on demand), 1,000 GET, 1,000 PUT. */
const VCPU_HOUR = [0.015, 0.0495] as const
const GETS = 0.0004 / 1000
const PUTS = 0.005 / 1000

/** Estimates requests, time and money of a run, as a range: what a job does per message is not known before it ran. */
export function estimateCost(work: PlannedWork): PlanCost {
  const { bytesInRange, bytesRead, objects, partitions, tasks, variants, speed = REPLAY } = work
  const getRequests = objects + Math.ceil(bytesRead / READ_BYTES) + TASK_GETS * tasks
  const putRequests = partitions === 0 ? 0 : partitions + tasks + 8
  const sweep = sweepFactor(variants)
  const hours = (bytesPerS: number, i: 0 | 1): number =>
    ((bytesRead / bytesPerS) * sweep + tasks * TASK_SECONDS[i] + partitions * PARTITION_SECONDS[i]) / 3600
  const vcpuHours = { low: hours(speed.fast, 0), high: hours(speed.slow, 1) }
  const requests = getRequests * GETS + putRequests * PUTS
  return {
    bytesInRange: Math.round(bytesInRange),
    bytesRead: Math.round(bytesRead),
    amplification: bytesInRange === 0 ? 1 : bytesRead / bytesInRange,
    getRequests,
    putRequests,
    vcpuHours,
    dollars: { low: vcpuHours.low * VCPU_HOUR[0] + requests, high: vcpuHours.high * VCPU_HOUR[1] + requests },
    assumptions: [
      `a vCPU ${speed.does}; each further variant adds ${VARIANT_SHARE * 100} %`,
      `${TASK_SECONDS.join(' to ')} s to start a task, ${PARTITION_SECONDS.join(' to ')} s for a partition's files`,
      `$${VCPU_HOUR[0]} (spot) to $${VCPU_HOUR[1]} (on demand) per vCPU-hour with 2 GB; $0.0004 per 1,000 GET, $0.005 per 1,000 PUT; reads of ${READ_BYTES / 2 ** 20} MiB`,
      'archive and run in one region; bytes of a folder are spread evenly over the time that it reaches, which is looked up in its indexes; how they lie in it is not',
    ],
  }
}

/** An attempt may take so many times as long as slow work on one vCPU: a busy neighbour, a disk, many retries. */
const PATIENCE = 3
const MIN_ATTEMPT_SECONDS = 900

/** After how many seconds an attempt at a task is surely stuck. */
export function attemptSeconds(
  { bytes, partitions }: { readonly bytes: number; readonly partitions: number },
  variants: number,
  minSeconds = MIN_ATTEMPT_SECONDS,
  { slow } = REPLAY,
): number {
  const seconds = (bytes / slow) * sweepFactor(variants) + partitions * PARTITION_SECONDS[1]
  return Math.max(minSeconds, Math.ceil(PATIENCE * seconds))
}

/** What was used so far, in US dollars; spot is cheaper. @default at prices on demand */
export function dollarsOf(
  used: { readonly vcpuSeconds: number; readonly gets: number; readonly puts: number },
  prices: 'on-demand' | 'spot' = 'on-demand',
): number {
  return (used.vcpuSeconds / 3600) * VCPU_HOUR[prices === 'spot' ? 0 : 1] + used.gets * GETS + used.puts * PUTS
}

/** How much longer a sweep takes than one of its variants. */
function sweepFactor(variants: number): number {
  return 1 + VARIANT_SHARE * Math.max(0, variants - 1)
}
