import { decodeRecordHeader, PAD_TYPE, RECORD_HEADER_BYTES, RECORD_VERSION, type RecordHeader, recordBytes } from '../../message/record.ts'
import { DATA_OFFSET } from '../format/segment.ts'
import type { SegmentEntry } from '../stores/log-folder.ts'
import { openSegmentFile } from './segment-file.ts'

/** The header of a record, and the offset behind the record. */
export interface WalkedRecord {
  readonly header: RecordHeader
  readonly end: number
}

/** The record headers of a segment, PAD left out, up to its end or whatever is no record: for the rare look at records that are not read. */
export async function* walkRecords(entry: SegmentEntry): AsyncGenerator<WalkedRecord, void, undefined> {
  const file = openSegmentFile(entry, () => undefined)
  try {
    const chunk = new Uint8Array(CHUNK_BYTES)
    const view = new DataView(chunk.buffer)
    let [start, got] = [0, 0]
    for (let at = DATA_OFFSET; at + RECORD_HEADER_BYTES <= file.bytes; ) {
      if (at + RECORD_HEADER_BYTES > start + got) {
        start = at
        got = await file.read(chunk, 0, CHUNK_BYTES, at)
        if (got < RECORD_HEADER_BYTES) return
      }
      const header = decodeRecordHeader(view, at - start)
      const end = at + recordBytes(header.payloadLength)
      if (header.payloadLength < 0 || header.version !== RECORD_VERSION || end > file.bytes) return
      if (header.typeId !== PAD_TYPE) yield { header, end }
      at = end
    }
  } finally {
    await file.close()
  }
}

/** The first record of a segment; null when there is none. */
export async function firstRecordOf(entry: SegmentEntry): Promise<RecordHeader | null> {
  for await (const { header } of walkRecords(entry)) return header
  return null
}

const CHUNK_BYTES = 256 * 1024
