import { dateOfDay, isoTime } from '../instant.ts'
import { effectsText } from '../job/job-effects.ts'
import type { JobOutline } from '../job/job-outline.ts'
import { dayReach } from './archive/day-spans.ts'
import type { LookResult } from './archive/folder-reach.ts'
import type { InstrumentDays } from './archive/instrument-days.ts'
import { DAY_NS } from './cells.ts'
import type { PlanOptions } from './plan-options.ts'
import type { PlanHead } from './run/plan-document.ts'
import { folderKey } from './run/task-share.ts'
import type { LiveParts } from './table/live-parts.ts'

/** What to do about a plan that reads too much. */
export function adviceOn(
  { usesBook, writesRestartPoints }: JobOutline,
  { cost, onCorrupt }: PlanHead,
  days: readonly InstrumentDays[],
): string[] {
  if ((!usesBook && onCorrupt !== 'skip') || writesRestartPoints) return []
  const without = days.filter(
    (instrument) => !instrument.hasSnapshots && instrument.restartOf(BigInt(instrument.days.days.at(-1)! + 1) * DAY_NS - 1n) === 'origin',
  )
  const advice: string[] = []
  if (onCorrupt === 'skip' && cost.amplification > 1.25) {
    advice.push(
      `reads ${cost.amplification.toFixed(1)} times the bytes in range, as damage can only be skipped from the begin of a day on: take a coarser --slice`,
    )
  } else if (cost.amplification > 1.25) {
    advice.push(
      `reads ${cost.amplification.toFixed(1)} times the bytes in range to rebuild books: run the snapshots job first, or take a coarser --slice`,
    )
  }
  if (onCorrupt !== 'skip' && without.some((instrument) => instrument.days.count > 1)) {
    advice.push(
      `${without.length} of ${days.length} instruments have no known restart point, so each is one task: run the snapshots job first to spread them`,
    )
  }
  return advice
}

/** Folders whose records are of other days than their names say: nothing is wrong with that, but somebody may want to know. */
export function adviceOnReach(days: readonly InstrumentDays[], { reaches, unseen }: LookResult): string[] {
  const advice: string[] = []
  if (reaches.size > 0) {
    const folders = days.reduce((sum, { days: { folders } }) => sum + folders.length, 0)
    const found = days.flatMap(({ venue, symbol, days: { folders } }) => folders.map((folder) => ({ venue, symbol, folder })))
    const { venue, symbol, folder } = found.find((each) => reaches.has(each.folder))!
    const [own, reach] = [dayReach(folder.day), reaches.get(folder)!]
    const beyond = [
      ...(reach.fromNs < own.fromNs ? [`from ${isoTime(reach.fromNs)}`] : []),
      ...(reach.toNs > own.toNs ? [`to ${isoTime(reach.toNs - 1n)}`] : []),
    ]
    const first = folderKey(venue, symbol, dateOfDay(folder.day), folder.stream).slice(0, -1)
    advice.push(
      `${reaches.size} of ${folders} folders hold records of other UTC days (${first}: ${beyond.join(' ')}): each is read with the days that its records belong to`,
    )
  }
  if (unseen > 0) {
    advice.push(
      `${unseen} folders were not looked into, as they have no index or are too many: their records are taken to be of their UTC day, and a task that finds others stops there and says so`,
    )
  }
  return advice
}

/** That the table holds rows of several codes, side by side. */
export function otherCodeNotes(others: number, { variants }: LiveParts): string[] {
  if (others === 0) return []
  const which = others === 1 ? 'is' : 'are'
  return [
    `${others} of the ${variants.length} variants of the table ${which} of other code than this run (job or engine changed since) and stay as they are; --all-variants makes them anew, and chronicle-replay variants lists them`,
  ]
}

/** What a job reaches for besides messages. */
export function effectNotes({ effects = [], tellsEffects }: PlanOptions): string[] {
  return effects.length > 0 && tellsEffects === true ? [effectsText(effects)] : []
}
