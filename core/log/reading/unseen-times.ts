import type { SegmentEntry } from '../stores/log-folder.ts'
import { firstRecordOf, walkRecords } from './record-walk.ts'

/** How late the segments of a log reach that its reader passed over or began inside: what was read says nothing of them. */
export class UnseenTimes {
  readonly #seen = new Set<SegmentEntry>()
  readonly #known = new Map<SegmentEntry, { readonly latestNs: bigint; readonly isWhole: boolean }>()

  /** The reader reads all of this one. */
  see(entry: SegmentEntry): void {
    this.#seen.add(entry)
  }

  /** The reader goes elsewhere. */
  forget(): void {
    this.#seen.clear()
  }

  /**
   * A time that segments reach of which not all was read: the greatest of their first ones, and of all in the last of them.
   * 0 where all was read.
   */
  async latestOf(segments: readonly SegmentEntry[]): Promise<bigint> {
    const unseen = segments.filter((entry) => !this.#seen.has(entry))
    let latest = 0n
    for (const entry of unseen) {
      const time = await this.#timeOf(entry, entry === unseen.at(-1))
      if (time > latest) latest = time
    }
    return latest
  }

  async #timeOf(entry: SegmentEntry, isWhole: boolean): Promise<bigint> {
    const known = this.#known.get(entry)
    if (known !== undefined && known.isWhole >= isWhole) return known.latestNs
    let latestNs = 0n
    if (isWhole) {
      for await (const { header } of walkRecords(entry)) if (header.timestampNs > latestNs) latestNs = header.timestampNs
    } else latestNs = (await firstRecordOf(entry))?.timestampNs ?? 0n
    this.#known.set(entry, { latestNs, isWhole })
    return latestNs
  }
}
