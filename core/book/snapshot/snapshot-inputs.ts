import { createHash, type Hash } from 'node:crypto'
import { listSegments } from '../../log/reading/segment-file.ts'
import { folderOf } from '../../log/stores/disk-folder.ts'
import type { LogFolder } from '../../log/stores/log-folder.ts'

/** One version of a segment, as a listing shows it. */
export interface SegmentVersion {
  /** Segment id. */
  readonly id: number
  /** File name, e.g. `000000003.q.zst`. */
  readonly name: string
  /** Bytes of the file as stored. */
  readonly size: number
  /** Opaque: an ETag; of a local file its mtime in nanoseconds. */
  readonly version: string
}

/** The segments of a log: of a directory's path, or a folder. */
export function segmentVersions(log: string | LogFolder): SegmentVersion[] {
  const folder = folderOf(log)
  return listSegments(folder).map(({ id, name }) => ({ id, name, ...(folder.versionOf(name) ?? { size: 0, version: '' }) }))
}

/**
 * Fingerprint of what a snapshot came from: how the books were built, and every segment from the beginning of the pass
 * to the one with the snapshot's position. Later segments do not matter, nor does where the archive lies.
 */
export class SnapshotInputs {
  readonly #hash: Hash
  #segments: readonly SegmentVersion[] = []
  #taken = 0
  /** Fingerprints by segment id, of the current folder. */
  readonly #prints = new Map<number, string>()

  /** @param settings everything besides the segments that a book depends on: gap policy, rule, depth limit, … */
  constructor(settings: unknown) {
    this.#hash = createHash('sha256').update(`${JSON.stringify(settings)}\n`)
  }

  /** Goes on with the next folder of the stream; the rest of the one before counts as read. */
  enterFolder(date: string | null, segments: readonly SegmentVersion[]): void {
    this.#advance(Number.POSITIVE_INFINITY)
    this.#prints.clear()
    this.#segments = segments
    this.#taken = 0
    this.#hash.update(`folder ${date ?? '-'}\n`)
  }

  /** 32 hex digits; empty for a segment that the current folder's listing does not have. */
  upTo(segment: number): string {
    this.#advance(segment)
    return this.#prints.get(segment) ?? ''
  }

  #advance(segment: number): void {
    for (let next = this.#segments[this.#taken]; next !== undefined && next.id <= segment; next = this.#segments[++this.#taken]) {
      this.#hash.update(`${next.name} ${next.size} ${next.version}\n`)
      this.#prints.set(next.id, this.#hash.copy().digest('hex').slice(0, 32))
    }
  }
}
