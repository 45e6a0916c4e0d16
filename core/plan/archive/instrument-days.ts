import { dateOfDay } from '../../instant.ts'
import type { JobWindow } from '../../job/job-outline.ts'
import { type CellGrid, DAY_NS } from '../cells.ts'
import { InputDays, InputDigests, type Restart } from '../fingerprint.ts'
import { folderKey } from '../run/task-share.ts'
import type { ArchiveFacts } from './archive-facts.ts'
import type { ListedInstrument } from './archive-listing.ts'
import { type DayTime, dayTimeOf } from './day-spans.ts'
import type { FolderReaches } from './folder-reach.ts'

const DAY = Number(DAY_NS)

/** The time from which on messages matter to a cell, nanoseconds since the epoch; not before it. */
export function windowStartNs(startNs: bigint, { beforeNs, afterNs, wholeDay, dayStartNs = 0 }: JobWindow): bigint {
  const fromNs = startNs - BigInt(beforeNs)
  // By the exchange's clock a day begins that much earlier in the records.
  const dayNs = startNs - ((startNs + DAY_NS - BigInt(dayStartNs)) % DAY_NS) - BigInt(afterNs)
  const least = wholeDay && dayNs < fromNs ? dayNs : fromNs
  return least < 0n ? 0n : least
}

/** Where the bytes of a cell and of what leads to it lie, on the line of all bytes of an instrument. */
export interface CellBytes {
  /** Where a pass has to begin that has no state. */
  readonly from: number
  readonly start: number
  readonly end: number
}

export interface InstrumentDaysOptions {
  readonly usesBook: boolean
  readonly facts: ArchiveFacts
  /** Of its folders those that reach beyond their days. @default none does */
  readonly reaches?: FolderReaches | undefined
  /** Every pass begins with the folders of a day, see `ShareFolders`. */
  readonly readsWhole: boolean
}

/** The days of an instrument that a job reads: which cells there are, what they depend on, how much there is to read. */
export class InstrumentDays {
  readonly venue: string
  readonly symbol: string
  readonly days: InputDays
  /** Digests by planned restarts, and by recorded ones: each keeps the chain it made last. */
  readonly planned: InputDigests
  readonly recorded: InputDigests
  /** Whether there is a snapshot to restart from. */
  readonly hasSnapshots: boolean
  readonly #usesBook: boolean
  readonly #readsWhole: boolean
  /** Bytes, and objects, before day i. */
  readonly #bytesBefore: number[] = [0]
  readonly #objectsBefore: number[] = [0]
  /** Snapshots of the book on day i, and the last day before i that has any, or −1. */
  readonly #snapshots: number[] = []
  readonly #lastSnapshots: number[] = []
  /** Index of the last day up to i whose book is known to begin with a snapshot or reset, or −1. */
  readonly #knownRestart: number[] = []
  /** Of the days that are restarts: record time of the book's first record, nanoseconds since the epoch. */
  readonly #beginsNs = new Map<number, bigint>()

  constructor(instrument: ListedInstrument, wants: (stream: string) => boolean, options: InstrumentDaysOptions) {
    const { usesBook, facts, readsWhole, reaches } = options
    this.#readsWhole = readsWhole
    this.venue = instrument.venue
    this.symbol = instrument.symbol
    this.days = new InputDays(instrument.folders, wants, reaches)
    this.planned = new InputDigests(this.days)
    this.recorded = new InputDigests(this.days)
    this.#usesBook = usesBook
    let [lastSnapshots, knownRestart] = [-1, -1]
    for (const [i, day] of this.days.days.entries()) {
      const folders = this.days.foldersOf(i)
      this.#bytesBefore.push(folders.reduce((sum, { bytes }) => sum + bytes, this.#bytesBefore[i]!))
      this.#objectsBefore.push(folders.reduce((sum, { objects }) => sum + objects, this.#objectsBefore[i]!))
      if (!usesBook) continue
      const book = folders.find(({ stream }) => isBookStream(stream))
      this.#snapshots.push(book?.snapshots ?? 0)
      this.#lastSnapshots.push(lastSnapshots)
      if (book !== undefined && book.snapshots > 0) lastSnapshots = i
      const fact = book === undefined ? undefined : facts.of(folderKey(this.venue, this.symbol, dateOfDay(day), book.stream), book.digest)
      if (fact?.beginsNs !== undefined && fact.digest === book?.digest && fact.begins !== 'other') {
        knownRestart = i
        this.#beginsNs.set(i, BigInt(fact.beginsNs))
      }
      this.#knownRestart.push(knownRestart)
    }
    this.hasSnapshots = lastSnapshots >= 0
  }

