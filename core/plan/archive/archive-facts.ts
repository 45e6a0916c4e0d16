import { dateOfDay, dayOfDate } from '../../instant.ts'

/**
 * What was learnt of a stream-day folder that its listing does not say: by tasks, and by `plan`, which looks at folders that nobody
 * knows. `commit` keeps facts in an archive index beside the table. A fact counts only as long as the folder's digest is the same.
 */
export interface FolderFact {
  /** Key of the folder in the archive, with its last `/`. */
  readonly folder: string
  /** Digest of the folder's listing (archive-listing.ts). */
  readonly digest: string
  /** What its first record of the book is: after a `snapshot` or `reset` nothing before matters. Absent: nobody looked. */
  readonly begins?: 'snapshot' | 'reset' | 'other'
  /** Record time of that record, nanoseconds since the epoch: what lies before it needs the day before. */
  readonly beginsNs?: string
  /**
   * Its UTC day together with what its records reach beyond that, half-open, nanoseconds since the epoch; null: they are of that
   * day. Absent: nobody looked. What a plan took for it stays so, until a task finds more.
   */
  readonly reach?: readonly [fromNs: string, toNs: string] | null
}

/** The archive index as `plan` reads it. */
export interface ArchiveFacts {
  /** What is known of a folder with this digest, or undefined. */
  of(folder: string, digest: string): FolderFact | undefined
}

/** Nothing is known. */
export const NO_FACTS: ArchiveFacts = { of: () => undefined }

/** Characters kept of a digest where nothing else is kept: a change that they miss is found by the task that reads the folder. */
const SHORT = 12
const NOBODY = '-'.repeat(SHORT)
/** Days without a folder that a run of folders may have. */
const MAX_HOLE = 31

/**
 * Facts by folder. There may be millions of folders of which nothing is to be said but that their records are of their UTC day:
 * these take a few bytes each, in memory and in the index. Facts only grow: it does not matter in which order they come.
 */
export class FolderFacts implements ArchiveFacts {
  readonly #told = new Map<string, FolderFact>()
  /** Short digests of tidy folders by day (since the epoch), by `v1/venue/symbol/` and stream. */
  readonly #tidy = new Map<string, Map<number, string>>()

  get isEmpty(): boolean {
    return this.#told.size === 0 && this.#tidy.size === 0
  }

