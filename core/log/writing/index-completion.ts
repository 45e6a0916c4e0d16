import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../../errors.ts'
import { PAD_TYPE, SEQ_OFFSET, TIMESTAMP_OFFSET, TYPE_OFFSET } from '../../message/record.ts'
import { replaceFile } from '../format/reader-meta.ts'
import { DEFAULT_INDEX_STRIDE, decodeSeekIndex, type SeekIndex, SeekIndexBuilder } from '../format/seek-index.ts'
import { DATA_OFFSET, indexName } from '../format/segment.ts'
import { SegmentTail } from './segment-tail.ts'

/**
 * Completes the index of a segment that takes no more records, where the last `flushSync` left one that knows only some of
 * them: chronicle-rs's seeks would believe it. Where there is none, none is made, as chronicle-rs does.
 *
 * Where sequences restart within the segment, the index is marked PARTIAL although it has all records: its sequences do not
 * ascend, so careful readers must do without it. One that knows of records which are not there is left as it is: it is all
 * that tells of them.
 * @param tail the segment, walked to its end
 */
export function completeIndex(directory: string, tail: SegmentTail): void {
  const file = path.join(directory, indexName(tail.id))
  const bytes = readIfPresent(file)
  if (bytes === null) return
  const old = decode(bytes, file)
  const { count, restarts, maxSeq } = survey(tail)
  if (count === 0 || (old !== null && old.maxSeq > maxSeq)) return
  const builder = new SeekIndexBuilder(tail.id, tail.segmentBytes, old?.stride ?? DEFAULT_INDEX_STRIDE, restarts)
  tail.eachRecord(DATA_OFFSET, (view, header, offset) => {
    if (view.getUint16(header + TYPE_OFFSET, true) === PAD_TYPE) return
    const word = (at: number): number => view.getUint32(header + at, true)
    builder.observe(word(SEQ_OFFSET), word(SEQ_OFFSET + 4), word(TIMESTAMP_OFFSET), word(TIMESTAMP_OFFSET + 4), offset)
  })
  const completed = builder.encode()
  if (Buffer.compare(completed, bytes) !== 0) replaceFile(file, completed)
}

/** As `completeIndex`, for a segment that is whole but for its seal. */
export function completeIndexOf(directory: string, segment: number, segmentBytes: number): void {
  if (!fs.existsSync(path.join(directory, indexName(segment)))) return
  const tail = new SegmentTail(directory, segment, segmentBytes)
  try {
    tail.walk(DATA_OFFSET)
    completeIndex(directory, tail)
  } finally {
    tail.close()
  }
}

/** Number and greatest sequence of a segment's records, and whether their sequences do not run on. */
function survey(tail: SegmentTail): { count: number; restarts: boolean; maxSeq: bigint } {
  let count = 0
  let restarts = false
  let maxSeq = -1n
  let last = -1n
  tail.eachRecord(DATA_OFFSET, (view, header) => {
    if (view.getUint16(header + TYPE_OFFSET, true) === PAD_TYPE) return
    const seq = view.getBigUint64(header + SEQ_OFFSET, true)
    restarts ||= count > 0 && seq !== last + 1n
    if (seq > maxSeq) maxSeq = seq
    last = seq
    count++
  })
  return { count, restarts, maxSeq }
}

/** Null when the index is damaged: then it is replaced, too. */
function decode(bytes: Uint8Array, file: string): SeekIndex | null {
  try {
    return decodeSeekIndex(bytes, file)
  } catch (error) {
    if (error instanceof ReplayError) return null
    throw error
  }
}

function readIfPresent(file: string): Uint8Array | null {
  try {
    return fs.readFileSync(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
