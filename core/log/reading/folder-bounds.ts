import { recordBytes } from '../../message/record.ts'
import { missingEndOf, writerSegmentOf } from '../format/queue-extent.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import type { LogFolder, SegmentEntry } from '../stores/log-folder.ts'
import { type FolderNames, readFolderNames, toldMaxTime } from './folder-names.ts'
import type { LogScan } from './log-scan.ts'
import { equalsCompressed } from './twin-segment.ts'

/** Reports what a log's folder lacks at its begin and end, and what lies in it that is not read. */
export class FolderBounds {
  readonly #folder: LogFolder
  readonly #segments: readonly SegmentEntry[]
  readonly #log: LogScan
  #names: FolderNames | null = null
  #beginReported = false
  #endReported = false

  constructor(folder: LogFolder, segments: readonly SegmentEntry[], log: LogScan) {
    this.#folder = folder
    this.#segments = segments
    this.#log = log
  }

  /**
   * To be called before the first segment is opened. A live queue may have lost its old segments on purpose, an archived log begins with 0.
   * @throws ReplayError corrupt `segment-missing`, `segment-conflict`, `segment-name` under `abort`
   */
  async reportBegin(): Promise<void> {
    if (this.#names !== null) return
    const names = readFolderNames(this.#folder, this.#segments)
    const { policy } = this.#log
    const { path } = this.#folder
    const first = this.#segments[0]!.id
    if (first > 0 && !names.beginsAtZero) {
      const message = `the log begins with segment ${first}; those before it were removed, as retention of a live queue does`
      policy.warn('log-begins-late', message, { path, segment: first })
    } else if (first > 0 && !this.#beginReported) reportMissing(this.#log, path, 0, first - 1)
    for (const segment of this.#segments.filter(({ id }) => names.twice.includes(id))) await this.#compareTwin(segment)
    for (const { name, lone } of names.odd) {
      const message = `${JSON.stringify(name)} looks like a segment and is not read: expected a name of nine digits and .q or .q.zst`
      if (lone) policy.fail('segment-name', `${message}; there is no other of its id: give it its name`, { path })
      else policy.warn('segment-name', message, { path })
    }
    for (const name of names.unfinished) {
      const message = `${name} is not read: its writer is at work on it, or was killed`
      policy.warn('segment-unfinished', message, { path, segment: Number(name.slice(0, 9)) })
    }
    this.#names = names
  }

  /**
   * To be called when the first segment was opened: its writer counts from 0, others perhaps from 1.
   * @throws ReplayError corrupt `log-begins-late` under `abort`
   */
  async reportFirstRecord({ id, path }: SegmentEntry): Promise<void> {
    if (id !== 0) return
    const { scan } = this.#log
    const first = await scan.recordAt(DATA_OFFSET)
    if (first === null || first.seq <= 1n) return
    const second = await scan.recordAt(DATA_OFFSET + recordBytes(first.payloadLength))
    // A damaged header of the first record alone: the break in the sequence behind it tells.
    if (second !== null && second.payloadLength >= 0 && second.seq <= 2n) return
    const message = `the log begins with sequence ${first.seq} instead of 0: the records before it are missing; restore from a copy, or skip to read what there is`
    this.#log.policy.fail('log-begins-late', message, { path, segment: id, offset: DATA_OFFSET, seq: first.seq })
  }

  /**
   * At the end of the last segment.
   * @param maxTimeNs greatest record time, nanoseconds since the epoch; null when not all was read, or some of it was damaged
   * @throws ReplayError corrupt `segment-missing` under `abort`
   */
  reportEnd(maxTimeNs: bigint | null): void {
    if (this.#endReported) return
    this.#endReported = true
    const { policy } = this.#log
    const { path } = this.#folder
    const last = this.#segments.at(-1)!.id
    const current = missingEndOf(this.#folder, last)
    const indexed = this.#names?.lastIndexed ?? -1
    if (current !== null) {
      const message = `the control block says that the writer is in segment ${current}, but the last one here is ${last}; restore from a copy, or skip`
      policy.fail('segment-missing', message, { path, segment: last + 1 })
    } else if (indexed > last && writerSegmentOf(this.#folder) < indexed) {
      const message = `there is an index of segment ${indexed}, but the last one here is ${last}; restore from a copy, or skip`
      policy.fail('segment-missing', message, { path, segment: last + 1 })
    } else if (maxTimeNs !== null) {
      const toldNs = toldMaxTime(this.#folder)
      if (toldNs === null || toldNs <= maxTimeNs) return
      // No proof: whoever corrects a log need not have touched what stands beside it.
      const message = `meta.json says that record times go up to ${toldNs} ns, but they end at ${maxTimeNs} ns: segments are missing at the end, or meta.json is of another version of the log`
      policy.report({ code: 'log-ends-early', severity: 'warning', message, path, segment: last })
    }
  }

  /** What is missing at the begin was reported elsewhere. */
  skipBegin(): void {
    this.#beginReported = true
  }

  /** The end may be reported again. */
  forgetEnd(): void {
    this.#endReported = false
  }

  async #compareTwin(segment: SegmentEntry): Promise<void> {
    const { policy } = this.#log
    const place = { path: segment.path, segment: segment.id }
    let isSame = false
    try {
      isSame = await equalsCompressed(this.#folder, segment)
    } catch (error) {
      policy.failWith(error)
      return
    }
    const both = `there are both ${segment.name} and ${segment.name}.zst, `
    if (isSame) policy.warn('segment-twice', `${both}which hold the same; the plain one is read`, place)
    else policy.fail('segment-conflict', `${both}which differ; the plain one is read: give one of them another place`, place)
  }
}

/** Segments of a log are not there. @throws ReplayError corrupt `segment-missing` under `abort` */
export function reportMissing(log: LogScan, path: string, first: number, last: number): void {
  const missing = first === last ? `segment ${first} is` : `segments ${first} to ${last} are`
  const message = `${missing} missing; restore from a copy, or skip to read on behind the hole`
  log.policy.fail('segment-missing', message, { path, segment: first })
  log.expectBreak()
}
