import { dayOfDate } from '../instant.ts'
import type { InstrumentShare, PlannedPartition } from '../plan/run/task-share.ts'

/** More units than threads, so that the last ones to end do not wait long for each other. */
const UNITS_PER_THREAD = 3
/** Days that a unit has at least before another one reads a day of it again. */
const DAYS_PER_REREAD = 4

/**
 * Cuts the partitions of a task into units that threads can run side by side, each consecutive ones of an instrument, the
 * largest first. Instruments always part; within one, units begin with a day that little before has to be read for: a job
 * without a book, or a book that is known to begin anew there.
 * @param wanted whether a partition is to run; @returns indexes of partitions, by unit
 */
export function cutUnits(shares: readonly InstrumentShare[], wanted: (index: number) => boolean, threads: number): number[][] {
  const chosen = shares.map(({ partitions }) => partitions.filter(({ index }) => wanted(index)))
  const weight = chosen.flat().reduce((sum, partition) => sum + weightOf(partition), 0)
  const target = threads > 1 ? weight / (threads * UNITS_PER_THREAD) : Number.POSITIVE_INFINITY
  return chosen
    .flatMap((partitions) => unitsOf(partitions, target))
    .sort((a, b) => b.weight - a.weight)
    .map(({ partitions }) => partitions)
}

interface Unit {
  readonly partitions: number[]
  weight: number
  days: number
}

function unitsOf(partitions: readonly PlannedPartition[], target: number): Unit[] {
  const units: Unit[] = []
  let last: PlannedPartition | null = null
  for (const partition of partitions) {
    let unit = units.at(-1)
    const isNewDay = partition.date !== last?.date
    if (unit === undefined || (isNewDay && unit.weight >= target && daysBefore(partition) * DAYS_PER_REREAD <= unit.days)) {
      unit = { partitions: [], weight: 0, days: 0 }
      units.push(unit)
    }
    unit.partitions.push(partition.index)
    unit.weight += weightOf(partition)
    if (isNewDay) unit.days++
    last = partition
  }
  return units
}

/** Files to open and to write count, too. */
function weightOf({ bytes }: PlannedPartition): number {
  return bytes + 2 ** 20
}

/** Days that the first cell of a day has to read from before it. */
function daysBefore({ restart, date }: PlannedPartition): number {
  if (restart === 'window') return 0
  return restart === 'origin' ? Number.POSITIVE_INFINITY : dayOfDate(date) - dayOfDate(restart)
}