  /** Forgets the digests: there are many, and they are not needed once the instrument's cells are planned. */
  forget(): void {
    this.planned.forget()
    this.recorded.forget()
  }

  /** Cells whose messages may lie in a folder, ascending, those of [first, end) only. */
  *cells(grid: CellGrid, first: number, end: number, skewNs: number): Generator<number, void, undefined> {
    let next = first
    for (let index = 0; index < this.days.count; index++) {
      const [from, to] = this.#cellsOf(grid, index, skewNs)
      for (let cell = Math.max(next, from); cell < Math.min(end, to); cell++) yield cell
      next = Math.max(next, to)
    }
  }

  /** All cells that messages can lie in, as [first, end); the first may lie before the epoch. */
  cellRange(grid: CellGrid, skewNs: number): readonly [first: number, end: number] {
    return [this.#cellsOf(grid, 0, skewNs)[0], this.#cellsOf(grid, this.days.count - 1, skewNs)[1]]
  }

  /** Where state begins that has to be there at a time: at the nearest known restart point before it. */
  restartOf(windowNs: bigint): Restart {
    if (!this.#usesBook) return 'window'
    const { days, spans } = this.days
    // With what begins at that very nanosecond.
    const at = spans.lastReaching(dayTimeOf(windowNs + 1n))
    let known = at < 0 ? -1 : this.#knownRestart[at]!
    // What other streams tell before the first record of the book needs the book of the day before.
    while (known >= 0 && this.#beginsNs.get(known)! > windowNs) known = known === 0 ? -1 : this.#knownRestart[known - 1]!
    return known < 0 ? 'origin' : dateOfDay(days[known]!)
  }

  /** Indexes of the first and last day that a cell's window touches; the first is greater when it touches none. */
  windowOf(grid: CellGrid, cell: number, window: JobWindow): readonly [first: number, last: number] {
    const { spans } = this.days
    const slice = Number(grid.sliceNs)
    const cellDay = Math.floor(cell / grid.cellsPerDay)
    // Time of day, so that nanoseconds stay exact in a double.
    const inDay = (cell - cellDay * grid.cellsPerDay) * slice
    const from = window.wholeDay ? Math.min(inDay - window.beforeNs, dayBeginOf(inDay, window) - window.afterNs) : inDay - window.beforeNs
    return [spans.firstReaching(timeFrom(cellDay, from)), spans.lastReaching(timeFrom(cellDay, inDay + slice + window.afterNs))]
  }

  /** Whether messages of a half-open time may lie in a folder, up to so far from their record times. */
  hasInput(startNs: bigint, endNs: bigint, skewNs: number): boolean {
    return this.days.spans.touches(startNs - BigInt(skewNs), endNs + BigInt(skewNs))
  }

  bytesOf(grid: CellGrid, cell: number, window: JobWindow, restart: Restart): CellBytes {
    const start = this.#bytesAt(cell / grid.cellsPerDay)
    const before = this.#windowStart(grid, cell, window)
    const [windowFirst] = this.windowOf(grid, cell, window)
    const reach = this.#bytesBefore[this.planned.firstIndex(restart, windowFirst)]!
    const nearest = this.#readsWhole
      ? this.#bytesBefore[windowFirst]!
      : this.#usesBook
        ? this.#lastSnapshotAt(before)
        : this.#bytesAt(before)
    const from = !this.#usesBook ? nearest : this.#readsWhole ? reach : Math.max(reach, nearest)
    return { from: Math.min(from, start), start, end: this.#bytesAt((cell + 1) / grid.cellsPerDay) }
  }

  /** Where a cell lies that no byte is read for. */
  placeOf(grid: CellGrid, cell: number): CellBytes {
    const at = this.#bytesAt(cell / grid.cellsPerDay)
    return { from: at, start: at, end: at }
  }

  /** Objects of the days that hold the bytes from `from` to `to`. */
  objectsBetween(from: number, to: number): number {
    const first = Math.max(0, upperBound(this.#bytesBefore, from) - 1)
    const last = Math.min(this.days.count, upperBound(this.#bytesBefore, Math.max(from, to - 1)))
    return Math.max(0, this.#objectsBefore[last]! - this.#objectsBefore[first]!)
  }

  /** Cells of an entry's day, and those that its records reach, by either clock, as [first, end). */
  #cellsOf(grid: CellGrid, index: number, skewNs: number): readonly [first: number, end: number] {
    const { days, spans } = this.days
    const slice = Number(grid.sliceNs)
    const first = days[index]! * grid.cellsPerDay
    const before = Math.ceil((spans.beforeNs(index) + skewNs) / slice)
    return [first - before, first + grid.cellsPerDay + Math.ceil((spans.afterNs(index) + skewNs) / slice)]
  }

  /** In days since the epoch. */
  #windowStart(grid: CellGrid, cell: number, window: JobWindow): number {
    const start = cell / grid.cellsPerDay - window.beforeNs / DAY
    if (!window.wholeDay) return start
    const day = Math.floor(cell / grid.cellsPerDay)
    const inDay = (cell - day * grid.cellsPerDay) * Number(grid.sliceNs)
    return Math.min(start, day + (dayBeginOf(inDay, window) - window.afterNs) / DAY)
  }

  /** Bytes before a time in days since the epoch, those of a day's folders being spread evenly over what they reach. */
  #bytesAt(time: number): number {
    const { days, spans } = this.days
    const day = Math.floor(time)
    if (!spans.isTidy) return this.#bytesAtUntidy(time)
    const i = spans.lastIndex(day)
    if (i < 0) return 0
    const bytes = this.#bytesOfDay(i)
    return this.#bytesBefore[i]! + (days[i] === day ? (time - day) * bytes : bytes)
  }

  #bytesAtUntidy(time: number): number {
    const { days, spans } = this.days
    const day = Math.floor(time)
    // No entry reaches farther than a day.
    const first = spans.lastIndex(day - 2) + 1
    let bytes = this.#bytesBefore[first]!
    for (let i = first; i < days.length && days[i]! <= day + 1; i++) {
      const start = days[i]! - spans.beforeNs(i) / DAY
      const length = 1 + (spans.beforeNs(i) + spans.afterNs(i)) / DAY
      bytes += this.#bytesOfDay(i) * Math.min(1, Math.max(0, (time - start) / length))
    }
    return bytes
  }

  #bytesOfDay(index: number): number {
    return this.#bytesBefore[index + 1]! - this.#bytesBefore[index]!
  }

  /** Bytes before the last snapshot before a time, those of a day being spread evenly over it; −1 when there is none. */
  #lastSnapshotAt(time: number): number {
    const day = Math.floor(time)
    let i = this.days.spans.lastIndex(day)
    if (i < 0) return -1
    const passed = this.days.days[i] === day ? time - day : 1
    let step = Math.floor(passed * (this.#snapshots[i]! + 1))
    if (step > this.#snapshots[i]!) step = this.#snapshots[i]!
    if (step === 0) {
      i = this.#lastSnapshots[i]!
      if (i < 0) return -1
      step = this.#snapshots[i]!
    }
    return this.#bytesBefore[i]! + (this.#bytesOfDay(i) * step) / (this.#snapshots[i]! + 1)
  }
}

/** Streams that hold books. */
export function isBookStream(stream: string): boolean {
  return stream === 'book' || stream === 'l3'
}

/** @param ns from the begin of a day, also before or behind it */
/** When the day begins that a time of a UTC day is of, nanoseconds after midnight: it may be the day before. */
function dayBeginOf(inDay: number, { dayStartNs = 0 }: JobWindow): number {
  return inDay >= dayStartNs ? dayStartNs : dayStartNs - DAY
}

function timeFrom(day: number, ns: number): DayTime {
  const days = Math.floor(ns / DAY)
  return { day: day + days, inDayNs: ns - days * DAY }
}

/** Index of the first element greater than `value`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
