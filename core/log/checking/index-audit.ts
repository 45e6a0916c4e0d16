import { ReplayError } from '../../errors.ts'
import type { MessageBatch } from '../../message/batch.ts'
import type { ReadIssue } from '../../message/source.ts'
import { decodeSeekIndex, INDEX_HEADER_BYTES, SeekIndexBuilder } from '../format/seek-index.ts'
import { indexName } from '../format/segment.ts'
import { type LogFolder, readWhole } from '../stores/log-folder.ts'

const MAX_SEQ_OFFSET = 48

/**
 * Builds the seek index of each segment anew from all of its messages and compares: the only way to find damage in the
 * times of an index, which has no checksum and decides which segments a filter by time does not read.
 */
export class IndexAudit {
  readonly #log: LogFolder
  readonly #report: (issue: ReadIssue) => void
  #segment = -1
  #bytes: Uint8Array | null = null
  #rebuilt: SeekIndexBuilder | null = null

  constructor(log: LogFolder, report: (issue: ReadIssue) => void) {
    this.#log = log
    this.#report = report
  }

  /** Takes the next batch of the log, of which nothing may have been filtered. */
  add(batch: MessageBatch): void {
    if (batch.count === 0) return
    const { segment, bufferStart } = batch.originAt(0)
    if (segment !== this.#segment) this.#begin(segment)
    const { seqWords, timeWords, offsets } = batch
    for (let row = 0; this.#rebuilt !== null && row < batch.count; row++) {
      const time = 2 * row
      this.#rebuilt.observe(seqWords[time]!, seqWords[time + 1]!, timeWords[time]!, timeWords[time + 1]!, bufferStart + offsets[row]!)
    }
  }

  /** Compares the last segment. */
  finish(): void {
    const [found, rebuilt] = [this.#bytes, this.#rebuilt?.encode() ?? null]
    this.#bytes = null
    this.#rebuilt = null
    if (found === null || rebuilt === null || Buffer.compare(found, rebuilt) === 0) return
    const isStale = maxSeqOf(found) < maxSeqOf(rebuilt) && isPrefix(found, rebuilt)
    this.#report({
      code: isStale ? 'stale-index' : 'index-differs',
      severity: 'warning',
      message: isStale
        ? 'the seek index knows only the first records of the segment: its writer was killed. Seeks do without it'
        : 'the seek index and the records of its segment do not agree: one of them is damaged. Seeks and filters by time may go wrong; delete the index',
      path: `${this.#log.path}/${indexName(this.#segment)}`,
      segment: this.#segment,
    })
  }

  #begin(segment: number): void {
    this.finish()
    this.#segment = segment
    const file = this.#log.load(indexName(segment))
    if (file === null) return
    try {
      this.#bytes = readWhole(file)
      const { partial, stride, segmentBytes } = decodeSeekIndex(this.#bytes, indexName(segment))
      if (!partial) this.#rebuilt = new SeekIndexBuilder(segment, segmentBytes, stride, false)
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error
      this.#bytes = null // the reader reports it
    }
  }
}

/** Whether all entries of an index are the first ones of another. */
function isPrefix(short: Uint8Array, long: Uint8Array): boolean {
  const from = INDEX_HEADER_BYTES
  return short.length <= long.length && Buffer.compare(short.subarray(from), long.subarray(from, short.length)) === 0
}

function maxSeqOf(index: Uint8Array): bigint {
  return new DataView(index.buffer, index.byteOffset).getBigUint64(MAX_SEQ_OFFSET, true)
}
