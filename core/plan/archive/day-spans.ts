import { dayOfDate } from '../../instant.ts'
import type { TimeSpan } from '../../log/reading/sound-times.ts'
import { DAY_NS } from '../cells.ts'

const DAY = Number(DAY_NS)

/** A UTC day, or a part of it, as days since the epoch and nanoseconds in that day: exact in doubles. */
export interface DayTime {
  readonly day: number
  readonly inDayNs: number
}

/** What a folder may hold records of: its UTC day, and what its records are known to reach beyond that. */
export function reachOf({ date, reach }: { readonly date: string; readonly reach?: TimeSpan | undefined }): TimeSpan {
  return reach ?? dayReach(dayOfDate(date))
}

/** A UTC day. @param day since the epoch */
export function dayReach(day: number): TimeSpan {
  const fromNs = BigInt(day) * DAY_NS
  return { fromNs, toNs: fromNs + DAY_NS }
}

/**
 * A day together with the records that its folders hold; null when they lie within it. What lies more than a day outside is cut off:
 * no such time is believed.
 */
export function reachBeyond(day: number, leastNs: bigint, endNs: bigint): TimeSpan | null {
  const { fromNs, toNs } = dayReach(day)
  if (leastNs >= fromNs && endNs <= toNs) return null
  // In whole microseconds, which passes count in.
  return {
    fromNs: within(leastNs - (leastNs % 1000n), fromNs < DAY_NS ? 0n : fromNs - DAY_NS, fromNs),
    toNs: within(((endNs + 999n) / 1000n) * 1000n, toNs, toNs + DAY_NS),
  }
}

/**
 * The days of an instrument with folders, ascending, and how far before and behind its UTC day each one's records reach: a day at
 * most, so that begins and ends ascend, too. Nearly all reach nowhere, and take no memory.
 */
export class DaySpans {
  /** Days since the epoch. */
  readonly days: readonly number[]
  readonly #beyond = new Map<number, { readonly beforeNs: number; readonly afterNs: number }>()

  /** @param folders by day */
  constructor(folders: Iterable<{ readonly day: number; readonly reach: TimeSpan | undefined }>) {
    const days: number[] = []
    for (const { day, reach } of folders) {
      if (days.at(-1) !== day) days.push(day)
      if (reach !== undefined) this.#widen(days.length - 1, day, reach)
    }
    this.days = days
  }

  get count(): number {
    return this.days.length
  }

  /** No day reaches beyond itself. */
  get isTidy(): boolean {
    return this.#beyond.size === 0
  }

  /** How far an entry reaches before its UTC day, nanoseconds. */
  beforeNs(index: number): number {
    return this.#beyond.get(index)?.beforeNs ?? 0
  }

  /** How far it reaches behind it, nanoseconds. */
  afterNs(index: number): number {
    return this.#beyond.get(index)?.afterNs ?? 0
  }

  startNs(index: number): bigint {
    return BigInt(this.days[index]!) * DAY_NS - BigInt(this.beforeNs(index))
  }

  /** Index of the last day at or before `day`; −1 when there is none. */
  lastIndex(day: number): number {
    let low = 0
    let high = this.days.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.days[middle]! <= day) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Index of the first entry with anything at or behind a time; the number of entries when there is none. */
  firstReaching({ day, inDayNs }: DayTime): number {
    const first = this.lastIndex(day - 1) + 1
    return first > 0 && this.days[first - 1] === day - 1 && this.afterNs(first - 1) > inDayNs ? first - 1 : first
  }

  /** Index of the last entry with anything before a time; −1 when there is none. */
  lastReaching({ day, inDayNs }: DayTime): number {
    const last = this.lastIndex(inDayNs > 0 ? day : day - 1)
    const next = this.days[last + 1]
    // Time until the next entry's day begins.
    return next !== undefined && this.beforeNs(last + 1) > (next - day) * DAY - inDayNs ? last + 1 : last
  }

  /** Whether any entry has something of a half-open time. */
  touches(fromNs: bigint, toNs: bigint): boolean {
    return this.firstReaching(dayTimeOf(fromNs)) <= this.lastReaching(dayTimeOf(toNs))
  }

  #widen(index: number, day: number, { fromNs, toNs }: TimeSpan): void {
    const reach = reachBeyond(day, fromNs, toNs)
    if (reach === null) return
    const own = dayReach(day)
    const beforeNs = Math.max(this.beforeNs(index), Number(own.fromNs - reach.fromNs))
    this.#beyond.set(index, { beforeNs, afterNs: Math.max(this.afterNs(index), Number(reach.toNs - own.toNs)) })
  }
}

/** @param timeNs since the epoch, also before it */
export function dayTimeOf(timeNs: bigint): DayTime {
  const inDayNs = ((timeNs % DAY_NS) + DAY_NS) % DAY_NS
  return { day: Number((timeNs - inDayNs) / DAY_NS), inDayNs: Number(inDayNs) }
}

function within(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value
}
