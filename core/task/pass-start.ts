import path from 'node:path'
import { bookStartOf } from '../book/book-start.ts'
import { bookSettingsOf, type LogBookSettings } from '../book/log-settings.ts'
import type { SnapshotHome } from '../book/snapshot/restart-points.ts'
import { ReplayError } from '../errors.ts'
import { inTurns } from '../in-turns.ts'
import { dayOfDate } from '../instant.ts'
import type { JobDefinition } from '../job/job-definition.ts'
import type { JobWindow } from '../job/job-outline.ts'
import { usesBook } from '../job/row-schema.ts'
import { isForeignName } from '../log/format/archive-place.ts'
import type { ArchiveLog } from '../log/reading/archive-source.ts'
import { ReplayReader } from '../log/reading/replay-reader.ts'
import { SoundTimes, type TimeSpan } from '../log/reading/sound-times.ts'
import { folderOf } from '../log/stores/disk-folder.ts'
import type { LogFolder } from '../log/stores/log-folder.ts'
import type { ListedObject } from '../log/stores/read-ahead.ts'
import { StoreLogs } from '../log/stores/store-logs.ts'
import { TIME_UNUSABLE } from '../message/batch.ts'
import type { ReadIssue } from '../message/source.ts'
import type { FolderFact } from '../plan/archive/archive-facts.ts'
import { isUnfinished } from '../plan/archive/archive-listing.ts'
import { DaySpans, reachBeyond, reachOf } from '../plan/archive/day-spans.ts'
import { isBookStream, windowStartNs } from '../plan/archive/instrument-days.ts'
import { DAY_NS } from '../plan/cells.ts'
import type { OnCorrupt } from '../plan/fingerprint.ts'
import { folderKey, type InputFolder, type InstrumentShare, type PlannedPartition } from '../plan/run/task-share.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { type BookRestart, beginBefore, beginBehind, findRestart, type SearchedFolders } from './restart-search.ts'

/** Folders that are compared with the plan at once. */
const LISTED_AT_ONCE = 8

/** Where a pass begins. */
export interface PassStart {
  /** Nanoseconds since the epoch: nothing before is read. */
  readonly startNs: bigint
  /** The folder that the book is read from on, by its day since the epoch; null: it is read as other streams are. */
  readonly bookDay: number | null
  /** Other streams begin inside the folders that hold `startNs`; false: with these folders. */
  readonly isInside: boolean
  /** What the book goes on from, in its first folder; null: it begins with that. */
  readonly restart: BookRestart | null
  /** About the time from which on there is something to read, nanoseconds since the epoch. */
  readonly readFromNs: bigint
}

/** A folder that is not as it was when the run was planned. */
export interface ChangedFolder {
  readonly folder: InputFolder
  /** Input `input-changed`. */
  readonly error: ReplayError
}

/** The folders of an instrument: what its books begin with, and whether they still are what was planned. */
export class ShareFolders implements SearchedFolders {
  readonly facts: FolderFact[] = []
  readonly #archive: ObjectStore
  readonly #restarts: ObjectStore
  readonly #logs: StoreLogs
  readonly #share: InstrumentShare
  readonly #onCorrupt: OnCorrupt
  readonly #begins = new Map<string, FolderBeginning>()
  /** Folders that were found to reach beyond what was planned. */
  readonly #reaching = new Set<string>()

  readonly #spans: DaySpans

  /**
   * @param onCorrupt `skip`: folders are read from their first record on, so that all passes meet the same damage in the same way
   * @param restarts where restart points lie, in folders of the same names
   */
  constructor(archive: ObjectStore, share: InstrumentShare, onCorrupt: OnCorrupt = 'abort', restarts: ObjectStore = archive) {
    this.#onCorrupt = onCorrupt
    this.#archive = archive
    this.#restarts = restarts
    this.#logs = StoreLogs.of(archive)
    this.#share = share
    this.#spans = new DaySpans(share.folders.map(({ date, reach }) => ({ day: dayOfDate(date), reach })))
  }

  /** Whether messages of a half-open time may lie in a folder. */
  hasInput(startNs: bigint, endNs: bigint, { afterNs }: JobWindow): boolean {
    return this.#spans.touches(startNs - BigInt(afterNs), endNs + BigInt(afterNs))
  }

