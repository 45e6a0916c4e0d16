import { isDate, isForeignName } from '../../log/format/archive-place.ts'
import { isLogFolder } from '../../log/format/log-path.ts'
import { isKeyPart, type OddThing } from '../../store/object-store.ts'

/** What a job does not read of an archive, though it is there; told by every command that plans. */
export interface ListingFinding {
  readonly code: FindingCode
  /** Whether there are messages in it that no job sees. */
  readonly isLoss: boolean
  /** Folders or files. */
  readonly count: number
  /** Keys of the first of them, at most `MAX_PLACES`. */
  readonly places: readonly string[]
  /** What was expected, what was found, and what to do. */
  readonly message: string
}

export type FindingCode = keyof typeof FINDINGS

/**
 * Collects what a listing of an archive finds beside its logs. Nothing is said of what systems and other programs leave behind
 * (`isForeignName`), nor of raw logs of venues (`v1/<venue>/<date>/raw/`), which are there by design and not of an instrument.
 */
export class ListingFindings {
  readonly #places = new Map<FindingCode, Set<string>>()
  readonly #counts = new Map<FindingCode, number>()
  /** Files of a folder come one behind the other, so that the last place tells whether one is new. */
  readonly #last = new Map<FindingCode, string>()

  /** A key that lies in no stream-day folder of an instrument. */
  addOther(key: string): void {
    const parts = key.split('/')
    const [, , date, raw] = parts
    if (parts.length >= 5 && isDate(date!) && raw === 'raw') return
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    if (isLogFolder([parts.at(-1)!])) this.#add(parts.length === 6 ? 'no-such-day' : 'misplaced-log', folder)
    else if (!parts.some(isForeignName) && !isOfLog(parts)) this.#add('foreign-file', key)
  }

  /** A file in a stream-day folder that is no part of its log. */
  addInFolder(key: string, name: string): void {
    const parts = name.split('/')
    if (parts.length > 1 && isLogFolder([parts.at(-1)!])) this.#add('misplaced-log', key.slice(0, key.lastIndexOf('/') + 1))
    else if (isLikeSegment(name)) this.#add('no-segment-name', key)
    else if (!parts.some(isForeignName)) this.#add('foreign-file', key)
  }

  /** A stream-day folder with files and no segment. */
  addWithoutSegments(folder: string): void {
    this.#add('no-segments', folder)
  }

  addOdd({ key, what }: OddThing): void {
    const parts = key.split('/')
    if (parts.some(isForeignName) || (parts.length === 7 && /^(snapshots|readers)$/.test(parts[5]!))) return
    if (what === 'empty') this.#add('empty-folder', key)
    else this.#add(what === 'name' ? 'unreadable-name' : what === 'link' ? 'broken-link' : 'no-file', key)
  }

  /** Adds what was found in the keys behind those of this one. */
  absorb(later: ListingFindings): void {
    for (const [code, places] of later.#places) {
      // `#add` counts the places that it is told; the last one is told again where a folder's files are in both.
      for (const place of places) this.#add(code, place)
      this.#counts.set(code, this.#counts.get(code)! + later.#counts.get(code)! - places.size)
      this.#last.set(code, later.#last.get(code)!)
    }
  }

  list(): ListingFinding[] {
    return [...this.#places].map(([code, places]) => {
      const count = this.#counts.get(code)!
      return { code, isLoss: FINDINGS[code].isLoss, count, places: [...places], message: FINDINGS[code].message }
    })
  }

  #add(code: FindingCode, place: string): void {
    const places = this.#places.get(code) ?? new Set<string>()
    this.#places.set(code, places)
    if (this.#last.get(code) === place) return
    this.#last.set(code, place)
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    if (places.size < MAX_PLACES) places.add(place)
  }
}

/** A finding as one line. */
export function findingText({ count, places, message, isLoss }: ListingFinding): string {
  const more = count > places.length ? `, … (${count} in all)` : ''
  const shown = places.map((place) => JSON.stringify(place)).join(', ')
  return `${isLoss ? 'left out' : 'note'}: ${message}: ${shown}${more}`
}

/** Whether a name can be that of a venue or symbol: of a folder that holds days with logs. */
export function isArchiveName(word: string): boolean {
  return isKeyPart(word)
}

/** Names of files that belong to a log; those of snapshots and reader positions are in folders of theirs. */
export function isFileOfLog(name: string): boolean {
  return /^(\d{9}\.(q|q\.zst)|\d{9}\.(idx|q\.idx|q\.zst\.idx|q\.zst\.remote\.json|q\.remote\.json)|meta\.json|control\.meta|index\.meta|writer\.lock)$/.test(
    name,
  )
}

/** E.g. `000000001.q.gz`, `1.q`, `000000001.q.part`: messages may be in it, and nobody reads them. */
function isLikeSegment(name: string): boolean {
  return /^\d+\.q(\.|$)/.test(name)
}

/** Whether a key is that of a file beside segments, which are told of. */
function isOfLog(parts: readonly string[]): boolean {
  return isFileOfLog(parts.at(-1)!) || parts.includes('snapshots') || parts.includes('readers')
}

const MAX_PLACES = 5

const FINDINGS = {
  'no-such-day': {
    isLoss: true,
    message: 'segments in folders v1/<venue>/<symbol>/<day>/<stream>/ whose day is no day of the calendar like 2024-02-29; rename them',
  },
  'misplaced-log': {
    isLoss: true,
    message: 'segments in folders that are not at v1/<venue>/<symbol>/<YYYY-MM-DD>/<stream>/; move them (a symbol is one folder)',
  },
  'no-segment-name': {
    isLoss: true,
    message: 'files named nearly like segments (NNNNNNNNN.q, NNNNNNNNN.q.zst), which nobody reads; rename, unpack or remove them',
  },
  'unreadable-name': {
    isLoss: true,
    message: 'names that cannot be asked for (empty, "." or "..", or not UTF-8); rename them',
  },
  'broken-link': { isLoss: true, message: 'links that lead nowhere; mend or remove them' },
  'no-segments': { isLoss: false, message: 'folders of a stream and day without a segment' },
  'empty-folder': { isLoss: false, message: 'empty folders' },
  'foreign-file': { isLoss: false, message: 'files that belong to no log' },
  'no-file': { isLoss: false, message: 'neither files nor folders' },
} as const
