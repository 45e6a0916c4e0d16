import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { ReplayReader } from '../log/replay-reader.ts'
import type { MessageCursor } from '../pipeline/message.ts'
import { BOOK_EVENT_BYTES, BOOK_EVENT_TYPE_OFFSET, EVENT_DIFF, EVENT_RESET, EVENT_SNAPSHOT, MODE_L3 } from '../protocol/book-event.ts'
import { L3_EVENT_BYTES, L3_EVENT_TYPE_OFFSET, L3_RESET } from '../protocol/l3-event.ts'
import { TYPE_BOOK_EVENT } from '../protocol/message-type.ts'
import type { ObjectStore } from '../store/object-store.ts'
import type { FolderFact } from './archive-facts.ts'
import { DAY_NS, dayOfDate } from './cells.ts'
import { isBookStream, type JobWindow } from './instrument-days.ts'
import type { InputFolder, InstrumentShare, PlannedPartition } from './task-share.ts'

/** Where a pass begins. */
export interface PassStart {
  /** Nanoseconds since the epoch: nothing before is read. */
  readonly startNs: bigint
  /** First day to read, in days since the epoch. */
  readonly day: number
  /** Reading begins inside the first day, at `startNs`; false: with its folders. */
  readonly isInside: boolean
}

/** The folders of an instrument: what its books begin with, and whether they still are what was planned. */
export class ShareFolders {
  readonly facts: FolderFact[] = []
  readonly #archive: ObjectStore
  readonly #share: InstrumentShare
  readonly #begins = new Map<string, FolderFact['begins']>()

  constructor(archive: ObjectStore, share: InstrumentShare) {
    this.#archive = archive
    this.#share = share
  }

  /** Folders from the day a pass begins with to the last one that a cell looks at. */
  foldersOf({ day }: PassStart, endNs: bigint, window: JobWindow): InputFolder[] {
    const last = Number((endNs + BigInt(window.afterNs) - 1n) / DAY_NS)
    return this.#share.folders.filter(({ date }) => dayOfDate(date) >= day && dayOfDate(date) <= last)
  }

  /**
   * Where a pass for a partition has to begin: with a book at the nearest day folder at or before its window whose book begins
   * with a snapshot or reset, or the first folder that there is; without one at the window.
   */
  async startOf({ startNs }: PlannedPartition, window: JobWindow, hasBook: boolean): Promise<PassStart> {
    let fromNs = startNs - BigInt(window.beforeNs)
    if (window.wholeDay) fromNs = smaller(fromNs, startNs - (startNs % DAY_NS))
    const windowDay = Number(fromNs / DAY_NS)
    if (!hasBook) return { startNs: fromNs, day: windowDay, isInside: fromNs % DAY_NS !== 0n }
    const books = this.#share.folders.filter(({ stream, date }) => isBookStream(stream) && dayOfDate(date) <= windowDay)
    let first = this.#share.folders[0]
    for (const folder of books.toReversed()) {
      if ((await this.#beginningOf(folder)) === 'other') continue
      first = folder
      break
    }
    const day = first === undefined ? windowDay : dayOfDate(first.date)
    return { startNs: smaller(fromNs, BigInt(day) * DAY_NS), day, isInside: false }
  }

  /** @throws ReplayError input `input-changed` when a folder is not as listed by the plan */
  async check(folders: readonly InputFolder[]): Promise<void> {
    for (const folder of folders) {
      const planned = new Map(folder.objects.map((object) => [object.name, object]))
      for await (const { key, size, etag } of this.#archive.list(folder.key)) {
        const name = key.slice(folder.key.length)
        if (name.includes('/')) continue
        const object = planned.get(name)
        if (object?.size !== size || object.etag !== etag) throw changed(`${this.#archive.uri}/${key}`)
        planned.delete(name)
      }
      for (const name of planned.keys()) throw changed(`${this.#archive.uri}/${folder.key}${name}`)
    }
  }

  /** Learns what the books of folders begin with. */
  async learn(folders: readonly InputFolder[]): Promise<void> {
    for (const folder of folders) await this.#beginningOf(folder)
  }

  /** The directory of a folder. */
  pathOf(folder: InputFolder): string {
    return path.join(this.#archive.uri, folder.key)
  }

  async #beginningOf(folder: InputFolder): Promise<FolderFact['begins']> {
    const known = this.#begins.get(folder.key)
    if (known !== undefined) return known
    const begins = await beginningOf(this.pathOf(folder))
    this.#begins.set(folder.key, begins)
    this.facts.push({ folder: folder.key, digest: folder.digest, begins })
    return begins
  }
}

/** What the first record of a log is. */
async function beginningOf(directory: string): Promise<FolderFact['begins']> {
  const reader = await ReplayReader.open(directory)
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      if (batch.length > 0) return kindOf(batch.at(batch.rowAt(0)))
    }
    return 'other'
  } finally {
    await reader.close()
  }
}

function kindOf({ view, payloadOffset, length, typeId }: MessageCursor): FolderFact['begins'] {
  if (typeId !== TYPE_BOOK_EVENT || length < BOOK_EVENT_BYTES) return 'other'
  // Event type, book mode.
  const kind = view.getUint16(payloadOffset + BOOK_EVENT_TYPE_OFFSET, true)
  if (kind === EVENT_SNAPSHOT) return 'snapshot'
  if (kind === EVENT_RESET) return 'reset'
  const isL3Event = kind === (EVENT_DIFF | (MODE_L3 << 8)) && length >= L3_EVENT_BYTES
  return isL3Event && view.getUint8(payloadOffset + L3_EVENT_TYPE_OFFSET) === L3_RESET ? 'reset' : 'other'
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function changed(path: string): ReplayError {
  return new ReplayError('input-changed', 'input changed: the object is not as it was when the run was planned; plan and run again', {
    category: 'input',
    path,
  })
}
