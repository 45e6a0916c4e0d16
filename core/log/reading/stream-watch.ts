import fs from 'node:fs'
import path from 'node:path'
import { isDate, pathParts } from '../format/archive-place.ts'
import { isLogFolder } from '../format/log-path.ts'

/** What a watch looks for. */
export interface StreamWatchOptions {
  /** Whether a stream is looked for. @default all are */
  readonly wants?: (stream: string) => boolean
  /** Streams whose logs are known, which are not looked for; those that are found are added. */
  readonly known?: Set<string>
}

/** An instrument's folder, and where in it a place lies. */
interface InstrumentFolder {
  readonly path: string
  readonly venue: string
  readonly symbol: string
  readonly isArchive: boolean
  /** Days before it are not looked at; empty: none is left out. */
  readonly fromDate: string
  /** The place is that of one stream. */
  readonly stream: string | null
  /** Folder that has to be there for anything ever to be. */
  readonly root: string
}

/**
 * Streams of an instrument that begin while it is followed: each look finds those whose first log is there, with its control block, as
 * somebody writes it. Days before the last one that was looked at are not looked at again.
 */
export class StreamWatch {
  readonly #folder: InstrumentFolder
  readonly #wants: (stream: string) => boolean
  readonly #known: Set<string>
  #fromDate: string

  /**
   * Null: the place says nothing of an instrument, or there is no archive and no bus that it would be in.
   * @param place the folder of an instrument, a day or a stream of it, in an archive or on a live bus; it need not be there yet
   */
  static of(place: string, { wants = () => true, known = new Set() }: StreamWatchOptions = {}): StreamWatch | null {
    const folder = instrumentFolderOf(path.resolve(place))
    return folder === null || !fs.existsSync(folder.root) ? null : new StreamWatch(folder, wants, known)
  }

  private constructor(folder: InstrumentFolder, wants: (stream: string) => boolean, known: Set<string>) {
    this.#folder = folder
    this.#wants = wants
    this.#known = known
    this.#fromDate = folder.fromDate
  }

  get venue(): string {
    return this.#folder.venue
  }

  get symbol(): string {
    return this.#folder.symbol
  }

  /** The stream whose place it is; null: that of an instrument or a day. */
  get stream(): string | null {
    return this.#folder.stream
  }

  /** First logs of the streams that have begun since the last look, each once. */
  look(): string[] {
    const { path: folder, isArchive } = this.#folder
    if (!isArchive) return this.#lookIn(folder, 'queue')
    const dates = foldersIn(folder)
      .filter((name) => isDate(name) && name >= this.#fromDate)
      .sort()
    this.#fromDate = dates.at(-1) ?? this.#fromDate
    return dates.flatMap((date) => this.#lookIn(path.join(folder, date), ''))
  }

  #lookIn(folder: string, below: string): string[] {
    const { stream: only } = this.#folder
    return foldersIn(folder)
      .filter((stream) => (only === null ? this.#wants(stream) : stream === only) && !this.#known.has(stream))
      .sort()
      .flatMap((stream) => {
        const log = path.join(folder, stream, below)
        if (!isWritten(log)) return []
        this.#known.add(stream)
        return [log]
      })
  }
}

/** `…/v1/<venue>/<symbol>[/<date>[/<stream>]]` of an archive, `…/streams/clean/<venue>/<symbol>[/<stream>[/queue]]` of a bus. */
function instrumentFolderOf(place: string): InstrumentFolder | null {
  const parts = pathParts(place)
  for (const depth of [3, 4, 5]) {
    const [v1, venue, symbol, date, stream = null] = parts.slice(-depth)
    if (v1 !== 'v1' || parts.length < depth || (date !== undefined && !isDate(date))) continue
    return { ...at(place, depth - 3), venue: venue!, symbol: symbol!, isArchive: true, fromDate: date ?? '', stream }
  }
  for (const depth of [4, 5, 6]) {
    const [streams, clean, venue, symbol, stream = null, queue = 'queue'] = parts.slice(-depth)
    if (streams !== 'streams' || clean !== 'clean' || parts.length < depth || queue !== 'queue') continue
    return { ...at(place, depth - 4), venue: venue!, symbol: symbol!, isArchive: false, fromDate: '', stream }
  }
  return null
}

/** @param above how far above a place its instrument's folder is */
function at(place: string, above: number): { path: string; root: string } {
  const folder = path.resolve(place, ...Array.from({ length: above }, () => '..'))
  return { path: folder, root: path.resolve(folder, '../..') }
}

function foldersIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [] : [entry.name]))
  } catch {
    return []
  }
}

function isWritten(log: string): boolean {
  try {
    const names = fs.readdirSync(log)
    return names.includes('control.meta') && isLogFolder(names)
  } catch {
    return false
  }
}
