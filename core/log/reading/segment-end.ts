import { RECORD_HEADER_BYTES } from '../../message/record.ts'
import type { SegmentIndexes } from './segment-indexes.ts'
import type { SegmentScan } from './segment-scan.ts'

/** What is known of a segment from outside of it. To be found out before its bytes are judged: a writer may be at work. */
export interface SegmentState {
  readonly sealed: boolean
  /** Whether its writer has gone on to a later segment. A sealed segment always counts as left. */
  readonly left: boolean
  /** Everything below this offset is committed; 0 when nobody says so. */
  readonly committedEnd: number
}

/**
 * What the place comes to where a scan stopped: `clean` – all records were read; `grew` – the record has been committed
 * meanwhile, scan on; `damaged` – records are missing and damage is skipped, the scan stands behind the hole.
 */
export type EndVerdict = 'clean' | 'grew' | 'damaged'

/** Judges whether a segment was read to its end, or whether records are missing. Its bytes tell, its index, and who wrote it. */
export class SegmentEnd {
  readonly #scan: SegmentScan
  readonly #indexes: SegmentIndexes

  constructor(scan: SegmentScan, indexes: SegmentIndexes) {
    this.#scan = scan
    this.#indexes = indexes
  }

  /**
   * Judges the place where the scan stopped. Warnings tell of a write that was never finished, and of a missing seal.
   * @param outcome why the scan stopped
   * @throws ReplayError corrupt `segment-hole` under `abort`
   */
  async judge(outcome: 'uncommitted' | 'end', state: SegmentState): Promise<EndVerdict> {
    const tail = outcome === 'end' ? 'clean' : await this.#judgeTail(state)
    if (tail !== 'clean') return tail
    if (state.sealed && (await this.#lacksIndexedRecords())) return 'damaged'
    if (state.left && !state.sealed) {
      this.#warn('segment-unsealed', 'segment is not sealed although later segments hold data; was its writer killed?')
    }
    return 'clean'
  }

  /**
   * Judges an uncommitted record by itself, without a look at what lies behind it: all there is to do while a writer
   * appends to the segment.
   * @throws ReplayError corrupt `segment-hole` under `abort`
   */
  async judgeRecord(committedEnd: number): Promise<EndVerdict> {
    const scan = this.#scan
    if ((await scan.commitLenAt(scan.offset)) > 0) return 'grew'
    if (committedEnd <= scan.offset) return 'clean'
    const message = `commitLen is 0, but the control block says that everything below ${committedEnd} is committed: a record was zeroed or the file damaged`
    await scan.damage('segment-hole', message)
    return 'damaged'
  }

  /** Behind the last record lies nothing, a crashed write, a live writer's new record, or a hole. */
  async #judgeTail({ left, committedEnd }: SegmentState): Promise<EndVerdict> {
    const scan = this.#scan
    const dirty = await scan.firstNonZero(scan.offset)
    const record = await this.judgeRecord(committedEnd)
    if (record !== 'clean' || dirty < 0) return record
    // A writer whose header is torn has not gone on: whoever opens the queue next pads and seals.
    const isTorn = !left || (dirty >= scan.offset + RECORD_HEADER_BYTES && (await scan.lacksSoundRecord(scan.offset)))
    if (isTorn) {
      this.#warn('uncommitted-tail', 'a write that was never committed lies behind the last record; its writer was killed')
      return 'clean'
    }
    await scan.damage('segment-hole', `commitLen is 0, but data follows at offset ${dirty}: a record was zeroed or the file damaged`)
    return 'damaged'
  }

  /** Compares the last sequence read with the segment's index: records zeroed at the very end leave no other trace. */
  async #lacksIndexedRecords(): Promise<boolean> {
    const scan = this.#scan
    if (scan.isBehindDamage) return false
    const index = await this.#indexes.trusted(scan.file!, true)
    if (index === null) return false
    const expected = scan.kernel.expectedSeq
    const last = expected === null || scan.records === 0 ? -1n : expected - 1n
    if (last >= index.maxSeq) return false
    // Reading may have begun behind all records.
    if (scan.records === 0 && scan.startOffset > index.offsetAt(index.entryCount - 1)) return false
    const found = last < 0n ? 'no record was found' : `the last one found is seq ${last}`
    const message = `the seek index knows records up to seq ${index.maxSeq}, but ${found}`
    await scan.damage('segment-hole', message, scan.segmentBytes)
    return true
  }

  #warn(code: string, message: string): void {
    const { policy, file, offset } = this.#scan
    policy.warn(code, message, { path: file!.path, segment: file!.id, offset })
  }
}
