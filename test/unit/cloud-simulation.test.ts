import { describe, expect, it } from 'vitest'
import { type CloudWorld, WORLD } from '../../bench/simulation/cloud-world.ts'
import { adviceOf, playGoal, playSizes, USUAL } from '../../bench/simulation/scenarios.ts'
import { serialPhases } from '../../bench/simulation/serial-phases.ts'
import { simulateRun } from '../../bench/simulation/simulate-run.ts'
import { type SimulatedTask, tasksOf } from '../../bench/simulation/simulated-work.ts'

const WORK = { symbols: 60, days: 40, bytes: 4e12, spread: 1.5 }
const CALM: CloudWorld = { ...WORLD, interruptionsPerHour: 0 }

function sum(tasks: readonly SimulatedTask[], of: (task: SimulatedTask) => number): number {
  return tasks.reduce((total, task) => total + of(task), 0)
}

describe('a simulated run', () => {
  const tasks = tasksOf(WORK, 4 * 2 ** 30, 1)

  it('does every task once and all bytes, whatever is interrupted', () => {
    expect(sum(tasks, ({ bytes }) => bytes)).toBeCloseTo(WORK.bytes, -3)
    expect(sum(tasks, ({ partitions }) => partitions)).toBe(WORK.symbols * WORK.days)
    for (const interruptionsPerHour of [0, 0.5, 20]) {
      for (const taskVcpus of [1, 4]) {
        const run = simulateRun(tasks, taskVcpus, { ...WORLD, interruptionsPerHour, quotaVcpus: 64 }, 3)
        expect(run.tasksDone).toBe(tasks.length)
        expect(run.bytesDone / WORK.bytes).toBeCloseTo(1, 9)
        expect(run.attempts).toBe(tasks.length + run.interruptions)
        expect(run.bytesRead).toBeGreaterThanOrEqual(run.bytesDone * (1 - 1e-9))
        if (interruptionsPerHour === 0) expect(run.bytesRead).toBeCloseTo(run.bytesDone, -3)
        else expect(run.interruptions).toBeGreaterThan(0)
      }
    }
  })

  it('is the same for the same seed, and another for another', () => {
    const world = { ...WORLD, quotaVcpus: 64, interruptionsPerHour: 2 }
    expect(simulateRun(tasks, 4, world, 7)).toEqual(simulateRun(tasks, 4, world, 7))
    expect(simulateRun(tasks, 4, world, 8).makespanS).not.toBe(simulateRun(tasks, 4, world, 7).makespanS)
  })

  it('keeps to quota, concurrency and launch rate', () => {
    const quota = simulateRun(tasks, 4, { ...CALM, quotaVcpus: 50 }, 1)
    expect(quota.maxVcpus).toBe(48)
    expect(simulateRun(tasks, 4, { ...CALM, mapConcurrency: 5 }, 1).maxContainers).toBe(5)
    const { launchesS } = simulateRun(tasks, 1, { ...CALM, launchesPerS: 2 }, 1)
    for (let i = 1; i < launchesS.length; i++) expect(launchesS[i]! - launchesS[i - 1]!).toBeGreaterThanOrEqual(0.5 - 1e-9)
  })

  it('takes as long as one container needs for one task', () => {
    const world = { ...CALM, startS: [10, 10] as const, noticeS: 2, partitionS: 1, bytesPerVcpuS: 1e6 }
    const run = simulateRun([{ bytes: 240e6, partitions: 24 }], 4, world, 1)
    // A submit, a launch, the start, 264 vCPU-seconds on four, the notice.
    expect(run.tasksS).toBeCloseTo(1 / 50 + 1 / 20 + 10 + 66 + 2, 6)
    expect(run.vcpuHours).toBeCloseTo((4 * 76) / 3600, 6)
    expect(run.utilisation).toBeCloseTo(240 / (4 * 76), 6)
  })

  it('is held up by S3 until its keys are parted often enough', () => {
    const slow = { ...CALM, s3GetsPerS: 100, archiveKeyParts: 1, s3SplitS: [60, 60] as const }
    const [held, free] = [slow, { ...CALM, s3GetsPerS: 1e6, s3PutsPerS: 1e6 }].map((world) => simulateRun(tasks, 4, world, 1))
    expect(held!.throttledShare).toBeGreaterThan(0)
    expect(free!.throttledShare).toBe(0)
    expect(held!.makespanS).toBeGreaterThan(free!.makespanS)
    const never = simulateRun(tasks, 4, { ...slow, s3SplitS: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] }, 1)
    expect(never.maxGetsPerS).toBeCloseTo(100, 6)
    expect(never.makespanS).toBeGreaterThan(WORK.bytes / WORLD.getBytes / 100)
  })

  it('is held up by S3 where it writes, too, and where it reads small objects', () => {
    const few = { ...CALM, partitionPuts: 1, s3PutsPerS: 1, s3SplitS: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as const }
    const held = simulateRun(tasks, 4, few, 1)
    expect(held.maxPutsPerS).toBeCloseTo(1, 6)
    expect(held.tasksS).toBeGreaterThan(WORK.symbols * WORK.days)
    expect([held.putsThrottledShare > 0, held.getsThrottledShare]).toEqual([true, 0])
    const packed = simulateRun(tasks, 4, { ...few, partitionPuts: 0.01 }, 1)
    expect(packed.tasksS).toBeLessThan(held.tasksS / 2)
    const [none, many] = [0, 1000].map((smallGets) => simulateRun(tasks, 4, { ...CALM, smallGets }, 1))
    expect(many!.maxGetsPerS).toBeGreaterThan(none!.maxGetsPerS)
    expect(many!.dollars).toBeGreaterThan(none!.dollars)
  })

  it('waits for S3 to part its keys as long as that takes, which is drawn', () => {
    const slow = { ...CALM, s3GetsPerS: 100, archiveKeyParts: 1, bytesPerVcpuS: 500e6 }
    const late = simulateRun(tasks, 4, { ...slow, s3SplitS: [1800, 1800] }, 1)
    const soon = simulateRun(tasks, 4, { ...slow, s3SplitS: [60, 60] }, 1)
    const drawn = [1, 2].map((seed) => simulateRun(tasks, 4, { ...slow, s3SplitS: [60, 1800] }, seed).tasksS)
    expect(late.tasksS).toBeGreaterThan(soon.tasksS + 1700)
    expect(drawn[0]).not.toBe(drawn[1])
  })

  it('without restart points has a pass an instrument, as long as the largest takes', () => {
    const whole = tasksOf(WORK, 4 * 2 ** 30, 1, false)
    expect(whole.length).toBeLessThanOrEqual(WORK.symbols)
    expect(sum(whole, ({ partitions }) => partitions)).toBe(WORK.symbols * WORK.days)
    const run = simulateRun(whole, 4, { ...CALM, hasRestartPoints: false }, 1)
    const largest = Math.max(...whole.map(({ bytes }) => bytes)) / CALM.bytesPerVcpuS
    expect(run.tasksS).toBeGreaterThan(largest)
    expect(run.bytesDone / WORK.bytes).toBeCloseTo(1, 9)
  })

  it('begins with a submit and a plan, and ends with a commit, that take longer for more', () => {
    const run = simulateRun(tasks, 4, CALM, 1)
    expect(run.makespanS).toBeCloseTo(run.submitS + run.planS + run.tasksS + run.commitS, 6)
    const [year, day] = [serialPhases(2_016_000, WORLD), serialPhases(8000, WORLD)]
    expect(year.pages).toBe(6048)
    for (const phase of ['submitS', 'planS', 'commitS'] as const) expect(year[phase]).toBeGreaterThan(day[phase])
    // As measured, and the start of its container.
    expect(year.commitS - (25 + 60) / 2 - WORLD.noticeS).toBeCloseTo((69 * 2_016_000) / 2_032_000, -1)
  })
})

