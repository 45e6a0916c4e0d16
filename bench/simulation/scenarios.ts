import type { Between, CloudWorld } from './cloud-world.ts'
import { type SimulatedRun, simulateRun } from './simulate-run.ts'
import { type SimulatedTask, type SimulatedWork, tasksOf } from './simulated-work.ts'

/** Sizes of tasks, GiB, and of their containers, vCPUs. */
export const TASK_GIB = [4, 16, 32, 64] as const
export const TASK_VCPUS = [1, 2, 4, 8, 16] as const

/** What is not known of a run before it: each seed with each speed is a scenario. */
export interface Scenarios {
  readonly seeds: readonly number[]
  /** Bytes a second and vCPU. */
  readonly speeds: readonly number[]
}

/** What a size of tasks and containers comes to, over all scenarios. */
export interface SizeResult {
  readonly taskGiB: number
  readonly taskVcpus: number
  readonly tasks: Between
  readonly minutes: Between
  readonly serialMinutes: Between
  readonly dollars: Between
  readonly utilisation: Between
  /** Shares of the tasks' time in which S3 held reads, and writes. */
  readonly getsHeld: Between
  readonly putsHeld: Between
  readonly interruptions: Between
  readonly maxVcpus: Between
  /** How many times the time or the dollars of the best size of the same scenario it takes, in its worst one. */
  readonly worst: number
}

/** Plays all sizes in all scenarios. */
export function playSizes(work: SimulatedWork, world: CloudWorld, scenarios: Scenarios, sizes = allSizes()): SizeResult[] {
  const worst = new Map(sizes.map((size) => [size, 0]))
  const runs = new Map<Size, SimulatedRun[]>(sizes.map((size) => [size, []]))
  const counts = new Map<Size, number[]>(sizes.map((size) => [size, []]))
  for (const seed of scenarios.seeds) {
    const tasks = new Map<number, SimulatedTask[]>()
    for (const { taskGiB } of sizes)
      if (!tasks.has(taskGiB)) tasks.set(taskGiB, tasksOf(work, taskGiB * 2 ** 30, seed, world.hasRestartPoints))
    for (const bytesPerVcpuS of scenarios.speeds) {
      const played = sizes.map((size) => simulateRun(tasks.get(size.taskGiB)!, size.taskVcpus, { ...world, bytesPerVcpuS }, seed))
      const best = { makespanS: Math.min(...played.map((run) => run.makespanS)), dollars: Math.min(...played.map((run) => run.dollars)) }
      for (const [i, size] of sizes.entries()) {
        const run = played[i]!
        runs.get(size)!.push(run)
        counts.get(size)!.push(tasks.get(size.taskGiB)!.length)
        worst.set(size, Math.max(worst.get(size)!, run.makespanS / best.makespanS, run.dollars / best.dollars))
      }
    }
  }
  return sizes.map((size) => {
    const all = runs.get(size)!
    const over = (of: (run: SimulatedRun) => number): Between => betweenOf(all.map(of))
    return {
      ...size,
      tasks: betweenOf(counts.get(size)!),
      minutes: over(({ makespanS }) => makespanS / 60),
      serialMinutes: over(({ submitS, planS, commitS }) => (submitS + planS + commitS) / 60),
      dollars: over(({ dollars }) => dollars),
      utilisation: over(({ utilisation }) => utilisation),
      getsHeld: over(({ getsThrottledShare }) => getsThrottledShare),
      putsHeld: over(({ putsThrottledShare }) => putsThrottledShare),
      interruptions: over(({ interruptions }) => interruptions),
      maxVcpus: over(({ maxVcpus }) => maxVcpus),
      worst: worst.get(size)!,
    }
  })
}

/** What the stack is deployed with, and `submit` cuts: 16 GiB a vCPU. */
export const USUAL: Size = { taskGiB: 64, taskVcpus: 4 }
/** Sizes so near to the best one's worst are as good: there is more between two seeds. */
const AS_GOOD = 1.1

/** The usual size if its worst scenario is as good as that of any other, else the one with the least bad: no single scenario decides. */
export function adviceOf(results: readonly SizeResult[]): { readonly advised: SizeResult; readonly asGood: readonly SizeResult[] } {
  const least = Math.min(...results.map(({ worst }) => worst))
  const good = results.filter(({ worst }) => worst <= AS_GOOD * least)
  const usual = good.find(({ taskGiB, taskVcpus }) => taskGiB === USUAL.taskGiB && taskVcpus === USUAL.taskVcpus)
  const advised = usual ?? good.reduce((a, b) => (b.worst < a.worst ? b : a))
  return { advised, asGood: good.filter((each) => each !== advised) }
}

/** What a goal would take: the run as it is, and with each of what holds it up taken away. */
export interface GoalRow {
  readonly what: string
  readonly minutes: Between
  readonly dollars: Between
}

/** Firm-wide runs on many vCPUs: which of the limits binds. The first row is the run as it is; each further one lifts a limit, the last all of them. */
export function playGoal(work: SimulatedWork, world: CloudWorld, scenarios: Scenarios, size: Size): GoalRow[] {
  const { serial } = world
  const noReads = { archiveKeyParts: 1e6 }
  const noWrites = { tableKeyParts: 1e6 }
  const quickStarts = { launchesPerS: 1e6, submitsPerS: 1e6, startS: [0, 0] as const }
  const noCommit = { serial: { ...serial, commitS: 0 } }
  const noPlans = { serial: { ...serial, planS: 0, sharesS: 0, looks: 0, handOverS: 0 } }
  const nothing = { ...noReads, ...noWrites, ...quickStarts, serial: { ...noPlans.serial, commitS: 0 } }
  const rows: [string, Partial<CloudWorld>][] = [
    ['as it is', {}],
    ["without S3's limit of reads", noReads],
    ["without S3's limit of writes", noWrites],
    ['with the commit in no time', noCommit],
    ['with plans and looks in no time', noPlans],
    ['with all containers at once', quickStarts],
    ['without any of these', nothing],
    ['as it is, without restart points', { hasRestartPoints: false }],
  ]
  return rows.map(([what, lifted]) => {
    const [result] = playSizes(work, { ...world, ...lifted }, scenarios, [size])
    return { what, minutes: result!.minutes, dollars: result!.dollars }
  })
}

/** A task, and its container. */
export interface Size {
  readonly taskGiB: number
  readonly taskVcpus: number
}

function allSizes(): Size[] {
  return TASK_GIB.flatMap((taskGiB) => TASK_VCPUS.map((taskVcpus) => ({ taskGiB, taskVcpus })))
}

function betweenOf(values: readonly number[]): Between {
  return [Math.min(...values), Math.max(...values)]
}
