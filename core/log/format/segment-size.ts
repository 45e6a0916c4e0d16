import { ReplayError } from '../../errors.ts'
import { decodeRecordHeader, RECORD_HEADER_BYTES } from '../../message/record.ts'
import { openSegmentFile, type SegmentFile } from '../reading/segment-file.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import { type LogFolder, readWhole } from '../stores/log-folder.ts'
import { readSegmentBytes } from './control.ts'
import { decodeSeekIndex } from './seek-index.ts'
import { DATA_OFFSET, indexName } from './segment.ts'

/** The size that all segments of a log should have, and what is wrong with its control block, if anything. */
export interface ExpectedSize {
  readonly bytes: number
  readonly controlDamage: ReplayError | null
}

/**
 * A queue's control block says it. Without one it is the size of the larger of the first and the last segment, as a file
 * may have been cut short, or what the index of a single segment says. Segments are never longer than they should be.
 */
export async function expectedSegmentBytes(log: LogFolder, segments: readonly SegmentEntry[]): Promise<ExpectedSize> {
  try {
    const bytes = readSegmentBytes(log)
    if (bytes !== null) return { bytes, controlDamage: null }
  } catch (error) {
    if (!(error instanceof ReplayError) || error.category !== 'corrupt') throw error
    return { bytes: await sizeOfFiles(log, segments), controlDamage: error }
  }
  return { bytes: await sizeOfFiles(log, segments), controlDamage: null }
}

async function sizeOfFiles(log: LogFolder, segments: readonly SegmentEntry[]): Promise<number> {
  const ends = segments.length === 1 ? [segments[0]!] : [segments[0]!, segments.at(-1)!]
  let size = 0
  for (const entry of ends) {
    try {
      const file = openSegmentFile(entry)
      size = Math.max(size, file.bytes, segments.length === 1 ? await indexedBytes(log, file) : 0)
      file.close()
    } catch (error) {
      // Will be met again, and reported, when the segment is opened.
      if (!(error instanceof ReplayError)) throw error
    }
  }
  return size
}

/** The segment size in the index of a segment, 0 when there is no index or it belongs to another segment. */
async function indexedBytes(log: LogFolder, file: SegmentFile): Promise<number> {
  const name = indexName(file.id)
  const indexFile = log.load(name)
  if (indexFile === null) return 0
  try {
    const index = decodeSeekIndex(readWhole(indexFile), `${log.path}/${name}`)
    if (index.segmentBytes <= file.bytes) return 0 // nothing to learn
    const header = new Uint8Array(RECORD_HEADER_BYTES)
    await file.read(header, 0, RECORD_HEADER_BYTES, DATA_OFFSET)
    const first = decodeRecordHeader(new DataView(header.buffer), 0)
    const belongs = index.segmentId === file.id && index.entryCount > 0 && index.offsetAt(0) === DATA_OFFSET
    return belongs && index.seqAt(0) === first.seq && index.timestampNsAt(0) === first.timestampNs ? index.segmentBytes : 0
  } catch (error) {
    if (error instanceof ReplayError) return 0
    throw error
  }
}
