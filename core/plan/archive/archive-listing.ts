import { inTurns } from '../../in-turns.ts'
import { dayOfDate } from '../../instant.ts'
import { isForeignName } from '../../log/format/archive-place.ts'
import type { TimeSpan } from '../../log/reading/sound-times.ts'
import type { ObjectStore, OddThing } from '../../store/object-store.ts'
import { keptShortHash } from '../short-hash.ts'
import { TextHeap } from '../text-heap.ts'
import { type ListingSelection, spansOf } from './archive-spans.ts'
import { isFileOfLog, type ListingFinding, ListingFindings } from './listing-findings.ts'

/** A stream-day folder that holds segments. */
export interface ListedFolder {
  /** Days since the epoch. */
  readonly day: number
  readonly stream: string
  /** Digest of name, size and ETag of every object in it: 32 hex digits. Snapshots, reader positions and files being made do not count. */
  readonly digest: string
  /** Bytes of the segments. */
  readonly bytes: number
  /** Objects, segments and others. */
  readonly objects: number
  /** Snapshot files. */
  readonly snapshots: number
  /** Where its objects stand in the listing. */
  readonly at: number
}

/** A venue × symbol. */
export interface ListedInstrument {
  readonly venue: string
  readonly symbol: string
  /** By day, then stream. */
  readonly folders: readonly ListedFolder[]
}

/** What an archive holds, by its keys, sizes and ETags alone (layout: docs/format.md, Archives). */
export interface ArchiveListing {
  /** By venue, then symbol. */
  readonly instruments: readonly ListedInstrument[]
  /** Objects that the selection covers. */
  readonly objects: number
  /** Keys that are no part of a log of an instrument. */
  readonly others: number
  /** What is there and not read. */
  readonly findings: readonly ListingFinding[]
  /** What was found by looks into folders of these versions. @default nobody has looked */
  readonly looks?: FolderLooks | undefined
  /** Objects of a folder as `name, size, etag, name, …`, in JSON with its brackets. */
  objectsText(folder: ListedFolder): string
}

/** By key of the folder, what it reaches beyond its UTC day, together with that; null: nothing. Of others, looks could not tell. */
export type FolderLooks = ReadonlyMap<string, TimeSpan | null>

/**
 * Lists an archive: where its store answers a listing page by page, in many stretches at once. Memory: about 150 bytes per folder and 40
 * per object, and 1 MiB for each of the stretches under way.
 * @param selection names must have been checked (`isArchiveName`)
 */
export async function listArchive(archive: ObjectStore, selection: ListingSelection = {}): Promise<ArchiveListing> {
  const parts = await inTurns(await spansOf(archive, selection), LISTED_AT_ONCE, async ({ prefix, stretch }) => {
    const part = new ListingBuilder(selection)
    for await (const { key, size, etag } of archive.list(prefix, (odd) => part.addOdd(odd), stretch)) part.add(key, size, etag)
    part.end()
    return part
  })
  const whole = new ListingBuilder(selection)
  for (const part of parts) whole.absorb(part)
  return whole.finish()
}

/** Fewer than the connections that the SDK of S3 opens, of which each has one request under way. */
const LISTED_AT_ONCE = 48

/** Whether a file of a log's folder is one that its writer makes aside: it is no part of the log until it has its name. */
export function isUnfinished(name: string): boolean {
  return name.endsWith('.tmp')
}

const SEGMENT = /^\d{9}\.q(\.zst)?$/

/** Takes objects in order of key. */
export class ListingBuilder {
  readonly #symbols: ReadonlySet<string> | null
  readonly #text = new TextHeap()
  readonly #instruments: { venue: string; symbol: string; folders: ListedFolder[] }[] = []
  /** One text per name, however many folders have it. */
  readonly #streamNames = new Map<string, string>()
  readonly #findings = new ListingFindings()
  #objects = 0
  #others = 0
  /** Prefix of the folder being read. */
  #prefix = '\0'
  #day = 0
  #stream = ''
  /** Null: the folder does not count. */
  #folders: ListedFolder[] | null = null
  #jsonText = ''
  #bytes = 0
  #count = 0
  #segments = 0
  #snapshots = 0

  constructor({ symbols }: ListingSelection) {
    this.#symbols = symbols === undefined ? null : new Set(symbols)
  }

