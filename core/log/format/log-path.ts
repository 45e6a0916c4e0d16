import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { folderOf } from '../stores/disk-folder.ts'
import type { LogFolder } from '../stores/log-folder.ts'
import { archivePlaceOf, isDate, isLogPlace, mayHoldLogs, pathParts } from './archive-place.ts'
import { segmentIdOf } from './segment.ts'

/** What a log's path says about it; null where it says nothing. */
export interface LogIdentity {
  readonly venue: string | null
  /** Symbol code, e.g. `btc-usdt`. */
  readonly symbol: string | null
  /** UTC date of the record times, `YYYY-MM-DD`. */
  readonly date: string | null
  /** E.g. `book`, `trades`, `ticker`, `l3`. */
  readonly stream: string | null
}

/** A log below an archive or table root. */
export interface LogLocation extends LogIdentity {
  /** Its directory, or its URI. */
  readonly path: string
  /** Opens it where it is not a directory. */
  readonly open?: () => Promise<LogFolder>
  /** Where its restart points are: in this store below `<prefix>snapshots/`. @default in its directory */
  readonly home?: { readonly store: ObjectStore; readonly prefix: string }
}

/** Opens a log where it is. @throws ReplayError those of the store */
export async function openLog({ path, open }: LogLocation): Promise<LogFolder> {
  return open === undefined ? folderOf(path) : open()
}

const HIVE_KEYS = ['venue', 'symbol', 'date', 'stream']

/**
 * Reads venue, symbol, date and stream from the end of a log's path. Known shapes (docs/format.md, Offline logs and Archives):
 * `v1/<venue>/<symbol>/<date>/<stream>` and `v1/<venue>/<date>/raw` (archive), `key=value/…` (Hive table) and
 * `streams/clean/<venue>/<symbol>/<stream>/queue`, `streams/raw/<venue>/queue` (live bus). What is above them says nothing.
 */
export function identifyLog(logPath: string): LogIdentity {
  return identifyParts(pathParts(logPath))
}

/** @param above how many of the parts are known to be above a table */
function identifyParts(parts: readonly string[], above = 0): LogIdentity {
  const place = archivePlaceOf(parts)
  if (place !== null) return place
  const [rawV1, rawVenue, rawDate, rawStream] = parts.slice(-4)
  if (rawV1 === 'v1' && isDate(rawDate!) && rawStream === 'raw') return { ...NOTHING, venue: rawVenue!, date: rawDate!, stream: 'raw' }
  const keys = parts.slice(Math.max(above, parts.findLastIndex((part) => !part.includes('=')) + 1))
  const hive = new Map(keys.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]))
  if (HIVE_KEYS.some((key) => hive.has(key))) {
    const date = hive.get('date')
    return {
      venue: hive.get('venue') ?? null,
      symbol: hive.get('symbol') ?? null,
      date: date !== undefined && isDate(date) ? date : null,
      stream: hive.get('stream') ?? null,
    }
  }
  const [streams, clean, venue, symbol, stream] = parts.slice(-6)
  if (parts.length >= 6 && streams === 'streams' && clean === 'clean')
    return { venue: venue!, symbol: symbol!, date: null, stream: stream! }
  for (const [rawStreams, raw, rawBusVenue] of [parts.slice(-4), parts.slice(-3)])
    if (rawStreams === 'streams' && raw === 'raw') return { ...NOTHING, venue: rawBusVenue ?? null }
  return NOTHING
}

/** Likewise of a folder: that of a relative path is made absolute first. */
export function identifyFolder({ path: place }: LogFolder): LogIdentity {
  return identifyLog(place.includes('://') ? place : path.resolve(place))
}

/** Whether files of these names make a log. */
export function isLogFolder(names: readonly string[]): boolean {
  return names.some((name) => segmentIdOf(name.endsWith('.zst') ? name.slice(0, -4) : name) !== null)
}

/**
 * Every log at or below `root`, sorted by path. Links are followed, but not back up; `_table` and other `_…` folders are not
 * entered, nor what belongs to a log (archive-place.ts).
 * @throws ReplayError input `log-missing` when `root` is no directory or holds no log, `name-unreadable`, `log-unreadable`
 */
export function findLogs(root: string): LogLocation[] {
  if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ReplayError('log-missing', 'no such log or archive directory', { category: 'input', path: root })
  }
  const rootParts = pathParts(path.resolve(root))
  const above = fs.existsSync(path.join(root, '_table', 'metadata.json')) ? rootParts.length : 0
  const found: LogLocation[] = []
  const inside: string[] = []
  const visit = (directory: string, below: readonly string[]): void => {
    const real = fs.realpathSync(directory)
    if (inside.includes(real)) return
    inside.push(real)
    const entries = readFolder(directory)
    if (isLogFolder(entries.map(({ name }) => name)) && isLogPlace(rootParts, below))
      found.push({ path: directory, ...identifyParts([...rootParts, ...below], above) })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const place = path.join(directory, entry.name)
      if (entry.isDirectory()) requireReadable(entry.name, place)
      const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && fs.statSync(place, { throwIfNoEntry: false })?.isDirectory())
      if (isFolder && mayHoldLogs(rootParts, [...below, entry.name])) visit(place, [...below, entry.name])
    }
    inside.pop()
  }
  visit(root, [])
  if (found.length === 0) {
    throw new ReplayError('log-missing', 'no segments (NNNNNNNNN.q) at or below this directory', { category: 'input', path: root })
  }
  return found
}

function readFolder(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true })
  } catch (cause) {
    const message = `expected a folder that can be read: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new ReplayError('log-unreadable', message, { category: 'input', path: directory, cause })
  }
}

/** Of a name whose bytes are not UTF-8 it is not known what they were, so it cannot be opened. */
function requireReadable(name: string, place: string): void {
  if (!name.includes('\ufffd') || fs.existsSync(place)) return
  const message = 'expected names of folders in UTF-8, found one with other bytes; rename the folder'
  throw new ReplayError('name-unreadable', message, { category: 'input', path: place })
}

const NOTHING: LogIdentity = { venue: null, symbol: null, date: null, stream: null }