  of(folder: string, digest: string): FolderFact | undefined {
    const told = this.#told.get(folder)
    const known = told !== undefined && isOne(told.digest, digest) ? told : undefined
    if (known?.reach !== undefined || !this.#isTidy(folder, digest)) return known
    return { ...(known ?? { folder, digest }), reach: null }
  }

  /** Adds a fact to what is known of that folder; gives whether it says anything new. */
  add({ folder, digest, ...fact }: FolderFact): boolean {
    const known = this.of(folder, digest)
    const begins = fact.begins === undefined ? known : fact
    const reach = unionOf(known?.reach, fact.reach)
    const isKnown = known?.begins === begins?.begins && known?.beginsNs === begins?.beginsNs && isSame(known?.reach, reach)
    if (known !== undefined && isKnown) return false
    const told = {
      ...(begins?.begins !== undefined && { begins: begins.begins, beginsNs: begins.beginsNs! }),
      ...(reach !== null && reach !== undefined && { reach }),
    }
    const whole = known === undefined || known.digest.length < digest.length ? digest : known.digest
    if (Object.keys(told).length > 0) this.#told.set(folder, { folder, digest: whole, ...told })
    else this.#told.delete(folder)
    this.#setTidy(folder, reach === null ? digest : null)
    return true
  }

  /** All of them; of a folder with a short digest nothing else is known. */
  *all(): Generator<FolderFact, void, undefined> {
    yield* this.#told.values()
    for (const [key, days] of this.#tidy) {
      const [prefix, stream] = [key.slice(0, key.lastIndexOf('/') + 1), key.slice(key.lastIndexOf('/') + 1)]
      for (const [day, digest] of days) yield { folder: `${prefix}${dateOfDay(day)}/${stream}/`, digest, reach: null }
    }
  }

  /** Lines of JSON: what is told of single folders, then runs of tidy ones. */
  encode(): string {
    const lines = [...this.#told.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1)).map((fact) => JSON.stringify(fact))
    for (const [tidy, days] of [...this.#tidy].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const { first, digests } of runsOf(days)) lines.push(JSON.stringify({ tidy, from: dateOfDay(first), digests }))
    }
    return lines.map((line) => `${line}\n`).join('')
  }

  /** Lines that cannot be read are as if they had not been learnt. */
  static decode(text: string): FolderFacts {
    const facts = new FolderFacts()
    for (const line of text.split('\n')) {
      try {
        if (line === '') continue
        const fact = JSON.parse(line) as FolderFact | TidyRun
        if ('tidy' in fact) facts.#addRun(fact)
        else facts.add(fact)
      } catch {
        // Facts only save work.
      }
    }
    return facts
  }

  #isTidy(folder: string, digest: string): boolean {
    const [group, day] = placeOf(folder)
    return this.#tidy.get(group)?.get(day) === digest.slice(0, SHORT)
  }

  #setTidy(folder: string, digest: string | null): void {
    const [group, day] = placeOf(folder)
    const days = this.#tidy.get(group) ?? new Map<number, string>()
    if (digest === null) days.delete(day)
    else this.#tidy.set(group, days.set(day, digest.slice(0, SHORT)))
  }

  #addRun({ tidy, from, digests }: TidyRun): void {
    const first = dayOfDate(from)
    if (Number.isNaN(first)) return
    const days = this.#tidy.get(tidy) ?? new Map<number, string>()
    for (let at = 0; at < digests.length; at += SHORT) {
      const digest = digests.slice(at, at + SHORT)
      if (digest !== NOBODY) days.set(first + at / SHORT, digest)
    }
    this.#tidy.set(tidy, days)
  }
}

/** Consecutive days of a stream: 12 characters of each folder's digest, or as many `-`. */
interface TidyRun {
  /** `v1/venue/symbol/stream` */
  readonly tidy: string
  readonly from: string
  readonly digests: string
}

function* runsOf(days: ReadonlyMap<number, string>): Generator<{ first: number; digests: string }, void, undefined> {
  let run: { first: number; end: number; digests: string[] } | null = null
  for (const [day, digest] of [...days].sort(([a], [b]) => a - b)) {
    if (run === null || day - run.end > MAX_HOLE) {
      if (run !== null) yield { first: run.first, digests: run.digests.join('') }
      run = { first: day, end: day, digests: [] }
    }
    for (; run.end < day; run.end++) run.digests.push(NOBODY)
    run.digests.push(digest)
    run.end++
  }
  if (run !== null) yield { first: run.first, digests: run.digests.join('') }
}

/** The stream that a folder is of, and its day since the epoch. @param folder `v1/venue/symbol/date/stream/` */
function placeOf(folder: string): readonly [group: string, day: number] {
  const end = folder.length - 1
  const stream = folder.lastIndexOf('/', end - 1)
  const date = folder.lastIndexOf('/', stream - 1)
  return [folder.slice(0, date) + folder.slice(stream, end), dayOfDate(folder.slice(date + 1, stream))]
}

/** Whether digests, one of them perhaps shortened, are of the same bytes. */
function isOne(a: string, b: string): boolean {
  return a === b || (a.length === SHORT && b.startsWith(a)) || (b.length === SHORT && a.startsWith(b))
}

type Reach = FolderFact['reach']

function isSame(a: Reach, b: Reach): boolean {
  return a === b || (a?.[0] === b?.[0] && a?.[1] === b?.[1] && a !== null && b !== null)
}

/** Not known, tidy, or so far: the one that says more, and of two ranges both. */
function unionOf(a: Reach, b: Reach): Reach {
  if (a === undefined || a === null) return b === undefined ? a : b
  if (b === undefined || b === null) return a
  return [BigInt(a[0]) < BigInt(b[0]) ? a[0] : b[0], BigInt(a[1]) > BigInt(b[1]) ? a[1] : b[1]]
}
