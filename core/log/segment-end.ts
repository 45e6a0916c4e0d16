import { RECORD_HEADER_BYTES } from './record.ts'
import type { SegmentIndexes } from './segment-indexes.ts'
import type { SegmentScan } from './segment-scan.ts'

/**
 * Judges whether a segment that its writer has left was read to its end, or whether records are missing.
 * Told of every batch, it knows how many records were read; the seek index and the bytes behind the last record say the rest.
 */
export class SegmentEnd {
  readonly #scan: SegmentScan
  readonly #indexes: SegmentIndexes
  /** Whether the segment was read from its first record on, without damage. */
  #whole = false
  #records = 0

  constructor(scan: SegmentScan, indexes: SegmentIndexes) {
    this.#scan = scan
    this.#indexes = indexes
  }

  /** A segment was started: `whole` from its first record. */
  begin(whole: boolean): void {
    this.#whole = whole
    this.#records = 0
  }

  /** The scan's batch was filled. */
  took(): void {
    const { scanned, skipped } = this.#scan.batch
    this.#records += scanned - skipped
    if (skipped > 0) this.#whole = false
  }

  /** No longer whole: reading jumped. */
  jumped(): void {
    this.#whole = false
  }

  /**
   * Judges the place where the scan stopped. A warning tells of a write that a killed writer did not finish.
   * @param atUncommitted the scan stopped at an uncommitted record, not at the segment's end
   * @returns `damaged` when records are missing and damage is skipped; the scan then stands behind the hole
   * @throws ReplayError corrupt `segment-hole`
   */
  async judge(atUncommitted: boolean, sealed: boolean): Promise<'clean' | 'damaged'> {
    if (atUncommitted && (await this.#hidesRecords(sealed))) return 'damaged'
    if (sealed && this.#whole && (await this.#lacksIndexedRecords())) return 'damaged'
    return 'clean'
  }

  async #hidesRecords(sealed: boolean): Promise<boolean> {
    const scan = this.#scan
    const dirty = await scan.firstNonZero(scan.offset)
    if (dirty < 0) return false
    const couldBeTorn = !sealed || dirty >= scan.offset + RECORD_HEADER_BYTES
    if (couldBeTorn && (await scan.lacksSoundRecord())) {
      const message = 'a write that was never committed lies behind the last record; its writer was killed'
      const { path, id: segment } = scan.file!
      scan.policy.report({ code: 'uncommitted-tail', severity: 'warning', message, path, segment, offset: scan.offset })
      return false
    }
    this.#whole = false
    await scan.damage('segment-hole', `commitLen is 0, but data follows at offset ${dirty}: a record was zeroed or the file damaged`)
    return true
  }

  /** Records zeroed at the very end leave no trace but in the index. */
  async #lacksIndexedRecords(): Promise<boolean> {
    const scan = this.#scan
    const index = await this.#indexes.trusted(scan.file!, true)
    // More is fine: an index that flushSync wrote before the writer was killed knows only the first of the records.
    const known = index === null ? 0n : index.maxSeq - index.minSeq + 1n
    if (known <= BigInt(this.#records)) return false
    this.#whole = false
    await scan.damage('segment-hole', `the seek index knows ${known} records, but the segment holds ${this.#records}`, scan.file!.bytes)
    return true
  }
}
