import { dateOfDay } from '../instant.ts'
import type { ArchiveListing } from './archive/archive-listing.ts'
import type { InstrumentDays } from './archive/instrument-days.ts'
import type { PartitionLines } from './partition-lines.ts'
import type { PlanHead } from './run/plan-document.ts'
import type { TaskCut } from './task-cuts.ts'

interface SharedParts {
  readonly head: PlanHead
  readonly partitions: PartitionLines
  readonly listing: ArchiveListing
}

/** What a task has to do, as task-share.ts reads it. */
export function shareTextOf(plan: SharedParts, task: TaskCut): string {
  const lines: string[] = []
  for (const { days, first, end } of plan.partitions.byInstrument(task)) {
    lines.push(JSON.stringify(['i', days.venue, days.symbol]))
    for (const line of folderLines(plan, days, daysToRead(plan, first, end))) lines.push(line)
    for (let i = first; i < end; i++) lines.push(plan.partitions.line(i))
  }
  return `${lines.join('\n')}\n`
}

/** The days that partitions depend on, and the one before where they are checked: a second pass may begin there. */
function daysToRead({ partitions, head }: SharedParts, first: number, end: number): readonly [first: number, last: number] {
  const [from, to] = partitions.daysOf(first, end)
  const isChecked = head.check?.partitions.some((index) => index >= first && index < end) === true
  return [isChecked && from > 0 && from <= to ? from - 1 : from, to]
}

function* folderLines(
  { listing }: SharedParts,
  days: InstrumentDays,
  [first, last]: readonly [number, number],
): Generator<string, void, undefined> {
  for (let index = first; index <= last; index++) {
    const date = dateOfDay(days.days.days[index]!)
    for (const folder of days.days.foldersOf(index)) {
      const reach = days.days.reachOf(folder)
      const reachText = reach === undefined ? '' : `,"${reach.fromNs}","${reach.toNs}"`
      yield `["f","${date}",${JSON.stringify(folder.stream)},"${folder.digest}",${listing.objectsText(folder)}${reachText}]`
    }
  }
}
