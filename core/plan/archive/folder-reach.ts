import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import { inTurns } from '../../in-turns.ts'
import { dateOfDay } from '../../instant.ts'
import { INDEX_ENTRY_BYTES, INDEX_HEADER_BYTES, openSeekIndex, type SeekIndex } from '../../log/format/seek-index.ts'
import { DATA_OFFSET, indexName, SEGMENT_SEALED, segmentIdOf } from '../../log/format/segment.ts'
import { ReplayReader } from '../../log/reading/replay-reader.ts'
import { believableSpan, SoundTimes, type TimeSpan } from '../../log/reading/sound-times.ts'
import { DiskFolder } from '../../log/stores/disk-folder.ts'
import type { LoadedFile, LogFolder } from '../../log/stores/log-folder.ts'
import type { ListedObject } from '../../log/stores/read-ahead.ts'
import { StoreLogs } from '../../log/stores/store-logs.ts'
import type { MessageBatch } from '../../message/batch.ts'
import { decodeRecordHeader, RECORD_HEADER_BYTES } from '../../message/record.ts'
import { isBefore } from '../../message/time-words.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { folderKey, objectsOf } from '../run/task-share.ts'
import type { ArchiveFacts } from './archive-facts.ts'
import type { ArchiveListing, FolderLooks, ListedFolder, ListedInstrument } from './archive-listing.ts'
import { dayReach, reachBeyond } from './day-spans.ts'

/** What folders reach beyond their UTC days, together with these; those that reach nothing are not in it. */
export type FolderReaches = ReadonlyMap<ListedFolder, TimeSpan>

export interface LookOptions {
  readonly archive: ObjectStore
  /** With the looks of whoever listed, which are not made again. */
  readonly listing: Pick<ArchiveListing, 'objectsText' | 'looks'>
  readonly facts: ArchiveFacts
  /** By instrument, those that matter. */
  readonly folders: Iterable<readonly [Pick<ListedInstrument, 'venue' | 'symbol'>, readonly ListedFolder[]]>
}

export interface LookResult {
  readonly reaches: FolderReaches
  /** Folders that were taken to hold records of their UTC day alone, as looking at them would have taken too long. */
  readonly unseen: number
  /** What was not known, for others who plan from the same listing. */
  readonly looks: FolderLooks
}

/** Folders that are looked at for one plan, and bytes that are read of segments without an index. */
const MAX_LOOKS = 100_000
const MAX_SCANNED_BYTES = 2 ** 30
/** Folders that are looked at side by side, in a store. */
const LOOKS_AT_ONCE = 64

/**
 * What folders reach beyond their UTC days: recorders roll at local midnight, or late, or early. What nobody knows is looked at: the
 * extremes in the indexes of a folder's first and last segment, and the times of a segment that has none. Where that says too
 * little, whoever reads the folder finds out, and says so.
 */
export async function lookAtFolders({ archive, listing, facts, folders }: LookOptions): Promise<LookResult> {
  const reaches = new Map<ListedFolder, TimeSpan>()
  const look = new FolderLook(archive, MAX_SCANNED_BYTES)
  const unknown: { readonly folder: ListedFolder; readonly key: string }[] = []
  const looks = new Map<string, TimeSpan | null>()
  const note = (folder: ListedFolder, key: string, reach: TimeSpan | null): void => {
    looks.set(key, reach)
    if (reach !== null) reaches.set(folder, reach)
  }
  let unseen = 0
  for (const [{ venue, symbol }, own] of folders) {
    for (const folder of own) {
      const key = folderKey(venue, symbol, dateOfDay(folder.day), folder.stream)
      const known = facts.of(key, folder.digest)?.reach
      if (known !== undefined && known !== null) reaches.set(folder, { fromNs: BigInt(known[0]), toNs: BigInt(known[1]) })
      if (known !== undefined) continue
      const found = listing.looks?.get(key)
      if (found !== undefined) note(folder, key, found)
      else if (listing.looks !== undefined) unseen++
      else if (unknown.length < MAX_LOOKS) unknown.push({ folder, key })
      else unseen++
    }
  }
  // The last ones first: they are looked at where not all can be.
  await inTurns(unknown.reverse(), archive.directory === undefined ? LOOKS_AT_ONCE : 1, async ({ folder, key }) => {
    const objects = objectsOf(JSON.parse(listing.objectsText(folder)) as (string | number)[])
    const reach = await look.at(
      folder.day,
      key,
      objects.map(({ name, size, etag }) => ({ key: key + name, size, etag })),
    )
    if (reach === 'unseen') unseen++
    else note(folder, key, reach)
  })
  return { reaches, unseen, looks }
}

