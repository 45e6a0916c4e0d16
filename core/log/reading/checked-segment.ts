import { ReplayError } from '../../errors.ts'
import { checkSegmentHeader, DATA_OFFSET, SEGMENT_HEADER_BYTES, SEGMENT_SEALED, segmentIdIn } from '../format/segment.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import type { DamagePolicy } from './damage-policy.ts'
import { openSegmentFile, type SegmentFile } from './segment-file.ts'

/** A segment that was opened for reading, and whether it was sealed then. */
export interface CheckedSegment {
  readonly file: SegmentFile
  readonly sealed: boolean
  /** Its header has the id of another segment: damage, but of which kind only its records tell. Not reported yet. */
  readonly other: { readonly id: number; readonly error: ReplayError } | null
  /** Its file is too short, which costs records at its end: to be reported when that is reached. */
  readonly cut: ReplayError | null
}

/**
 * Opens a segment and checks its length and header. Null when it cannot be read at all and damage is skipped.
 * Under `skip` a damaged header does not hide the records: each has its own CRC.
 * @param scan offsets between which it is most likely going to be read, if that is known
 * @throws ReplayError input `segment-unreadable`; corrupt `segment-*` (but `segment-id`), `frame-*` under `abort`
 */
export async function openCheckedSegment(
  entry: SegmentEntry,
  segmentBytes: number,
  policy: DamagePolicy,
  scan: { readonly start: number; readonly end: number } | null,
): Promise<CheckedSegment | null> {
  const file = openFile(entry, policy)
  if (file === null) return null
  try {
    if (scan !== null) file.readAhead?.(scan.start === DATA_OFFSET ? 0 : scan.start, true, scan.end)
    const header = await readHeader(file)
    const size = file.bytes === segmentBytes ? null : sizeError(file, segmentBytes)
    const cut = file.bytes < segmentBytes ? size : null
    if (size !== null && cut === null) policy.failWith(size)
    const other = checkHeader(header, file, policy)
    return { file, sealed: entry.compressed || hasSealedFlag(header), other, cut } // only sealed segments are compressed, whatever a damaged header says
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Whether a segment is marked as complete now: its writer may have done so since it was opened. */
export async function isSealed(file: SegmentFile): Promise<boolean> {
  return hasSealedFlag(await readHeader(file))
}

function openFile(entry: SegmentEntry, policy: DamagePolicy): SegmentFile | null {
  try {
    return openSegmentFile(entry, (error) => policy.failWith(error))
  } catch (error) {
    policy.failWith(error)
    return null
  }
}

function sizeError({ bytes, path, id }: SegmentFile, expected: number): ReplayError {
  return new ReplayError('segment-size', `segment size: expected ${expected} bytes, found ${bytes}`, {
    category: 'corrupt',
    path,
    segment: id,
  })
}

function checkHeader(header: Uint8Array, file: SegmentFile, policy: DamagePolicy): CheckedSegment['other'] {
  try {
    checkSegmentHeader(header, file.id, file.path)
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'segment-id') return { id: segmentIdIn(header), error }
    policy.failWith(error)
  }
  return null
}

/** Shorter than a header when the file is. */
async function readHeader(file: SegmentFile): Promise<Uint8Array> {
  const header = new Uint8Array(SEGMENT_HEADER_BYTES)
  return header.subarray(0, await file.read(header, 0, SEGMENT_HEADER_BYTES, 0))
}

function hasSealedFlag(header: Uint8Array): boolean {
  return ((header[12] ?? 0) & SEGMENT_SEALED) !== 0
}
