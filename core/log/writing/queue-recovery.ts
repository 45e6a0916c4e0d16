import fs from 'node:fs'
import path from 'node:path'
import { RECORD_ALIGNMENT } from '../../message/record.ts'
import type { ControlState } from '../format/control.ts'
import { type LogPosition, readIndexMeta } from '../format/reader-meta.ts'
import { DATA_OFFSET, segmentName } from '../format/segment.ts'
import { completeIndex } from './index-completion.ts'
import { SegmentTail } from './segment-tail.ts'
import { checkSegmentFile, createSegmentFile } from './segment-writer.ts'

/**
 * Finds where a queue goes on, and repairs what a killed writer left (docs/format.md, Torn tails). Only for the holder of the writer lock.
 *
 * Committed records are kept. A torn write is covered by a PAD record up to the segment's end, and the queue goes on in the
 * next segment; an index of such a segment is completed. Sealed segments are not changed. Where the record area looks free
 * but is not clean (a payload torn before its header was written), it is zeroed, or its bytes would later pass for a record
 * header.
 * @throws ReplayError corrupt `segment-*` when a segment that is to be written has a wrong length or header
 */
export function recoverQueue(directory: string, state: ControlState): LogPosition {
  let { segment, offset } = startOfScan(directory, state)
  for (; ; segment++, offset = DATA_OFFSET) {
    const file = path.join(directory, segmentName(segment))
    if (!fs.existsSync(file)) {
      createSegmentFile(file, segment, state.segmentBytes)
      return { segment, offset: DATA_OFFSET }
    }
    const { sealed } = checkSegmentFile(file, segment, state.segmentBytes)
    if (sealed) continue
    const tail = repairTail(directory, segment, state.segmentBytes, offset)
    if (tail !== null) return { segment, offset: tail }
  }
}

/** The last flushSync, or the control block when it has moved to a later segment. */
function startOfScan(directory: string, state: ControlState): LogPosition {
  const hint = readIndexMeta(directory) ?? { segment: 0, offset: DATA_OFFSET }
  const { currentSegment: segment, segmentBytes } = state
  if (segment <= hint.segment) return { segment: hint.segment, offset: trusted(hint.offset, segmentBytes) }
  sealPrevious(directory, segment - 1, segmentBytes)
  // A writer that died within a roll leaves the old segment's offset beside the new segment's id.
  return { segment, offset: state.segmentGeneration % 2 === 1 ? DATA_OFFSET : trusted(state.writeOffset, segmentBytes) }
}

/** The control block moved on before the segment was sealed: complete the roll. */
function sealPrevious(directory: string, segment: number, segmentBytes: number): void {
  const file = path.join(directory, segmentName(segment))
  if (!fs.existsSync(file)) return // deleted by retention
  if (checkSegmentFile(file, segment, segmentBytes).sealed) return
  const tail = new SegmentTail(directory, segment, segmentBytes)
  try {
    tail.walk(DATA_OFFSET)
    complete(directory, tail)
  } finally {
    tail.close()
  }
}

/** The offset where an unsealed segment can go on, or null when it was torn and is now padded and sealed. */
function repairTail(directory: string, segment: number, segmentBytes: number, from: number): number | null {
  const tail = new SegmentTail(directory, segment, segmentBytes)
  try {
    const torn = tail.walk(from)
    if (torn) complete(directory, tail)
    else tail.zero(tail.end)
    return torn ? null : tail.end
  } finally {
    tail.close()
  }
}

function complete(directory: string, tail: SegmentTail): void {
  completeIndex(directory, tail) // first: the index of a sealed segment is believed
  tail.padAndSeal()
}

function trusted(offset: number, segmentBytes: number): number {
  return offset >= DATA_OFFSET && offset <= segmentBytes && offset % RECORD_ALIGNMENT === 0 ? offset : DATA_OFFSET
}