  /** Folders from those that a pass begins in to those that its last cell looks at. */
  foldersOf({ startNs, bookDay }: PassStart, endNs: bigint, window: JobWindow): InputFolder[] {
    const lastNs = endNs + BigInt(window.afterNs)
    return this.#share.folders.filter((folder) => {
      const { fromNs, toNs } = reachOf(folder)
      const isBegun = bookDay !== null && isBookStream(folder.stream) ? dayOfDate(folder.date) >= bookDay : toNs > startNs
      return isBegun && fromNs < lastNs
    })
  }

  /**
   * Days of a pass that have folders, but none of the book: where their log would be, and when it would begin, which is not before
   * the folder of the day before ends.
   */
  absencesOf({ bookDay }: PassStart, inputs: readonly InputFolder[]): { readonly path: string; readonly fromNs: bigint }[] {
    const books = this.#share.folders.filter((folder) => isBookStream(folder.stream))
    const stream = books[0]?.stream ?? 'book'
    const withBook = new Set(inputs.filter((folder) => isBookStream(folder.stream)).map(({ date }) => date))
    const { venue, symbol } = this.#share
    const days = inputs.map(({ date }) => dayOfDate(date))
    const [firstDay, lastDay] = [bookDay ?? Math.min(...days), Math.max(...days)]
    // Of other streams a pass may read less than lies behind where its book begins.
    return [...new Set(this.#share.folders.map(({ date }) => date))]
      .filter((date) => dayOfDate(date) >= firstDay && dayOfDate(date) <= lastDay && !withBook.has(date))
      .map((date) => {
        const key = folderKey(venue, symbol, date, stream)
        const before = books.findLast((folder) => folder.date < date)
        const [dayNs, endNs] = [BigInt(dayOfDate(date)) * DAY_NS, before === undefined ? 0n : reachOf(before).toNs]
        return { path: this.pathOf({ key, date, stream, digest: '', objects: [] }), fromNs: endNs > dayNs ? endNs : dayNs }
      })
  }

  /** How reading begins in each folder of a pass; undefined: with its first message. */
  beginsOf(inputs: readonly InputFolder[], { restart, isInside, startNs, bookDay }: PassStart): ArchiveLog['begin'][] {
    // Streams of which a folder holds something of the window: what the next one holds comes behind it, whatever its times are.
    const begun = new Set<string>()
    return inputs.map((folder) => {
      const { stream, date } = folder
      if (bookDay !== null && isBookStream(stream))
        return restart?.position.date === date ? (reader) => beginBehind(reader, restart) : undefined
      if (!isInside || reachOf(folder).fromNs >= startNs) return undefined
      const before = inputs.filter((other) => other.stream === stream && other.date < date)
      if (before.some((other) => reachOf(other).fromNs >= startNs)) return undefined
      const isOverlapped = inputs.some((other) => other.stream === stream && other.date > date && reachOf(other).fromNs < startNs)
      return async (reader) => {
        if (begun.has(stream)) return undefined
        if (isOverlapped && (await reader.seekToTimestamp(startNs))) begun.add(stream)
        // Where no time of it is sound, all of it is of the begin of its day.
        return beginBefore(reader, startNs, BigInt(dayOfDate(date)) * DAY_NS >= startNs)
      }
    })
  }

  /**
   * Where a pass for a partition has to begin: with a book at the nearest restart point at or before its window, which is a
   * snapshot, or a day folder whose book begins with a snapshot or reset by then, or the first folder that there is; without
   * a book at the window.
   */
  async startOf({ startNs, restart: planned }: PlannedPartition, window: JobWindow, job: JobDefinition): Promise<PassStart> {
    const fromNs = windowStartNs(startNs, window)
    const isSkipping = this.#onCorrupt === 'skip'
    const atWindow = { startNs: fromNs, isInside: !isSkipping }
    if (!usesBook(job)) {
      const readFromNs = isSkipping ? this.#beginOfThose(({ toNs }) => toNs > fromNs, fromNs) : fromNs
      return { ...atWindow, bookDay: null, restart: null, readFromNs }
    }
    const books = this.#share.folders.filter((folder) => isBookStream(folder.stream) && reachOf(folder).fromNs <= fromNs)
    let first = this.#share.folders[0]
    for (let at = books.length - 1; at >= 0; at--) {
      const folder = books[at]!
      // A recorder's clock was set back: what the folder before holds of the window comes first.
      if (books.slice(0, at).some((earlier) => reachOf(earlier).toNs > fromNs)) continue
      const isAtWindow = reachOf(folder).toNs > fromNs
      const query = {
        books: books.slice(0, at + 1),
        isOrigin: planned === 'origin',
        fromNs: isAtWindow ? fromNs : null,
        onGap: job.onGap ?? 'quarantine',
      }
      const restart = isSkipping || !(await this.#isUnbroken(books, at)) ? null : await findRestart(query, this)
      if (restart !== null) {
        const readFromNs = smaller(fromNs, restart.snapshot.header.ingestEndNs)
        return { ...atWindow, bookDay: dayOfDate(folder.date), isInside: atWindow.isInside && isAtWindow, restart, readFromNs }
      }
      const { begins, beginsNs } = await this.#beginningOf(folder)
      // What other streams tell before the first record of the book needs the book of the day before.
      if (begins === 'other' || beginsNs > fromNs) continue
      first = folder
      break
    }
    const date = first?.date
    const beginNs = date === undefined ? fromNs : this.#beginOfThose((_, folder) => folder.date === date, fromNs)
    const bookDay = date === undefined ? Number(fromNs / DAY_NS) : dayOfDate(date)
    return { ...atWindow, startNs: beginNs, bookDay, restart: null, readFromNs: beginNs }
  }

  /**
   * Whether snapshots in a folder say all of its book: they do not know of a day before it that has folders, but none of the book,
   * which the book then lacks until it begins anew.
   */
  async #isUnbroken(books: readonly InputFolder[], at: number): Promise<boolean> {
    for (let i = at; i >= 0; i--) {
      const folder = books[i]!
      if (await this.beginsWhole(folder)) return true
      const before = books[i - 1]?.date ?? ''
      if (this.#share.folders.some(({ date }) => date > before && date < folder.date)) return false
    }
    return true
  }

  /** The earliest time that some folders reach, or `latestNs`, whichever is earlier. */
  #beginOfThose(wants: (reach: TimeSpan, folder: InputFolder) => boolean, latestNs: bigint): bigint {
    let beginNs = latestNs
    for (const folder of this.#share.folders) {
      const reach = reachOf(folder)
      if (wants(reach, folder)) beginNs = smaller(beginNs, reach.fromNs)
    }
    return beginNs
  }

  /** @throws ReplayError input `input-changed` when a folder is not as listed by the plan */
  async check(folders: readonly InputFolder[]): Promise<void> {
    const changed = await this.firstChanged(folders)
    if (changed !== null) throw changed.error
  }

  /** The first folder that is not as listed by the plan, and an `input-changed` error that says so; null when all are. */
  async firstChanged(folders: readonly InputFolder[]): Promise<ChangedFolder | null> {
    const objects = await inTurns(folders, LISTED_AT_ONCE, (folder) => this.#changedObject(folder))
    const at = objects.findIndex((object) => object !== null)
    return at < 0 ? null : { folder: folders[at]!, error: changed(`${this.#archive.uri}/${objects[at]}`) }
  }

  async #changedObject(folder: InputFolder): Promise<string | null> {
    const planned = new Map(folder.objects.map((object) => [object.name, object]))
    for await (const { key, size, etag } of this.#archive.list(folder.key)) {
      const name = key.slice(folder.key.length)
      if (name.includes('/') || isUnfinished(name) || isForeignName(name)) continue
      const object = planned.get(name)
      if (object?.size !== size || object.etag !== etag) return key
      planned.delete(name)
    }
    for (const name of planned.keys()) return folder.key + name
    return null
  }

  /** Learns what the times of a folder reach: nothing, unless that is more than was planned. */
  learnTimes(folder: InputFolder, minNs: bigint, maxNs: bigint): void {
    const { fromNs, toNs } = reachOf(folder)
    if (minNs >= fromNs && maxNs < toNs) return
    const reach = reachBeyond(dayOfDate(folder.date), smaller(minNs, fromNs), maxNs < toNs ? toNs : maxNs + 1n)
    if (reach === null || this.#reaching.has(folder.key)) return
    this.#reaching.add(folder.key)
    this.facts.push({ folder: folder.key, digest: folder.digest, reach: [String(reach.fromNs), String(reach.toNs)] })
  }

  /** Learns what the books of folders begin with. */
  async learn(folders: readonly InputFolder[]): Promise<void> {
    for (const folder of folders) await this.#beginningOf(folder)
  }

  /** A folder's directory, or its URI. */
  pathOf(folder: InputFolder): string {
    const { directory, uri } = this.#archive
    const key = folder.key.replace(/\/$/, '')
    return directory === undefined ? `${uri}/${key}` : path.join(directory, key)
  }

  /** A folder as a log that is read in the version that was planned, with its restart points. */
  logOf(folder: InputFolder): ArchiveLog {
    const { venue, symbol } = this.#share
    const { date, stream } = folder
    const reach = reachOf(folder)
    return { venue, symbol, date, stream, path: this.pathOf(folder), open: () => this.open(folder), home: this.homeOf(folder), reach }
  }

  /** Where the restart points of a folder go. */
  homeOf(folder: InputFolder): SnapshotHome {
    return { store: this.#restarts, prefix: folder.key }
  }

  /** The folder that a file or folder at a path belongs to. */
  folderAt(place: string, inputs: readonly InputFolder[]): InputFolder | undefined {
    return inputs.find((folder) => {
      const path = this.pathOf(folder)
      return place.startsWith(path) && /^[/\\]|^$/.test(place.slice(path.length))
    })
  }

  /** Its key; of a path that is of none, the path. */
  keyAt(place: string, inputs: readonly InputFolder[]): string {
    return this.folderAt(place, inputs)?.key ?? place
  }

  /** Opens a folder, in the version that was planned where the store can tell. @throws ReplayError input `input-changed`, and those of the store */
  async open(folder: InputFolder): Promise<LogFolder> {
    return this.#archive.directory === undefined ? this.#logs.open(folder.key, listed(folder)) : folderOf(this.pathOf(folder))
  }

  /** Opens a folder of which only the names and versions of its segments are looked at. */
  async openSegments(folder: InputFolder): Promise<LogFolder> {
    if (this.#archive.directory !== undefined) return folderOf(this.pathOf(folder))
    return this.#logs.open(
      folder.key,
      listed(folder).filter(({ key }) => /\.q(\.zst)?$/.test(key)),
    )
  }

  async beginsWhole(folder: InputFolder): Promise<boolean> {
    return (await this.#beginningOf(folder)).begins !== 'other'
  }

  /** How the books of a folder are to be built. @throws as `open`, and `meta-json` */
  async settingsOf(folder: InputFolder): Promise<LogBookSettings> {
    const local = this.#archive.directory !== undefined
    const meta = listed(folder).filter(({ key }) => key.endsWith('/meta.json'))
    return bookSettingsOf(local ? this.pathOf(folder) : await this.#logs.open(folder.key, meta))
  }

  /** A folder of which no more than the first record is read. */
  async #openBeginning(folder: InputFolder): Promise<LogFolder> {
    return this.#archive.directory === undefined ? this.#logs.openBeginning(folder.key, listed(folder)) : folderOf(this.pathOf(folder))
  }

  async #beginningOf(folder: InputFolder): Promise<FolderBeginning> {
    const known = this.#begins.get(folder.key)
    if (known !== undefined) return known
    const beginning = await beginningOf(await this.#openBeginning(folder), this.#onCorrupt, folder.date)
    this.#begins.set(folder.key, beginning)
    const { begins, beginsNs } = beginning
    this.facts.push({ folder: folder.key, digest: folder.digest, begins, beginsNs: String(beginsNs) })
    return beginning
  }
}

/** About the record time at which a pass over cells up to `endNs` will have seen enough, nanoseconds since the epoch. */
export function likelyEndOf(endNs: bigint, window: JobWindow): bigint {
  return endNs + BigInt(window.afterNs) + 1_000_000_000n
}

/** The objects of a folder as the plan listed them. */
function listed({ key, objects }: InputFolder): ListedObject[] {
  return objects.map(({ name, size, etag }) => ({ key: key + name, size, etag }))
}

/** The first record of a log: what it is, and its record time. */
interface FolderBeginning {
  readonly begins: NonNullable<FolderFact['begins']>
  /** Nanoseconds since the epoch. */
  readonly beginsNs: bigint
}

async function beginningOf(log: LogFolder, onCorrupt: OnCorrupt, date: string): Promise<FolderBeginning> {
  let isDamaged = false
  const onIssue = ({ severity }: ReadIssue): void => {
    isDamaged ||= severity === 'error'
  }
  const source = new SoundTimes(await ReplayReader.open(log, { onCorrupt, onIssue }), { date })
  try {
    for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
      // What was lost before the first sound record may matter.
      if (isDamaged) break
      const { timeFlags } = batch
      for (let k = 0; k < batch.length; k++) {
        const row = batch.rowAt(k)
        if (timeFlags !== null && timeFlags[row] === TIME_UNUSABLE) continue
        const first = batch.at(row)
        return { begins: bookStartOf(first), beginsNs: first.timestampNs }
      }
    }
    return { begins: 'other', beginsNs: 0n }
  } finally {
    await source.close()
  }
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function changed(path: string): ReplayError {
  return new ReplayError(
    'input-changed',
    'input changed: the object is not as it was when the run was planned, so that its partitions are left: is it still being written? Plan and run again when it is not',
    {
      category: 'input',
      path,
    },
  )
}
