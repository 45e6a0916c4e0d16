import { dateOfDay, dayOfDate } from '../instant.ts'
import type { TimeSpan } from '../log/reading/sound-times.ts'
import type { ListedFolder } from './archive/archive-listing.ts'
import { DaySpans, dayReach, dayTimeOf } from './archive/day-spans.ts'
import type { FolderReaches } from './archive/folder-reach.ts'
import { shortHash } from './short-hash.ts'

/**
 * Where the state of a partition begins, and so which folders it depends on:
 * - `window`: no state from before its window (a job without a book): the folders that its warm-up and skew touch
 * - `YYYY-MM-DD`: a day folder whose book begins with a snapshot or reset
 * - `origin`: the first folder that there is; one that appears before it changes the inputs
 *
 * A receipt records it, and later plans compare by what was recorded: to learn of a nearer restart point changes nothing.
 */
export type Restart = 'window' | 'origin' | (string & {})

/** The days of an instrument for which a job has folders, ascending; millions of them, so a few flat arrays. */
export class InputDays {
  /** By day, then stream. */
  readonly folders: readonly ListedFolder[]
  readonly spans: DaySpans
  /** The first folder of each day, by index; one more entry for the end. */
  readonly firstFolder: readonly number[]
  readonly #reaches: FolderReaches

  constructor(folders: readonly ListedFolder[], wants: (stream: string) => boolean, reaches: FolderReaches = new Map()) {
    this.folders = wantedOf(folders, wants)
    this.#reaches = reaches
    const firstFolder: number[] = []
    for (const [i, { day }] of this.folders.entries()) if (day !== this.folders[i - 1]?.day) firstFolder.push(i)
    firstFolder.push(this.folders.length)
    this.firstFolder = firstFolder
    this.spans = new DaySpans(this.folders.map((folder) => ({ day: folder.day, reach: reaches.get(folder) })))
  }

  /** Days since the epoch. */
  get days(): readonly number[] {
    return this.spans.days
  }

  get count(): number {
    return this.days.length
  }

  foldersOf(index: number): readonly ListedFolder[] {
    return this.folders.slice(this.firstFolder[index], this.firstFolder[index + 1])
  }

  /** What a folder reaches beyond its UTC day, with that; undefined: nothing. */
  reachOf(folder: ListedFolder): TimeSpan | undefined {
    return this.#reaches.get(folder)
  }
}

/** The folders of the streams that a job reads. */
export function wantedOf(folders: readonly ListedFolder[], wants: (stream: string) => boolean): readonly ListedFolder[] {
  return folders.every(({ stream }) => wants(stream)) ? folders : folders.filter(({ stream }) => wants(stream))
}

/**
 * Digests of the inputs of an instrument's partitions: of every object in the folders of a range of days. A digest is
 * made of the one that ends a day earlier, so that all of a long history cost one hash per day.
 */
export class InputDigests {
  readonly #days: InputDays
  /** Digests of the days from `#from` on, by last day. */
  #from = -1
  #chain: string[] = []

  constructor(days: InputDays) {
    this.#days = days
  }

  /**
   * 32 hex digits for the entries that a partition depends on.
   * @param window indexes of the first and last entry that its window touches
   */
  of(restart: Restart, [first, last]: readonly [first: number, last: number]): string {
    return this.range(this.firstIndex(restart, first), last)
  }

  /** Index of the first entry that a restart reads: what other streams tell at its begin may lie in the folder before. */
  firstIndex(restart: Restart, windowFirst: number): number {
    if (restart === 'origin') return 0
    if (restart === 'window') return windowFirst
    const { spans } = this.#days
    const day = dayOfDate(restart)
    const at = spans.lastIndex(day)
    return spans.firstReaching(dayTimeOf(spans.days[at] === day ? spans.startNs(at) : dayReach(day).fromNs))
  }

  forget(): void {
    this.#from = -1
    this.#chain = []
  }

  range(from: number, last: number): string {
    if (last < from) return NO_INPUTS
    if (from !== this.#from) {
      this.#from = from
      this.#chain = []
    }
    const chain = this.#chain
    const days = this.#days
    while (chain.length <= last - from) {
      const at = from + chain.length
      let text = `${chain.at(-1) ?? ''}\n${dateOfDay(days.days[at]!)}`
      for (let i = days.firstFolder[at]!; i < days.firstFolder[at + 1]!; i++) {
        const { stream, digest } = days.folders[i]!
        text += ` ${stream} ${digest}`
      }
      chain.push(shortHash(text))
    }
    return chain[last - from]!
  }
}

const NO_INPUTS = '0'.repeat(32)

/**
 * What becomes of a partition whose input is damaged: it fails, or it does without the damaged records, which are counted and
 * told in its receipt, and whatever depends on their order is behind a gap.
 */
export type OnCorrupt = 'abort' | 'skip'

/** What the fingerprints of a run have in common. */
export interface FingerprintBase {
  /** Hash of the job's bundle. */
  readonly bundle: string
  readonly engine: string
  /** @default 'abort' */
  readonly onCorrupt?: OnCorrupt | undefined
  /** URI of the place that a job which writes restart points puts them in. @default beside the logs */
  readonly restartsTo?: string | undefined
}

/**
 * Fingerprint of a partition with the variants that run together, 32 hex digits: code, engine, cell, inputs and the ids of
 * the variants, which are hashes of their parameters. Where the archive lies does not matter, nor which snapshots it has. A
 * run that skips damage has fingerprints of its own; a partition that met none gets the one that it would have without.
 * @param cell `venue/symbol/startNs/endNs`; @param variants sorted ids
 */
export function fingerprintOf(base: FingerprintBase, cell: string, inputs: string, variants: readonly string[]): string {
  const skips = base.onCorrupt === 'skip' ? '\nskip' : ''
  const place = base.restartsTo === undefined ? '' : `\nto ${base.restartsTo}`
  return shortHash(`${base.bundle}\n${base.engine}\n${cell}\n${inputs}\n${variants.join(' ')}${skips}${place}`)
}