/** Looks at folders of an archive. */
class FolderLook {
  readonly #archive: ObjectStore
  readonly #logs: StoreLogs
  #bytesLeft: number

  constructor(archive: ObjectStore, bytesLeft: number) {
    this.#archive = archive
    this.#logs = StoreLogs.of(archive)
    this.#bytesLeft = bytesLeft
  }

  /** Null: within its UTC day, or not to be read, which its tasks will tell. */
  async at(day: number, key: string, objects: readonly ListedObject[]): Promise<TimeSpan | null | 'unseen'> {
    const place = new Place(this.#archive, key, objects)
    const segments = place.segments
    const [first, last] = [segments[0], segments.at(-1)]
    if (first === undefined || last === undefined) return null
    try {
      let [leastNs, mostNs] = [dayReach(day).toNs, 0n]
      for (const segment of first === last ? [first] : [first, last]) {
        const times = (await indexedTimes(place, segment, day)) ?? (await this.#scannedTimes(place, segment, day))
        if (times === 'unseen') return times
        if (times === null) continue
        if (times.leastNs < leastNs) leastNs = times.leastNs
        if (times.mostNs > mostNs) mostNs = times.mostNs
      }
      return mostNs === 0n ? null : reachBeyond(day, leastNs, mostNs + 1n)
    } catch (error) {
      if (!(error instanceof ReplayError) || error.category === 'transient') throw error
      return null
    }
  }

  /** The times of a segment that has no index to be trusted. */
  async #scannedTimes(place: Place, segment: Segment, day: number): Promise<Times | null | 'unseen'> {
    if (segment.object.size > this.#bytesLeft) return 'unseen'
    this.#bytesLeft -= segment.object.size
    const log = this.#archive.directory === undefined ? await this.#logs.open(place.key, place.objects) : place.directory
    const reader = await ReplayReader.open(log, { onCorrupt: 'skip', onIssue: () => undefined, checkCrc: false })
    const source = new SoundTimes(reader, { date: dateOfDay(day) })
    const extremes = new Extremes()
    try {
      if (segment.id !== reader.firstSegment && !(await reader.seekToPosition(segment.id, DATA_OFFSET))) return null
      for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
        if (batch.length > 0 && batch.at(batch.rowAt(0)).segment !== segment.id) break
        extremes.add(batch)
      }
      return extremes.times
    } finally {
      await source.close()
    }
  }
}

/** The least and the greatest time of batches. */
class Extremes {
  times: Times | null = null

  add(batch: MessageBatch): void {
    if (batch.length === 0) return
    const { timeWords } = batch
    let least = batch.rowAt(0)
    let most = least
    for (let k = 1; k < batch.length; k++) {
      const row = batch.rowAt(k)
      if (isBefore(timeWords, row, { low: timeWords[2 * least]!, high: timeWords[2 * least + 1]! })) least = row
      if (isBefore(timeWords, most, { low: timeWords[2 * row]!, high: timeWords[2 * row + 1]! })) most = row
    }
    const [leastNs, mostNs] = [batch.at(least).timestampNs, batch.at(most).timestampNs]
    const { times } = this
    this.times = {
      leastNs: times === null || leastNs < times.leastNs ? leastNs : times.leastNs,
      mostNs: times === null || mostNs > times.mostNs ? mostNs : times.mostNs,
    }
  }
}

interface Times {
  readonly leastNs: bigint
  readonly mostNs: bigint
}

interface Segment {
  readonly id: number
  readonly object: ListedObject
  readonly compressed: boolean
}

/** A folder as it was listed, of whose files only the beginnings are looked at. */
class Place {
  readonly key: string
  readonly objects: readonly ListedObject[]
  readonly #archive: ObjectStore

  constructor(archive: ObjectStore, key: string, objects: readonly ListedObject[]) {
    this.#archive = archive
    this.key = key
    this.objects = objects
  }