  add(key: string, size: number, etag: string): void {
    if (!key.startsWith(this.#prefix)) {
      this.#endFolder()
      if (!this.#startFolder(key)) return
    }
    if (this.#folders === null) return
    this.#objects++
    const name = key.slice(this.#prefix.length)
    if (name.includes('/')) {
      if (name.startsWith('snapshots/')) this.addSnapshots(name.endsWith('.bin') ? 1 : 0)
      else if (!name.startsWith('readers/')) this.#findings.addInFolder(key, name)
      return
    }
    if (!isFileOfLog(name)) {
      this.#findings.addInFolder(key, name)
      // What the system leaves beside a log is no change of it.
      if (isForeignName(name)) return
    }
    if (isUnfinished(name)) return
    if (SEGMENT.test(name)) {
      this.#segments++
      this.#bytes += size
    }
    this.#count++
    this.#jsonText += `${this.#jsonText === '' ? '' : ','}${JSON.stringify(name)},${size},${JSON.stringify(etag)}`
  }

  /** Snapshot files of the folder whose objects are being taken. */
  addSnapshots(count: number): void {
    this.#snapshots += count
  }

  addOdd(odd: OddThing): void {
    const symbol = odd.key.split('/', 4)[2]
    if (this.#symbols === null || (symbol !== undefined && this.#symbols.has(symbol))) this.#findings.addOdd(odd)
  }

  /** Ends what was begun, and gives back memory until all of it is asked for. */
  end(): void {
    this.#endFolder()
    this.#text.seal()
  }

  /** Takes over what a builder has that took the keys behind those of this one and was ended. */
  absorb(later: ListingBuilder): void {
    const added = this.#text.absorb(later.#text)
    for (const { venue, symbol, folders } of later.#instruments)
      this.#instruments.push({ venue, symbol, folders: folders.map((folder) => ({ ...folder, at: folder.at + added })) })
    this.#findings.absorb(later.#findings)
    this.#objects += later.#objects
    this.#others += later.#others
  }

  finish(): ArchiveListing {
    this.#endFolder()
    const text = this.#text
    const instruments = this.#instruments
      .filter(({ folders }) => folders.length > 0)
      .sort((a, b) => compare(a.venue, b.venue) || compare(a.symbol, b.symbol))
    return {
      instruments,
      objects: this.#objects,
      others: this.#others,
      findings: this.#findings.list(),
      objectsText: ({ at }) => `[${text.read(at)}]`,
    }
  }

  /** Whether the key lies in a stream-day folder. */
  #startFolder(key: string): boolean {
    const parts = key.split('/', 6)
    const [version, venue, symbol, date, stream] = parts as [string, string, string, string, string]
    const day = parts.length === 6 && version === 'v1' ? dayOfDate(date) : Number.NaN
    if (Number.isNaN(day)) {
      this.#others++
      if (this.#symbols === null || this.#symbols.has(symbol)) this.#findings.addOther(key)
      return false
    }
    this.#prefix = `v1/${venue}/${symbol}/${date}/${stream}/`
    this.#folders = null
    if (this.#symbols !== null && !this.#symbols.has(symbol)) return true
    let instrument = this.#instruments.at(-1)
    if (instrument === undefined || instrument.venue !== venue || instrument.symbol !== symbol) {
      instrument = { venue, symbol, folders: [] }
      this.#instruments.push(instrument)
    }
    this.#folders = instrument.folders
    this.#day = day
    this.#stream = this.#streamNames.get(stream) ?? stream
    this.#streamNames.set(stream, this.#stream)
    return true
  }

  #endFolder(): void {
    if (this.#folders !== null && this.#segments > 0) {
      this.#folders.push({
        day: this.#day,
        stream: this.#stream,
        digest: keptShortHash(this.#jsonText),
        bytes: this.#bytes,
        objects: this.#count,
        snapshots: this.#snapshots,
        at: this.#text.write(this.#jsonText),
      })
    } else if (this.#folders !== null && this.#count > 0) this.#findings.addWithoutSegments(this.#prefix)
    this.#prefix = '\0'
    this.#folders = null
    this.#jsonText = ''
    this.#bytes = 0
    this.#count = 0
    this.#segments = 0
    this.#snapshots = 0
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
