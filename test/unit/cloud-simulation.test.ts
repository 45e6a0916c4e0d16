import { describe, expect, it } from 'vitest'
import { type CloudWorld, WORLD } from '../../bench/simulation/cloud-world.ts'
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
    const slow = { ...CALM, s3GetsPerS: 100, s3Partitions: 1, s3SplitS: 60 }
    const [held, free] = [slow, { ...CALM, s3GetsPerS: 1e6 }].map((world) => simulateRun(tasks, 4, world, 1))
    expect(held!.throttledShare).toBeGreaterThan(0)
    expect(free!.throttledShare).toBe(0)
    expect(held!.makespanS).toBeGreaterThan(free!.makespanS)
    const never = simulateRun(tasks, 4, { ...slow, s3SplitS: Number.POSITIVE_INFINITY }, 1)
    expect(never.maxGetsPerS).toBeCloseTo(100, 6)
    expect(never.makespanS).toBeGreaterThan(WORK.bytes / WORLD.getBytes / 100)
  })
})