  get directory(): string {
    return path.join(this.#archive.directory!, this.key)
  }

  /** In order. Of `N.q` and `N.q.zst` the plain one counts. */
  get segments(): Segment[] {
    const byId = new Map<number, Segment>()
    for (const object of this.objects) {
      const name = object.key.slice(this.key.length)
      const compressed = name.endsWith('.zst')
      const id = segmentIdOf(compressed ? name.slice(0, -4) : name)
      if (id !== null && !(compressed && byId.has(id))) byId.set(id, { id, object, compressed })
    }
    return [...byId.values()].sort((a, b) => a.id - b.id)
  }

  /** The index of a segment; only its header and first entry can be looked at. Null: there is none. @throws as `openSeekIndex` */
  async index(id: number): Promise<SeekIndex | null> {
    if (this.#archive.directory !== undefined) return openSeekIndex(new DiskFolder(this.directory), id)
    const object = this.#objectOf(indexName(id))
    if (object === undefined) return null
    const head = await this.#headOf(object, INDEX_HEADER_BYTES + INDEX_ENTRY_BYTES)
    return openSeekIndex(headFolder(head, object), id)
  }

  /** The first bytes of a plain segment, fewer where it ends before. */
  async headOf({ object }: Segment, bytes: number): Promise<Uint8Array> {
    if (this.#archive.directory === undefined) return this.#headOf(object, bytes)
    const file = new DiskFolder(this.directory).open(object.key.slice(this.key.length))
    try {
      const head = new Uint8Array(bytes)
      return head.subarray(0, file.read(head, 0, bytes, 0))
    } finally {
      file.close()
    }
  }

  #objectOf(name: string): ListedObject | undefined {
    return this.objects.find(({ key }) => key === this.key + name)
  }

  async #headOf({ key, size, etag }: ListedObject, bytes: number): Promise<Uint8Array> {
    const found = await this.#archive.get(key, { range: { start: 0, end: Math.min(size, bytes) }, ifMatch: etag })
    if (found !== null) return found.bytes
    throw new ReplayError('input-changed', 'the object is gone since it was listed', { category: 'input', path: key })
  }
}

/** A folder with one small file, of which the beginning is there and the rest reads as zeros. */
function headFolder(head: Uint8Array, { key, size }: ListedObject): LogFolder {
  const file: LoadedFile = {
    path: key,
    bytes: size,
    read(target, start, length, offset) {
      const found = Math.min(length, Math.max(0, size - offset))
      target.fill(0, start, start + found)
      target.set(head.subarray(Math.min(offset, head.length), Math.min(offset + found, head.length)), start)
      return found
    },
    close: () => undefined,
  }
  const none = (): never => {
    throw new ReplayError('segment-unreadable', 'only an index was looked at', { category: 'bug', path: key })
  }
  return { path: key, names: () => [], versionOf: () => null, load: () => file, open: none, close: () => undefined }
}

/**
 * The extremes that a segment's index has, if these can be believed; null: the segment itself has to be looked at. That an index
 * knows all of its segment is not checked: a time that it lacks is found by the task that reads it.
 */
async function indexedTimes(place: Place, segment: Segment, day: number): Promise<Times | null> {
  const { id, object, compressed } = segment
  const index = await place.index(id).catch((error: unknown) => {
    if (error instanceof ReplayError && error.category === 'corrupt') return null
    throw error
  })
  if (index === null || index.partial || index.entryCount === 0 || index.segmentId !== id) return null
  if (!compressed && index.segmentBytes !== object.size) return null
  const times = { leastNs: index.minTimestampNs, mostNs: index.maxTimestampNs }
  if (reachBeyond(day, times.leastNs, times.mostNs + 1n) === null) return times
  const span = believableSpan(dateOfDay(day))
  if (times.leastNs < span.fromNs || times.mostNs >= span.toNs) return null
  return compressed || (await describes(index, place, segment)) ? times : null
}

/** Whether a sealed segment begins with the record that its index begins with. */
async function describes(index: SeekIndex, place: Place, segment: Segment): Promise<boolean> {
  const head = await place.headOf(segment, DATA_OFFSET + RECORD_HEADER_BYTES)
  if (head.length < DATA_OFFSET + RECORD_HEADER_BYTES) return false
  const first = decodeRecordHeader(new DataView(head.buffer, head.byteOffset, head.length), DATA_OFFSET)
  return (head[12]! & SEGMENT_SEALED) !== 0 && first.seq === index.seqAt(0) && first.timestampNs === index.timestampNsAt(0)
}
