import fs from 'node:fs'
import path from 'node:path'
import { ReplayError } from '../errors.ts'
import { readSegmentBytes } from './control.ts'
import { decodeRecordHeader, RECORD_HEADER_BYTES } from './record.ts'
import { decodeSeekIndex } from './seek-index.ts'
import { DATA_OFFSET, indexName } from './segment.ts'
import { openSegmentFile, type SegmentEntry, type SegmentFile } from './segment-file.ts'

/** The size that all segments of a log should have, and what is wrong with its control block, if anything. */
export interface ExpectedSize {
  readonly bytes: number
  readonly controlDamage: ReplayError | null
}

/**
 * A queue's control block says it. Without one it is the size of the larger of the first and the last segment, as a file
 * may have been cut short, or what the index of a single segment says. Segments are never longer than they should be.
 */
export function expectedSegmentBytes(log: string, segments: readonly SegmentEntry[]): ExpectedSize {
  try {
    const bytes = readSegmentBytes(log)
    if (bytes !== null) return { bytes, controlDamage: null }
  } catch (error) {
    if (!(error instanceof ReplayError) || error.category !== 'corrupt') throw error
    return { bytes: sizeOfFiles(log, segments), controlDamage: error }
  }
  return { bytes: sizeOfFiles(log, segments), controlDamage: null }
}

function sizeOfFiles(log: string, segments: readonly SegmentEntry[]): number {
  const ends = segments.length === 1 ? [segments[0]!] : [segments[0]!, segments.at(-1)!]
  return Math.max(
    ...ends.map((entry) => {
      try {
        const file = openSegmentFile(entry)
        const bytes = segments.length === 1 ? Math.max(file.bytes, indexedBytes(log, file)) : file.bytes
        file.close()
        return bytes
      } catch (error) {
        if (error instanceof ReplayError) return 0 // will be met again, and reported, when the segment is opened
        throw error
      }
    }),
  )
}

/** The segment size in the index of a segment, 0 when there is no index or it belongs to another segment. */
function indexedBytes(log: string, file: SegmentFile): number {
  const indexFile = path.join(log, indexName(file.id))
  if (!fs.existsSync(indexFile)) return 0
  try {
    const index = decodeSeekIndex(fs.readFileSync(indexFile), indexFile)
    const header = new Uint8Array(RECORD_HEADER_BYTES)
    file.read(header, 0, RECORD_HEADER_BYTES, DATA_OFFSET)
    const first = decodeRecordHeader(new DataView(header.buffer), 0)
    const belongs = index.segmentId === file.id && index.entryCount > 0 && index.offsetAt(0) === DATA_OFFSET
    return belongs && index.seqAt(0) === first.seq && index.timestampNsAt(0) === first.timestampNs ? index.segmentBytes : 0
  } catch (error) {
    if (error instanceof ReplayError) return 0
    throw error
  }
}
