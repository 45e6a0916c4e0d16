import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { folderOf, type LogFolder } from './log-folder.ts'
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
const DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * Reads venue, symbol, date and stream from a log's path. Known shapes (FORMAT.md §11, §19):
 * `v1/<venue>/<symbol>/<date>/<stream>` and `v1/<venue>/<date>/raw` (archive), `…/key=value/…` (Hive table) and
 * `streams/clean/<venue>/<symbol>/<stream>/queue`, `streams/raw/<venue>/queue` (live bus).
 */
export function identifyLog(logPath: string): LogIdentity {
  const parts = logPath.split(/[\\/]+/).filter((part) => part !== '')
  const hive = new Map(
    parts.filter((part) => part.includes('=')).map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  )
  if (HIVE_KEYS.some((key) => hive.has(key)))
    return {
      venue: hive.get('venue') ?? null,
      symbol: hive.get('symbol') ?? null,
      date: hive.get('date') ?? null,
      stream: hive.get('stream') ?? null,
    }
  const [v1, venue, symbol, date, stream] = parts.slice(-5)
  if (v1 === 'v1' && DATE.test(date!)) return { venue: venue!, symbol: symbol!, date: date!, stream: stream! }
  const [rawV1, rawVenue, rawDate, rawStream] = parts.slice(-4)
  if (rawV1 === 'v1' && DATE.test(rawDate!) && rawStream === 'raw') return { ...NOTHING, venue: rawVenue!, date: rawDate!, stream: 'raw' }
  const clean = parts.lastIndexOf('clean')
  if (clean > 0 && parts[clean - 1] === 'streams' && parts.length === clean + 5) {
    return { venue: parts[clean + 1]!, symbol: parts[clean + 2]!, date: null, stream: parts[clean + 3]! }
  }
  const raw = parts.lastIndexOf('raw')
  if (raw > 0 && parts[raw - 1] === 'streams') return { ...NOTHING, venue: parts[raw + 1] ?? null }
  return NOTHING
}

/** Likewise of a folder: that of a relative path is made absolute first. */
export function identifyFolder({ path: place }: LogFolder): LogIdentity {
  return identifyLog(place.includes('://') ? place : path.resolve(place))
}

/** Whether the directory holds segments. */
function isLogDirectory(directory: string): boolean {
  return isLogFolder(fs.readdirSync(directory))
}

/** Whether files of these names make a log. */
export function isLogFolder(names: readonly string[]): boolean {
  return names.some((name) => segmentIdOf(name.endsWith('.zst') ? name.slice(0, -4) : name) !== null)
}

/**
 * Every log at or below `root`, sorted by path. Links are followed, but not back up; `_table` and other `_…` folders are not entered.
 * @throws ReplayError input `log-missing` when `root` is no directory or holds no log
 */
export function findLogs(root: string): LogLocation[] {
  const found: LogLocation[] = []
  const above: string[] = []
  const visit = (directory: string): void => {
    const real = fs.realpathSync(directory)
    if (above.includes(real)) return
    above.push(real)
    const entries = fs.readdirSync(directory, { withFileTypes: true })
    if (isLogDirectory(directory)) found.push({ path: directory, ...identifyLog(path.resolve(directory)) })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = path.join(directory, entry.name)
      const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && fs.statSync(below, { throwIfNoEntry: false })?.isDirectory())
      if (isFolder && !entry.name.startsWith('_') && entry.name !== 'snapshots' && entry.name !== 'readers') visit(below)
    }
    above.pop()
  }
  if (!fs.statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ReplayError('log-missing', 'no such log or archive directory', { category: 'input', path: root })
  }
  visit(root)
  if (found.length === 0) {
    throw new ReplayError('log-missing', 'no segments (NNNNNNNNN.q) at or below this directory', { category: 'input', path: root })
  }
  return found
}

const NOTHING: LogIdentity = { venue: null, symbol: null, date: null, stream: null }
