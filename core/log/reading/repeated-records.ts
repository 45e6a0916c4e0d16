import type { RecordHeader } from '../../message/record.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import { firstRecordOf, type WalkedRecord, walkRecords } from './record-walk.ts'

/** Records that a segment begins with and that other segments of the log hold, too. */
export interface RepeatedRecords {
  /** The segment that has the first of them. */
  readonly of: SegmentEntry
  readonly records: number
  readonly firstSeq: bigint
  readonly lastSeq: bigint
  /** Offset behind the last of them. */
  readonly end: number
  /** What comes behind them is what came behind them the first time: nothing is missing in between. */
  readonly goesOn: boolean
}

/**
 * Looks for the records that a segment begins with in the segments before it: the same sequences, times, types, lengths and
 * CRCs one after the other, of a copy of a segment, or of a recorder that recorded again what it had.
 * @param at index of the segment among those of the log
 */
export async function findRepeated(segments: readonly SegmentEntry[], at: number): Promise<RepeatedRecords | null> {
  const first = await firstRecordOf(segments[at]!)
  if (first === null) return null
  for (let j = at - 1; j >= 0; j--) {
    const head = await firstRecordOf(segments[j]!)
    // Its time says nothing: it may be wild.
    if (head === null || head.seq > first.seq) continue
    const repeated = await compare(segments, j, at, first)
    if (repeated !== null) return repeated
  }
  return null
}

/** Whether all records of a segment are what another one begins with: it is a copy of that. */
export async function isCopyOf(copy: SegmentEntry, original: SegmentEntry): Promise<RepeatedRecords | null> {
  const others = walkRecords(original)
  try {
    let [count, end]: [number, number] = [0, 0]
    let [first, last]: [RecordHeader | null, RecordHeader | null] = [null, null]
    for await (const record of walkRecords(copy)) {
      const other = (await others.next()).value
      if (!isSame(record.header, other?.header)) return null
      first ??= record.header
      last = record.header
      end = record.end
      count++
    }
    return first === null ? null : { of: original, records: count, firstSeq: first.seq, lastSeq: last!.seq, end, goesOn: true }
  } finally {
    await others.return()
  }
}

/** Runs the segment `at` against those from `from` on, where its first record is found. */
async function compare(segments: readonly SegmentEntry[], from: number, at: number, first: RecordHeader): Promise<RepeatedRecords | null> {
  const before = walkAll(segments.slice(from, at))
  const own = walkRecords(segments[at]!)
  try {
    let known: WalkedRecord | undefined
    do {
      const next = await before.next()
      // In one of the later segments it is looked for on its own.
      if (next.value === undefined || next.value.entry !== segments[from]) return null
      known = next.value
    } while (!isSame(first, known.header))
    let [count, end, last] = [0, 0, first]
    for await (const record of own) {
      if (!isSame(record.header, known?.header)) break
      last = record.header
      end = record.end
      count++
      known = (await before.next()).value ?? undefined
    }
    return { of: segments[from]!, records: count, firstSeq: first.seq, lastSeq: last.seq, end, goesOn: known === undefined }
  } finally {
    await before.return()
    await own.return()
  }
}

async function* walkAll(
  entries: readonly SegmentEntry[],
): AsyncGenerator<WalkedRecord & { readonly entry: SegmentEntry }, void, undefined> {
  for (const entry of entries) for await (const record of walkRecords(entry)) yield { ...record, entry }
}

function isSame(a: RecordHeader, b: RecordHeader | undefined): boolean {
  return (
    b !== undefined &&
    a.seq === b.seq &&
    a.timestampNs === b.timestampNs &&
    a.crc32 === b.crc32 &&
    a.payloadLength === b.payloadLength &&
    a.typeId === b.typeId
  )
}
