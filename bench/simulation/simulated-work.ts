import { type CutPartition, cutTasks } from '../../core/plan/task-cuts.ts'
import { randomOf } from './random.ts'

/** What there is to do: partitions of many instruments. */
export interface SimulatedWork {
  readonly symbols: number
  readonly days: number
  readonly bytes: number
  /** How much symbols differ: the standard deviation of the logarithm of their bytes. */
  readonly spread: number
}

/** 8,000 symbols, a year of trading days, 50 TB. */
export const YEAR: SimulatedWork = { symbols: 8000, days: 252, bytes: 50e12, spread: 1.5 }

/** A task, as planning cuts it. */
export interface SimulatedTask {
  readonly bytes: number
  readonly partitions: number
}

/**
 * Cuts the work as a plan would, a partition being a symbol's day.
 * @param canRestart whether a task may begin with any day; else an instrument is one task
 */
export function tasksOf(
  { symbols, days, bytes, spread }: SimulatedWork,
  taskBytes: number,
  seed: number,
  canRestart = true,
): SimulatedTask[] {
  const random = randomOf(seed)
  const shares = Array.from({ length: symbols }, () => Math.exp(spread * normal(random)))
  const total = shares.reduce((sum, share) => sum + share, 0)
  const partitions = function* (): Generator<CutPartition> {
    for (const [instrument, share] of shares.entries()) {
      const day = (bytes * share) / total / days
      for (let i = 0; i < days; i++)
        yield {
          instrument,
          bytes: { from: canRestart ? i * day : 0, start: i * day, end: (i + 1) * day },
          canRestart: canRestart || i === 0,
        }
    }
  }
  return cutTasks(partitions(), { bytes, partitions: symbols * days }, taskBytes, 1)
}

/** Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