describe('what the simulation says', () => {
  const scenarios = { seeds: [1, 2], speeds: [30e6, 120e6] }
  const small = { ...WORLD, quotaVcpus: 64 }

  it('are ranges that hold every scenario', () => {
    const size = { taskGiB: 16, taskVcpus: 4 }
    const [all] = playSizes(WORK, small, scenarios, [size])
    for (const seed of scenarios.seeds) {
      for (const bytesPerVcpuS of scenarios.speeds) {
        const run = simulateRun(tasksOf(WORK, 16 * 2 ** 30, seed), 4, { ...small, bytesPerVcpuS }, seed)
        expect(run.makespanS / 60).toBeGreaterThanOrEqual(all!.minutes[0])
        expect(run.makespanS / 60).toBeLessThanOrEqual(all!.minutes[1])
        expect(run.dollars).toBeLessThanOrEqual(all!.dollars[1])
      }
    }
    expect(all!.minutes[0]).toBeLessThan(all!.minutes[1])
  })

  it('advises the same, whatever speed this minute has and whichever seeds are drawn', () => {
    const advised = [0.8, 1, 1.25].flatMap((factor) =>
      [
        [1, 2],
        [3, 4],
      ].map((seeds) => {
        const { advised } = adviceOf(playSizes(WORK, small, { seeds, speeds: scenarios.speeds.map((speed) => speed * factor) }))
        return `${advised.taskGiB} ${advised.taskVcpus}`
      }),
    )
    expect(new Set(advised).size).toBe(1)
  })

  it('tells what binds: nothing is slower without a limit, and nothing as fast as without all of them', () => {
    const [asItIs, ...lifted] = playGoal(WORK, small, scenarios, USUAL)
    const [, none] = [lifted.at(-1), lifted.at(-2)]
    for (const { minutes } of lifted.slice(0, -1)) expect(minutes[1]).toBeLessThanOrEqual(asItIs!.minutes[1] + 0.5)
    expect(Math.min(...lifted.slice(0, -1).map(({ minutes }) => minutes[1]))).toBe(none!.minutes[1])
    expect(lifted.at(-1)!.minutes[1]).toBeGreaterThan(asItIs!.minutes[1])
  })
})
